package postgres_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/patient"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/provider"
	"github.com/mediconnect/mediconnect/internal/seal"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

// twins are two tenants whose rows agree in everything but the organisation: whatever asks for one of them and forgets to say so
// finds the other's rows, too.
type twins struct {
	*desk
	other    uuid.UUID
	proxy    *rewriting
	provider clinic.Ref
	visit    appointment.Appointment
	held     appointment.Hold
	window   uuid.UUID
	patient  clinic.Ref
	grant    clinic.Ref
	client   clinic.Ref
	apiKey   clinic.Ref
	account  access.Actor // acts for the patient
	caller   access.Actor
}

func newTwins(t *testing.T) *twins {
	d := newDesk(t)
	w := &twins{desk: d, other: sample.NewID(), provider: d.Provider(2)}
	config := d.pool.Config().ConnConfig
	w.proxy = newRewriting(t, fmt.Sprintf("postgres:///%s?host=%s&port=%d", config.Database, config.Host, config.Port))
	w.proxy.address = strings.Replace(w.proxy.address, "postgres://@", "postgres://mediconnect_server@", 1)
	desk := d.FrontDesk()
	people := patient.NewService(postgres.New(d.pool, keytest.Of(t, d.pool)).Directory(), clinic.Source{Clock: d.clock, NewID: sample.NewID})
	mo, err := people.Register(t.Context(), desk, registration(0))
	if err != nil {
		t.Fatal(err)
	}
	w.patient = clinic.Ref{Organization: d.Organization, ID: mo.ID}
	w.caller = desk
	slot := d.Slot(w.provider, 10, 0)
	booked, err := d.Book(t.Context(), desk, appointment.BookVisit{
		Target: appointment.Target{Slot: &slot}, Patient: &w.patient, Key: key(), Reason: new(access.Private("Headache")),
		Identifiers: []clinic.Identifier{{System: "https://example.org/visits", Value: "V1"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.visit = booked.Appointment
	if w.held, err = d.Hold(t.Context(), desk, appointment.PlaceHold{Slot: d.Slot(w.provider, 11, 0), Patient: &w.patient, Key: key()}); err != nil {
		t.Fatal(err)
	}
	w.window = d.capWindowTo(w.provider, "09", 3)
	w.act()
	w.integrate()
	w.copy()
	w.seal()
	return w
}

func (w *twins) sought(by []patient.Handle) patient.Sought {
	return patient.Sought{Organization: w.Organization, Handles: by, Among: access.Reach{All: true}}
}

func registration(n int) patient.Register {
	return patient.Register{
		Identifier: clinic.Identifier{System: "https://example.org/mrn", Value: fmt.Sprint("M", n)}, GivenName: "Mo", FamilyName: "Twin",
		BirthDate: &civil.Date{Year: 1990, Month: time.May, Day: 4}, Phone: new(access.Private("+12025550123")),
	}
}

// tenantTables in an order in which they can be filled without their references being looked at.
const tenantTables = `
SELECT c.relname, string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) AS columns FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relforcerowsecurity AND a.attnum > 0 AND NOT a.attisdropped
  AND a.attname <> 'organization_id' AND a.attgenerated = '' GROUP BY c.relname ORDER BY 1`

type tenantTable struct{ Relname, Columns string }

func (w *twins) tables() []tenantTable {
	rows, _ := w.pool.Query(w.t.Context(), tenantTables)
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[tenantTable])
	if err != nil {
		w.t.Fatal(err)
	}
	return list
}

func (w *twins) copy() {
	statements := []string{`SET LOCAL session_replication_role = replica`, fmt.Sprintf(`INSERT INTO organizations SELECT '%s', 'Other', created_at FROM organizations`, w.other)}
	for _, t := range w.tables() {
		statements = append(statements, fmt.Sprintf(`INSERT INTO %[1]s (organization_id, %[2]s) SELECT '%[3]s', %[2]s FROM %[1]s`, t.Relname, t.Columns, w.other))
	}
	err := pgx.BeginFunc(w.t.Context(), w.pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(w.t.Context(), strings.Join(statements, ";"))
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// private are the copied columns that say something, by the row and the subject that they are sealed for.
var private = []struct{ table, column, row, about string }{
	{"patients", "identifier", "id", "id"}, {"patients", "given_name", "id", "id"}, {"patients", "family_name", "id", "id"},
	{"patients", "birth_date", "id", "id"}, {"patients", "phone", "id", "id"}, {"appointments", "reason", "id", "patient_id"},
	{"appointment_identifiers", "value", "appointment_id", "(SELECT a.patient_id FROM appointments a WHERE a.id = t.appointment_id LIMIT 1)"},
}

// seal seals for the other tenant what was copied.
func (w *twins) seal() {
	keys := keytest.Of(w.t, w.pool)
	for _, p := range private {
		token := `''::bytea`
		if p.table == "appointment_identifiers" {
			token = "token"
		}
		rows, _ := w.pool.Query(w.t.Context(), fmt.Sprintf(`SELECT %s, %s, %s, %s FROM %s t WHERE organization_id = $1 AND %s IS NOT NULL`,
			p.row, p.about, p.column, token, p.table, p.column), w.Organization)
		type row struct {
			ID, About    uuid.UUID
			Value, Token []byte
		}
		list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[row])
		if err != nil {
			w.t.Fatal(err)
		}
		for _, r := range list {
			from, to := seal.Subject{Organization: w.Organization, ID: r.About}, seal.Subject{Organization: w.other, ID: r.About}
			known, err := keys.Current(w.t.Context(), []seal.Subject{from, to})
			if err != nil {
				w.t.Fatal(err)
			}
			at := seal.Place{Table: p.table, Column: p.column, Organization: w.Organization, Row: r.ID}
			if len(r.Token) > 0 {
				at.Row = uuid.NewSHA1(r.ID, r.Token)
			}
			plain, err := seal.Open(known[from], from, at, r.Value)
			if err != nil {
				w.t.Fatal(err)
			}
			at.Organization = w.other
			if _, err := w.pool.Exec(w.t.Context(), fmt.Sprintf(`UPDATE %s SET %s = $1 WHERE organization_id = $2 AND %s = $3`, p.table, p.column, p.row),
				seal.Seal(known[to], to, at, plain), w.other, r.ID); err != nil {
				w.t.Fatal(err)
			}
		}
	}
}

// reads are what stores read of a tenant, and what comes of it as text.
func (w *twins) reads(db *postgres.DB) map[string]string {
	d, s, v := db.Directory(), postgres.NewAppointmentStore(db), postgres.NewAvailabilityStore(db)
	refs := func(id uuid.UUID) []clinic.Ref { return []clinic.Ref{{Organization: w.Organization, ID: id}} }
	filter := appointment.Filter{Organization: w.Organization}
	monday := civil.DateTimeOf(sample.Monday)
	periods := []provider.Period{{Location: w.Location, From: monday, To: civil.DateTime{Date: monday.Date.AddDays(1)}}}
	born := patient.Patient{BirthDate: registration(0).BirthDate, GivenName: "Mo", FamilyName: "Twin"}.Handles()
	found := w.acting(db)
	maps.Copy(found, w.integrated(db))
	for name, read := range map[string]func(context.Context) (any, error){
		"patients":   func(ctx context.Context) (any, error) { return d.Patients(ctx, refs(w.patient.ID)) },
		"found":      func(ctx context.Context) (any, error) { return d.Find(ctx, w.sought(born[:1]), everything) },
		"counted":    func(ctx context.Context) (any, error) { return d.Count(ctx, w.sought(born[:1])) },
		"exceptions": func(ctx context.Context) (any, error) { return d.Exceptions(ctx, refs(w.window)) },
		"closures": func(ctx context.Context) (any, error) {
			return d.ListExceptions(ctx, w.provider, periods, everything)
		},
		"how many closures": func(ctx context.Context) (any, error) { return d.CountExceptions(ctx, w.provider, periods) },
		"appointments":      func(ctx context.Context) (any, error) { return s.Appointments(ctx, refs(w.visit.ID)) },
		"identifiers":       func(ctx context.Context) (any, error) { return s.Identifiers(ctx, refs(w.visit.ID)) },
		"holds":             func(ctx context.Context) (any, error) { return s.Holds(ctx, refs(w.held.ID)) },
		"list": func(ctx context.Context) (any, error) {
			return s.List(ctx, filter, appointment.StartAscending, everything)
		},
		"how many": func(ctx context.Context) (any, error) { return s.Count(ctx, filter) },
		"a patient's list": func(ctx context.Context) (any, error) {
			return s.List(ctx, appointment.Filter{Organization: w.Organization, Patient: w.patient.ID}, appointment.StartAscending, everything)
		},
		"agendas": func(ctx context.Context) (any, error) {
			return s.Agendas(ctx, []clinic.Ref{w.provider}, appointment.Agenda{Order: appointment.StartAscending, Window: everything})
		},
		"how long agendas are": func(ctx context.Context) (any, error) {
			return s.CountAgendas(ctx, []clinic.Ref{w.provider}, appointment.Filter{})
		},
		"upcoming": func(ctx context.Context) (any, error) {
			return s.Upcoming(ctx, appointment.Clash{Organization: w.Organization, From: sample.Monday, To: sample.Monday.AddDate(0, 0, 9)}, sample.Dawn, nil, 10)
		},
		"own time": func(ctx context.Context) (any, error) {
			return v.View(ctx, w.provider, availability.Period{
				From: sample.Monday, To: sample.Monday.AddDate(0, 0, 1), Patient: w.patient.ID, Moving: w.visit.Ref(),
				Holder: clinic.Ref{Organization: w.Organization, ID: w.caller.ID},
			})
		},
	} {
		answer, err := read(w.t.Context())
		found[name] = text(answer) + " " + fmt.Sprint(err)
	}
	return found
}

// text is an answer as text, the same for the same.
func text(answer any) string {
	v := reflect.ValueOf(answer)
	if v.Kind() != reflect.Map {
		plain, err := json.Marshal(answer)
		return fmt.Sprintf("%s %v", plain, err)
	}
	var parts []string
	for _, key := range v.MapKeys() {
		parts = append(parts, fmt.Sprintf("%v: %s", key.Interface(), text(v.MapIndex(key).Interface())))
	}
	slices.Sort(parts)
	return strings.Join(parts, "\n")
}

// ofTenant says whether a statement that everybody's connections send too is about what only a tenant may read.
func (s sent) ofTenant() bool {
	statement := s.statement
	return s.role == "mediconnect_app" || strings.Contains(statement, "FROM holds") || strings.Contains(statement, "FROM patients") ||
		strings.Contains(statement, "c.appointment_id = $4") || strings.Contains(statement, "AND party_id = $2")
}

func TestAStatementThatForgetsTheTenantFindsNothingOfAnother(t *testing.T) {
	w := newTwins(t)
	want := w.compared(sent{}, nil)
	if len(want) == 0 {
		t.Fatal("nothing was read")
	}
	statements := w.proxy.filtered()
	guarded, noticed := 0, 0
	for _, statement := range statements {
		if !statement.ofTenant() {
			continue
		}
		guarded++
		for name := range w.compared(statement, want) {
			t.Errorf("%s tells of another tenant when this forgets its own: %s", name, statement.statement)
		}
	}
	w.unguard()
	var blind []string
	for _, statement := range statements {
		if statement.ofTenant() {
			if len(w.compared(statement, want)) > 0 {
				noticed++
			} else {
				blind = append(blind, statement.statement)
			}
		}
	}
	// The others look for one thing by its id, or their answers are sorted out by organisation.
	if guarded < 15 || 3*noticed < 2*guarded {
		t.Errorf("without row-level security %d of %d statements were seen to tell of another tenant, not %q", noticed, guarded, blind)
	}
}

// compared reads everything while one statement forgets its tenant, and answers what differs from what is wanted, or all.
func (w *twins) compared(statement sent, want map[string]string) map[string]string {
	db := w.proxy.without(statement)
	defer db.Close()
	got := w.reads(db)
	if want != nil {
		maps.DeleteFunc(got, func(name, text string) bool { return want[name] == text })
	}
	return got
}
