package appointment

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/conflict"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// Rezoned is an upcoming visit whose zone's rules have changed since it was booked. On site the wall clock stays and the
// instant moves; a remote visit keeps the instant and shows another wall clock.
type Rezoned struct {
	Before, After Appointment
	Clash         error // why the new time can't be taken; nil when it can
}

// Rezone brings upcoming visits up to the zone data in use and tells of every one that is affected. Without apply it only
// tells. A visit whose new time clashes stays as it was until somebody moves it, and is told of again the next time.
func (s *Service) Rezone(ctx context.Context, apply bool, tell func(Rezoned)) error {
	affected, err := s.affected(ctx, apply)
	if err != nil || !apply {
		for _, r := range affected {
			tell(r)
		}
		return err
	}
	for moved := true; moved && len(affected) > 0; { // a visit may make way for the one before it
		var clashing []Rezoned
		for _, r := range affected {
			var err error
			if r.Clash, err = s.rezone(ctx, r); err != nil {
				return err
			}
			if r.Clash == nil {
				tell(r)
			} else {
				clashing = append(clashing, r)
			}
		}
		moved, affected = len(clashing) < len(affected), clashing
	}
	for _, r := range affected {
		tell(r)
	}
	return ctx.Err()
}

const rezoneBatch = 500

// affected lists the visits that the zone data in use put at another time. With apply, those that they leave alone are
// marked as seen.
func (s *Service) affected(ctx context.Context, apply bool) ([]Rezoned, error) {
	var affected []Rezoned
	var after uuid.UUID
	for {
		batch, err := s.store.Outdated(ctx, clock.ZoneVersion(), s.Clock.Now(), after, rezoneBatch)
		if err != nil || len(batch) == 0 {
			return affected, err
		}
		var same []clinic.Ref
		for _, ap := range batch {
			after = ap.ID
			to, err := rezoned(ap, s.Clock.Now())
			switch {
			case err != nil:
				affected = append(affected, Rezoned{Before: ap, After: ap, Clash: err})
			case to.Start.Equal(ap.Start) && to.LocalStart == ap.LocalStart:
				same = append(same, ap.Ref())
			default:
				affected = append(affected, Rezoned{Before: ap, After: to})
			}
		}
		if apply && len(same) > 0 {
			if err := s.store.Seen(ctx, same, clock.ZoneVersion()); err != nil {
				return affected, err
			}
		}
	}
}

// rezoned is a visit under the zone data in use.
func rezoned(ap Appointment, now time.Time) (Appointment, error) {
	zone, err := clock.Zone(ap.TimeZone)
	if err != nil {
		return ap, err
	}
	to := ap
	to.TZDB, to.UpdatedAt = clock.ZoneVersion(), now
	to.Version++
	if ap.Modality.OnSite() {
		to.Start = clock.Instant(ap.LocalStart, zone)
		to.End = to.Start.Add(ap.End.Sub(ap.Start))
	} else {
		to.LocalStart = clock.Local(ap.Start, zone)
	}
	return to, nil
}

// rezone brings one visit up to date, or says what its new time clashes with. A remote visit keeps its instant, and so its claims.
func (s *Service) rezone(ctx context.Context, r Rezoned) (clash, err error) {
	w := Write{Stamp: s.Stamp(access.Actor{Kind: access.System, Client: "zones", RequestID: "zones"})}
	change := s.rezoneMove
	if r.After.Start.Equal(r.Before.Start) {
		change = func(ctx context.Context, w Write, r Rezoned) (Answer, error) {
			return s.store.Change(ctx, StateWrite{Write: w, From: r.Before, To: r.After, Rezoned: true})
		}
	}
	for range decisions {
		answer, err := change(ctx, w, r)
		if err != nil || answer.Outcome != StaleRules {
			return clashOf(r, answer), err
		}
		s.openings.Forget(r.After.Slot().ProviderRef(), r.After.Start)
	}
	return nil, errs.TryAgain(nil)
}

func clashOf(r Rezoned, answer Answer) error {
	switch answer.Outcome {
	case Done:
		return nil
	case StaleAppointment: // somebody changed it meanwhile: the next run looks at it anew
		return StaleVersion{Current: r.Before}
	case NotOffered:
		return SlotUnavailable{Slot: r.After.Slot(), BlockedBy: []availability.Rule{availability.VisitKindNotOffered}}
	case PatientBusy:
		return PatientConflict{With: clinic.Ref{Organization: r.After.OrganizationID, ID: answer.With}}
	case NoResource:
		return SlotUnavailable{Slot: r.After.Slot(), BlockedBy: []availability.Rule{availability.ResourceBusy}}
	}
	return SlotTaken{Slot: r.After.Slot()}
}

// rezoneMove moves a visit as long as it is, whatever its kind has become.
func (s *Service) rezoneMove(ctx context.Context, w Write, r Rezoned) (Answer, error) {
	slot := r.After.Slot()
	rules, err := s.openings.RulesAt(ctx, slot.ProviderRef(), slot.Start)
	if err != nil {
		return Answer{}, err
	}
	plan, ok := availability.PlanOf(rules, slot)
	if !ok {
		return Answer{Outcome: NotOffered}, nil
	}
	buffer := plan.Occupied.End.Sub(plan.End)
	plan.LocalStart, plan.End, plan.Occupied.End = r.After.LocalStart, r.After.End, r.After.End.Add(buffer)
	seat := Seat{
		Slot: slot, Holder: availability.Holder{Patient: r.After.PatientID},
		Claims: [2]uuid.UUID{s.NewID(), s.NewID()}, PatientClaim: s.NewID(),
		Case: conflict.Case{Operation: conflict.Move, Own: r.Before.ID, Was: was(r.Before), Now: w.At},
	}
	kind, _ := rules.Kind(slot.VisitKind)
	seat.plan(rules, plan, kind)
	return s.store.Move(ctx, MoveWrite{Write: w, From: r.Before, To: r.After, Rezoned: true, Seat: seat})
}
