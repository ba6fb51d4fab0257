package appointment

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/form"
)

// Bounds of a series.
const (
	MaxEveryWeeks = 26
	MinVisits     = 2
	MaxVisits     = 52
)

// Series is what appointments have in common that were booked as one: every so many weeks at the same wall clock.
type Series struct {
	ID, OrganizationID, PatientID uuid.UUID
	EveryWeeks                    int
}

// Ref names the series.
func (s Series) Ref() clinic.Ref { return clinic.Ref{Organization: s.OrganizationID, ID: s.ID} }

// Recurrence is a first slot and how often the same wall clock follows.
type Recurrence struct {
	First      availability.SlotID
	EveryWeeks int
	Count      int // with the first
}

func (r Recurrence) check(check *form.Check) {
	check.That(r.EveryWeeks >= 1 && r.EveryWeeks <= MaxEveryWeeks, "From 1 to 26 weeks.", "everyWeeks")
	check.That(r.Count >= MinVisits && r.Count <= MaxVisits, "From 2 to 52 visits.", "count")
}

// slots are those of each date, by the wall clock of a zone: a time in a gap moves forward by the gap, of a time that is shown twice it is the
// first.
func (r Recurrence) slots(zone *time.Location) []availability.SlotID {
	local := clock.Local(r.First.Start, zone)
	slots := []availability.SlotID{r.First}
	for i := 1; i < r.Count; i++ {
		slot := r.First
		slot.Start = clock.Instant(civil.DateTime{Date: local.Date.AddDays(7 * r.EveryWeeks * i), Time: local.Time}, zone)
		slots = append(slots, slot)
	}
	return slots
}

// SeriesDate is one date of a series as it stands for a patient.
type SeriesDate struct {
	Index      int // from 0
	Slot       availability.SlotID
	LocalStart civil.DateTime
	TimeZone   string
	Free       *availability.Slot  // nil: it can't be booked
	BlockedBy  []availability.Rule // then what keeps it out, as far as the caller may know
	For        availability.For
}

// Start is the instant of the date.
func (d SeriesDate) Start() time.Time { return d.Slot.Start }

// SeriesUnavailable reports the dates of a series that can't be had. Nothing was changed.
type SeriesUnavailable struct{ Dates []SeriesDate }

func (SeriesUnavailable) Error() string { return "Not all of these times can be had." }

// Series answers those of some series that exist and whose patient the caller may see.
func (s *Service) Series(ctx context.Context, a access.Actor, refs []clinic.Ref) (map[clinic.Ref]Series, error) {
	visible := map[clinic.Ref]Series{}
	refs = slices.DeleteFunc(slices.Clone(refs), func(r clinic.Ref) bool { return !a.In(r.Organization) })
	if !a.Has(access.AppointmentsRead) || len(refs) == 0 {
		return visible, nil
	}
	found, err := s.store.Series(ctx, refs)
	if err != nil {
		return nil, err
	}
	people := make([]uuid.UUID, len(refs)) // of one that isn't there somebody is looked at, so that it takes as long
	for i, ref := range refs {
		people[i] = cmp.Or(found[ref].PatientID, ref.ID)
	}
	seen, err := a.Sees(ctx, people...)
	if err != nil {
		return nil, err
	}
	for ref, one := range found {
		if seen.Of(one.PatientID) {
			visible[ref] = one
			a.Trail.Saw(access.Sight{
				Organization: ref.Organization, Kind: "AppointmentSeries", ID: ref.ID, Patient: one.PatientID, Grant: seen.Under(one.PatientID),
			})
		}
	}
	return visible, nil
}

// zones finds the zones of the locations of some slots.
func (s *Service) zones(ctx context.Context, slots ...availability.SlotID) (map[uuid.UUID]*time.Location, error) {
	zones := map[uuid.UUID]*time.Location{}
	var refs []clinic.Ref
	for _, slot := range slots {
		if _, asked := zones[slot.Location]; !asked {
			zones[slot.Location] = time.UTC
			refs = append(refs, clinic.Ref{Organization: slot.Organization, ID: slot.Location})
		}
	}
	found, err := s.clinic.Locations(ctx, refs)
	if err != nil {
		return nil, err
	}
	for _, ref := range refs {
		at, ok := found[ref]
		if !ok {
			return nil, errs.Missing("slot")
		}
		if zones[ref.ID], err = clock.Zone(at.TimeZone); err != nil {
			return nil, err
		}
	}
	return zones, nil
}

// dated is a date of a series as it stands.
func dated(index int, slot availability.SlotID, zone *time.Location, whom availability.For) SeriesDate {
	return SeriesDate{
		Index: index, Slot: slot, LocalStart: clock.Local(slot.Start, zone), TimeZone: zone.String(), For: whom, BlockedBy: []availability.Rule{},
	}
}

// rulesOf are the rules that a failure to get a slot is about; false: it is another failure.
func rulesOf(err error) ([]availability.Rule, bool) {
	if e, ok := errors.AsType[SlotUnavailable](err); ok {
		return e.BlockedBy, true
	}
	if _, ok := errors.AsType[SlotTaken](err); ok {
		return []availability.Rule{availability.ProviderBusy}, true
	}
	if _, ok := errors.AsType[PatientConflict](err); ok {
		return []availability.Rule{availability.PatientBusy}, true
	}
	return nil, false
}

// standing says what is against a seat by what stands there now, as far as the caller may know.
func (s *Service) standing(ctx context.Context, a access.Actor, seat *Seat, who availability.Asking) (availability.Slot, []availability.Rule, error) {
	v, err := s.openings.Verdict(ctx, seat.Slot, who, seat.Holder.Patient)
	if err != nil {
		return availability.Slot{}, nil, err
	}
	if v.PatientVisit != uuid.Nil {
		with := clinic.Ref{Organization: seat.Slot.Organization, ID: v.PatientVisit}
		if err := sawConflict(ctx, a, with, seat.Holder.Patient); err != nil {
			return availability.Slot{}, nil, err
		}
	}
	return v.Slot, availability.Shown(a, seat.Slot.Organization, v.Blocked), nil
}
