package app

import (
	"crypto/sha256"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/testkit/gqltest"
)

const ticketIt = `mutation($input: IssueStreamTicketInput!) { issueStreamTicket(input: $input) { ticket expiresAt errors { __typename ... on UserError { code path } } } }`

func TestATicketOpensOneStreamForWhoeverItWasIssuedTo(t *testing.T) {
	w := newWorld(t)
	me := w.clinic.Patient()
	mine := w.by(me)
	issue := func(by gqltest.Client) string {
		t.Helper()
		answer := by.Post(t, ticketIt, vars{"input": vars{}}).OK(t)
		at, err := time.Parse(time.RFC3339, answer.Text("issueStreamTicket", "expiresAt"))
		if err != nil || time.Until(at) > 30*time.Second || time.Until(at) < 20*time.Second {
			t.Errorf("%s: %v", answer.Raw, err)
		}
		return answer.Text("issueStreamTicket", "ticket")
	}
	desk := w.app.deps(HTTPSettings{}, nil).Tickets
	ticket := issue(mine)
	me.RequestID = ""
	who, until, err := desk.Redeem(t.Context(), ticket)
	if err != nil || !reflect.DeepEqual(who, me) || time.Until(until) > time.Hour || time.Until(until) < 50*time.Minute {
		t.Errorf("got %+v until %v, %v; want %+v", who, until, err, me)
	}
	if _, _, err := desk.Redeem(t.Context(), ticket); errs.Of(err) != errs.Unauthenticated {
		t.Errorf("used twice: %v", err)
	}

	contested := issue(mine)
	var wins atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, _, err := desk.Redeem(t.Context(), contested); err == nil {
				wins.Add(1)
			}
		})
	}
	all.Wait()
	if wins.Load() != 1 {
		t.Errorf("%d of 8 who came with one ticket were let in", wins.Load())
	}
}

func TestAnAccountHasTenOpenTicketsAtMost(t *testing.T) {
	w := newWorld(t)
	me, other := w.by(w.clinic.Patient()), w.by(w.clinic.Patient())
	issue := func(by gqltest.Client) string {
		return by.Post(t, ticketIt, vars{"input": vars{}}).OK(t).Text("issueStreamTicket", "ticket")
	}
	others := issue(other)
	var tickets []string
	for range 12 {
		tickets = append(tickets, issue(me))
	}
	var kept int
	if err := w.pool.QueryRow(t.Context(), `SELECT count(*) FROM stream_tickets`).Scan(&kept); err != nil || kept != 11 {
		t.Errorf("%d are kept, %v", kept, err)
	}
	desk := w.app.deps(HTTPSettings{}, nil).Tickets
	for i, ticket := range append(tickets, others) {
		if _, _, err := desk.Redeem(t.Context(), ticket); (err == nil) != (i > 1) {
			t.Errorf("ticket %d: %v", i, err)
		}
	}
	stale := issue(me)
	if _, err := w.pool.Exec(t.Context(), `UPDATE stream_tickets SET expires_at = '2026-06-08T00:00:00Z'`); err != nil {
		t.Fatal(err)
	}
	if _, _, err := desk.Redeem(t.Context(), stale); errs.Of(err) != errs.Unauthenticated {
		t.Errorf("a stale one: %v", err)
	}
	issue(other)
	if _, err := w.pool.Exec(t.Context(), `UPDATE stream_tickets SET expires_at = '2026-06-08T00:00:00Z'`); err != nil {
		t.Fatal(err)
	}
	if err := w.app.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := w.pool.QueryRow(t.Context(), `SELECT count(*) FROM stream_tickets`).Scan(&kept); err != nil || kept != 0 {
		t.Errorf("%d that nobody used are kept, %v", kept, err)
	}
}

func TestATicketIsKeptAsADigestAndOnlyForWhoeverIsSignedIn(t *testing.T) {
	w := newWorld(t)
	if answer := w.Post(t, ticketIt, vars{"input": vars{}}); answer.Code() != "UNAUTHENTICATED" || answer.Data("issueStreamTicket") != nil {
		t.Errorf("nobody: %s", answer.Raw)
	}
	mine := w.by(w.clinic.Patient())
	refused := mine.Post(t, ticketIt, vars{"input": vars{"scopes": []string{access.AppointmentsRead, access.AuditRead}}}).OK(t)
	if failure(refused, "issueStreamTicket") != "INVALID_INPUT input scopes 1" || refused.Data("issueStreamTicket", "ticket") != nil {
		t.Errorf("more than the token has: %s", refused.Raw)
	}
	ticket := mine.Post(t, ticketIt, vars{"input": vars{"scopes": []string{access.AppointmentsRead}}}).OK(t).Text("issueStreamTicket", "ticket")
	var digest []byte
	var row string
	if err := w.pool.QueryRow(t.Context(), `SELECT digest, s::text FROM stream_tickets s`).Scan(&digest, &row); err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256([]byte(ticket)); string(sum[:]) != string(digest) {
		t.Errorf("kept as %x: %s", digest, row)
	}
	who, _, err := w.app.deps(HTTPSettings{}, nil).Tickets.Redeem(t.Context(), ticket)
	if err != nil || !reflect.DeepEqual(who.Scopes, []string{access.AppointmentsRead}) {
		t.Errorf("the stream has %v, %v", who.Scopes, err)
	}
}

// As of `dev --clock`: nobody would stay signed in, nor open a stream.
func TestAProductClockThatIsAheadEndsNothingThatGoesByTheMachines(t *testing.T) {
	w := newWorld(t)
	if answer := w.by(w.clinic.Patient()).Post(t, ticketIt, vars{"input": vars{}}).OK(t); answer.Text("issueStreamTicket", "ticket") == "" {
		t.Fatalf("no ticket: %s", answer.Raw)
	}
	_, err := w.pool.Exec(t.Context(), `INSERT INTO signing_keys VALUES (repeat('A', 43), decode(repeat('00', 32), 'hex'), '', now(), now(), now() + interval '30 days', now() + interval '31 days')`)
	if err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(20 * 365 * 24 * time.Hour)
	if err := w.app.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	var tickets, keys int
	err = w.pool.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM stream_tickets), (SELECT count(*) FROM signing_keys WHERE private_key = '')`).Scan(&tickets, &keys)
	if err != nil || tickets != 1 || keys != 1 {
		t.Errorf("%d tickets and %d keys are left, %v", tickets, keys, err)
	}
}
