package availability

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// Anyone asks for a slot of whoever of a location's providers has it.
type Anyone struct {
	Slot      SlotID       // without a provider; without a way of meeting, the kind's first
	Providers []clinic.Ref // only of these; nil: of all
	Language  string       // BCP 47; empty: any. One that is more general or more special suits as well
}

// MaxAnyone bounds how many providers are looked at for one slot.
const MaxAnyone = 500

// Chance is one provider's slot as it stands, with the rules that it follows from.
type Chance struct {
	Standing
	Rules  Rules
	Booked int // the provider's visits and holds on the slot's local day
}

// Chances looks at the slot of each provider who fits and offers the kind of visit, those with the fewest visits on that day first, in a
// bounded number of statements. It fails with errs.InvalidInput when there are more than MaxAnyone, and at "patientId" as View does.
func (s *Service) Chances(ctx context.Context, q Anyone, who Asking) ([]Chance, error) {
	period := Period{From: q.Slot.Start, To: q.Slot.Start.Add(time.Minute), Patient: who.Holder.Patient, Holder: who.holder(q.Slot.Organization)}
	views, err := s.viewsOf(ctx, q, period)
	if err != nil {
		return nil, err
	}
	chances := make([]Chance, 0, len(views))
	for provider, v := range views {
		id := q.Slot
		id.Provider = provider.ID
		if kind, offered := v.Rules.Kind(id.VisitKind); id.Modality == "" && offered {
			id.Modality = kind.Modalities[0]
		}
		c := Chance{Standing: standing(v, id, s.clock.Now(), who), Rules: v.Rules}
		c.Booked = v.Taken.Days[c.Slot.LocalStart.Date].Booked
		chances = append(chances, c)
	}
	slices.SortFunc(chances, func(a, b Chance) int {
		return cmp.Or(cmp.Compare(a.Booked, b.Booked), slices.Compare(a.Rules.Provider[:], b.Rules.Provider[:]))
	})
	return chances, nil
}

// viewsOf reads rules and what is taken of whoever fits.
func (s *Service) viewsOf(ctx context.Context, q Anyone, p Period) (views map[clinic.Ref]View, err error) {
	kind := clinic.Ref{Organization: q.Slot.Organization, ID: q.Slot.VisitKind}
	wanted := Wanted{
		Organization: q.Slot.Organization, VisitKind: &kind, Providers: q.Providers, Language: q.Language,
		Area: &clinic.Area{Locations: []clinic.Ref{{Organization: q.Slot.Organization, ID: q.Slot.Location}}},
	}
	err = s.store.Snapshot(ctx, func(ctx context.Context, at Snapshot) error {
		desks, err := at.Desks(ctx, wanted, MaxAnyone+1)
		if err != nil || len(desks) == 0 {
			return err
		}
		if len(desks) > MaxAnyone {
			return errs.Invalid("There are more than " + strconv.Itoa(MaxAnyone) + " providers. Name some.")
		}
		providers := make([]clinic.Ref, len(desks))
		for i, d := range desks {
			providers[i] = d.Provider
		}
		views, err = at.Views(ctx, providers, p)
		return err
	})
	return views, err
}

// anyones lists free slots of whoever would do, one for each start, nearest in time first.
func (s *Service) anyones(ctx context.Context, w wish, among Anyone, limit int) ([]Slot, error) {
	for _, reach := range []time.Duration{near, far} {
		now := s.clock.Now()
		period := w.period(now, reach)
		views, err := s.viewsOf(ctx, among, period)
		if err != nil {
			return nil, err
		}
		var found []Slot
		for provider, v := range views {
			w.Provider = provider.ID
			found = append(found, w.free(v, period, now, among.Slot.Location)...)
		}
		found = oneEach(found, w.Start)
		if len(found) >= limit || reach == far {
			return first(limit, found), nil
		}
	}
	return nil, nil
}

// oneEach keeps one slot of each start, nearest to a start first.
func oneEach(slots []Slot, wanted time.Time) []Slot {
	slices.SortFunc(slots, func(x, y Slot) int {
		return cmp.Or(cmp.Compare(x.Start.Sub(wanted).Abs(), y.Start.Sub(wanted).Abs()), x.Start.Compare(y.Start), slices.Compare(x.Provider[:], y.Provider[:]))
	})
	return slices.CompactFunc(slots, func(x, y Slot) bool { return x.Start.Equal(y.Start) })
}
