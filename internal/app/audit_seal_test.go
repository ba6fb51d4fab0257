package app

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/anchor"
	"github.com/mediconnect/mediconnect/internal/audit"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

// Whoever has taken a position and not ended yet is waited for: the chain passes over nobody.
func TestAChainWaitsForWhoeverMayStillComeBefore(t *testing.T) {
	v := newVault(t)
	tx, err := v.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(context.Background()) //nolint:errcheck // after the commit it has nothing to do
	slow := sample.NewID()
	if _, err := tx.Exec(t.Context(), `INSERT INTO audit_events (organization_id, id, at, actor_kind, actor_id, client, action, entity_kind, entity_id, request_id)
		VALUES ($1, $2, $3, 'STAFF', $2, 'slow', 'patient.register', 'Patient', $2, 'slow')`, v.clinics[0], slow, v.now.Now()); err != nil {
		t.Fatal(err)
	}
	v.record(1)
	for range 5 { // looks at how far the log may be read
		if n, err := v.sealer.Seal(t.Context(), 100); err != nil || n != 0 {
			t.Fatalf("sealed %d beyond one that hasn't ended, %v", n, err)
		}
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	v.seal()
	if n := v.count(`SELECT ordinal FROM audit_chain WHERE organization_id = $1 AND event_id = $2`, v.clinics[0], slow); n != 21 {
		t.Errorf("the slow one is number %d", n)
	}
	if said, err := v.verify(); err != nil {
		t.Errorf("%q", said)
	}
}

func TestSeveralProcessesSealAndAnchorAtOnce(t *testing.T) {
	v := newVault(t)
	var all sync.WaitGroup
	stop := make(chan struct{})
	for range 3 {
		s := v.newSealer()
		all.Go(func() {
			for {
				if _, err := s.Seal(t.Context(), 3); err != nil {
					t.Error(err)
				}
				_ = s.Anchor(t.Context()) // one at a time has the file: the others come again
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	v.record(30)
	close(stop)
	all.Wait()
	v.seal()
	if said, err := v.verify(); err != nil || !strings.HasPrefix(said, "100 rows of 2") {
		t.Errorf("%q, %v", said, err)
	}
}

// The worker as it runs: within 5 seconds what was recorded is sealed, and at the end anchored.
func TestTheWorkerSealsWithinSecondsAndAnchorsAtTheEnd(t *testing.T) {
	url, path := pgtest.NewURL(t), filepath.Join(t.TempDir(), "anchors")
	admin := pgtest.Pool(t, pgtest.AdminURL(t, url))
	office, keys := sample.NewClinic(t, admin), derivedKeys{[]byte("a secret of tests")}
	db := postgres.New(pgtest.Pool(t, url), keytest.Of(t, admin))
	t.Cleanup(db.Close)
	a := wire(Frame{
		Clock: clock.System{}, Log: slog.New(slog.DiscardHandler), Chains: keys, Audit: AuditSettings{Anchors: path, AnchorEvery: time.Hour, RetentionDays: leastRetention},
	}, db)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- a.Work(ctx) }()
	who := office.FrontDesk()
	who.Trail = &access.Trail{}
	who.Trail.Saw(access.Sight{Organization: office.Organization, Kind: "Patient", ID: sample.NewID(), Patient: sample.NewID()})
	if err := a.recorder.Keep(t.Context(), who, nil); err != nil {
		t.Fatal(err)
	}
	limit, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for sealed := 0; sealed == 0; {
		select {
		case <-limit.Done():
			t.Fatal("not sealed within 5 seconds")
		case <-tick.C:
		}
		if err := admin.QueryRow(t.Context(), `SELECT count(*) FROM audit_chain`).Scan(&sealed); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	anchored := 0
	if err := anchor.In(path, keys).Each(t.Context(), func(a audit.Anchor) error {
		if a.Organization == office.Organization && a.Ordinal == 1 {
			anchored++
		}
		return nil
	}); err != nil || anchored != 1 {
		t.Errorf("%d anchors, %v", anchored, err)
	}
}

func TestTheAnchorsAreForTheirOwnerAlone(t *testing.T) {
	v := newVault(t)
	info, err := os.Stat(v.path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestAuditSettingsKeepWithinTheLaw(t *testing.T) {
	base := []string{"MEDICONNECT_DATABASE_URL=postgres://localhost/x", "MEDICONNECT_AUDIT_ANCHORS=/tmp/anchors", "MEDICONNECT_KEYS=/keys"}
	for more, want := range map[string]string{
		"MEDICONNECT_AUDIT_RETENTION_DAYS=2191": "MEDICONNECT_AUDIT_RETENTION_DAYS must be at least 2192",
		"MEDICONNECT_AUDIT_ANCHOR_EVERY=6m":     "MEDICONNECT_AUDIT_ANCHOR_EVERY must be at most 5m0s",
		"MEDICONNECT_AUDIT_ANCHORS=":            "MEDICONNECT_AUDIT_ANCHORS",
		"MEDICONNECT_AUDIT_RETENTION_DAYS=3000": "",
	} {
		_, err := Load[WorkerSettings](append(base, more))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", more, err)
		}
	}
}

// A recording holds its writer's lock before it takes its position: else a reader of positions would take it for ended while it runs.
func TestAChainWaitsForARecordingThatIsUnderWay(t *testing.T) {
	v := newVault(t)
	pgtest.Execute(t, v.admin, `CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		PERFORM pg_advisory_xact_lock(42); RETURN NEW; END $$;
		CREATE TRIGGER linger BEFORE INSERT ON audit_events FOR EACH ROW WHEN (NEW.client = 'slow') EXECUTE FUNCTION linger()`)
	gate, err := v.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := gate.Exec(t.Context(), `SELECT pg_advisory_xact_lock(42)`); err != nil {
		t.Fatal(err)
	}
	defer gate.Rollback(context.Background()) //nolint:errcheck // after the commit it has nothing to do
	done := make(chan error, 1)
	slow := audit.Event{
		Organization: v.clinics[0], ID: sample.NewID(), At: v.now.Now(), ActorKind: access.Staff, Client: "slow", Action: "patient.read", Effect: audit.Read,
		Outcome: audit.Done, Purpose: access.Treatment, Flags: audit.NoFlags, Times: 1,
	}
	go func() { done <- v.store.Record(t.Context(), slow.Organization, []audit.Event{slow}) }()
	for v.count(`SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 42 AND NOT granted`) == 0 {
		if t.Context().Err() != nil {
			return
		}
	}
	v.record(1)
	for range 5 {
		if n, err := v.sealer.Seal(t.Context(), 100); err != nil || n != 0 {
			t.Fatalf("sealed %d beyond a recording that is under way, %v", n, err)
		}
	}
	if err := gate.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	v.seal()
	if n := v.count(`SELECT ordinal FROM audit_chain WHERE organization_id = $1 AND event_id = $2`, v.clinics[0], slow.ID); n != 21 {
		t.Errorf("the slow one is number %d", n)
	}
}
