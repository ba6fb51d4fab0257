package load_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/intake/demo"
	"github.com/mediconnect/mediconnect/internal/intake/load"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

var (
	monday = civil.Date{Year: 2026, Month: time.June, Day: 8}
	dawn   = time.Date(2026, 6, 8, 10, 0, 0, 0, time.UTC)
	group  = uuid.MustParse("01980000-0000-7000-8000-0000000000aa")
	admin  = access.Actor{
		Kind: access.Staff, ID: uuid.MustParse("01980000-0000-7000-8000-0000000000ab"), Client: "test", Organization: group, Role: access.Admin,
		Scopes: access.ScopesOf(access.Admin),
	}
)

// world is a database with an organisation to load into.
type world struct {
	t    *testing.T
	pool *pgxpool.Pool
	db   *postgres.DB
}

func newWorld(t *testing.T) *world {
	t.Helper()
	url := pgtest.NewURL(t)
	pool := pgtest.Pool(t, pgtest.AdminURL(t, url))
	config := postgres.Defaults(url)
	config.Keys = keytest.For(t, "load of "+t.Name()) // the same for all worlds of a test
	db, err := postgres.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	w := &world{t: t, pool: pool, db: db}
	w.exec(`INSERT INTO organizations (id, name, created_at) VALUES ($1, 'Crowd', '2026-01-01')`, group)
	return w
}

func order(t *testing.T, providers, appointments int) load.Order {
	t.Helper()
	sites, err := demo.Sites()
	if err != nil {
		t.Fatal(err)
	}
	return load.Order{
		Organization: group, Actor: admin, Sites: sites, Seed: 1, Providers: providers, Appointments: appointments, Days: 60, Now: dawn.Add(time.Hour),
	}
}

func (w *world) load(ctx context.Context, o load.Order) (load.Report, error) {
	return load.Load(ctx, w.db.Directory(), postgres.NewLoadStore(w.db), o)
}

func (w *world) mustLoad(o load.Order) load.Report {
	w.t.Helper()
	r, err := w.load(w.t.Context(), o)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *world) exec(sql string, args ...any) {
	w.t.Helper()
	if _, err := w.pool.Exec(w.t.Context(), sql, args...); err != nil {
		w.t.Fatalf("%s: %v", sql, err)
	}
}

func (w *world) count(sql string, args ...any) (n int) {
	w.t.Helper()
	if err := w.pool.QueryRow(w.t.Context(), sql, args...).Scan(&n); err != nil {
		w.t.Fatalf("%s: %v", sql, err)
	}
	return n
}

func (w *world) ids(sql string) []uuid.UUID {
	w.t.Helper()
	rows, err := w.pool.Query(w.t.Context(), sql)
	if err != nil {
		w.t.Fatal(err)
	}
	defer rows.Close()
	var list []uuid.UUID
	for rows.Next() {
		var id uuid.UUID
		if err := rows.Scan(&id); err != nil {
			w.t.Fatal(err)
		}
		list = append(list, id)
	}
	return list
}

// contents are a digest of each table; the positions of events depend on which batch was saved first.
func (w *world) contents() map[string]string {
	w.t.Helper()
	found := map[string]string{}
	for _, table := range []string{
		"organizations", "locations", "visit_kinds", "insurance_plans", "providers", "provider_visit_kinds", "provider_specialties", "provider_plans", "schedules",
		"schedule_exceptions", "desks", "patients", "patient_tokens", "party_days", "window_counts", "appointments", "claims", "audit_events", "event_log",
	} {
		var rows int
		var sum string
		query := fmt.Sprintf(`SELECT count(*), coalesce(md5(string_agg(row, E'\n' ORDER BY row)), '') FROM (SELECT (to_jsonb(t) - 'position' - ARRAY(SELECT column_name::text FROM information_schema.columns WHERE table_name = '%[1]s'
			AND domain_name = 'private'))::text AS row FROM %[1]s t) r`, table)
		if err := w.pool.QueryRow(w.t.Context(), query).Scan(&rows, &sum); err != nil {
			w.t.Fatal(err)
		}
		found[table] = fmt.Sprint(rows, " rows ", sum)
	}
	found["what is private"] = w.private()
	return found
}

// private is what is sealed, opened: in the tables it is another each time.
func (w *world) private() string {
	w.t.Helper()
	refs := func(table string) (list []clinic.Ref) {
		rows, _ := w.pool.Query(w.t.Context(), `SELECT id FROM `+table+` ORDER BY id`)
		ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		if err != nil {
			w.t.Fatal(err)
		}
		for _, id := range ids {
			list = append(list, clinic.Ref{Organization: group, ID: id})
		}
		return list
	}
	sum, n := sha256.New(), 0
	write := func(refs []clinic.Ref, of func(clinic.Ref) any) {
		for _, r := range refs {
			text, err := json.Marshal(of(r))
			if err != nil {
				w.t.Fatal(err)
			}
			_, _ = sum.Write(text) // it never fails
			n++
		}
	}
	people, visits, windows := refs("patients"), refs("appointments"), refs("schedule_exceptions")
	p, err := w.db.Directory().Patients(w.t.Context(), people)
	v, err2 := postgres.NewAppointmentStore(w.db).Appointments(w.t.Context(), visits)
	x, err3 := w.db.Directory().Exceptions(w.t.Context(), windows)
	if err := errors.Join(err, err2, err3); err != nil {
		w.t.Fatal(err)
	}
	write(people, func(r clinic.Ref) any { return p[r] })
	write(visits, func(r clinic.Ref) any { return v[r].Reason })
	write(windows, func(r clinic.Ref) any { return x[r].Reason })
	return fmt.Sprintf("%d texts %x", n, sum.Sum(nil))
}

func (w *world) wantContents(want map[string]string, why string) {
	w.t.Helper()
	got := w.contents()
	for _, table := range slices.Sorted(maps.Keys(want)) {
		if got[table] != want[table] {
			w.t.Errorf("%s: %s has %s, want %s", why, table, got[table], want[table])
		}
	}
}

// invariants are what holds in the tables whatever is booked; each query counts the exceptions.
var invariants = map[string]string{
	"lanes taken twice": `SELECT count(*) FROM claims a JOIN claims b ON a.organization_id = b.organization_id AND a.party_id = b.party_id AND a.lane = b.lane
		AND a.id < b.id AND a.starts_at < b.ends_at AND b.starts_at < a.ends_at WHERE a.state <> 'FREED' AND b.state <> 'FREED'`,
	"patients with two visits at once": `SELECT count(*) FROM appointments a JOIN appointments b ON a.patient_id = b.patient_id AND a.id < b.id
		AND a.starts_at < b.ends_at AND b.starts_at < a.ends_at WHERE a.status <> 'CANCELLED' AND b.status <> 'CANCELLED'`,
	"visits without both claims": `SELECT count(*) FROM appointments a JOIN visit_kinds k ON k.id = a.visit_kind_id WHERE 2 <> (
		SELECT count(*) FROM claims c WHERE c.appointment_id = a.id AND (c.state = 'FREED') = (a.status = 'CANCELLED') AND (
			c.party_id = a.patient_id AND c.party_kind = 'PATIENT' AND c.lane = 0 AND c.starts_at = a.starts_at AND c.ends_at = a.ends_at AND c.counted_day IS NULL
			OR c.party_id = a.provider_id AND c.party_kind = 'PROVIDER' AND c.starts_at = a.starts_at - k.buffer_before * interval '1 second'
				AND c.ends_at = a.ends_at + k.buffer_after * interval '1 second' AND c.counted_day = a.local_start::date))`,
	"days counted wrong": `SELECT count(*) FROM party_days d WHERE booked <> (SELECT count(*) FROM claims c
		WHERE c.party_id = d.party_id AND c.counted_day = d.day AND c.state IN ('ACTIVE', 'PAST'))`,
	"days without a row": `SELECT count(*) FROM claims c, unnest(c.days) day WHERE NOT EXISTS (SELECT FROM party_days d WHERE d.party_id = c.party_id AND d.day = day)`,
	"windows counted wrong": `SELECT count(*) FROM window_counts w WHERE booked <> (SELECT count(*) FROM claims c
		WHERE c.party_id = w.provider_id AND w.exception_id = ANY (c.counted_windows) AND c.state IN ('ACTIVE', 'PAST'))`,
	"days over their cap":    `SELECT count(*) FROM party_days d JOIN providers p ON p.id = d.party_id WHERE d.booked > p.max_daily_appointments`,
	"windows over their cap": `SELECT count(*) FROM window_counts w JOIN schedule_exceptions e ON e.id = w.exception_id WHERE w.booked > e.max_appointments`,
	"visits whose version isn't the number of their records": `SELECT count(*) FROM appointments a WHERE a.version <> (SELECT count(*) FROM audit_events e
		WHERE e.entity_id = a.id AND e.entity_kind = 'Appointment')`,
	"visits whose version isn't the number of their events": `SELECT count(*) FROM appointments a WHERE a.version <> (SELECT count(*) FROM event_log e
		WHERE e.appointment_id = a.id AND e.provider_id = a.provider_id)`,
	"visits whose last change isn't in the log": `SELECT count(*) FROM appointments a WHERE NOT EXISTS (
		SELECT FROM event_log e WHERE e.appointment_id = a.id AND e.at = a.updated_at)`,
	"revisions that aren't the number of changes": `SELECT count(*) FROM providers p WHERE schedule_revision <> 1 + (SELECT count(*) FROM event_log e
		WHERE e.provider_id = p.id AND e.topic = 'schedule.changed')`,
	"visits before their booking": `SELECT count(*) FROM appointments WHERE created_at >= starts_at OR created_at > updated_at OR cancelled_at >= starts_at`,
}

func (w *world) holds() {
	w.t.Helper()
	for name, query := range invariants {
		if n := w.count(query); n != 0 {
			w.t.Errorf("%d %s", n, name)
		}
	}
}

func (w *world) source() clinic.Source {
	return clinic.Source{Clock: clock.FrozenAt(dawn), NewID: func() uuid.UUID { return uuid.Must(uuid.NewV7()) }}
}
