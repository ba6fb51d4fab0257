package waitlist

import (
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/form"
)

// Join asks for a place on the waitlist.
type Join struct {
	Patient       *clinic.Ref // nil: the account's only one
	Priority      *int        // nil: 0
	Wanted        availability.Search
	MinimumNotice *time.Duration // nil: 2 hours
	Current       *clinic.Ref    // nil: none
	Key           string
}

// Answer takes an offer, or declines it.
type Answer struct {
	Offer  clinic.Ref
	Accept bool
	Key    string
}

// Filter narrows a list of entries. Zero fields do not narrow.
type Filter struct {
	Organization uuid.UUID
	Patient      uuid.UUID
	VisitKind    uuid.UUID
	Statuses     []Status
	Among        *access.Reach // only those of patients within it; nil: of all
}

// SetRules asks for other rules. What is nil stays.
type SetRules struct {
	Organization  uuid.UUID // zero: the caller's own
	AnswerWithin  *time.Duration
	OffersADay    *int
	ShowsPosition *bool
}

// over are the rules with what was asked for.
func (in SetRules) over(r Rules) (Rules, error) {
	var check form.Check
	if in.AnswerWithin != nil {
		r.AnswerWithin = *in.AnswerWithin
		check.That(r.AnswerWithin >= MinAnswerWithin && r.AnswerWithin <= MaxAnswerWithin && r.AnswerWithin%time.Minute == 0,
			"This is from PT5M to PT24H, in whole minutes.", "answerWithin")
	}
	if in.OffersADay != nil {
		r.OffersADay = *in.OffersADay
		check.That(r.OffersADay >= 1 && r.OffersADay <= MaxOffersADay, "This is from 1 to 20.", "offersADay")
	}
	if in.ShowsPosition != nil {
		r.ShowsPosition = *in.ShowsPosition
	}
	return r, check.Err()
}
