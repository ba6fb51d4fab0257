package appointment

import (
	"context"
	"slices"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/paging"
)

// How many visits one page of clashes looks at, at most.
const maxLooked = 5_000

// OutsideHours pages the booked visits that fall outside the hours as they are now and that the caller may see. They stay
// booked until somebody moves them.
func (s *Service) OutsideHours(ctx context.Context, a access.Actor, c Clash, w paging.Window) (paging.Page[Appointment], error) {
	for _, scope := range []string{access.SchedulesRead, access.AppointmentsRead} {
		if err := a.Need(scope, c.Organization, "organisation", "organizationId"); err != nil {
			return paging.Page[Appointment]{}, err
		}
	}
	out, err := s.outside(ctx, a, c, w)
	if w.Backward {
		slices.Reverse(out)
		out = out[:min(len(out), w.Size+1)]
	}
	return paging.Cut(out, w), err
}

func (s *Service) outside(ctx context.Context, a access.Actor, c Clash, w paging.Window) ([]Appointment, error) {
	var out []Appointment
	after := w.After
	fresh := freshRules{s.openings, map[string]bool{}}
	for looked := 0; looked < maxLooked; {
		batch, err := s.store.Upcoming(ctx, c, s.Clock.Now(), after, paging.MaxCount/100)
		if err != nil || len(batch) == 0 {
			return out, err
		}
		for _, ap := range batch {
			if w.Before != nil && slices.Compare(Key(ap, StartAscending), w.Before) >= 0 {
				return out, nil
			}
			fits, err := fresh.fit(ctx, ap)
			if err != nil {
				return nil, err
			}
			if !fits && sees(a, ap) {
				out = append(out, ap)
			}
			if !w.Backward && len(out) > w.Size {
				return out, nil
			}
		}
		looked += len(batch)
		after = Key(batch[len(batch)-1], StartAscending)
	}
	return out, nil
}

// freshRules reads each provider's rules for a month anew, once.
type freshRules struct {
	openings *availability.Service
	read     map[string]bool
}

// fit says whether a visit lies within the provider's hours as they are, whatever else the rules say by now.
func (f freshRules) fit(ctx context.Context, ap Appointment) (bool, error) {
	provider := ap.Slot().ProviderRef()
	if month := provider.ID.String() + ap.Start.Format("2006-01"); !f.read[month] {
		f.openings.Forget(provider, ap.Start)
		f.read[month] = true
	}
	rules, err := f.openings.RulesAt(ctx, provider, ap.Start)
	if err != nil {
		return false, err
	}
	v := availability.Check(rules, availability.Taken{}, ap.Slot(), ap.Start, availability.Asking{})
	return !slices.ContainsFunc(v.Blocked, func(r availability.Rule) bool {
		return r == availability.OutsideHours || r == availability.ProviderClosed || r == availability.VisitKindNotOffered
	}), nil
}
