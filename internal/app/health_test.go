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

	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/postgres/migrate"
)

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
		"all well":        {current, nil, nil, http.StatusOK, readiness{"ready", "ok", "ok", "ok"}},
		"Redis away":      {current, nil, down, http.StatusOK, readiness{"degraded", "ok", "ok", "unreachable"}},
		"PostgreSQL away": {postgres.Health{}, down, nil, http.StatusServiceUnavailable, readiness{"unready", "unreachable", "unknown", "ok"}},
		"a standby": {
			postgres.Health{}, fmt.Errorf("probe: %w", postgres.ErrReadOnly), nil, http.StatusServiceUnavailable,
			readiness{"unready", "readOnly", "unknown", "ok"},
		},
		"not migrated": {postgres.Health{}, nil, nil, http.StatusServiceUnavailable, readiness{"unready", "ok", "older", "ok"}},
		"migrated for the next release": {
			postgres.Health{Schema: migrate.Latest() + 1}, nil, nil, http.StatusOK, readiness{"ready", "ok", "newer", "ok"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := &health{
				database: func(context.Context) (postgres.Health, error) { return c.state, c.database },
				redis:    func(context.Context) error { return c.redis },
				clock:    clock.System{},
			}
			if status, got := askReady(t, h); status != c.status || got != c.want {
				t.Errorf("answered %d %+v, want %d %+v", status, got, c.status, c.want)
			}
		})
	}
}

func TestAProcessOnItsWayOutIsNotReady(t *testing.T) {
	h := &health{
		database: func(context.Context) (postgres.Health, error) { return postgres.Health{Schema: migrate.Latest()}, nil },
		clock:    clock.System{},
	}
	h.draining.Store(true)
	if status, got := askReady(t, h); status != http.StatusServiceUnavailable || got.Status != "draining" {
		t.Errorf("answered %d %+v", status, got)
	}
}

func TestManyAskersShareALook(t *testing.T) {
	looks := 0
	now := clock.FrozenAt(time.Date(2027, 3, 1, 9, 0, 0, 0, time.UTC))
	h := &health{
		database: func(context.Context) (postgres.Health, error) {
			looks++
			return postgres.Health{Schema: migrate.Latest()}, nil
		},
		clock: now,
	}
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
	h := &health{
		database: func(ctx context.Context) (postgres.Health, error) {
			return postgres.Health{Schema: migrate.Latest()}, ctx.Err()
		},
		clock: clock.System{},
	}
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
