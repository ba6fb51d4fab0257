package app

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/anchor"
	"github.com/mediconnect/mediconnect/internal/audit"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

// vault is a record of two clinics, sealed and anchored, and somebody who rules the database.
type vault struct {
	t       *testing.T
	admin   string        // the superuser's address
	pool    *pgxpool.Pool // and pool
	store   *postgres.AuditStore
	keys    derivedKeys
	path    string
	now     *clock.Frozen
	sealer  *audit.Sealer
	clinics [2]uuid.UUID
}

// Twenty events of each clinic are sealed, with an anchor after ten and one after all.
func newVault(t *testing.T) *vault {
	t.Helper()
	url := pgtest.NewURL(t)
	v := &vault{
		t: t, admin: pgtest.AdminURL(t, url), pool: pgtest.Pool(t, pgtest.AdminURL(t, url)), keys: derivedKeys{[]byte("a secret of tests")},
		path: filepath.Join(t.TempDir(), "anchors"), now: clock.FrozenAt(sample.Dawn), clinics: [2]uuid.UUID{sample.NewID(), sample.NewID()},
	}
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	db := postgres.New(pool, keytest.Of(t, pool))
	t.Cleanup(db.Close)
	v.store = postgres.NewAuditStore(db)
	v.sealer = v.newSealer()
	v.write(10)
	v.write(10)
	return v
}

func (v *vault) newSealer() *audit.Sealer {
	return audit.NewSealer(v.store, v.keys, anchor.In(v.path, v.keys), v.now)
}

// write records, seals and anchors so many events of each clinic.
func (v *vault) write(n int) {
	v.t.Helper()
	v.record(n)
	v.seal()
	v.now.Advance(time.Minute)
}

func (v *vault) record(n int) {
	v.t.Helper()
	for range n {
		for _, clinic := range v.clinics {
			e := audit.Event{
				Organization: clinic, ID: sample.NewID(), At: v.now.Now(), ActorKind: access.Staff, Actor: sample.NewID(), Client: "test",
				Action: "patient.read", EntityKind: "Patient", Entity: sample.NewID(), Request: "r", Effect: audit.Read, Outcome: audit.Done,
				Patient: sample.NewID(), Purpose: access.Treatment, Fields: []string{"birthDate", "name"}, Flags: audit.NoFlags, Times: 1,
			}
			if err := v.store.Record(v.t.Context(), clinic, []audit.Event{e}); err != nil {
				v.t.Fatal(err)
			}
		}
	}
}

func (v *vault) seal() {
	v.t.Helper()
	ctx := v.t.Context()
	for deadline := time.Now().Add(10 * time.Second); ; {
		if _, err := v.sealer.Seal(ctx, 7); err != nil {
			v.t.Fatal(err)
		}
		if v.count(`SELECT count(*) FROM audit_events e WHERE NOT EXISTS (SELECT FROM audit_chain c WHERE c.organization_id = e.organization_id AND c.position >= e.position)`) == 0 {
			break
		}
		if time.Now().After(deadline) {
			v.t.Fatal("the events were not sealed in time")
		}
	}
	if err := v.sealer.Anchor(ctx); err != nil {
		v.t.Fatal(err)
	}
}

func (v *vault) count(sql string, args ...any) (n int) {
	v.t.Helper()
	if err := v.pool.QueryRow(v.t.Context(), sql, args...).Scan(&n); err != nil {
		v.t.Fatal(err)
	}
	return n
}

// tamper changes the first clinic's record, whose id is $1.
func (v *vault) tamper(sql string, args ...any) {
	v.t.Helper()
	tag, err := v.pool.Exec(v.t.Context(), sql, append([]any{v.clinics[0]}, args...)...)
	if err != nil || tag.RowsAffected() == 0 {
		v.t.Fatalf("%s: %v, %v", sql, tag, err)
	}
}

func (v *vault) verify() (string, error) {
	v.t.Helper()
	var out bytes.Buffer
	err := verify(v.t.Context(), audit.NewVerifier(v.store, v.keys, anchor.In(v.path, v.keys), v.now), uuid.Nil, false, &out)
	return out.String(), err
}

// wants checks that the first clinic's first bad row is named, and that the other clinic's record is good.
func (v *vault) wants(ordinal int, what, since string) {
	v.t.Helper()
	said, err := v.verify()
	row := fmt.Sprintf("BAD organization=%s ordinal=%d", v.clinics[0], ordinal)
	if !errors.Is(err, ErrTampered) || !strings.HasPrefix(said, row+" ") && !strings.HasPrefix(said, row+":") ||
		!strings.Contains(said, what) || !strings.Contains(said, since) {
		v.t.Errorf("said %q (%v), want ordinal %d, %q and %q", said, err, ordinal, what, since)
	}
	if strings.Count(said, "BAD") != 1 {
		v.t.Errorf("more is bad than was tampered with: %q", said)
	}
}

// at is a row by its ordinal.
const (
	eventAt = `(SELECT event_id FROM audit_chain WHERE organization_id = $1 AND ordinal = `
	rowAt   = `(SELECT position FROM audit_chain WHERE organization_id = $1 AND ordinal = `
)

func TestARecordThatNobodyTouchedIsGood(t *testing.T) {
	v := newVault(t)
	said, err := v.verify()
	if err != nil || !strings.HasPrefix(said, "40 rows of 2 organisations are as they were written, up to 2026-06-08T10:01:00Z") {
		t.Errorf("%q, %v", said, err)
	}
	v.record(3) // not sealed yet, which is nobody's fault
	if said, err := v.verify(); err != nil || !strings.HasPrefix(said, "40 rows") {
		t.Errorf("%q, %v", said, err)
	}
}

func TestVerifyNamesTheFirstRowThatWasTamperedWith(t *testing.T) {
	const anchored10 = "since the anchor of 2026-06-08T10:00:00Z at ordinal 10"
	for name, c := range map[string]struct {
		tamper  func(*vault)
		ordinal int
		what    string
		since   string
	}{
		"an edit": {func(v *vault) {
			v.tamper(`UPDATE audit_events SET fields = '{name}' WHERE organization_id = $1 AND id = ` + eventAt + `15)`)
		}, 15, "isn't as it was sealed", anchored10},
		"an edit before any anchor": {func(v *vault) {
			v.tamper(`UPDATE audit_events SET actor_id = gen_random_uuid() WHERE organization_id = $1 AND id = ` + eventAt + `4)`)
		}, 4, "isn't as it was sealed", "no anchor before it"},
		"a deletion in the middle": {func(v *vault) {
			v.tamper(`DELETE FROM audit_events WHERE organization_id = $1 AND id = ` + eventAt + `12)`)
		}, 12, "the event was deleted", anchored10},
		"a deletion in the middle with its link": {func(v *vault) {
			v.tamper(`DELETE FROM audit_events WHERE organization_id = $1 AND id = ` + eventAt + `12)`)
			v.tamper(`DELETE FROM audit_chain WHERE organization_id = $1 AND ordinal = 12`)
		}, 12, "the chain's row was deleted", anchored10},
		"a deletion of a link alone": {func(v *vault) {
			v.tamper(`DELETE FROM audit_chain WHERE organization_id = $1 AND ordinal = 12`)
		}, 12, "the chain's row was deleted", anchored10},
		"a deletion at the tail": {func(v *vault) {
			v.tamper(`DELETE FROM audit_events WHERE organization_id = $1 AND position >= ` + rowAt + `17)`)
			v.tamper(`DELETE FROM audit_chain WHERE organization_id = $1 AND ordinal >= 17`)
		}, 17, "the chain ends before here", anchored10},
		"a deletion of everything": {func(v *vault) {
			v.tamper(`DELETE FROM audit_events WHERE organization_id = $1`)
			v.tamper(`DELETE FROM audit_chain WHERE organization_id = $1`)
		}, 1, "the chain ends before here", "no anchor before it"},
		"a swap of two rows": {func(v *vault) {
			v.tamper(`WITH two AS (SELECT ` + rowAt + `13) AS a, ` + rowAt + `14) AS b)
				UPDATE audit_events e SET position = -CASE WHEN e.position = two.a THEN two.b ELSE two.a END FROM two
				WHERE e.organization_id = $1 AND e.position IN (two.a, two.b)`)
			v.tamper(`UPDATE audit_events SET position = -position WHERE organization_id = $1 AND position < 0`)
		}, 13, "isn't as it was sealed", anchored10},
		"an insertion": {func(v *vault) {
			v.tamper(v.copyBefore(14))
		}, 14, "an event was inserted", anchored10},
		"an insertion with a forged link": {func(v *vault) {
			v.tamper(v.copyBefore(14))
			v.tamper(`UPDATE audit_chain SET ordinal = -ordinal WHERE organization_id = $1 AND ordinal >= 14`)
			v.tamper(`UPDATE audit_chain SET ordinal = 1 - ordinal WHERE organization_id = $1 AND ordinal < 0`)
			v.tamper(`INSERT INTO audit_chain SELECT organization_id, 14, position, id, sha256('x'), sha256('y'), 1 FROM audit_events
				WHERE organization_id = $1 AND request_id = 'forged'`)
		}, 14, "isn't as it was sealed", anchored10},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVault(t)
			if strings.HasPrefix(name, "an insertion") {
				pgtest.Execute(t, v.admin, `ALTER TABLE audit_chain DROP CONSTRAINT audit_chain_ordinal_check`)
			}
			c.tamper(v)
			v.wants(c.ordinal, c.what, c.since)
		})
	}
}

// copyBefore is a statement that puts a copy of an event right before the place of another, where no other clinic's event stands.
func (v *vault) copyBefore(ordinal int) string {
	return fmt.Sprintf(`INSERT INTO audit_events SELECT organization_id, gen_random_uuid(), at, actor_kind, actor_id, client, action, entity_kind, entity_id,
		'forged', %s%d) - 1, effect, outcome, patient_id, purpose, grant_id, fields, flags, times
		FROM audit_events WHERE organization_id = $1 AND id = %s1)`, rowAt, ordinal, eventAt)
}

// Whoever has the key, too, can write a chain that follows from itself, but not the anchors.
func TestAChainThatWasWrittenAnewDiffersFromTheAnchors(t *testing.T) {
	v := newVault(t)
	v.write(10)
	v.tamper(`UPDATE audit_events SET actor_id = gen_random_uuid() WHERE organization_id = $1 AND id = ` + eventAt + `15)`)
	v.tamper(`DELETE FROM audit_chain WHERE organization_id = $1 AND ordinal >= 15`)
	if _, err := audit.NewSealer(v.store, v.keys, anchor.In(filepath.Join(t.TempDir(), "none"), v.keys), v.now).Seal(t.Context(), 100); err != nil {
		t.Fatal(err)
	}
	v.wants(11, "written anew between here and 20", "since the anchor of 2026-06-08T10:00:00Z at ordinal 10")
}

// An older copy of the database is a chain that is good in itself, and shorter than the anchors say.
func TestAnOlderCopyIsNoticedAlsoWhenItHasGoneOnSince(t *testing.T) {
	v := newVault(t)
	v.tamper(`DELETE FROM audit_chain WHERE organization_id = $1 AND ordinal > 13`)
	v.tamper(`DELETE FROM audit_events WHERE organization_id = $1 AND position > (SELECT max(position) FROM audit_chain WHERE organization_id = $1)`)
	v.wants(14, "the chain ends before here, and the anchor of 2026-06-08T10:01:00Z has it up to 20", "at ordinal 10")
	v.sealer = v.newSealer()
	v.write(15)
	v.wants(11, "written anew between here and 20", "at ordinal 10")
}

func TestTamperingWithTheAnchorsIsNoticed(t *testing.T) {
	for name, c := range map[string]struct {
		edit func(lines []string) []string
		says string
	}{
		"an edit":                {func(l []string) []string { l[1] = strings.Replace(l[1], `"ordinal":10`, `"ordinal":11`, 1); return l }, "line 2 of the anchors was changed"},
		"a cut at the beginning": {func(l []string) []string { return l[1:] }, "line 1 of the anchors was changed"},
		"a cut in the middle":    {func(l []string) []string { return append(l[:1], l[2:]...) }, "line 2 of the anchors was changed"},
		"garbage":                {func(l []string) []string { return append(l, "{}\n") }, "line 5 of the anchors names a key that there isn't"},
		"a cut at the end":       {func(l []string) []string { return l[:2] }, "no anchor tells of the chain from here"},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVault(t)
			text, err := os.ReadFile(v.path)
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.SplitAfter(string(text), "\n")
			edited := c.edit(lines[:len(lines)-1])
			if err := os.WriteFile(v.path, []byte(strings.Join(edited, "")), 0o600); err != nil {
				t.Fatal(err)
			}
			v.now.Advance(time.Hour)
			if said, err := v.verify(); !errors.Is(err, ErrTampered) || !strings.Contains(said, c.says) {
				t.Errorf("%q, %v", said, err)
			}
		})
	}
}

// A process that is killed while it writes leaves a line without an end, and the next one goes on.
func TestAnAnchorThatWasNotWrittenToItsEndIsNone(t *testing.T) {
	v := newVault(t)
	file, err := os.OpenFile(v.path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteString(`{"line":5,"at"`); err != nil {
		t.Fatal(err)
	}
	file.Close()
	if said, err := v.verify(); err != nil {
		t.Errorf("%q, %v", said, err)
	}
	v.write(1)
	if said, err := v.verify(); err != nil || !strings.HasPrefix(said, "42 rows") {
		t.Errorf("%q, %v", said, err)
	}
}

func TestWhatIsNotSealedForLongIsToldOf(t *testing.T) {
	v := newVault(t)
	v.record(1)
	v.now.Advance(16 * time.Minute)
	said, err := v.verify()
	if !errors.Is(err, ErrTampered) || !strings.Contains(said, "ordinal=21") || !strings.Contains(said, "has not been sealed for more than 15 minutes") {
		t.Errorf("%q, %v", said, err)
	}
}

func TestTheBeginningOfAChainIsDroppedWhenItsTimeIsOver(t *testing.T) {
	v := newVault(t)
	keep := 24 * time.Hour
	v.now.Advance(keep - 90*time.Second) // the first ten are older than that, the others not
	n, err := v.sealer.Prune(t.Context(), keep, 4)
	if err != nil || n != 8 {
		t.Fatalf("dropped %d, %v", n, err)
	}
	for n > 0 {
		if n, err = v.sealer.Prune(t.Context(), keep, 4); err != nil {
			t.Fatal(err)
		}
	}
	if left := v.count(`SELECT count(*) FROM audit_events`); left != 20 {
		t.Errorf("%d events are left", left)
	}
	if said, err := v.verify(); err != nil || !strings.HasPrefix(said, "20 rows of 2") {
		t.Errorf("%q, %v", said, err)
	}
	v.write(3)
	if said, err := v.verify(); err != nil || !strings.HasPrefix(said, "26 rows of 2") {
		t.Errorf("%q, %v", said, err)
	}
	v.tamper(`UPDATE audit_events SET at = at + interval '1 s' WHERE organization_id = $1 AND id = ` + eventAt + `11)`)
	v.wants(11, "isn't as it was sealed", "")
}

func TestABeginningThatIsDroppedWithoutAnAnchorIsNoticed(t *testing.T) {
	v := newVault(t)
	v.tamper(`INSERT INTO audit_pruned SELECT organization_id, ordinal, position, hash, now() FROM audit_chain WHERE organization_id = $1 AND ordinal = 5`)
	v.tamper(`DELETE FROM audit_events WHERE organization_id = $1 AND position <= ` + rowAt + `5)`)
	v.tamper(`DELETE FROM audit_chain WHERE organization_id = $1 AND ordinal <= 5`)
	v.wants(5, "no anchor tells of it", "no anchor before it")
}
