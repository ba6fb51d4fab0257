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
func (e *entry) post(ctx context.Context, m *member, by clinic.Ref, p post) error {
	if p.site.ref == (clinic.Ref{}) {
		return errs.Invalid("The location is refused.", "locationId")
	}
	first := e.from
	if first.IsZero() {
		first = clock.Local(e.now.Now(), p.site.zone).Date
	}
	for i, t := range p.terms {
		if t.until != nil && t.until.Before(first) {
			continue
		}
		last := i == len(p.terms)-1
		if err := e.term(ctx, by, p.site.ref, e.weekly(m, t.hours), laterDay(t.from, first), t.until, last); err != nil {
			return err
		}
	}
	return e.away(ctx, by, p, first)
}

// term sets hours. Those of an earlier import that went on beyond the last term's end are ended there.
func (e *entry) term(ctx context.Context, by, at clinic.Ref, hours []provider.WeeklyHours, from civil.Date, until *civil.Date, last bool) error {
	changed, err := e.follow(ctx, by, at, hours, from, until)
	if err != nil {
		return err
	}
	if last && until != nil && len(hours) > 0 {
		goesOn, err := e.inForce(ctx, by, at, hours, until.AddDays(1))
		if err == nil && goesOn {
			changed, err = e.follow(ctx, by, at, nil, until.AddDays(1), nil)
		}
		if err != nil {
			return err
		}
	}
	if len(hours) > 0 || changed {
		e.tell(func() { e.report.Schedules.add(changed) })
	}
	return nil
}

// weekly writes shifts as the provider room has them.
func (e *entry) weekly(m *member, shifts []shift) []provider.WeeklyHours {
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
