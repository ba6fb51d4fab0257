package intake

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
)

// kind is the organisation's kind of visit for a service. One that exists keeps its rules: the clinic may have set its own.
func (w *writer) kind(ctx context.Context, s service) (clinic.VisitKind, error) {
	kind, ok := w.known.kinds[s.key]
	if ok {
		return kind, nil
	}
	err := patiently(ctx, func() (err error) {
		kind, err = w.into.PutVisitKind(ctx, w.actor, w.newKind(s))
		return err
	})
	if err == nil {
		w.known.kinds[s.key] = kind
	}
	return kind, err
}

// agree fails when visits shall have another length than the organisation's kinds of visit give them.
func (w *writer) agree() error {
	for _, s := range w.sites {
		for _, d := range s.desks {
			kind, ok := w.known.kinds[d.service.key]
			if asked := w.order.Visit; ok && asked != 0 && kind.Duration != asked {
				return fmt.Errorf("the organisation's visits of the kind %s last %s, not %s: import them at that length, or change the kind first",
					quoted(d.service.key), spoken(kind.Duration), spoken(asked))
			}
		}
	}
	return nil
}

// newKind counts its grid from each window's opening, so that a window at an odd minute loses nothing.
func (w *writer) newKind(s service) clinic.PutVisitKind {
	length, grid := w.order.Visit, clinic.GridWindow
	if length == 0 {
		length = DefaultVisit
	}
	return clinic.PutVisitKind{
		Organization: w.order.Organization, Key: s.key, Name: s.name, Duration: length, GridAnchor: &grid,
		Modalities: []clinic.Modality{clinic.InPerson},
	}
}

func ref(organization, id uuid.UUID) clinic.Ref {
	return clinic.Ref{Organization: organization, ID: id}
}

func spoken(d time.Duration) string {
	if d == time.Minute {
		return "1 minute"
	}
	return fmt.Sprintf("%d minutes", d/time.Minute)
}
