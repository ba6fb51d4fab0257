package identity

import (
	"slices"
	"time"

	"github.com/mediconnect/mediconnect/internal/errs"
)

// How often somebody may try to sign in with one address, whether anybody has it or not. A right try is none of them.
const (
	MaxTries    = 5
	TriesWithin = 15 * time.Minute
)

// Tries are when it was tried, the oldest first.
type Tries struct {
	At   []time.Time
	Told bool // the record has it that there were too many
}

// Another counts one more try; when there are too many already it is none, and until is from when on there may be one. Tries that are
// still to come were made before the clock was set back: they count as if made now, so that they neither go nor stay for as long as the
// clock was ahead.
func (t Tries) Another(now time.Time) (after Tries, until time.Time, ok bool) {
	recent := slices.DeleteFunc(slices.Clone(t.At), func(at time.Time) bool { return !now.Before(at.Add(TriesWithin)) })
	for i, at := range recent {
		if at.After(now) {
			recent[i] = now
		}
	}
	if len(recent) >= MaxTries {
		return Tries{At: recent, Told: true}, recent[len(recent)-MaxTries].Add(TriesWithin), false
	}
	return Tries{At: append(recent, now)}, time.Time{}, true
}

// Without takes back the try of an instant.
func (t Tries) Without(at time.Time) Tries {
	if i := slices.IndexFunc(t.At, at.Equal); i >= 0 {
		t.At = slices.Delete(slices.Clone(t.At), i, i+1)
	}
	return t
}

// LockedOut reports that there were too many tries with an address.
type LockedOut struct{ Until time.Time }

func (LockedOut) Error() string { return "There were too many wrong tries. Try again later." }

// SignInRefused reports that somebody hasn't proved who they are. It never says why.
type SignInRefused struct{ Path []string }

func (SignInRefused) Error() string { return "This doesn't prove who you are." }

// errGone is of a challenge that is unknown, over or answered.
var errGone = errs.Missing("challenge", "challenge")
