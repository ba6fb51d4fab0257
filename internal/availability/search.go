package availability

import (
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/form"
	"github.com/mediconnect/mediconnect/internal/provider"
)

// Search is what a patient is looking for. All parts narrow it; those left out narrow nothing.
type Search struct {
	Organization uuid.UUID // zero: the caller's own, and for who has none all
	VisitKind    *clinic.Ref
	Specialty    *provider.SpecialtyRef
	Providers    []clinic.Ref
	Near         *clinic.Near
	Modalities   []clinic.Modality
	Language     *string // BCP 47
	Plan         *clinic.Ref
	From, To     *time.Time // visits that start in [From, To)
	TimesOfDay   []TimeRange
	TimeZone     *string // of TimesOfDay and of days; nil: the location's
	StepFree     bool
	Moving       *clinic.Ref // appointment whose own time counts as free; the caller may see it
}

// MaxSearch bounds the period of a search. One without an end is so long.
const MaxSearch = 92 * day

// The most that a search may name.
const (
	maxProviders  = 100
	maxTimesOfDay = 24
)

// Wanted narrows the desks that a search is about.
type Wanted struct {
	Organization uuid.UUID // zero: all
	VisitKind    *clinic.Ref
	Specialty    *clinic.Coding // its system and code
	Providers    []clinic.Ref   // nil: all
	Area         *clinic.Area   // nil: anywhere
	Language     string         // BCP 47; empty: any. One that is more general or more special suits as well
	Plan         *clinic.Ref    // its carrier and name, whichever organisation's
	StepFree     bool           // known to be reachable without steps
}

// wanted is the part of a search that the directory answers, in the organisation that it is about.
func (q Search) wanted(a access.Actor) (Wanted, error) {
	w := Wanted{
		Organization: clinic.Listed(a, q.Organization),
		VisitKind:    q.VisitKind, Providers: q.Providers, Plan: q.Plan, StepFree: q.StepFree,
	}
	var check form.Check
	foreign := func(organization uuid.UUID, what string, path ...string) {
		if w.Organization != uuid.Nil && organization != w.Organization {
			check.Keep(errs.Missing(what, path...))
		}
	}
	if q.VisitKind != nil {
		foreign(q.VisitKind.Organization, "kind of visit", "visitKindId")
	}
	if q.Plan != nil {
		foreign(q.Plan.Organization, "insurance plan", "insurancePlanId")
	}
	if q.Specialty != nil {
		foreign(q.Specialty.Organization, "specialty", "specialtyId")
		w.Specialty = &clinic.Coding{System: q.Specialty.System, Code: q.Specialty.Code}
	}
	check.That(len(q.Providers) <= maxProviders, "At most 100 providers.", "providerIds")
	for i, p := range q.Providers {
		foreign(p.Organization, "provider", form.At([]string{"providerIds"}, i)...)
	}
	if q.Language != nil {
		w.Language = check.Language(*q.Language, "language")
	}
	return w, check.Err()
}

// query is the part of a search that openings answer, but for its period.
func (q Search) query(a access.Actor, now time.Time) (Query, error) {
	var check form.Check
	query := Query{
		EveryKind: q.VisitKind == nil, Modalities: q.Modalities, Times: q.TimesOfDay, Now: now, Asking: asking(a), Statuses: []Status{Free},
	}
	if q.VisitKind != nil {
		query.VisitKind = q.VisitKind.ID
	}
	if q.Moving != nil {
		query.Asking.Moving = &Moving{Appointment: q.Moving.ID}
	}
	if q.TimeZone != nil {
		query.TimesZone, _ = clock.Zone(check.Zone(*q.TimeZone, "timeZone"))
	}
	check.That(len(q.TimesOfDay) <= maxTimesOfDay, "At most 24 times of day.", "timesOfDay")
	for i, r := range q.TimesOfDay {
		check.That(r.From < r.To, "This is not after the beginning. Times around midnight are two ranges.", form.At([]string{"timesOfDay"}, i, "to")...)
	}
	return query, check.Err()
}

// period is the time from now on in which visits may start.
func (q Search) period(now time.Time) (Span, error) {
	from := now
	if q.From != nil {
		from = q.From.UTC()
	}
	to := from.Add(MaxSearch)
	if q.To != nil {
		to = q.To.UTC()
	}
	switch {
	case from.Year() < 1970 || from.Year() > 2200:
		return Span{}, errs.Invalid("The period is out of range.", "from")
	case q.To != nil && !from.Before(to):
		return Span{}, errs.Invalid("The period ends before it starts.", "to")
	case to.Sub(from) > MaxSearch:
		return Span{}, errs.Invalid("The period is longer than 92 days.", "to")
	}
	return Span{later(from, now), to}, nil
}

// Order is how matches are ordered.
type Order string

// The orders of the contract. Soonest: by the start of the next opening, then by distance. Nearest: by distance. Relevance: by
// both, a day's wait weighing as much as 10 km. The last resort are the ids, so that no two are alike.
const (
	Nearest   Order = "NEAREST"
	Relevance Order = "RELEVANCE"
	Soonest   Order = "SOONEST"
)

// A day's wait and so many metres weigh the same.
const metresPerDay = 10_000

// rank is the first part of a match's key.
func (o Order) rank(start time.Time, metres int) int64 {
	switch o {
	case Nearest:
		return int64(metres)
	case Relevance:
		return start.Unix() + int64(metres)*int64(day/time.Second)/metresPerDay
	}
	return start.Unix()
}

func (o Order) check(w Wanted) error {
	if o == Nearest && (w.Area == nil || w.Area.Circle == nil) {
		return errs.Invalid("The nearest are found from a circle or a postal code.", "orderBy")
	}
	return nil
}
