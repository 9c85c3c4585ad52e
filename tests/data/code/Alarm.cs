using System;

namespace Sea.Watch
{
    /// <summary>Rings when a mooring has left its circle.</summary>
    public class Alarm
    {
        private readonly double radius;

        public double Last { get; private set; }

        public Alarm(double radius)
        {
            this.radius = radius;
        }

        /// <summary>
        /// Whether a position in metres from the anchor is outside of the circle. What it measured
        /// stays in Last.
        /// </summary>
        [Obsolete("use Watch")]
        public bool Check(double east, double north)
        {
            Last = Math.Sqrt(east * east + north * north);
            return Last > radius;
        }
    }

    public enum Level
    {
        Quiet,
        Loud,
    }
}
