package app

import (
	"context"
	"crypto/ed25519"
	"log/slog"
	"net/http"
	"net/http/httptest"
	neturl "net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/graph/viewer"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/access/token"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/identity"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/testkit/gqltest"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

// api is the whole server over a database of its own, which counts the statements.
type api struct {
	shadowed bool // bookings are judged in the shadow
	gqltest.Client
	t          *testing.T
	pool       *pgxpool.Pool
	url        string // of the database, as the program signs in
	clinic     *sample.Clinic
	key        ed25519.PrivateKey
	clock      *clock.Frozen // the product's
	app        *App
	statements atomic.Int64
	mu         sync.Mutex
	texts      []string // of the statements, while somebody listens
}

type vars = map[string]any

// cheap are hashes of passwords for tests: what one costs is up to the settings, and what they bound is tested with these.
var cheap = SignInSettings{PasswordMemory: 64, PasswordIterations: 1}

// newAPI opens the house over a database of its own, with the limits of a server that isn't told otherwise, or others.
func newAPI(t *testing.T, others ...appointment.Limits) *api {
	t.Helper()
	public, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	a := &api{t: t, key: key, clock: clock.FrozenAt(sample.Dawn)}
	url := pgtest.NewURL(t)
	a.url = url
	a.pool = pgtest.Pool(t, pgtest.AdminURL(t, url))
	a.clinic = sample.NewClinic(t, a.pool)
	program := pgtest.Pool(t, url).Config()
	program.ConnConfig.Tracer = a
	counted, err := pgxpool.NewWithConfig(t.Context(), program)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(counted.Close)
	limits := append(others, appointment.DefaultLimits())[0]
	a.app = wire(Frame{
		Booking: &limits, Clock: a.clock, Issuer: "test", Key: public, LinkKey: make([]byte, 32),
		PublicURL: &neturl.URL{Scheme: "https", Host: "api.example.org"}, Log: slog.New(slog.DiscardHandler),
		MailLimits: &identity.MailLimits{AddressHour: 3, AddressDay: 10, OrganizationDay: 100_000, NetworkHour: 100_000, StaffHour: 100_000},
		SignIn:     cheap,
	}, postgres.New(counted, keytest.Of(t, counted)))
	a.Handler = a.app.Handler()
	t.Cleanup(a.app.Close)
	return a
}

// looks are the statements of a look at how far the log may be read. Requests that come together share one, so that it would
// be counted for one or another. And what says whose rows are asked for goes to the server together with the question.
var looks = regexp.MustCompile(`log_positions|log_epoch|log_writing|set_config\('(role|mediconnect|plan_cache_mode)`)

// TraceQueryStart counts a statement.
func (a *api) TraceQueryStart(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	a.count(ctx, q.SQL)
	return ctx
}

// count counts what requests ask: what follows the log asks, too, whoever is there.
func (a *api) count(ctx context.Context, sql string) {
	if !looks.MatchString(sql) && viewer.Actor(ctx).RequestID != "" {
		a.statements.Add(1)
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.texts != nil {
			a.texts = append(a.texts, sql)
		}
	}
}

func (a *api) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// TraceBatchStart counts the statements of a batch.
func (a *api) TraceBatchStart(ctx context.Context, _ *pgx.Conn, b pgx.TraceBatchStartData) context.Context {
	for _, q := range b.Batch.QueuedQueries {
		a.count(ctx, q.SQL)
	}
	return ctx
}

func (a *api) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}
func (a *api) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData)     {}

func (a *api) by(who access.Actor) gqltest.Client {
	a.t.Helper()
	raw, err := token.Sign(a.key, "test", who, time.Now().Add(time.Hour))
	if err != nil {
		a.t.Fatal(err)
	}
	return a.As(raw)
}

func (a *api) id(t globalid.Type, ref clinic.Ref) string { return globalid.Of(t, ref) }

func (a *api) patientID(of access.Actor) string {
	return a.id(globalid.Patient, clinic.Ref{Organization: of.Organization, ID: of.PatientID})
}

const (
	findSlots = `query($p: ID!, $k: ID!) { node(id: $p) { ... on Provider { slots(visitKindId: $k, from: "2026-06-08T00:00:00Z", to: "2026-06-09T00:00:00Z", first: 3) {
		totalCount edges { node { id start localStart timeZone status remaining version provider { name } location { name } visitKind { name duration } } } } } } }`
	failed   = `errors { __typename ... on UserError { code message path retryable } ... on SlotTakenError { alternatives(limit: 2) { id status } } }`
	holdIt   = `mutation($input: HoldSlotInput!) { holdSlot(input: $input) { hold { id expiresAt slot { status } } ` + failed + ` } }`
	bookIt   = `mutation($input: BookAppointmentInput!) { bookAppointment(input: $input) { replayed appointment { id version status localStart icsUrl } ` + failed + ` } }`
	moveIt   = `mutation($input: RescheduleAppointmentInput!) { rescheduleAppointment(input: $input) { appointment { id version localStart } releasedSlot { id status } errors { ... on UserError { code } } } }`
	cancelIt = `mutation($input: CancelAppointmentInput!) { cancelAppointment(input: $input) { appointment { status version cancellation { reason by } } errors { ... on UserError { code } } } }`
)

func TestAVisitFromTheListToTheCancellation(t *testing.T) {
	a := newAPI(t)
	of := a.clinic.Provider(1)
	me := a.clinic.Patient()
	mine, other := a.by(me), a.by(a.clinic.Patient())
	where := vars{"p": a.id(globalid.Provider, of), "k": a.id(globalid.VisitKind, clinic.Ref{Organization: a.clinic.Organization, ID: a.clinic.VisitKind})}

	list := a.Post(t, findSlots, where).OK(t)
	first, second := list.Text("node", "slots", "edges", 0, "node", "id"), list.Text("node", "slots", "edges", 1, "node", "id")
	if list.Text("node", "slots", "edges", 0, "node", "localStart") != "2026-06-08T09:00:00" || list.Data("node", "slots", "totalCount") != 16.0 {
		t.Fatalf("%s", list.Raw)
	}
	hold := mine.Post(t, holdIt, vars{"input": vars{"slotId": first, "idempotencyKey": "hold-1"}}).OK(t)
	holdID := hold.Text("holdSlot", "hold", "id")
	if hold.Text("holdSlot", "hold", "expiresAt") != "2026-06-08T10:05:00Z" {
		t.Fatalf("%s", hold.Raw)
	}
	taken := other.Post(t, bookIt, vars{"input": vars{"target": vars{"slotId": first}, "idempotencyKey": "book-1"}}).OK(t)
	if taken.Text("bookAppointment", "errors", 0, "code") != "SLOT_TAKEN" || taken.Text("bookAppointment", "errors", 0, "alternatives", 0, "id") != second {
		t.Fatalf("%s", taken.Raw)
	}
	book := vars{"input": vars{"target": vars{"holdId": holdID}, "reason": "A cough", "idempotencyKey": "book-1"}}
	booked := mine.Post(t, bookIt, book).OK(t)
	visit := booked.Text("bookAppointment", "appointment", "id")
	if booked.Text("bookAppointment", "appointment", "status") != "BOOKED" || visit == "" {
		t.Fatalf("%s", booked.Raw)
	}
	again := mine.Post(t, bookIt, book).OK(t)
	if again.Data("bookAppointment", "replayed") != true || again.Text("bookAppointment", "appointment", "id") != visit {
		t.Errorf("%s", again.Raw)
	}
	link := strings.TrimPrefix(booked.Text("bookAppointment", "appointment", "icsUrl"), "https://api.example.org")
	if file := a.Send(t, httptest.NewRequest(http.MethodGet, link, nil)); file.Status != 200 || !strings.Contains(string(file.Raw), "DTSTART") || strings.Contains(string(file.Raw), "cough") {
		t.Errorf("status %d: %s", file.Status, file.Raw)
	}
	moved := mine.Post(t, moveIt, vars{"input": vars{"appointmentId": visit, "target": vars{"slotId": second}, "expectedVersion": 1, "idempotencyKey": "move-1"}}).OK(t)
	if moved.Text("rescheduleAppointment", "appointment", "localStart") != "2026-06-08T09:30:00" || moved.Text("rescheduleAppointment", "releasedSlot", "id") != first ||
		moved.Text("rescheduleAppointment", "releasedSlot", "status") != "FREE" {
		t.Fatalf("%s", moved.Raw)
	}
	cancelled := mine.Post(t, cancelIt, vars{"input": vars{"appointmentId": visit, "reason": "FEELING_BETTER"}}).OK(t)
	if cancelled.Text("cancelAppointment", "appointment", "status") != "CANCELLED" || cancelled.Text("cancelAppointment", "appointment", "cancellation", "by") != "PATIENT" {
		t.Fatalf("%s", cancelled.Raw)
	}
	if foreign := other.Post(t, cancelIt, vars{"input": vars{"appointmentId": visit, "reason": "OTHER"}}).OK(t); foreign.Text("cancelAppointment", "errors", 0, "code") != "NOT_FOUND" {
		t.Errorf("somebody else's visit: %s", foreign.Raw)
	}
}

func TestAPageOfAppointmentsCostsAConstantNumberOfStatements(t *testing.T) {
	a := newAPI(t)
	desk := a.by(a.clinic.FrontDesk())
	const page = `{ appointments(first: 100) { edges { node { id reason identifiers { value } actions { action allowed }
		patient { name } provider { name visitKinds { id policy { holdDuration } } specialties { name } } location { name timeZone } visitKind { name duration } } } } }`
	var counted []int64
	booked := 0
	for _, size := range []int{1, 12, 40} {
		for ; booked < size; booked++ {
			who := a.clinic.Patient()
			slot := a.clinic.Slot(a.clinic.Provider(1), 9+booked%8, 0)
			answer := desk.Post(t, bookIt, vars{"input": vars{"target": vars{"slotId": globalid.OfSlot(slot)}, "patientId": a.patientID(who), "idempotencyKey": sample.NewID().String()}}).OK(t)
			if answer.Text("bookAppointment", "appointment", "id") == "" {
				t.Fatalf("%s", answer.Raw)
			}
		}
		before := a.statements.Load()
		answer := desk.Post(t, page, nil).OK(t)
		counted = append(counted, a.statements.Load()-before)
		if edges, _ := answer.Data("appointments", "edges").([]any); len(edges) != size {
			t.Fatalf("%d appointments of %d", len(edges), size)
		}
	}
	if counted[0] == 0 || counted[1] != counted[0] || counted[2] != counted[0] {
		t.Errorf("pages of 1, 12 and 40 appointments cost %v statements", counted)
	}
}
