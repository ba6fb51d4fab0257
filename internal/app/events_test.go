package app

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/testkit/gqltest"
)

// events is a stream as a browser's EventSource reads it.
type events struct {
	t      *testing.T
	status int
	in     *bufio.Reader
	close  func()
	last   string // the id of the last event that had one
}

// source opens a stream by GET.
func (f *front) source(t *testing.T, document, ticket, last string) *events {
	t.Helper()
	query := url.Values{"query": {document}, "ticket": {ticket}}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+f.address+"/graphql?"+query.Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/event-stream")
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	response, err := (&http.Client{Timeout: time.Minute}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	closed := func() { _ = response.Body.Close() }
	t.Cleanup(closed)
	return &events{t: t, status: response.StatusCode, in: bufio.NewReader(response.Body), close: closed, last: last}
}

// next is the next event's name and data; "end" when the answer has come to its end.
func (e *events) next() (name string, answer gqltest.Answer) {
	e.t.Helper()
	for {
		line, err := e.in.ReadString('\n')
		field, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch {
		case errors.Is(err, io.EOF):
			return "end", answer
		case err != nil:
			e.t.Fatal(err)
		case field == "event":
			name = value
		case field == "id":
			e.last = value
		case field == "data" && value != "":
			answer.Raw = []byte(value)
			if err := json.Unmarshal(answer.Raw, &answer.Body); err != nil {
				e.t.Fatal(err)
			}
		case line == "\n" && name != "":
			return name, answer
		}
	}
}

// tells waits for the event of an appointment.
func (e *events) tells(visit string) {
	e.t.Helper()
	for {
		name, answer := e.next()
		switch got := answer.Text("appointmentChanged", "appointment", "id"); {
		case name != "next" || len(answer.Errors()) > 0:
			e.t.Fatalf("%s: %s", name, answer.Raw)
		case got == visit:
			return
		case got != "":
			e.t.Fatalf("told of %s, not %s", got, visit)
		}
	}
}

func TestAStreamThatATicketOpenedContinuesWhereTheBrowserLostIt(t *testing.T) {
	a := newAPI(t)
	f := a.opened(t, HTTPSettings{DrainTimeout: 10 * time.Second})
	ann, of := a.clinic.Patient(), a.clinic.Provider(1)
	const watch = `subscription { appointmentChanged { __typename ... on AppointmentChanged { appointment { id } } } }`
	var tickets []string
	ticket := func() string {
		issued := a.by(ann).Post(t, `mutation { issueStreamTicket(input: {}) { ticket errors { __typename } } }`, nil).OK(t)
		tickets = append(tickets, issued.Text("issueStreamTicket", "ticket"))
		return tickets[len(tickets)-1]
	}
	book := func(who access.Actor, hour int) string {
		booked := a.by(who).Post(t, bookIt, vars{"input": vars{"target": vars{"slotId": globalid.OfSlot(a.clinic.Slot(of, hour, 0))}, "idempotencyKey": fmt.Sprint("at ", hour)}})
		return booked.OK(t).Text("bookAppointment", "appointment", "id")
	}

	one := f.source(t, watch, ticket(), "")
	if name, ready := one.next(); name != "next" || ready.Text("appointmentChanged", "__typename") != "StreamReady" {
		t.Fatalf("%s: %s", name, ready.Raw)
	}
	one.tells(book(ann, 10))
	one.close()
	if again := f.source(t, watch, tickets[0], one.last); again.status != http.StatusUnauthorized {
		t.Errorf("a ticket that was used is answered %d", again.status)
	}

	missed := book(ann, 11)
	two := f.source(t, watch, ticket(), one.last)
	two.tells(missed)
	f.stop()
	if name, answer := two.next(); name != "end" {
		t.Errorf("a stopping server says %s: %s", name, answer.Raw)
	}
	if err := <-f.stopped; err != nil {
		t.Error(err)
	}
	for _, ticket := range tickets {
		if ticket == "" || strings.Contains(f.logs.String(), ticket) {
			t.Errorf("the log has the ticket %q", ticket)
		}
	}
}
