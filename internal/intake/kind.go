package intake

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
)

// kind is the organisation's kind of visit for a service. One that exists keeps its rules: the clinic may have set its own.
func (c *clerk) kind(ctx context.Context, s service) (clinic.VisitKind, error) {
	kind, ok := c.known.kinds[s.key]
	if ok {
		return kind, nil
	}
	err := patiently(ctx, func() (err error) {
		kind, err = c.into.PutVisitKind(ctx, c.actor, c.newKind(s))
		return err
	})
	if err == nil {
		c.known.kinds[s.key] = kind
	}
	return kind, err
}

// agree fails when visits shall have another length than the organisation's kind of visit gives them.
func (c *clerk) agree(s service) error {
	kind, ok := c.known.kinds[s.key]
	if c.visit == 0 || !ok || kind.Duration == c.visit {
		return nil
	}
	return fmt.Errorf("the organisation's visits of the kind %s last %s, not %s: import them at that length, or change the kind first",
		quoted(s.key), spoken(kind.Duration), spoken(c.visit))
}

// newKind counts its grid from each window's opening, so that a window at an odd minute loses nothing.
func (c *clerk) newKind(s service) clinic.PutVisitKind {
	grid := clinic.GridWindow
	return clinic.PutVisitKind{
		Organization: c.organization, Key: s.key, Name: s.name, Duration: cmp.Or(c.visit, c.usual), GridAnchor: &grid,
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
