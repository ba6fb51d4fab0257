package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/anchor"
	"github.com/mediconnect/mediconnect/internal/audit"
)

// Whoever rules the database can make rows look so old that their time is over: the worker must not drop them for it.
func TestRowsThatWereMadeToLookOldAreNotDropped(t *testing.T) {
	const keep = 24 * time.Hour
	for name, tamper := range map[string]string{
		"a time":       `UPDATE audit_events SET at = at - interval '10 years' WHERE organization_id = $1 AND position <= ` + rowAt + `5)`,
		"and a digest": `WITH old AS (UPDATE audit_events SET at = at - interval '10 years' WHERE organization_id = $1 AND position <= ` + rowAt + `5) RETURNING position) UPDATE audit_chain SET digest = sha256('x') WHERE organization_id = $1 AND position IN (SELECT position FROM old)`,
		"and a key":    `WITH old AS (UPDATE audit_events SET at = at - interval '10 years' WHERE organization_id = $1 AND position <= ` + rowAt + `5) RETURNING position) UPDATE audit_chain SET key_id = 9 WHERE organization_id = $1 AND position IN (SELECT position FROM old)`,
	} {
		t.Run(name, func(t *testing.T) {
			v := newVault(t)
			v.tamper(tamper)
			n, err := v.sealer.Prune(t.Context(), keep, 100)
			if err == nil || n != 0 || !strings.Contains(err.Error(), "organisation "+v.clinics[0].String()+" isn't as it was written") {
				t.Errorf("dropped %d, %v", n, err)
			}
			v.wants(1, "isn't as it was sealed", "no anchor before it")
		})
	}
}

// What is wrong with one clinic's record doesn't keep the other's from being dropped.
func TestOneTamperedRecordDoesNotKeepOthersFromBeingDropped(t *testing.T) {
	v := newVault(t)
	v.tamper(`UPDATE audit_events SET fields = '{name}' WHERE organization_id = $1 AND id = ` + eventAt + `3)`)
	v.now.Advance(48 * time.Hour)
	if n, err := v.sealer.Prune(t.Context(), 24*time.Hour, 100); err == nil || n != 20 {
		t.Errorf("dropped %d, %v", n, err)
	}
	v.wants(3, "isn't as it was sealed", "no anchor before it")
}

func TestAnEventThatIsInsertedWhereNoChainLeadsIsNoticed(t *testing.T) {
	const forged = `INSERT INTO audit_events (organization_id, id, at, actor_kind, actor_id, client, action, entity_kind, entity_id, request_id, position)
		SELECT organization_id, gen_random_uuid(), at, actor_kind, actor_id, client, action, entity_kind, entity_id, 'forged', %s
		FROM audit_events WHERE organization_id = $1 ORDER BY position DESC LIMIT 1`
	t.Run("before all positions", func(t *testing.T) {
		v := newVault(t)
		v.tamper(fmt.Sprintf(forged, "-7"))
		v.wants(1, "was inserted before the chain begins", "no anchor before it")
	})
	t.Run("where the beginning was dropped", func(t *testing.T) {
		v := newVault(t)
		v.now.Advance(24*time.Hour - 90*time.Second)
		if n, err := v.sealer.Prune(t.Context(), 24*time.Hour, 100); err != nil || n != 20 {
			t.Fatalf("dropped %d, %v", n, err)
		}
		v.tamper(fmt.Sprintf(forged, "1"))
		v.wants(11, "was inserted before the chain begins", "")
	})
}

// A mistyped id must not read as a record that is good.
func TestAnOrganisationWithoutARecordIsNotSaidToBeGood(t *testing.T) {
	v := newVault(t)
	var out bytes.Buffer
	whose := uuid.New()
	err := verify(t.Context(), audit.NewVerifier(v.store, v.keys, anchor.In(v.path, v.keys), v.now), whose, true, &out)
	if err == nil || !strings.Contains(err.Error(), "nothing is recorded of organisation "+whose.String()) || out.Len() > 0 {
		t.Errorf("%q, %v", out.String(), err)
	}
}

func TestALinkWithAKeyThatThereIsNotIsTamperedWith(t *testing.T) {
	v := newVault(t)
	v.tamper(`UPDATE audit_chain SET key_id = 9 WHERE organization_id = $1 AND ordinal = 12`)
	v.wants(12, "names a key that there isn't", "at ordinal 10")
}

// A clinic that is busy has a new link each minute; that the oldest of those without an anchor is old tells that none are written.
func TestThatNothingIsAnchoredIsNoticedAtABusyClinic(t *testing.T) {
	v := newVault(t)
	nowhere := audit.NewSealer(v.store, v.keys, anchor.In(filepath.Join(t.TempDir(), "elsewhere"), v.keys), v.now)
	v.sealer = nowhere
	v.write(1)
	v.now.Advance(10 * time.Minute)
	if said, err := v.verify(); err != nil {
		t.Errorf("it isn't late yet: %q", said)
	}
	v.now.Advance(10 * time.Minute)
	v.write(1)
	said, err := v.verify()
	if !errors.Is(err, ErrTampered) || strings.Count(said, "ordinal=21: no anchor tells of the chain from here, for more than 15 minutes") != 2 {
		t.Errorf("%q, %v", said, err)
	}
}

// cutting are anchors with something done before they are read or written.
type cutting struct {
	audit.Anchors
	appended func()
	failing  bool
	read     func()
}

var errKilled = errors.New("killed")

func (c *cutting) Append(ctx context.Context, anchors []audit.Anchor) error {
	err := c.Anchors.Append(ctx, anchors)
	if c.appended != nil {
		c.appended()
	}
	if c.failing {
		return errKilled
	}
	return err
}

func (c *cutting) Each(ctx context.Context, tell func(audit.Anchor) error) error {
	err := c.Anchors.Each(ctx, tell)
	if then := c.read; then != nil {
		c.read = nil
		then()
	}
	return err
}

// Whoever drops is killed, meets another, or drops while somebody verifies: none of that is tampering.
func TestDroppingTheBeginningIsNotTakenForTampering(t *testing.T) {
	const keep = 24 * time.Hour
	cut := func(t *testing.T, v *vault, s *audit.Sealer, limit, want int) {
		t.Helper()
		if n, err := s.Prune(t.Context(), keep, limit); err != nil || n != want {
			t.Fatalf("dropped %d, %v", n, err)
		}
	}
	good := func(t *testing.T, v *vault, rows int) {
		t.Helper()
		if said, err := v.verify(); err != nil || !strings.HasPrefix(said, fmt.Sprint(rows, " rows of 2")) {
			t.Errorf("%q, %v", said, err)
		}
	}
	t.Run("killed before it drops", func(t *testing.T) {
		v := newVault(t)
		v.now.Advance(2 * keep)
		s := audit.NewSealer(v.store, v.keys, &cutting{Anchors: anchor.In(v.path, v.keys), failing: true}, v.now)
		if n, err := s.Prune(t.Context(), keep, 4); !errors.Is(err, errKilled) || n != 0 {
			t.Fatalf("dropped %d, %v", n, err)
		}
		good(t, v, 40)
	})
	t.Run("two at once", func(t *testing.T) {
		v := newVault(t)
		v.now.Advance(2 * keep)
		first := &cutting{Anchors: anchor.In(v.path, v.keys)}
		once := false
		first.appended = func() { // the other tells of less, later, and is killed then
			if !once {
				once = true
				s := audit.NewSealer(v.store, v.keys, &cutting{Anchors: anchor.In(v.path, v.keys), failing: true}, v.now)
				if _, err := s.Prune(t.Context(), keep, 3); !errors.Is(err, errKilled) {
					t.Error(err)
				}
			}
		}
		cut(t, v, audit.NewSealer(v.store, v.keys, first, v.now), 8, 16)
		good(t, v, 24)
	})
	t.Run("while somebody verifies", func(t *testing.T) {
		v := newVault(t)
		v.now.Advance(2 * keep)
		anchors := &cutting{Anchors: anchor.In(v.path, v.keys), read: func() { cut(t, v, v.sealer, 5, 10) }}
		rows := int64(0)
		if err := audit.NewVerifier(v.store, v.keys, anchors, v.now).Verify(t.Context(), uuid.Nil, false, func(f audit.Finding) {
			if rows += f.Good; f.Fault != nil {
				t.Errorf("%+v", *f.Fault)
			}
		}); err != nil || rows != 30 {
			t.Errorf("%d rows, %v", rows, err)
		}
	})
}

// A worker that runs on while the database is put back to an earlier state seals and anchors what is written from then on.
func TestAWorkerGoesOnInADatabaseThatWasPutBack(t *testing.T) {
	v := newVault(t)
	v.tamper(`WITH gone AS (DELETE FROM audit_chain WHERE organization_id IS NOT NULL OR $1::uuid IS NULL) DELETE FROM audit_events WHERE $1::uuid IS NOT NULL`)
	if _, err := v.pool.Exec(t.Context(), `SELECT setval('log_positions', 1, false)`); err != nil {
		t.Fatal(err)
	}
	if _, err := v.pool.Exec(t.Context(), `UPDATE log_epoch SET epoch = gen_random_uuid()`); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(v.path); err != nil { // it was meant
		t.Fatal(err)
	}
	v.record(3)
	v.seal()
	if said, err := v.verify(); err != nil || !strings.HasPrefix(said, "6 rows of 2") {
		t.Errorf("%q, %v", said, err)
	}
	if text, err := os.ReadFile(v.path); err != nil || strings.Count(string(text), "\n") != 2 {
		t.Errorf("anchors %q, %v", text, err)
	}
}
