package app

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/postgres/migrate"
)

const (
	probeTimeout = 2 * time.Second
	// probeKept bounds what many askers cost: they share an answer for so long.
	probeKept = time.Second
)

// health answers /health and /health/ready. Readiness is PostgreSQL's write path, the schema's version and not being on
// the way out; Redis is only reported, since otherwise its failure would take every instance away at once.
type health struct {
	database func(context.Context) (postgres.Health, error)
	redis    func(context.Context) error // nil: not configured
	clock    clock.Clock                 // the machine's
	draining atomic.Bool

	mu   sync.Mutex
	last readiness
	at   time.Time
}

// readiness is the answer of /health/ready, in words of its own: nothing of an inner error shows.
type readiness struct {
	Status   string `json:"status"`   // ready, degraded, unready or draining
	Database string `json:"database"` // ok, unreachable or readOnly
	Schema   string `json:"schema"`   // ok, older, newer or unknown
	Redis    string `json:"redis"`    // ok, unreachable or notConfigured
}

func (h *health) live(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]string{"status": "ok"})
}

func (h *health) ready(w http.ResponseWriter, r *http.Request) {
	found := h.probe(r.Context())
	if h.draining.Load() {
		found.Status = "draining"
	}
	status := http.StatusOK
	if found.Status == "unready" || found.Status == "draining" {
		status = http.StatusServiceUnavailable
	}
	answer(w, status, found)
}

// probe looks, or gives the last look's answer while it is young. An asker who goes away doesn't end the look.
func (h *health) probe(ctx context.Context) readiness {
	h.mu.Lock()
	defer h.mu.Unlock()
	if now := h.clock.Now(); h.last.Status == "" || !clock.Fresh(h.at, now, probeKept) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), probeTimeout)
		defer cancel()
		h.last, h.at = h.look(ctx), now
	}
	return h.last
}

func (h *health) look(ctx context.Context) readiness {
	found := readiness{Status: "ready", Database: "ok", Schema: "unknown", Redis: "notConfigured"}
	if h.redis != nil {
		found.Redis = "ok"
		if h.redis(ctx) != nil {
			found.Redis, found.Status = "unreachable", "degraded"
		}
	}
	state, err := h.database(ctx)
	switch {
	case errors.Is(err, postgres.ErrReadOnly):
		found.Database, found.Status = "readOnly", "unready"
	case err != nil:
		found.Database, found.Status = "unreachable", "unready"
	case state.Schema < migrate.Latest():
		found.Schema, found.Status = "older", "unready"
	case state.Schema > migrate.Latest():
		found.Schema = "newer"
	default:
		found.Schema = "ok"
	}
	return found
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
