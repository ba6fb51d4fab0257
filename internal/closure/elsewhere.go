package closure

import (
	"context"
	"errors"
	"slices"

	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// The bounds of a search for another time.
const (
	choices  = 20 // read at a time
	tried    = 3  // of those, before they are read again: others take them meanwhile
	mostLost = 12 // times that were somebody else's by then, before a visit rests
	mostRest = 5  // for that; then there is none for it
)

// taking takes a time for a visit. It fails with a refusal when that can't be had.
type taking func(ctx context.Context, to availability.SlotID) error

// elsewhere takes the first time that a visit can have: with its provider, else at its place, else anywhere in the organisation; the nearest after
// its start. Not done: there is none.
func (s *Service) elsewhere(ctx context.Context, c Closure, i Item, ap appointment.Appointment, take taking) (done bool, err error) {
	lost := map[availability.SlotID]bool{}
	for _, where := range places(c, i, ap) {
		for {
			slots, err := s.choices(ctx, c, ap, where)
			if err != nil {
				return false, err
			}
			slots = slices.DeleteFunc(slots, func(o availability.Slot) bool { return lost[o.SlotID] })
			if len(slots) == 0 {
				break
			}
			for _, slot := range slots[:min(tried, len(slots))] {
				err := take(ctx, slot.SlotID)
				if err == nil || !refusal(err) {
					return err == nil, err
				}
				if lost[slot.SlotID] = true; len(lost) >= mostLost {
					return false, rested(i)
				}
			}
		}
	}
	return false, nil
}

// rested has a visit rest that lost time after time to somebody else, unless it has rested often.
func rested(i Item) error {
	if i.Tries > mostRest {
		return nil
	}
	return errs.TryAgain(nil)
}

// place is where another time is looked for.
type place struct {
	providers []clinic.Ref // nil: whoever
	locations []clinic.Ref // nil: anywhere
}

func places(c Closure, i Item, ap appointment.Appointment) []place {
	own := []place{{providers: []clinic.Ref{ap.Slot().ProviderRef()}}}
	if c.Rebook.SameProvider {
		return own
	}
	return append(own, place{locations: []clinic.Ref{{Organization: i.OrganizationID, ID: ap.LocationID}}}, place{})
}

// choices are openings for a visit's patient, of its kind and way of meeting, the nearest after its start first.
func (s *Service) choices(ctx context.Context, c Closure, ap appointment.Appointment, where place) ([]availability.Slot, error) {
	from, kind, visit := ap.Start, clinic.Ref{Organization: ap.OrganizationID, ID: ap.VisitKindID}, ap.Ref()
	to := from.Add(c.Rebook.Within)
	if now := s.Clock.Now(); from.Before(now) {
		from = now
	}
	q := availability.Search{
		Organization: ap.OrganizationID, VisitKind: &kind, Providers: where.providers, Modalities: []clinic.Modality{ap.Modality}, From: &from, To: &to, Moving: &visit,
	}
	if where.locations != nil {
		q.Near = &clinic.Near{Locations: where.locations}
	}
	slots, err := s.Openings.OpeningsFor(ctx, onBehalf(ap.OrganizationID), q, ap.PatientID, choices)
	if kind := errs.Of(err); kind == errs.InvalidInput || kind == errs.NotFound { // whoever offered it doesn't any more
		return nil, nil
	}
	return slices.DeleteFunc(slots, func(o availability.Slot) bool { return o.SlotID == ap.Slot() }), err
}

// refusal says whether a failure is one of a time that can't be had.
func refusal(err error) bool {
	return errors.As(err, &appointment.SlotTaken{}) || errors.As(err, &appointment.SlotUnavailable{}) || errors.As(err, &appointment.PatientConflict{})
}
