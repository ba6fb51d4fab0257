package intake

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/provider"
)

// put is the input that brings a member up to date: what was read, and of one that exists the rest.
func (e *entry) put(m *member) (provider.PutProvider, error) {
	old := e.known.providers[m.identifier]
	put := provider.PutProvider{
		Organization: e.organization, Identifier: m.identifier, Name: m.name, MaxDailyAppointments: old.MaxDailyAppointments,
		Specialties: m.specialties, Languages: m.languages, AcceptedPlans: e.known.accepted(old),
	}
	if len(put.Specialties) == 0 {
		put.Specialties = old.Specialties
	}
	if len(put.Languages) == 0 || m.assumed && len(old.Languages) > 0 {
		put.Languages = old.Languages
	}
	offered := slices.Clone(old.VisitKindIDs)
	for _, s := range m.services {
		if reason, refused := e.turnedAway[s.key]; refused {
			return put, errs.Invalid(reason, "visitKindIds")
		}
		if id := e.known.kinds[s.key].ID; !slices.Contains(offered, id) {
			offered = append(offered, id)
		}
	}
	put.VisitKinds = refs(e.organization, offered)
	return put, nil
}

// post sets the hours of a member at a site, from the import's first day on. What was before stays.
func (e *entry) post(ctx context.Context, by clinic.Ref, p post) error {
	switch {
	case p.site.ref != clinic.Ref{}:
	case p.site.over:
		return nil
	default:
		return errs.Invalid("The location is refused.", "locationId")
	}
	first := e.from
	if first.IsZero() {
		first = clock.Local(e.now.Now(), p.site.zone).Date
	}
	for _, t := range p.terms {
		if err := e.term(ctx, by, p.site.ref, t, first); err != nil {
			return err
		}
	}
	return e.away(ctx, by, p, first)
}

// term ends what went on beyond the end of hours before it sets them, so that an import that is stopped in between sees it again.
func (e *entry) term(ctx context.Context, by, at clinic.Ref, t term, first civil.Date) error {
	hours, over := e.weekly(t.hours), t.until != nil && t.until.Before(first)
	ended, set := false, false
	var err error
	if t.last && t.until != nil && len(hours) > 0 {
		ended, err = e.end(ctx, by, at, hours, *t.until, first)
	}
	if err == nil && !over {
		set, err = e.follow(ctx, by, at, hours, laterDay(t.from, first), t.until)
	}
	if err == nil && (ended || set || len(hours) > 0 && !over) {
		e.tell(func() { e.report.Schedules.add(ended || set) })
	}
	return err
}

// end ends hours that an earlier import set beyond the last day: these, or those that they take the place of.
func (e *entry) end(ctx context.Context, by, at clinic.Ref, hours []provider.WeeklyHours, last, first civil.Date) (ended bool, err error) {
	from := laterDay(last.AddDays(1), first)
	after, err := e.hoursOn(ctx, by, at, from)
	if err != nil || len(after) == 0 {
		return false, err
	}
	goOn := slices.EqualFunc(after, hours, sameWeekly)
	if !goOn && !last.Before(first) {
		if goOn, err = e.inForce(ctx, by, at, after, last); err != nil {
			return false, err
		}
	}
	if !goOn {
		return false, nil
	}
	return e.follow(ctx, by, at, nil, from, nil)
}

// weekly writes shifts as the provider room has them.
func (e *entry) weekly(shifts []shift) []provider.WeeklyHours {
	list := make([]provider.WeeklyHours, len(shifts))
	for i, s := range shifts {
		list[i] = s.WeeklyHours
		for _, key := range s.services {
			list[i].VisitKinds = append(list[i].VisitKinds, e.known.kinds[key].ID)
		}
		slices.SortFunc(list[i].VisitKinds, compareIDs)
	}
	slices.SortFunc(list, compareWeekly)
	return list
}

func laterDay(a, b civil.Date) civil.Date {
	if a.Before(b) {
		return b
	}
	return a
}

// compareWeekly orders hours as the provider room does.
func compareWeekly(a, b provider.WeeklyHours) int {
	return cmp.Or(cmp.Compare(a.Weekday, b.Weekday), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To),
		slices.CompareFunc(a.VisitKinds, b.VisitKinds, compareIDs))
}

func compareIDs(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) }
