package postgres_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/live"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

// trim trims a log of which little enough is kept, until nothing is left to do.
func (d *desk) trim(keep live.Keep, limit int) {
	d.t.Helper()
	t := live.Trimmer{Log: postgres.NewLog(postgres.New(d.pool, nil)), Clock: d.clock, Keep: keep}
	for {
		n, err := t.Trim(context.Background(), limit)
		if err != nil {
			d.t.Fatal(err)
		}
		if n < limit {
			return
		}
	}
}

const far = 1_000_000

// fill appends entries: 1 to so many.
func (d *desk) fill(entries int) {
	d.t.Helper()
	_, err := d.pool.Exec(d.t.Context(), `INSERT INTO event_log (organization_id, at, topic, payload)
		SELECT $1, $2, 'test', '{}' FROM generate_series(1, $3)`, d.Organization, d.clock.Now(), entries)
	if err != nil {
		d.t.Fatal(err)
	}
}

func TestEntriesAreForgottenByTheirAgeAndCursorsOfThenAreReset(t *testing.T) {
	d := newDesk(t)
	log := d.newLog()
	start := head(t, log)
	d.fill(10)
	written := d.clock.Now()
	for _, step := range []struct {
		after time.Duration
		left  int
		want  error
	}{{24*time.Hour - time.Microsecond, 10, nil}, {24 * time.Hour, 0, live.ErrTooOld}} {
		d.clock.Set(written.Add(step.after))
		d.trim(live.Keep{For: 24 * time.Hour, Positions: far}, 3)
		if n := d.count(`SELECT count(*)::int FROM event_log`); n != step.left {
			t.Errorf("after %v there are %d entries, want %d", step.after, n, step.left)
		}
		if _, _, err := d.newLog().Read(t.Context(), start, 100); !errors.Is(err, step.want) {
			t.Errorf("after %v a cursor from before got %v", step.after, err)
		}
	}
	if _, _, err := d.newLog().Read(t.Context(), live.Cursor{Epoch: start.Epoch, Position: 10}, 100); err != nil {
		t.Errorf("the cursor of the last entry got %v", err)
	}
}

func TestTheLogKeepsNoMorePositionsThanItMay(t *testing.T) {
	d := newDesk(t)
	start := head(t, d.newLog())
	d.fill(100)
	d.trim(live.Keep{For: 24 * time.Hour, Positions: 40}, 7)
	if n, first := d.count(`SELECT count(*)::int FROM event_log`), d.count(`SELECT min(position)::int FROM event_log`); n != 40 || first != 61 {
		t.Errorf("%d entries are left, from %d on", n, first)
	}
	log := d.newLog()
	if _, _, err := log.Read(t.Context(), live.Cursor{Epoch: start.Epoch, Position: 59}, 100); !errors.Is(err, live.ErrTooOld) {
		t.Errorf("a cursor that misses an entry got %v", err)
	}
	if entries, _, err := log.Read(t.Context(), live.Cursor{Epoch: start.Epoch, Position: 60}, 100); err != nil || len(entries) != 40 {
		t.Errorf("the oldest good cursor got %d entries: %v", len(entries), err)
	}
}

func TestTrimmersDoNotWaitForEachOther(t *testing.T) {
	d := newDesk(t)
	d.fill(3)
	other := d.begin() // deletes what is oldest, as another trimmer would
	d.exec(other, `DELETE FROM event_log WHERE organization_id = $1 AND position = 1`)
	d.clock.Advance(24 * time.Hour)
	d.trim(live.Keep{For: 24 * time.Hour, Positions: far}, 1000)
	if err := other.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left, forgotten := d.count(`SELECT count(*)::int FROM event_log`), d.count(`SELECT forgotten::int FROM log_epoch`); left != 0 || forgotten != 3 {
		t.Errorf("%d entries are left, forgotten up to %d", left, forgotten)
	}
}

func TestFormerRulesGoAnHourAfterTheEntriesThatAskForThem(t *testing.T) {
	d := newDesk(t)
	provider := d.Provider(1)
	at := d.clock.Now()
	if _, err := d.pool.Exec(t.Context(), `INSERT INTO former_rules VALUES ($1, $2, 1, $3, '{}')`, d.Organization, provider.ID, at); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		after time.Duration
		left  int
	}{{25*time.Hour - time.Microsecond, 1}, {25 * time.Hour, 0}} {
		d.clock.Set(at.Add(step.after))
		d.trim(live.Keep{For: 24 * time.Hour, Positions: far}, 10)
		if n := d.count(`SELECT count(*)::int FROM former_rules`); n != step.left {
			t.Errorf("after %v there are %d rules, want %d", step.after, n, step.left)
		}
	}
}

func TestTheLogTellsItsSize(t *testing.T) {
	d := newDesk(t)
	log := postgres.NewLog(postgres.New(d.pool, nil))
	if size, err := log.Size(t.Context()); err != nil || size.Entries != 0 || !size.Oldest.IsZero() {
		t.Errorf("an empty log: %+v, %v", size, err)
	}
	d.fill(1)
	d.clock.Advance(time.Hour)
	d.fill(11)
	if size, err := log.Size(t.Context()); err != nil || size.Entries != 12 || size.Bytes < 8192 || !size.Oldest.Equal(sample.Dawn) {
		t.Errorf("twelve entries: %+v, %v", size, err)
	}
}
