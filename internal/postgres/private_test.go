package postgres_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/patient"
	"github.com/mediconnect/mediconnect/internal/patient/patienttest"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/provider"
	"github.com/mediconnect/mediconnect/internal/seal"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
)

func ptr[T any](v T) *T { return &v }

// file is a patient with a visit that was cancelled, all that is private about both filled.
type file struct {
	*desk
	front   access.Actor
	patient clinic.Ref
	visit   clinic.Ref
}

func newFile(t *testing.T) file {
	t.Helper()
	f := file{desk: newDesk(t)}
	f.front = f.FrontDesk()
	in := patienttest.Ann()
	in.Identifier.Value, in.GivenName, in.FamilyName, in.Email = "canary-number", "Canary-given", "Canary-family", ptr(access.Private("canary@example.org"))
	in.Phone = ptr(access.Private("+12015550188"))
	registered, err := patient.NewService(f.directory(), clinic.Source{Clock: f.clock, NewID: uuid.New}).Register(t.Context(), f.front, in)
	if err != nil {
		t.Fatal(err)
	}
	f.patient = clinic.Ref{Organization: registered.OrganizationID, ID: registered.ID}
	slot := f.Slot(f.Provider(1), 10, 0)
	booking, err := f.Book(t.Context(), f.front, appointment.BookVisit{
		Target: appointment.Target{Slot: &slot}, Patient: &f.patient, Reason: ptr(access.Private("canary reason")), Key: "canary-key",
		Identifiers: []clinic.Identifier{{System: "https://example.org/visits", Value: "canary-visit"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	f.visit = booking.Appointment.Ref()
	if _, err := f.Cancel(t.Context(), f.front, appointment.CancelVisit{
		Appointment: f.visit, Reason: appointment.Other, Note: ptr(access.Private("canary note")),
	}); err != nil {
		t.Fatal(err)
	}
	return f
}

// reads answers the patient, the visit and what it is called elsewhere.
func (f file) reads() (p patient.Patient, v appointment.Appointment, elsewhere []clinic.Identifier, err error) {
	people, err := f.directory().Patients(f.t.Context(), []clinic.Ref{f.patient})
	if err != nil {
		return p, v, nil, err
	}
	store := postgres.NewAppointmentStore(postgres.New(f.pool, keytest.Of(f.t, f.pool)))
	visits, err := store.Appointments(f.t.Context(), []clinic.Ref{f.visit})
	if err != nil {
		return p, v, nil, err
	}
	identifiers, err := store.Identifiers(f.t.Context(), []clinic.Ref{f.visit})
	return people[f.patient], visits[f.visit], identifiers[f.visit], err
}

func TestPrivateColumnsComeBackAsTheyWere(t *testing.T) {
	f := newFile(t)
	p, v, elsewhere, err := f.reads()
	if err != nil || p.GivenName != "Canary-given" || *p.Phone != "+12015550188" || *p.BirthDate != (civil.Date{Year: 1980, Month: 2, Day: 29}) ||
		*v.Reason != "canary reason" || *v.Cancellation.Note != "canary note" || len(elsewhere) != 1 || elsewhere[0].Value != "canary-visit" {
		t.Errorf("%#v, %#v, %v, %v", p, v, elsewhere, err)
	}
}

// Whoever can write to the database can't make a value say something about another patient, or in another place.
func TestAValueOpensInItsOwnPlaceOnly(t *testing.T) {
	f := newFile(t)
	other := newOther(t, f)
	foreign := newFile(t)
	for what, tamper := range map[string]string{
		"swapped between patients":    `UPDATE patients SET given_name = (SELECT given_name FROM patients WHERE id = '` + other.String() + `') WHERE id = $1`,
		"put into another column":     `UPDATE patients SET given_name = family_name WHERE id = $1`,
		"put into another table":      `UPDATE patients SET given_name = (SELECT reason FROM appointments WHERE patient_id = $1) WHERE id = $1`,
		"cut short":                   `UPDATE patients SET email = substr(email, 1, length(email) - 1) WHERE id = $1`,
		"cut to its head":             `UPDATE patients SET email = substr(email, 1, 15) WHERE id = $1`,
		"emptied":                     `UPDATE patients SET phone = '' WHERE id = $1`,
		"in plain text":               `UPDATE patients SET phone = '\x002b31'::bytea WHERE id = $1`,
		"said to be of another key":   `UPDATE patients SET phone = set_byte(phone, 2, 9) WHERE id = $1`,
		"put into the visit's note":   `UPDATE appointments SET cancel_note = reason WHERE patient_id = $1`,
		"put into the visit's reason": `UPDATE appointments SET reason = (SELECT phone FROM patients WHERE id = $1) WHERE patient_id = $1`,
		"of an identifier, changed":   `UPDATE appointment_identifiers SET value = set_byte(value, 20, get_byte(value, 20) # 1)`,
		"of an identifier, moved":     `UPDATE appointment_identifiers SET token = '\x00'`,
	} {
		restore := kept(t, f.pool)
		if _, err := f.pool.Exec(t.Context(), strings.ReplaceAll(tamper, "$1", "'"+f.patient.ID.String()+"'")); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if p, v, elsewhere, err := f.reads(); err == nil {
			t.Errorf("a value %s was read: %v %v %v", what, p, v, elsewhere)
		}
		restore()
	}
	// Another organisation's row, id and all, with its own organisation's key.
	var stolen []byte
	if err := foreign.pool.QueryRow(t.Context(), `SELECT given_name FROM patients WHERE id = $1`, foreign.patient.ID).Scan(&stolen); err != nil {
		t.Fatal(err)
	}
	if _, err := f.pool.Exec(t.Context(), `UPDATE patients SET given_name = $1`, stolen); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := f.reads(); !errors.Is(err, seal.ErrTampered) {
		t.Errorf("a value of another tenant: %v", err)
	}
}

func newOther(t *testing.T, f file) uuid.UUID {
	t.Helper()
	return f.Patient().PatientID
}

// kept keeps the rows with private columns and puts them back.
func kept(t *testing.T, pool *pgxpool.Pool) (restore func()) {
	t.Helper()
	run := func(statements string) {
		t.Helper()
		if _, err := pool.Exec(t.Context(), statements); err != nil {
			t.Fatal(err)
		}
	}
	run(`DROP TABLE IF EXISTS kept_p, kept_a, kept_i; CREATE TABLE kept_p AS TABLE patients; CREATE TABLE kept_a AS TABLE appointments;
		CREATE TABLE kept_i AS TABLE appointment_identifiers`)
	return func() {
		t.Helper()
		run(`UPDATE patients p SET given_name = k.given_name, phone = k.phone, email = k.email FROM kept_p k WHERE k.id = p.id;
			UPDATE appointments a SET reason = k.reason, cancel_note = k.cancel_note FROM kept_a k WHERE k.id = a.id;
			DELETE FROM appointment_identifiers; INSERT INTO appointment_identifiers SELECT * FROM kept_i`)
	}
}

// The database of today and every copy of it say nothing about a patient whose key is destroyed; the others are there.
func TestADestroyedKeyLeavesNothingToRead(t *testing.T) {
	f := newFile(t)
	other := clinic.Ref{Organization: f.Organization, ID: newOther(t, f)}
	if err := keytest.Of(t, f.pool).Destroy(t.Context(), seal.Subject{Organization: f.patient.Organization, ID: f.patient.ID}); err != nil {
		t.Fatal(err)
	}
	p, v, elsewhere, err := f.reads()
	if erased := (patient.Patient{ID: f.patient.ID, OrganizationID: f.patient.Organization, Erased: true}); err != nil || p != erased {
		t.Errorf("the patient reads as %#v, %v", p, err)
	}
	if v.Reason != nil || v.Cancellation.Note != nil || v.PatientID != f.patient.ID || len(elsewhere) != 0 {
		t.Errorf("the visit reads as %#v, called %v elsewhere", v, elsewhere)
	}
	found, err := f.directory().Patients(t.Context(), []clinic.Ref{other})
	if err != nil || found[other].GivenName != "A" {
		t.Errorf("another patient reads as %v, %v", found, err)
	}
	slot := f.Slot(f.Provider(1), 14, 0)
	if _, err := f.Book(t.Context(), f.front, appointment.BookVisit{
		Target: appointment.Target{Slot: &slot}, Patient: &f.patient, Reason: ptr(access.Private("more")), Key: key(),
	}); err == nil {
		t.Error("something new was written about the patient")
	}
}

// No table holds a private text, in any spelling that a dump could have.
func TestTheDatabaseHoldsNoPrivateText(t *testing.T) {
	f := newFile(t)
	desk := f.Provider(1)
	if _, err := provider.NewService(f.directory(), clinic.NewService(f.directory(), clinic.Source{Clock: f.clock, NewID: uuid.New}),
		clinic.Source{Clock: f.clock, NewID: uuid.New}).AddException(t.Context(), f.front, provider.AddException{
		Provider: &desk, Location: &clinic.Ref{Organization: f.Organization, ID: f.Location}, Effect: provider.Closed, Key: "canary-exception",
		From: civil.DateTimeOf(f.clock.Now().Add(24 * time.Hour)), To: civil.DateTimeOf(f.clock.Now().Add(30 * time.Hour)), Reason: ptr("canary illness"),
	}); err != nil {
		t.Fatal(err)
	}
	for _, canary := range []string{"canary", "12015550188", "1980-02-29", "es-MX"} {
		for spelling, text := range map[string]string{
			"itself": canary, "hexadecimal": hex.EncodeToString([]byte(canary)), "base64": base64.RawStdEncoding.EncodeToString([]byte(canary))[:len(canary)*4/3-1],
		} {
			for table, dump := range dumps(t, f.pool) {
				if bytes.Contains(bytes.ToLower(dump), []byte(strings.ToLower(text))) {
					t.Errorf("%s holds %s as %s", table, canary, spelling)
				}
			}
		}
	}
}

// dumps are all tables as text.
func dumps(t *testing.T, pool *pgxpool.Pool) map[string][]byte {
	t.Helper()
	var tables []string
	if err := pool.QueryRow(t.Context(), `SELECT array_agg(relname) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'`).Scan(&tables); err != nil {
		t.Fatal(err)
	}
	conn, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	texts := map[string][]byte{}
	for _, table := range tables {
		var text bytes.Buffer
		if _, err := conn.Conn().PgConn().CopyTo(t.Context(), &text, "COPY "+table+" TO STDOUT"); err != nil {
			t.Fatal(err)
		}
		texts[table] = text.Bytes()
	}
	if len(texts["patients"]) == 0 || len(texts["schedule_exceptions"]) == 0 {
		t.Error("there is nothing to look through")
	}
	return texts
}

// A process that remembers a key goes on using it after there is a newer one. Nothing of that is lost, and resealing bumps no version.
func TestWhatIsSealedWithARememberedKeyIsSealedAnewLater(t *testing.T) {
	f := newFile(t)
	folder := keytest.NewFolder(t)
	writer, rotator := keytest.Open(t, folder), keytest.Open(t, folder)
	pool := pgtest.New(t)
	writes, rotates := postgres.New(pool, writer), postgres.New(pool, rotator)
	w := patienttest.NewWorld(t, writes.Directory())
	ann := w.Register(t, patienttest.Ann())
	steps := func(what string, do func() (int, error), want int) {
		t.Helper()
		if n, err := do(); err != nil || n != want {
			t.Fatalf("%s: %d, %v, want %d", what, n, err, want)
		}
	}
	reseal := func() (int, error) { return rotates.Reseal(t.Context(), w.Organization) }
	steps("sealed anew for nothing", reseal, 0)
	steps("new keys", func() (int, error) { return rotator.NewGeneration(t.Context(), w.Organization) }, 1)
	steps("sealed anew", reseal, 1)
	in := patienttest.Ann()
	in.GivenName = "Anna"
	w.Register(t, in)
	steps("sealed anew, what was written with a remembered key", reseal, 1)
	steps("sealed anew for nothing", reseal, 0)
	steps("dropped keys", func() (int, error) { return rotator.DropGenerations(t.Context(), w.Organization) }, 1)
	ref := clinic.Ref{Organization: w.Organization, ID: ann.ID}
	found, err := postgres.New(pool, keytest.Open(t, folder)).Directory().Patients(t.Context(), []clinic.Ref{ref})
	if err != nil || found[ref].GivenName != "Anna" || *found[ref].Email != *ann.Email {
		t.Errorf("read as %#v, %v", found[ref], err)
	}

	before := f.count(`SELECT sum(version)::int FROM appointments`)
	keys := keytest.Of(t, f.pool)
	if _, err := keys.NewGeneration(t.Context(), f.Organization); err != nil {
		t.Fatal(err)
	}
	if n, err := postgres.New(f.pool, keys).Reseal(t.Context(), f.Organization); n != 3 || err != nil {
		t.Errorf("of a patient, a visit and an identifier %d are sealed anew, %v", n, err)
	}
	if _, err := keys.DropGenerations(t.Context(), f.Organization); err != nil {
		t.Fatal(err)
	}
	if _, v, elsewhere, err := f.reads(); err != nil || *v.Reason != "canary reason" || len(elsewhere) != 1 || f.count(`SELECT sum(version)::int FROM appointments`) != before {
		t.Errorf("the visit reads as %#v, %v, %v", v, elsewhere, err)
	}
}
