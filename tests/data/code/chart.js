// Draws the tide as a curve on a canvas.
import { scale } from "./scale.js";

/** Draws all readings; the canvas is cleared first. */
export function draw(canvas, readings) {
  const pen = canvas.getContext("2d");
  pen.clearRect(0, 0, canvas.width, canvas.height);
  readings.forEach((reading, index) => pen.lineTo(index, scale(reading)));
  pen.stroke();
}

// How wide the curve is, in pixels.
export const widthOf = (readings) => {
  return readings.length * 4;
};

class Chart {
  constructor(canvas) {
    this.canvas = canvas;
    this.readings = [];
  }

  /** Adds a reading and draws anew, at most once in a frame, since the gauge may send hundreds. */
  add(reading) {
    this.readings.push(reading);
    if (this.isWaiting) {
      return;
    }
    // A frame is drawn sixty times a second, so no reading waits for long enough to be noticed.
    this.isWaiting = true;
    requestAnimationFrame(() => {
      this.isWaiting = false;
      draw(this.canvas, this.readings);
    });
  }
}

module.exports.reset = function () {
  Chart.last = null;
};
