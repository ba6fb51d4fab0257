package app

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mediconnect/mediconnect/graph/crowd"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/live"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/postgres/migrate"
	"github.com/mediconnect/mediconnect/internal/resilience"
)

const (
	probeTimeout = 2 * time.Second
	// probeKept bounds what many askers cost: they share an answer for so long.
	probeKept = time.Second
)

// health answers /health and /health/ready. Readiness is PostgreSQL's write path, the schema's version and not being on
// the way out; Redis is only reported, since otherwise its failure would take every instance away at once; so are streams and the event log.
type health struct {
	database func(context.Context) (postgres.Health, error)
	redis    func(context.Context) error // nil: not configured
	breaker  func() resilience.State     // of redis
	stream   func() live.State           // how well the event log is followed
	relays   func() bool                 // whether this process hands it to the others
	size     func(context.Context) (live.Size, error)
	crowd    func() crowd.Count // who is connected; nil: nobody counts
	clock    clock.Clock        // the machine's
	now      clock.Clock        // the product's
	draining atomic.Bool
	parts    *parts // what /health/<name> tells; nil: nothing

	mu   sync.Mutex
	last readiness
	at   time.Time
}

// readiness is the answer of /health/ready, in words of its own: nothing of an inner error shows.
type readiness struct {
	Status   string    `json:"status"`   // ready, degraded, unready or draining
	Database string    `json:"database"` // ok, unreachable or readOnly
	Schema   string    `json:"schema"`   // ok, older, newer or unknown
	Redis    string    `json:"redis"`    // ok, unreachable or notConfigured
	Breaker  breaker   `json:"redisBreaker,omitzero"`
	Stream   streaming `json:"stream"`
	EventLog size      `json:"eventLog"`
	Crowd    crowded   `json:"connections"`
}

// crowded is how many sockets and streams this process has.
type crowded struct {
	Open    int   `json:"open"`
	Refused int64 `json:"refused"` // since it began: one too many of somebody, or of all
}

// breaker is what keeps calls from a Redis that fails.
type breaker = resilience.State

// streaming is how well this process follows the event log.
type streaming struct {
	Following string `json:"following"` // redis, log or behind
	Behind    int64  `json:"behind"`    // positions that are known to be missing
	AgeMs     int64  `json:"ageMs"`     // since nothing was missing; -1: not yet
	Listeners int    `json:"listeners"` // streams of this process
	Relaying  bool   `json:"relaying"`  // it is the one that hands the log to all over Redis
}

// size is how large the event log is; -1 where that isn't known.
type size struct {
	Entries   int64 `json:"entries"` // about
	Bytes     int64 `json:"bytes"`
	OldestAge int64 `json:"oldestAgeSeconds"`
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
	found := readiness{Status: "ready", Redis: "notConfigured", EventLog: size{-1, -1, -1}}
	if h.redis != nil {
		found.Redis = well
		if h.redis(ctx) != nil {
			found.Redis, found.Status = "unreachable", "degraded"
		}
		found.Breaker = h.breaker()
	}
	if found.Stream = streamOf(h.stream(), h.relays()); found.Stream.Following == behind {
		found.Status = "degraded"
	}
	if h.crowd != nil {
		count := h.crowd()
		found.Crowd = crowded{count.Inside, count.Refused}
	}
	if found.Database, found.Schema = databaseStands(h.database(ctx)); found.Database != well || found.Schema == "older" {
		found.Status = "unready"
	} else {
		found.EventLog = h.measure(ctx)
	}
	return found
}

// databaseStands is how the database and its schema are called.
func databaseStands(state postgres.Health, err error) (database, schema string) {
	switch {
	case errors.Is(err, postgres.ErrReadOnly):
		return "readOnly", "unknown"
	case err != nil:
		return "unreachable", "unknown"
	case state.Schema < migrate.Latest():
		return well, "older"
	case state.Schema > migrate.Latest():
		return well, "newer"
	default:
		return well, "ok"
	}
}

const behind = "behind"

func streamOf(s live.State, relays bool) streaming {
	found := streaming{Following: "log", Behind: s.Behind, AgeMs: s.Age.Milliseconds(), Listeners: s.Listeners, Relaying: relays}
	if s.Age < 0 {
		found.AgeMs = -1
	}
	switch {
	case s.Stale():
		found.Following = behind
	case s.Carried:
		found.Following = "redis"
	}
	return found
}

func (h *health) measure(ctx context.Context) size {
	s, err := h.size(ctx)
	if err != nil {
		return size{-1, -1, -1}
	}
	found := size{Entries: s.Entries, Bytes: s.Bytes}
	if !s.Oldest.IsZero() {
		found.OldestAge = int64(max(h.now.Now().Sub(s.Oldest), 0).Seconds())
	}
	return found
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
