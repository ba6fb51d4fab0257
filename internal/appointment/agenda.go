package appointment

import (
	"context"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/paging"
)

// Agenda asks for appointments with providers, a page with each. Of the filter, organisation and provider are theirs.
type Agenda struct {
	Filter    Filter
	Order     Order
	Window    paging.Window
	Continued bool // also tell the log position of what is read
	Brief     bool // of each only what it is, with whom, where, when and its state, and when that changed
}

// AgendaPage is the page of one provider.
type AgendaPage struct {
	paging.Page[Appointment]
	StreamCursor string
}

// Agendas pages the appointments with each of these providers, of those that the caller may see. Providers elsewhere have none.
func (s *Service) Agendas(ctx context.Context, a access.Actor, providers []clinic.Ref, q Agenda) (map[clinic.Ref]AgendaPage, error) {
	f, own, err := q.allowed(ctx, a, providers)
	if err != nil {
		return nil, err
	}
	var cursor string
	if q.Continued {
		if cursor, err = s.store.StreamCursor(ctx, s.Clock.Now()); err != nil {
			return nil, err
		}
	}
	found := make(map[clinic.Ref]AgendaPage, len(providers))
	for _, p := range providers {
		found[p] = AgendaPage{StreamCursor: cursor}
	}
	if len(own) == 0 {
		return found, nil
	}
	q.Filter = f
	pages, err := s.store.Agendas(ctx, own, q)
	if err == nil {
		err = showEach(ctx, a, pages)
	}
	for p, page := range pages {
		found[p] = AgendaPage{Page: page, StreamCursor: cursor}
	}
	return found, err
}

// showEach keeps of the pages what the caller may see, looked at together.
func showEach(ctx context.Context, a access.Actor, pages map[clinic.Ref]paging.Page[Appointment]) error {
	var all []Appointment
	for _, page := range pages {
		all = append(all, page.Items...)
	}
	if _, err := a.Sees(ctx, patientsOf(all)...); err != nil {
		return err
	}
	for p, page := range pages {
		var err error
		if page.Items, err = shown(ctx, a, page.Items); err != nil {
			return err
		}
		pages[p] = page
	}
	return nil
}

// CountAgendas counts what Agendas pages, up to paging.MaxCount with each provider.
func (s *Service) CountAgendas(ctx context.Context, a access.Actor, providers []clinic.Ref, q Agenda) (map[clinic.Ref]int, error) {
	f, own, err := q.allowed(ctx, a, providers)
	if err != nil || len(own) == 0 {
		return nil, err
	}
	return s.store.CountAgendas(ctx, own, f)
}

// allowed narrows the filter, and the providers, to what the caller may see.
func (q Agenda) allowed(ctx context.Context, a access.Actor, providers []clinic.Ref) (Filter, []clinic.Ref, error) {
	f := q.Filter
	if err := q.Order.suits(f); err != nil {
		return f, nil, err
	}
	if !f.From.IsZero() && !f.To.IsZero() && !f.From.Before(f.To) {
		return f, nil, errs.Invalid("The period ends before it starts.", "to")
	}
	if !a.Has(access.AppointmentsRead) {
		return f, nil, errs.Denied("Your token lacks the scope " + access.AppointmentsRead + ".")
	}
	reach, err := a.Reach(ctx)
	if err != nil {
		return f, nil, err
	}
	f, some := f.within(a, reach)
	if !some {
		return f, nil, nil
	}
	own := make([]clinic.Ref, 0, len(providers))
	for _, p := range providers {
		if a.In(p.Organization) {
			own = append(own, p)
		}
	}
	return f, own, nil
}
