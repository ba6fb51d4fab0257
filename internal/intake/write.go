package intake

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"cloud.google.com/go/civil"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/provider"
)

// writer sets up what was read.
type writer struct {
	*publication
	order Order
	into  Directory
	actor access.Actor
	shift int
	known known
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
	if err := w.agree(); err != nil {
		return err
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
	s.put.Organization = w.order.Organization
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
		if err := w.follow(ctx, by, at, hours, w.order.WeeklyFrom, &until); err != nil {
			return err
		}
	}
	return w.follow(ctx, by, at, hours, w.last.AddDays(w.shift+1), nil)
}

func (w *writer) follow(ctx context.Context, by, at clinic.Ref, hours []provider.WeeklyHours, from civil.Date, until *civil.Date) error {
	known, err := w.into.WeeklyHours(ctx, w.actor, by, at, &from)
	if err != nil || slices.EqualFunc(known, hours, sameWeekly) {
		return err
	}
	return patiently(ctx, func() error {
		_, err := w.into.SetSchedule(ctx, w.actor, provider.SetSchedule{
			Provider: by, Location: at, EffectiveFrom: from, EffectiveUntil: until, Hours: asked(hours),
		})
		return err
	})
}

func sameWeekly(a, b provider.WeeklyHours) bool {
	return a.Weekday == b.Weekday && a.Hours.Same(b.Hours)
}

// asked writes hours as an input: times of day, where one at or before the opening is of the next day.
func asked(hours []provider.WeeklyHours) []provider.WeeklyOpening {
	list := make([]provider.WeeklyOpening, len(hours))
	for i, h := range hours {
		to := h.To
		if to > minutesPerDay {
			to -= minutesPerDay
		}
		list[i] = provider.WeeklyOpening{Weekday: h.Weekday, Opening: provider.Opening{
			From: provider.At(0, h.From), To: provider.At(0, to), Capacity: h.Capacity,
		}}
	}
	return list
}

// patience is how long an import waits for a database that is busy, in all.
var patience = []time.Duration{100 * time.Millisecond, 400 * time.Millisecond, 1600 * time.Millisecond, 6400 * time.Millisecond}

func patiently(ctx context.Context, do func() error) error {
	for _, pause := range patience {
		err := do()
		if errs.Of(err) != errs.Busy {
			return err
		}
		wait := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			wait.Stop()
			return ctx.Err()
		case <-wait.C:
		}
	}
	return do()
}

// refusedBy tells bad input from every other failure, and what is bad.
func refusedBy(err error) (reason string, refused bool) {
	e, ok := errors.AsType[*errs.Error](err)
	if !ok || e.Kind != errs.InvalidInput {
		return "", false
	}
	return strings.Join(e.Path, ".") + ": " + plainly(e), true
}

func plainly(e *errs.Error) string { return strings.TrimSuffix(e.Message, ".") }
