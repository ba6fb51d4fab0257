package loader

import (
	"context"
	"sync"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

// listings load what a field of providers lists. One field of a document asks all of them for the same, so it has a loader of its
// own. Providers of one page belong together.
type listings[V any] struct {
	mu    sync.Mutex
	pages [][]clinic.Ref
	of    map[*ast.Field]*Loader[clinic.Ref, V]
}

// load answers one provider's; begin makes the fetch when a field is met first.
func (l *listings[V]) load(ctx context.Context, field *ast.Field, provider clinic.Ref, begin func() func(context.Context, []clinic.Ref) (map[clinic.Ref]V, error)) (*V, error) {
	l.mu.Lock()
	of := l.of[field]
	if of == nil {
		of = batch(begin())
		for _, page := range l.pages {
			of.Together(page)
		}
		if l.of == nil {
			l.of = map[*ast.Field]*Loader[clinic.Ref, V]{}
		}
		l.of[field] = of
	}
	l.mu.Unlock()
	return of.Load(ctx, provider)
}

// together says that these providers belong together.
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

// agendas is the room that pages and counts them.
type agendas interface {
	Agendas(ctx context.Context, actor access.Actor, providers []clinic.Ref, q appointment.Agenda) (map[clinic.Ref]appointment.AgendaPage, error)
	CountAgendas(ctx context.Context, actor access.Actor, providers []clinic.Ref, q appointment.Agenda) (map[clinic.Ref]int, error)
}
