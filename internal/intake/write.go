package intake

import (
	"context"

	"github.com/mediconnect/mediconnect/internal/clinic"
)

// writer sets up what was read.
type writer struct {
	*publication
	*clerk
	order Order
	shift int
}

func (w *writer) write(ctx context.Context) error {
	w.shift = w.shiftTo(w.order.ShiftTo)
	w.report.Shift = w.shift
	if w.first.IsValid() {
		w.report.First, w.report.Last = w.first.AddDays(w.shift), w.last.AddDays(w.shift)
	}
	if err := w.lookUp(ctx); err != nil {
		return err
	}
	for _, s := range w.sites {
		for _, d := range s.desks {
			if err := w.agree(d.service); err != nil {
				return err
			}
		}
	}
	for i, s := range w.sites {
		if err := w.site(ctx, s); err != nil {
			return err
		}
		w.progress(Progress{Step: "setting up sites", Done: i + 1, Total: len(w.sites)})
	}
	return nil
}

// site sets up one location. What the rooms find wrong with it is refused like a broken line.
func (w *writer) site(ctx context.Context, s *site) error {
	s.put.Organization = w.organization
	var there clinic.Location
	err := patiently(ctx, func() (err error) {
		there, err = w.into.PutLocation(ctx, w.actor, w.known.keep(s.put))
		return err
	})
	if reason, refused := refusedBy(err); refused {
		w.refuse(s.at, reason)
		for _, d := range s.desks {
			w.refuseDesk(d, "its location is refused: "+reason)
		}
		return nil
	}
	if err != nil {
		return err
	}
	w.report.Locations++
	for _, d := range s.desks {
		err := w.desk(ctx, d, ref(there.OrganizationID, there.ID))
		if reason, refused := refusedBy(err); refused {
			w.refuseDesk(d, reason)
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) refuseDesk(d *desk, reason string) {
	w.refuse(d.at, reason)
	for _, window := range d.windows {
		w.refuse(window.at(), "its schedule is refused")
	}
}

// desk sets up the provider of one schedule at a location, its windows and its weekly hours.
func (w *writer) desk(ctx context.Context, d *desk, at clinic.Ref) error {
	kind, err := w.kind(ctx, d.service)
	if err != nil {
		return err
	}
	identifier := clinic.Identifier{System: w.base + resourceSchedule, Value: d.id}
	var by clinic.Ref
	err = patiently(ctx, func() error {
		p, err := w.into.PutProvider(ctx, w.actor, w.known.desk(d, identifier, kind))
		by = ref(p.OrganizationID, p.ID)
		return err
	})
	if err != nil {
		return err
	}
	w.report.Providers++
	windows := w.openings(d, kind)
	if _, before := w.known.providers[identifier]; before {
		if err := w.withdraw(ctx, d, by, at, windows); err != nil {
			return err
		}
	}
	stored, err := w.open(ctx, by, at, windows)
	if err != nil {
		return err
	}
	err = w.weekly(ctx, by, at, stored)
	if reason, refused := refusedBy(err); refused { // the windows are in
		w.refuse(d.at, "its weekly hours: "+reason)
		return nil
	}
	return err
}

// weekly goes on with the publication's pattern from the day after its last, and leads up to its first where that is asked.
func (w *writer) weekly(ctx context.Context, by, at clinic.Ref, windows []opening) error {
	if !w.order.WeeklyHours || len(windows) == 0 {
		return nil
	}
	w.report.Schedules++
	pattern := puts(windows)
	for i, o := range windows {
		pattern[i].Capacity = o.alone // the weekly hours have no windows beside them
	}
	hours := DeriveWeekly(pattern)
	if first := w.first.AddDays(w.shift); w.order.WeeklyFrom.IsValid() && w.order.WeeklyFrom.Before(first) {
		until := first.AddDays(-1)
		if _, err := w.follow(ctx, by, at, hours, w.order.WeeklyFrom, &until); err != nil {
			return err
		}
	}
	_, err := w.follow(ctx, by, at, hours, w.last.AddDays(w.shift+1), nil)
	return err
}
