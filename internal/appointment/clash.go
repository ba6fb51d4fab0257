package appointment

import (
	"context"
	"slices"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/paging"
)

// How many visits are looked at in one go.
const lookedAtOnce = 500

// None says whether nothing is asked.
func (c Clash) None() bool { return c.To.IsZero() }

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
	}
	page := paging.Cut(out, w)
	saw(a, access.Seen{}, page.Items...) // who changes hours sees all
	return page, err
}

// outside reads on until a page is full or no visit is left, and keeps one more than the page, from its end when it is read
// backward.
func (s *Service) outside(ctx context.Context, a access.Actor, c Clash, w paging.Window) ([]Appointment, error) {
	var out []Appointment
	after := w.After
	fresh := freshRules{s.openings, map[string]bool{}}
	for {
		batch, err := s.store.Upcoming(ctx, c, s.Clock.Now(), after, lookedAtOnce)
		if err != nil || len(batch) == 0 {
			return out, err
		}
		visible, _, err := parted(ctx, a, batch)
		if err != nil {
			return nil, err
		}
		for _, ap := range visible {
			if w.Before != nil && slices.Compare(Key(ap, StartAscending), w.Before) >= 0 {
				return out, nil
			}
			fits, err := fresh.fit(ctx, ap)
			if err != nil {
				return nil, err
			}
			if !fits {
				out = append(out, ap)
			}
			if w.Backward {
				out = out[max(0, len(out)-w.Size-1):]
			} else if len(out) > w.Size {
				return out, nil
			}
		}
		after = Key(batch[len(batch)-1], StartAscending)
	}
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
	return availability.Fits(rules, ap.Slot(), ap.End), nil
}
