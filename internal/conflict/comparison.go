package conflict

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/mediconnect/mediconnect/internal/availability"
)

// Comparison is what the basic and the full detection said of one case. Failed: the full one said nothing.
type Comparison struct {
	Case
	Mode        Mode
	Basic, Full []availability.Rule
	Waived      bool          // it was done all the same, by somebody who may: nobody was refused
	Took        time.Duration // of the full one; zero: it never began
	Failed      error         // ErrSkipped and context.Canceled are no fault of its own
}

// ErrSkipped is why the full detection of a case was not run beside: too many cases waited, or it had waited for too long.
var ErrSkipped = errors.New("conflict: the detection was skipped")

// Agrees says whether both let the visit be, or both keep it out.
func (c Comparison) Agrees() bool { return (len(c.Basic) == 0) == (len(c.Full) == 0) }

// Verdict is how the two detections compare about a case.
type Verdict string

// The verdicts of the contract.
const (
	AgreedAllowed Verdict = "AGREED_ALLOWED"
	AgreedRefused Verdict = "AGREED_REFUSED"
	Failed        Verdict = "FAILED"
	OnlyBasic     Verdict = "ONLY_BASIC" // the basic one alone keeps the visit out
	OnlyFull      Verdict = "ONLY_FULL"
	Skipped       Verdict = "SKIPPED" // the full one wasn't run, or whoever asked went away
)

// Verdicts are all of them.
var Verdicts = []Verdict{AgreedAllowed, AgreedRefused, Failed, OnlyBasic, OnlyFull, Skipped}

// Verdict sorts a case.
func (c Comparison) Verdict() Verdict {
	switch {
	case c.skipped():
		return Skipped
	case c.Failed != nil:
		return Failed
	case !c.Agrees() && len(c.Basic) == 0:
		return OnlyFull
	case !c.Agrees():
		return OnlyBasic
	case len(c.Full) == 0:
		return AgreedAllowed
	}
	return AgreedRefused
}

func (c Comparison) skipped() bool { return errors.Is(c.Failed, ErrSkipped) || c.abandoned() }

// abandoned says whether whoever asked went away before there was an answer.
func (c Comparison) abandoned() bool { return errors.Is(c.Failed, context.Canceled) }

func sorted(rules []availability.Rule) []availability.Rule {
	rules = slices.Clone(rules)
	slices.Sort(rules)
	return slices.Compact(rules)
}
