package app

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/resilience"
)

// well is the status of what can be used, and trying that of what failed and is being tried again.
const (
	well   = "ok"
	trying = "trying"
)

// part is how a thing that the process depends on stands, in words of its own: nothing of an inner error shows.
type part struct {
	Status string `json:"status"` // ok, trying, or why it can't be used
	Detail any    `json:"detail,omitempty"`
}

// parts are what a process depends on, by the name in /health/<name>. A nil one knows none.
type parts struct {
	clock clock.Clock

	mu    sync.Mutex
	known map[string]*looked
}

// looked is a part with the last look at it.
type looked struct {
	look func(context.Context) part

	mu   sync.Mutex
	last part
	at   time.Time
}

// partsOf are those that every process has. What serves puts its own in their place.
func partsOf(db *postgres.DB) *parts {
	p := &parts{clock: clock.System{}, known: map[string]*looked{}}
	p.add(resilience.PostgreSQL, func(ctx context.Context) part { return databasePart(databaseStands(db.Probe(ctx))) })
	return p
}

// add notes one, in the place of another of its name. It is looked at when somebody asks, but once a second at the most, and within
// 2 s: askers share an answer.
func (p *parts) add(of resilience.Dependency, look func(context.Context) part) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.known[string(of)] = &looked{look: look}
}

// answer is 200 for what can be used, or is being tried, 503 for what can't, and 404 for what the process doesn't use.
func (p *parts) answer(w http.ResponseWriter, r *http.Request) {
	one := p.find(r.PathValue("name"))
	if one == nil {
		answer(w, http.StatusNotFound, part{Status: "unknown"})
		return
	}
	found := one.now(r.Context(), p.clock)
	status := http.StatusOK
	if found.Status != well && found.Status != trying {
		status = http.StatusServiceUnavailable
	}
	answer(w, status, found)
}

func (p *parts) find(name string) *looked {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.known[name]
}

// now looks, or gives the last look's answer while it is young. An asker who goes away doesn't end the look.
func (l *looked) now(ctx context.Context, c clock.Clock) part {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := c.Now(); l.last.Status == "" || !clock.Fresh(l.at, now, probeKept) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), probeTimeout)
		defer cancel()
		l.last, l.at = l.look(ctx), now
	}
	return l.last
}

// tellsOf has p tell what the look at readiness has found, so that nothing is looked at twice.
func (h *health) tellsOf(p *parts) {
	p.add(resilience.PostgreSQL, func(ctx context.Context) part {
		found := h.probe(ctx)
		return databasePart(found.Database, found.Schema)
	})
	if h.redis != nil {
		p.add(resilience.Redis, func(ctx context.Context) part {
			found := h.probe(ctx)
			return part{found.Redis, found.Breaker}
		})
	}
}

func databasePart(database, schema string) part {
	found := part{Status: database, Detail: map[string]string{"schema": schema}}
	if schema == "older" {
		found.Status = "schemaOlder"
	}
	return found
}

// watch has a vendor's guard among the parts and the figures. Once a process for each.
func (a *App) watch(g *resilience.Guard) {
	guardFigures(a.figures, g)
	a.parts.add(g.Of(), func(context.Context) part { return guardPart(g.State()) })
}

// guardPart is how a vendor stands, as its guard has found; nobody asks the vendor for it.
func guardPart(s resilience.GuardState) part {
	switch s.State {
	case "open":
		return part{"unavailable", s}
	case "half-open":
		return part{trying, s}
	default:
		return part{well, s}
	}
}
