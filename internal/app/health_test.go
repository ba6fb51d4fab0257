package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/graph/crowd"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/live"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/postgres/migrate"
	"github.com/mediconnect/mediconnect/internal/resilience"
)

// redisFared is how Redis has fared.
var redisFared = resilience.State{State: "half-open", Succeeded: 7, Failed: 5, Kept: 3, Opened: 1}

// readyAs is what a process answers that follows the log over Redis, one of 7 entries; it measures the log in a good database alone.
func readyAs(status, database, schema, redis string) readiness {
	r := readiness{status, database, schema, redis, redisFared, streaming{"redis", 0, 120, 3, true}, size{-1, -1, -1}, crowded{12, 3}}
	if schema == "ok" || schema == "newer" {
		r.EventLog = size{7, 8192, 3600}
	}
	return r
}

func newHealth(database func(context.Context) (postgres.Health, error), machine clock.Clock) *health {
	noon := time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)
	return &health{
		database: database, clock: machine, now: clock.FrozenAt(noon),
		relays: func() bool { return true }, crowd: func() crowd.Count { return crowd.Count{Inside: 12, Refused: 3} },
		stream: func() live.State { return live.State{Carried: true, Age: 120 * time.Millisecond, Listeners: 3} },
		size: func(context.Context) (live.Size, error) {
			return live.Size{Entries: 7, Bytes: 8192, Oldest: noon.Add(-time.Hour)}, nil
		},
	}
}

func TestReadiness(t *testing.T) {
	current := postgres.Health{Schema: migrate.Latest()}
	down := errors.New("connection refused by db.internal:5432")
	for name, c := range map[string]struct {
		state    postgres.Health
		database error
		redis    error
		status   int
		want     readiness
	}{
		"all well":        {current, nil, nil, http.StatusOK, readyAs("ready", "ok", "ok", "ok")},
		"Redis away":      {current, nil, down, http.StatusOK, readyAs("degraded", "ok", "ok", "unreachable")},
		"PostgreSQL away": {postgres.Health{}, down, nil, http.StatusServiceUnavailable, readyAs("unready", "unreachable", "unknown", "ok")},
		"a standby": {
			postgres.Health{}, fmt.Errorf("probe: %w", postgres.ErrReadOnly), nil, http.StatusServiceUnavailable,
			readyAs("unready", "readOnly", "unknown", "ok"),
		},
		"not migrated": {postgres.Health{}, nil, nil, http.StatusServiceUnavailable, readyAs("unready", "ok", "older", "ok")},
		"migrated for the next release": {
			postgres.Health{Schema: migrate.Latest() + 1}, nil, nil, http.StatusOK, readyAs("ready", "ok", "newer", "ok"),
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHealth(func(context.Context) (postgres.Health, error) { return c.state, c.database }, clock.System{})
			h.redis = func(context.Context) error { return c.redis }
			h.breaker = func() resilience.State { return redisFared }
			if status, got := askReady(t, h); status != c.status || got != c.want {
				t.Errorf("answered %d %+v, want %d %+v", status, got, c.status, c.want)
			}
		})
	}
}

func TestAProcessThatLearnsNothingOfTheLogIsDegraded(t *testing.T) {
	h := newHealth(func(context.Context) (postgres.Health, error) { return postgres.Health{Schema: migrate.Latest()}, nil }, clock.System{})
	for _, c := range []struct {
		state live.State
		want  streaming
	}{
		{live.State{Age: 5001 * time.Millisecond, Behind: 4}, streaming{"behind", 4, 5001, 0, true}},
		{live.State{Age: -1}, streaming{"behind", 0, -1, 0, true}},
	} {
		h.last = readiness{}
		h.stream = func() live.State { return c.state }
		if status, got := askReady(t, h); status != http.StatusOK || got.Status != "degraded" || got.Stream != c.want {
			t.Errorf("answered %d %+v, want %+v", status, got, c.want)
		}
	}
}

func TestAProcessOnItsWayOutIsNotReady(t *testing.T) {
	h := newHealth(func(context.Context) (postgres.Health, error) { return postgres.Health{Schema: migrate.Latest()}, nil }, clock.System{})
	h.draining.Store(true)
	if status, got := askReady(t, h); status != http.StatusServiceUnavailable || got.Status != "draining" {
		t.Errorf("answered %d %+v", status, got)
	}
}

func TestManyAskersShareALook(t *testing.T) {
	looks := 0
	now := clock.FrozenAt(time.Date(2027, 3, 1, 9, 0, 0, 0, time.UTC))
	h := newHealth(func(context.Context) (postgres.Health, error) {
		looks++
		return postgres.Health{Schema: migrate.Latest()}, nil
	}, now)
	for range 100 {
		askReady(t, h)
	}
	if looks != 1 {
		t.Errorf("100 askers made %d looks at the database", looks)
	}
	now.Advance(probeKept + time.Millisecond)
	askReady(t, h)
	if looks != 2 {
		t.Errorf("an old look was given again")
	}
	now.Advance(-time.Hour)
	askReady(t, h)
	if looks != 3 {
		t.Errorf("a look is kept until a clock that was set back has caught up")
	}
}

// An asker who hangs up must not leave "unreachable" behind for the next one.
func TestAnAskerWhoGoesAwayDoesNotEndTheLook(t *testing.T) {
	h := newHealth(func(ctx context.Context) (postgres.Health, error) {
		return postgres.Health{Schema: migrate.Latest()}, ctx.Err()
	}, clock.System{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	h.ready(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, http.MethodGet, "/health/ready", nil))
	if status, got := askReady(t, h); status != http.StatusOK {
		t.Errorf("answered %d %+v", status, got)
	}
}

func askReady(t *testing.T, h *health) (int, readiness) {
	t.Helper()
	recorded := httptest.NewRecorder()
	h.ready(recorded, httptest.NewRequest(http.MethodGet, "/health/ready", nil))
	var got readiness
	if err := json.NewDecoder(recorded.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	return recorded.Code, got
}
