package conflict

import (
	"context"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

// Fallbacks is a store of them.
type Fallbacks interface {
	// Keep keeps a fallback, with the platform's audit row, once: by its id.
	Keep(ctx context.Context, by clinic.Stamp, f Fallback) error
	// Standing answers the latest that nobody has re-armed, of any process; nil: there is none.
	Standing(ctx context.Context) (*Fallback, error)
	// Stands says whether one is kept that nobody has re-armed.
	Stands(ctx context.Context, id uuid.UUID) (bool, error)
}

// Look does what nobody waits for: at first it finds out whether a fallback stands from before, later it tells of one and keeps it, and
// looks whether it was re-armed. What fails is done by the next call. One caller at a time.
func (g *Guard) Look(ctx context.Context) error {
	if err := g.begin(ctx); err != nil {
		return err
	}
	g.mu.Lock()
	f := g.latest
	tell := f != nil && !g.told
	keep := f != nil && !g.kept
	g.told = f != nil
	g.mu.Unlock()
	if tell {
		g.tell(*f)
	}
	switch {
	case f == nil:
		return nil
	case keep:
		return g.keep(ctx, *f)
	}
	stands, err := g.store.Stands(ctx, f.ID)
	if err == nil && !stands {
		g.rearm(*f)
	}
	return err
}

// begin finds out whether a fallback stands from before the process began. A guard that has tripped by itself meanwhile needn't know.
func (g *Guard) begin(ctx context.Context) error {
	if g.begun {
		return nil
	}
	standing, err := g.store.Standing(ctx)
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.latest == nil {
		if err != nil {
			return err
		}
		if standing != nil {
			g.fall(standing, true)
		}
	}
	g.begun = true
	return nil
}

// platform is who falls back.
var platform = access.Actor{Kind: access.System, Client: "conflicts", RequestID: "conflicts"}

func (g *Guard) keep(ctx context.Context, f Fallback) error {
	if err := g.store.Keep(ctx, g.source.Stamp(platform), f); err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.kept = true
	return nil
}

// rearm has the window begin anew.
func (g *Guard) rearm(f Fallback) {
	now := g.source.Clock.Now()
	g.mu.Lock()
	g.window, g.latest, g.kept, g.told = newWindow(g.limits.Window, now), nil, false, false
	g.tripped.Store(false)
	g.mu.Unlock()
	f.RearmedAt = &now
	g.tell(f)
}
