package postgres

import (
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
)

func TestALookIsGivenAgainForAMomentAndNeverAfterASetback(t *testing.T) {
	pool := pgtest.New(t)
	db := New(pool, nil)
	now := clock.System{}.Now
	for _, step := range []struct {
		name, change string
		looked       time.Time
		want         int64
	}{
		{"an empty log", `SELECT 1`, time.Time{}, 0},
		{"a moment after", `SELECT nextval('log_positions')`, now().Add(-time.Minute), 1},
		{"a look from before the clock was set back", `SELECT nextval('log_positions')`, now().Add(time.Hour), 2},
		{"a disk's snapshot that was put back", `SELECT setval('log_positions', 1)`, time.Time{}, 1},
		{"and goes on from there", `SELECT nextval('log_positions')`, time.Time{}, 2},
	} {
		if _, err := pool.Exec(t.Context(), step.change); err != nil {
			t.Fatal(err)
		}
		db.positions.looked = step.looked
		if _, position, err := db.releasedPosition(t.Context()); err != nil || position != step.want {
			t.Errorf("%s: released up to %d, want %d (%v)", step.name, position, step.want, err)
		}
	}
}
