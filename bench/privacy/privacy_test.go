// Package privacy puts canaries into every input that the program has, has it succeed, refuse and fail with them, and looks for
// them in all places where no patient's data may be.
package privacy_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	_ "github.com/mediconnect/mediconnect/internal/app" // what the built program is made of: a change of it makes a cached result void

	"github.com/mediconnect/mediconnect/internal/access"
)

// Patients' data are put into every input, as it should be and in every wrong way, while all is well, while statements fail, and
// while PostgreSQL, Redis and the keys are away. They show in answers to whoever may see them, and nowhere else: not in logs of
// the program, of PostgreSQL, or of Redis, not in how failures are worded, not in links, and in the database only sealed.
func TestPatientsDataStaysWhereItBelongs(t *testing.T) {
	w := newWorld(t)
	sorting(t, w.schema)
	s := &story{world: w, wanted: true}
	s.open()
	s.tell()
	done := w.commands()
	w.rubbish(s.ids())
	w.documentRubbish()
	w.requestRubbish()
	<-done
	s.tell()
	s.wanted = false
	s.refusedByTheDatabase()
	s.lockedOut()
	s.cutOff()
	w.keysAway(s)
	w.until(w.sealed)
	w.find(t.Context())
	s.databaseAway()
	last := map[string][]byte{"what processes said": w.said.bytes(), "failures, headers and links of answers": w.answers.bytes()}
	w.file(last, "PostgreSQL's log", w.rig.Log())
	w.look(last)
	w.sent.complete(t)
	t.Logf("%d requests answered, %d bytes said, %d bytes of failures and headers", w.answered, len(w.said.bytes()), len(w.answers.bytes()))
}

// find looks through all places.
func (w *world) find(ctx context.Context) {
	w.t.Helper()
	w.look(w.places(ctx))
}

func (w *world) look(places map[string][]byte) {
	w.t.Helper()
	in, size := needles(w.secrets...), 0
	var names []string
	for name, text := range places {
		names, size = append(names, name), size+len(text)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, hit := range look(in, name, places[name]) {
			w.t.Error(hit)
		}
	}
	w.t.Logf("%d ways in which data would show, in %d places of %d bytes", len(in), len(places), size)
}

// open adds a provider, who may break the glass.
func (s *story) open() {
	var err error
	s.provider, err = s.clinic.Provider(s.t.Context(), 20, 0)
	s.must(err)
	ref, err := s.clinic.Ref(s.provider)
	s.must(err)
	s.token("doctor", access.Actor{
		Kind: access.Staff, ID: uuid.New(), Client: "bench", Organization: ref.Organization, Role: access.Provider,
		Scopes: access.ScopesOf(access.Provider), ProviderID: ref.ID,
	})
}

// ids are an id of each kind that has fields with arguments.
func (s *story) ids() map[string]string {
	return map[string]string{
		"Patient": s.patient, "Provider": s.provider, "Organization": s.clinic.Organization, "Location": s.clinic.Location, "VisitKind": s.clinic.VisitKind,
		"Appointment": s.visits[0], "AppointmentSeries": s.series, "WaitlistEntry": s.entry, "Closure": s.closure,
	}
}

// commands runs what is run by hand, also on a file with a patient in it.
func (w *world) commands() (done <-chan struct{}) {
	w.t.Helper()
	file := filepath.Join(w.t.TempDir(), "bundle.json")
	w.must(os.WriteFile(file, []byte(`{"resourceType": "Bundle", "type": "collection", "entry": [
		{"resource": {"resourceType": "Location", "id": "l1", "name": "Side Street", "identifier": [{"system": "https://clinic.example/ids", "value": "side"}]}},
		{"resource": {"resourceType": "Patient", "id": "`+word+`", "name": [{"family": "`+word+`", "given": ["`+accent+`"]}], "birthDate": "`+born+`"}},
		{"resource": {"resourceType": "Slot", "id": "s1", "comment": "`+word+`", "status": "`+word+`"}},
		{"resource": {"resourceType": "Appointment", "id": "a1", "description": "`+word+`", "participant": [{"actor": {"reference": "Patient/`+word+`"}}]}}]}`), 0o600))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for _, words := range [][]string{
			{"audit", "verify"}, {"keys", "rotate"}, {"keys", "rotate", "--data"}, {"keys", "status"}, {"zones"},
			{"import", "fhir", "--organization", w.clinic.Organization, file},
		} {
			if _, err := w.rig.Run(w.t.Context(), w.url, words...); err != nil && words[0] != "import" {
				w.t.Errorf("%v", err)
			}
		}
	}()
	return ended
}

// traps make every write to a table fail, with the row in what PostgreSQL says about it.
const (
	set  = `DO $$ DECLARE t text; BEGIN FOREACH t IN ARRAY '{patients,appointments,schedule_exceptions,break_glass_grants,patient_invitations,idempotency_keys,audit_events}'::text[] LOOP EXECUTE format('ALTER TABLE %I ADD CONSTRAINT trap CHECK (organization_id IS NULL) NOT VALID', t); END LOOP; END $$`
	lift = `DO $$ DECLARE t text; BEGIN FOREACH t IN ARRAY '{patients,appointments,schedule_exceptions,break_glass_grants,patient_invitations,idempotency_keys,audit_events}'::text[] LOOP EXECUTE format('ALTER TABLE %I DROP CONSTRAINT trap', t); END LOOP; END $$`
)

func (s *story) refusedByTheDatabase() {
	_, err := s.pool.Exec(s.t.Context(), set)
	s.must(err)
	s.tell()
	_, err = s.pool.Exec(s.t.Context(), lift)
	s.must(err)
}

// lockedOut has statements wait for a lock until they are cancelled.
func (s *story) lockedOut() {
	tx, err := s.pool.Begin(s.t.Context())
	s.must(err)
	_, err = tx.Exec(s.t.Context(), "LOCK TABLE patients, appointments, schedule_exceptions, break_glass_grants, patient_invitations IN ACCESS EXCLUSIVE MODE")
	s.must(err)
	s.tell()
	s.must(tx.Rollback(s.t.Context()))
}

// cutOff ends the program's sessions again and again.
func (s *story) cutOff() {
	ctx, stop := context.WithCancel(s.t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			_, _ = s.pool.Exec(ctx, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'mediconnect_server' AND random() < 0.3")
		}
	}()
	s.tell()
	stop()
	<-ended
}

// keysAway moves the folder of keys away until nothing can be opened any more.
func (w *world) keysAway(s *story) {
	w.must(os.Rename(w.rig.Keys, w.rig.Keys+"-away"))
	w.until(func() bool {
		_, ok := w.ask("FRONT_DESK", named("query", "($w: PatientFilterInput!)", "patients"+reading), map[string]any{"w": object{"name": word}})
		return !ok
	})
	s.tell()
	w.must(os.Rename(w.rig.Keys+"-away", w.rig.Keys))
}

// until waits for something, a minute at most.
func (w *world) until(done func() bool) {
	w.t.Helper()
	tick, patience := time.NewTicker(50*time.Millisecond), time.After(time.Minute)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-patience:
			w.t.Fatal("it takes too long")
		}
	}
}

// sealed says whether the worker has linked what was recorded, and told a head of it.
func (w *world) sealed() bool {
	var links int
	err := w.pool.QueryRow(w.t.Context(), "SELECT count(*) FROM audit_chain").Scan(&links)
	text, _ := os.ReadFile(w.rig.Anchors()) // not there yet
	return err == nil && links > 100 && len(text) > 0
}

// databaseAway stops Redis and PostgreSQL for good.
func (s *story) databaseAway() {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	s.redis.Stop(ctx)
	s.pool.Close()
	s.rig.Cluster.Stop(ctx)
	s.tell()
	_ = s.server.Kill()
	_ = s.worker.Kill()
}
