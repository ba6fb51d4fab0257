package loader

import (
	"context"
	"sync"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/reminder"
)

// listings load what a field of providers, or of appointments, lists. One field of a document asks all of them for the same, so it has a
// loader of its own. Those of one page belong together.
type listings[V any] struct {
	mu    sync.Mutex
	pages [][]clinic.Ref
	of    map[*ast.Field]*Loader[clinic.Ref, V]
}

// load answers what one of them has; begin makes the fetch when a field is met first.
func (l *listings[V]) load(ctx context.Context, field *ast.Field, of clinic.Ref, begin func() func(context.Context, []clinic.Ref) (map[clinic.Ref]V, error)) (*V, error) {
	l.mu.Lock()
	all := l.of[field]
	if all == nil {
		all = batch(begin())
		for _, page := range l.pages {
			all.Together(page)
		}
		if l.of == nil {
			l.of = map[*ast.Field]*Loader[clinic.Ref, V]{}
		}
		l.of[field] = all
	}
	l.mu.Unlock()
	return all.Load(ctx, of)
}

// together says that these belong together.
func (l *listings[V]) together(page []clinic.Ref) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pages = append(l.pages, page)
	for _, of := range l.of {
		of.Together(page)
	}
}

// Agenda answers a page of one provider's appointments. What a field of the document asks for is read once.
func (l *Loaders) Agenda(ctx context.Context, field *ast.Field, provider clinic.Ref, ask func() appointment.Agenda) (*appointment.AgendaPage, error) {
	return l.agendas.load(ctx, field, provider, func() func(context.Context, []clinic.Ref) (map[clinic.Ref]appointment.AgendaPage, error) {
		asked := ask()
		return func(ctx context.Context, providers []clinic.Ref) (map[clinic.Ref]appointment.AgendaPage, error) {
			pages, err := l.appointments.Agendas(ctx, l.actor, providers, asked)
			l.ofAgendas(pages)
			return pages, err
		}
	})
}

// CountAgenda counts what Agenda pages.
func (l *Loaders) CountAgenda(ctx context.Context, field *ast.Field, provider clinic.Ref, ask func() appointment.Agenda) (*int, error) {
	return l.counts.load(ctx, field, provider, func() func(context.Context, []clinic.Ref) (map[clinic.Ref]int, error) {
		asked := ask()
		return func(ctx context.Context, providers []clinic.Ref) (map[clinic.Ref]int, error) {
			return l.appointments.CountAgendas(ctx, l.actor, providers, asked)
		}
	})
}

// Told answers a page of what is told of one visit. What a field of the document asks for is read once.
func (l *Loaders) Told(ctx context.Context, field *ast.Field, visit clinic.Ref, w paging.Window) (*paging.Page[reminder.Message], error) {
	return l.told.load(ctx, field, visit, func() func(context.Context, []clinic.Ref) (map[clinic.Ref]paging.Page[reminder.Message], error) {
		return func(ctx context.Context, visits []clinic.Ref) (map[clinic.Ref]paging.Page[reminder.Message], error) {
			pages, err := l.ledger.OfVisits(ctx, l.actor, visits, w)
			var all []reminder.Message
			for _, page := range pages {
				all = append(all, page.Items...)
			}
			l.OfReminders(all)
			return pages, err
		}
	})
}

// CountTold counts what Told pages.
func (l *Loaders) CountTold(ctx context.Context, field *ast.Field, visit clinic.Ref) (*int, error) {
	return l.toldCounts.load(ctx, field, visit, func() func(context.Context, []clinic.Ref) (map[clinic.Ref]int, error) {
		return func(ctx context.Context, visits []clinic.Ref) (map[clinic.Ref]int, error) {
			return l.ledger.CountOfVisits(ctx, l.actor, visits)
		}
	})
}

// told is the room that pages and counts those.
type told interface {
	OfVisits(ctx context.Context, actor access.Actor, visits []clinic.Ref, w paging.Window) (map[clinic.Ref]paging.Page[reminder.Message], error)
	CountOfVisits(ctx context.Context, actor access.Actor, visits []clinic.Ref) (map[clinic.Ref]int, error)
}

// agendas is the room that pages and counts them.
type agendas interface {
	Agendas(ctx context.Context, actor access.Actor, providers []clinic.Ref, q appointment.Agenda) (map[clinic.Ref]appointment.AgendaPage, error)
	CountAgendas(ctx context.Context, actor access.Actor, providers []clinic.Ref, q appointment.Agenda) (map[clinic.Ref]int, error)
}
