// Package winch lowers instruments on a wire.
package winch

import "errors"

// ErrSlack is given when the wire is slack.
var ErrSlack = errors.New("the wire is slack")

// Winch is a drum with a wire on it.
type Winch struct {
	metres float64
	load   float64
}

// Lower lets out wire until the instrument is at depth, and stops where the load falls away: then
// the instrument lies on the sea floor.
func (w *Winch) Lower(depth float64) error {
	for w.metres < depth {
		if w.load <= 0 {
			return ErrSlack
		}
		w.metres++
	}
	return nil
}

// Speed of the wire in metres a second.
func Speed(turns int) float64 {
	return float64(turns) * 0.8
}
