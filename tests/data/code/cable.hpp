// Tension of the cable that holds a mooring.
#pragma once

#include <vector>

namespace mooring {

/// A cable of several parts, each with a stiffness of its own. Parts are numbered from the anchor
/// upwards, and the tension of a part is that of all that hangs below it.
class Cable {
 public:
  explicit Cable(std::vector<double> parts) : parts_(std::move(parts)) {}

  /// The tension at the buoy, in newtons.
  double tension(double metres) const {
    double stiffness = 0;
    for (double part : parts_) {
      stiffness += 1 / part;
    }
    return metres / stiffness;
  }

  /// Whether it holds in a storm whose waves are so high, with a margin of a quarter for what the
  /// current adds to the pull of the waves.
  bool holds(double wave_metres) const;

 private:
  std::vector<double> parts_;
};

template <typename T>
T clamp_tension(T tension, T limit) {
  return tension > limit ? limit : tension;
}

}  // namespace mooring

bool mooring::Cable::holds(double wave_metres) const {
  return tension(wave_metres) < 12000;
}
