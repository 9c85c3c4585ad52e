"""Positions of a drifting buoy, and how far it has come."""

import functools
import math

EARTH_KILOMETRES = 6371.0


class Buoy:
    """A buoy that reports where it is.

    Reports are kept in the order of their time. Two reports of the same second are one report, and
    the later one counts; a report without a position is kept for its voltage only.
    """

    def __init__(self, name):
        self.name = name
        self.track = []

    # Reports that jump by more than a degree come from a bad fix.
    @functools.wraps(print)
    def report(self, second, latitude, longitude):
        if self.track and abs(self.track[-1][1] - latitude) > 1:
            return False
        self.track.append((second, latitude, longitude))
        return True

    @property
    def distance(self):
        """Kilometres along the track."""
        return sum(great_circle(a, b) for a, b in zip(self.track, self.track[1:]))


def great_circle(start, end):
    """Kilometres between two positions, by the haversine formula."""
    lat1, lat2 = math.radians(start[1]), math.radians(end[1])
    dlat, dlon = lat2 - lat1, math.radians(end[2] - start[2])
    h = math.sin(dlat / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin(dlon / 2) ** 2
    return 2 * EARTH_KILOMETRES * math.asin(math.sqrt(h))


if __name__ == "__main__":
    buoy = Buoy("Petrel")
    buoy.report(0, 59.0, 10.0)
    print(buoy.distance)
