package postgres_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/breakglass"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/patient"
	"github.com/mediconnect/mediconnect/internal/patient/patienttest"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/reminder"
	"github.com/mediconnect/mediconnect/internal/retention"
	"github.com/mediconnect/mediconnect/internal/seal"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

func (f file) source() clinic.Source { return clinic.Source{Clock: f.clock, NewID: sample.NewID} }

func (f file) retention() *retention.Service {
	return retention.NewService(f.directory(), f.source())
}

func (d *desk) admin() access.Actor {
	who := d.FrontDesk()
	who.Role, who.Scopes = access.Admin, access.ScopesOf(access.Admin)
	return who
}

func (f file) erase() (patient.Patient, error) {
	return f.retention().Erase(f.t.Context(), f.admin(), retention.Erase{Patient: f.patient, Reason: retention.Requested})
}

// number answers a query about the patient.
func (f file) number(query string) (n int) {
	f.t.Helper()
	if err := f.pool.QueryRow(f.t.Context(), query, f.patient.ID).Scan(&n); err != nil {
		f.t.Fatal(err)
	}
	return n
}

func (f file) keyIsThere() bool {
	f.t.Helper()
	left, err := keytest.Of(f.t, f.pool).Undestroyed(f.t.Context(), []seal.Subject{{Organization: f.patient.Organization, ID: f.patient.ID}})
	if err != nil {
		f.t.Fatal(err)
	}
	return len(left) > 0
}

// later is another visit of the patient's.
func (f file) later(hour int) (clinic.Ref, error) {
	slot := f.Slot(f.Provider(1), hour, 0)
	b, err := f.Book(f.t.Context(), f.front, appointment.BookVisit{Target: appointment.Target{Slot: &slot}, Patient: &f.patient, Key: key()})
	return b.Appointment.Ref(), err
}

func TestAnErasedPatientIsGoneButForBareFacts(t *testing.T) {
	f := newFile(t)
	links := patient.NewInvitations(f.directory(), f.source(), rand.Reader)
	invite := func(r access.Relation) access.Private {
		made, err := links.Invite(t.Context(), f.front, patient.Invite{Patient: f.patient, Relation: r, Key: key()})
		if err != nil {
			t.Fatal(err)
		}
		return *made.Code
	}
	mother := f.Patient()
	if _, err := links.Accept(t.Context(), mother, patient.Accept{Code: invite(access.RelationCaregiver), BirthDate: *patienttest.Ann().BirthDate}); err != nil {
		t.Fatal(err)
	}
	code := invite(access.RelationSelf)
	doctor := f.front
	doctor.Role, doctor.Scopes = access.Provider, access.ScopesOf(access.Provider)
	glass := breakglass.NewService(f.directory(), f.source())
	broken, err := glass.Break(t.Context(), doctor, breakglass.Break{Patient: &f.patient, Reason: "canary emergency", Minutes: 5, Key: key()})
	if err != nil {
		t.Fatal(err)
	}

	choices := reminder.NewChoices(f.directory(), f.source())
	if _, err := choices.Change(t.Context(), f.front, reminder.ChangePreferences{Patient: f.patient, RemindBefore: []time.Duration{time.Hour}}); err != nil {
		t.Fatal(err)
	}

	left, err := f.erase()
	if err != nil || !left.Erased || !left.ErasedAt.Equal(f.clock.Now()) {
		t.Fatalf("%+v, %v", left, err)
	}
	p, v, elsewhere, err := f.reads()
	if err != nil || !p.Erased || !p.ErasedAt.Equal(f.clock.Now()) || p.GivenName != "" || v.Reason != nil || v.Cancellation.Note != nil || len(elsewhere) > 0 {
		t.Errorf("%#v, %#v, %v, %v", p, v, elsewhere, err)
	}
	if v.Status != appointment.Cancelled || v.Start.IsZero() || v.ProviderID == uuid.Nil || v.PatientID != f.patient.ID {
		t.Errorf("facts are gone: %+v", v)
	}
	for what, query := range map[string]string{
		"look-up digests":      `SELECT count(*) FROM patient_tokens WHERE patient_id = $1`,
		"preferences":          `SELECT count(*) FROM contact_preferences WHERE patient_id = $1`,
		"links":                `SELECT count(*) FROM account_links WHERE patient_id = $1 AND ended_at IS NULL`,
		"open invitations":     `SELECT count(*) FROM patient_invitations WHERE patient_id = $1 AND accepted_at IS NULL AND withdrawn_at IS NULL`,
		"an identifier digest": `SELECT count(*) FROM patients WHERE id = $1 AND identifier_token IS NOT NULL`,
	} {
		if n := f.number(query); n > 0 {
			t.Errorf("%d are left of %s", n, what)
		}
	}
	if n := f.number(`SELECT count(*) FROM audit_events WHERE patient_id = $1 AND action = 'patient.erase.requested' AND 'givenName' = ANY (fields)`); n != 1 {
		t.Errorf("%d records of the erasure", n)
	}
	if f.keyIsThere() {
		t.Error("the key is left")
	}
	grants, err := glass.Grants(t.Context(), doctor, []clinic.Ref{broken.Grant.Ref()})
	if err != nil || grants[broken.Grant.Ref()].Reason != "" || len(grants) != 1 {
		t.Errorf("%v, %v", grants, err)
	}
	if _, err := links.Accept(t.Context(), f.Patient(), patient.Accept{Code: code, BirthDate: *patienttest.Ann().BirthDate}); errs.Of(err) != errs.NotFound {
		t.Errorf("an invitation still works: %v", err)
	}
}

func TestErasingTwiceAnswersAsTheFirstTime(t *testing.T) {
	f := newFile(t)
	first, err := f.erase()
	if err != nil {
		t.Fatal(err)
	}
	f.clock.Advance(time.Hour)
	if again, err := f.erase(); err != nil || !again.Same(first) || f.number(`SELECT count(*) FROM audit_events WHERE patient_id = $1 AND action ~ 'erase'`) != 1 {
		t.Errorf("%+v, %v", again, err)
	}
}

func TestNobodyElseAndNobodyUnknownIsErased(t *testing.T) {
	f := newFile(t)
	for what, c := range map[string]struct {
		who  access.Actor
		whom clinic.Ref
		want errs.Kind
	}{
		"unknown": {f.admin(), clinic.Ref{Organization: f.Organization, ID: sample.NewID()}, errs.NotFound},
		"foreign": {func() access.Actor { a := f.admin(); a.Organization = sample.NewID(); return a }(), f.patient, errs.NotFound},
		"a desk":  {f.front, f.patient, errs.Forbidden},
		"nobody":  {access.Nobody("r"), f.patient, errs.Unauthenticated},
	} {
		if _, err := f.retention().Erase(t.Context(), c.who, retention.Erase{Patient: c.whom, Reason: retention.Other}); errs.Of(err) != c.want {
			t.Errorf("%s: %v", what, err)
		}
	}
	if p, _, _, err := f.reads(); err != nil || p.Erased || !f.keyIsThere() {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestWhatKeepsAPatientAndUntilWhen(t *testing.T) {
	f := newFile(t)
	keepers := func() []retention.Keeper {
		t.Helper()
		_, err := f.erase()
		kept, _ := errors.AsType[retention.Kept](err)
		if err != nil && len(kept.By()) == 0 {
			t.Fatal(err)
		}
		return kept.By()
	}
	placed, err := f.retention().PlaceHold(t.Context(), f.admin(), retention.PlaceHold{Patient: f.patient, Reason: "A lawsuit is under way", Key: key()})
	if err != nil {
		t.Fatal(err)
	}
	slot := f.Slot(f.Provider(1), 16, 0)
	hold, err := f.Hold(t.Context(), f.front, appointment.PlaceHold{Slot: slot, Patient: &f.patient, Key: key()})
	if err != nil {
		t.Fatal(err)
	}
	visit, err := f.later(15)
	if err != nil {
		t.Fatal(err)
	}
	if by := keepers(); !slices.Equal(by, []retention.Keeper{retention.ByLegalHold, retention.BySlotHold, retention.ByAppointment}) {
		t.Errorf("kept by %v", by)
	}
	_, err = f.erase()
	if kept, _ := errors.AsType[retention.Kept](err); kept.LegalHold != placed.Hold.Ref() || kept.Appointment != visit || !kept.HeldUntil.Equal(hold.ExpiresAt) {
		t.Errorf("%+v", kept)
	}
	f.clock.Set(hold.ExpiresAt.Add(-time.Microsecond))
	if by := keepers(); !slices.Contains(by, retention.BySlotHold) {
		t.Errorf("just before the hold ends: %v", by)
	}
	f.clock.Set(hold.ExpiresAt)
	if by := keepers(); slices.Contains(by, retention.BySlotHold) {
		t.Errorf("when the hold ends: %v", by)
	}
	if _, err := f.retention().ReleaseHold(t.Context(), f.admin(), placed.Hold.Ref()); err != nil {
		t.Fatal(err)
	}
	ends := f.Slot(f.Provider(1), 15, 30).Start
	f.clock.Set(ends.Add(-time.Microsecond))
	if by := keepers(); !slices.Equal(by, []retention.Keeper{retention.ByAppointment}) {
		t.Errorf("just before the visit ends: %v", by)
	}
	f.clock.Set(ends)
	if by := keepers(); len(by) > 0 {
		t.Errorf("when the visit has ended: %v", by)
	}
}

func TestNothingIsBookedForAnErasedPatient(t *testing.T) {
	f := newFile(t)
	past, err := f.later(9)
	if err != nil {
		t.Fatal(err)
	}
	f.clock.Set(f.Slot(f.Provider(1), 12, 0).Start)
	if _, err := f.erase(); err != nil {
		t.Fatal(err)
	}
	if _, err := f.later(15); errs.Of(err) != errs.NotFound {
		t.Errorf("a booking: %v", err)
	}
	slot := f.Slot(f.Provider(1), 16, 0)
	if _, err := f.Hold(t.Context(), f.front, appointment.PlaceHold{Slot: slot, Patient: &f.patient, Key: key()}); errs.Of(err) != errs.NotFound {
		t.Errorf("a hold: %v", err)
	}
	if _, err := f.Move(t.Context(), f.front, appointment.MoveVisit{Appointment: past, Target: appointment.Target{Slot: &slot}, Key: key()}); err == nil {
		t.Error("a visit that was over is moved to the future")
	}
	if _, err := f.retention().PlaceHold(t.Context(), f.admin(), retention.PlaceHold{Patient: f.patient, Reason: "A lawsuit is under way", Key: key()}); errs.Of(err) != errs.NotFound {
		t.Errorf("a legal hold: %v", err)
	}
	again, err := patient.NewService(f.directory(), f.source()).Register(t.Context(), f.front, func() patient.Register {
		in := patienttest.Ann()
		in.Identifier.Value = "canary-number"
		return in
	}())
	if err != nil || again.ID == f.patient.ID || again.GivenName != patienttest.Ann().GivenName {
		t.Errorf("who comes again is %+v, %v", again, err)
	}
}

// Whichever is first, there never is an erased patient with an appointment to come.
func TestErasingRacesBookings(t *testing.T) {
	won := map[bool]int{}
	f := newFile(t)
	for n := range 12 {
		f.patient = clinic.Ref{Organization: f.Organization, ID: f.Patient().PatientID}
		slot := f.Slot(f.Provider(1), 9, 0)
		var booked, erased error
		var both sync.WaitGroup
		gate := make(chan struct{})
		both.Go(func() {
			<-gate
			_, booked = f.Book(t.Context(), f.front, appointment.BookVisit{Target: appointment.Target{Slot: &slot}, Patient: &f.patient, Key: key()})
		})
		both.Go(func() {
			<-gate
			_, erased = f.erase()
		})
		close(gate)
		both.Wait()
		_, kept := errors.AsType[retention.Kept](erased)
		switch {
		case booked == nil && kept, erased == nil && errs.Of(booked) == errs.NotFound:
			won[booked == nil]++
		default:
			t.Fatalf("round %d: booking %v, erasing %v", n, booked, erased)
		}
		if n := f.number(`SELECT count(*) FROM patients p JOIN appointments a ON a.patient_id = p.id WHERE p.id = $1 AND p.erased_at IS NOT NULL`); n > 0 {
			t.Fatal("an erased patient has an appointment to come")
		}
	}
	t.Logf("bookings won %d times, erasing %d times", won[true], won[false])
}

// The erasure holds the patient's row: a booking waits for it and is refused; see patient_stands.
func TestABookingWaitsForAnErasureUnderWay(t *testing.T) {
	f := newFile(t)
	tx, err := f.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `SELECT FROM patients WHERE id = $1 FOR UPDATE`, f.patient.ID); err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() {
		_, err := f.later(15)
		done <- err
	}()
	waiting(t, f.pool)
	if _, err := tx.Exec(t.Context(), `UPDATE patients SET erased_at = '2026-06-08', identifier_token = NULL, identifier = NULL, given_name = NULL,
		family_name = NULL, birth_date = NULL, phone = NULL, email = NULL, language = NULL, time_zone = NULL WHERE id = $1`, f.patient.ID); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-done; errs.Of(err) != errs.NotFound {
		t.Errorf("the booking: %v", err)
	}
}

// waiting returns once somebody waits for a row.
func waiting(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	for {
		var n int
		if err := pool.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		if n > 0 {
			return
		}
	}
}

func TestACopyMadeBeforeErasingCanNotBeRead(t *testing.T) {
	f := newFile(t)
	copied := copyOf(t, f.pool)
	ring := keytest.Of(t, f.pool)
	read := func() (patient.Patient, error) {
		found, err := postgres.New(copied, ring).Directory().Patients(t.Context(), []clinic.Ref{f.patient})
		return found[f.patient], err
	}
	if p, err := read(); err != nil || p.GivenName != "Canary-given" {
		t.Fatalf("before: %#v, %v", p, err)
	}
	if _, err := f.erase(); err != nil {
		t.Fatal(err)
	}
	p, err := read()
	if err != nil || !p.Erased || p.GivenName != "" || p.Phone != nil {
		t.Errorf("after: %#v, %v", p, err)
	}
	var raw []byte
	if err := copied.QueryRow(t.Context(), `SELECT given_name FROM patients WHERE id = $1`, f.patient.ID).Scan(&raw); err != nil || bytes.Contains(raw, []byte("anary")) || len(raw) == 0 {
		t.Errorf("the copy's column: %q, %v", raw, err)
	}
}

// copyOf is the patients of a database as a copy made now has them.
func copyOf(t *testing.T, pool *pgxpool.Pool) *pgxpool.Pool {
	t.Helper()
	copied := pgtest.New(t)
	for _, table := range []string{"organizations", "patients"} {
		var rows bytes.Buffer
		from, err := pool.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer from.Release()
		to, err := copied.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer to.Release()
		if _, err := from.Conn().PgConn().CopyTo(t.Context(), &rows, "COPY "+table+" TO STDOUT"); err != nil {
			t.Fatal(err)
		}
		if _, err := to.Conn().PgConn().CopyFrom(t.Context(), &rows, "COPY "+table+" FROM STDIN"); err != nil {
			t.Fatal(err)
		}
	}
	return copied
}
