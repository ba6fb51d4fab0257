package availability

import (
	"cmp"
	"context"
	"slices"
	"time"

	"cloud.google.com/go/civil"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// SlotsOf answers slots as they stand, with one view for each of their Groups. One that the provider's hours don't offer, and
// for outsiders one that isn't free, is left out.
func (s *Service) SlotsOf(ctx context.Context, a access.Actor, ids []SlotID) (map[SlotID]Slot, error) {
	found := make(map[SlotID]Slot, len(ids))
	for _, group := range Groups(ids) {
		if err := s.readGroup(ctx, a, group, found); err != nil && errs.Of(err) != errs.NotFound {
			return nil, err
		}
	}
	return found, nil
}

// Groups parts slots into what one view each can answer: those of one provider that start within a week.
func Groups(ids []SlotID) [][]SlotID {
	ids = slices.Clone(ids)
	slices.SortFunc(ids, func(a, b SlotID) int {
		return cmp.Or(slices.Compare(a.Organization[:], b.Organization[:]), slices.Compare(a.Provider[:], b.Provider[:]), a.Start.Compare(b.Start))
	})
	var groups [][]SlotID
	for _, id := range ids {
		last := len(groups) - 1
		if last >= 0 && groups[last][0].ProviderRef() == id.ProviderRef() && id.Start.Sub(groups[last][0].Start) < near {
			groups[last] = append(groups[last], id)
			continue
		}
		groups = append(groups, []SlotID{id})
	}
	return groups
}

func (s *Service) readGroup(ctx context.Context, a access.Actor, ids []SlotID, found map[SlotID]Slot) error {
	from, to := ids[0].Start, ids[len(ids)-1].Start.Add(time.Minute)
	view, err := s.store.View(ctx, ids[0].ProviderRef(), Period{From: from, To: to, Holder: holder(a, ids[0].ProviderRef())})
	if err != nil {
		return err
	}
	d := newDesk(view.Rules, view.Taken, s.clock.Now(), asking(a))
	for _, id := range ids {
		if v := d.check(id); v.Exists() && (insider(a, id.Organization) || v.Slot.Status == Free) {
			found[id] = v.Slot
		}
	}
	return nil
}

// Former is a slot that is held and that the hours no longer offer: closed, with the version that its day has now.
func (s *Service) Former(ctx context.Context, a access.Actor, id SlotID, kind clinic.VisitKind, at clinic.Location) (Slot, error) {
	if !a.In(id.Organization) {
		return Slot{}, errs.Missing("slot")
	}
	zone, err := clock.Zone(at.TimeZone)
	if err != nil {
		return Slot{}, err
	}
	view, err := s.store.View(ctx, id.ProviderRef(), Period{From: id.Start, To: id.Start.Add(time.Minute)})
	if err != nil {
		return Slot{}, err
	}
	local := civil.DateTimeOf(id.Start.In(zone))
	return Slot{
		SlotID: id, End: id.Start.Add(kind.Duration), LocalStart: local, TimeZone: at.TimeZone, Status: Blocked,
		Version: view.Rules.Revision + view.Taken.Days[local.Date].Revision,
	}, nil
}
