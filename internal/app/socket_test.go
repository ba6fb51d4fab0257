package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/live"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/testkit/gqltest"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

// front is the whole server behind its door, as a process has it.
type front struct {
	address string
	stop    func()
	stopped <-chan error
	logs    *bytes.Buffer // to be read once it has stopped
}

func (a *api) opened(t *testing.T, settings HTTPSettings) *front {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &front{address: l.Addr().String(), logs: &bytes.Buffer{}}
	log := slog.New(slog.NewJSONHandler(f.logs, nil))
	a.app.frame.Log = log
	d := newDoor(a.app.handler(settings, a.app.limits(settings.Rate)), &health{clock: clock.System{}}, a.app.crowd, settings, log)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.serve(ctx, l) }()
	for a.app.hub.At().Epoch == "" { // until the log has been found
		if err := a.pool.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	f.stop, f.stopped = stop, ended
	t.Cleanup(stop)
	return f
}

// line is one end of a socket.
type line struct {
	t    *testing.T
	conn *websocket.Conn
}

type heard struct {
	Type    string
	ID      string
	Payload json.RawMessage
}

// knock asks for a socket.
func (f *front) knock(t *testing.T, header http.Header) (*websocket.Conn, *http.Response, error) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	return websocket.Dial(ctx, "ws://"+f.address+"/graphql", &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}, HTTPHeader: header})
}

func (f *front) dial(t *testing.T, who gqltest.Client, header http.Header) *line {
	t.Helper()
	conn, _, err := f.knock(t, header)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	l := &line{t, conn}
	payload := `{}`
	if who.Token != "" {
		payload = `{"Authorization":"Bearer ` + who.Token + `"}`
	}
	l.say(`{"type":"connection_init","payload":` + payload + `}`)
	if m := l.hear(); m.Type != "connection_ack" {
		t.Fatalf("heard %+v", m)
	}
	return l
}

func (l *line) say(text string) {
	l.t.Helper()
	if err := l.conn.Write(l.t.Context(), websocket.MessageText, []byte(text)); err != nil {
		l.t.Fatal(err)
	}
}

func (l *line) ask(id, document string, variables vars) {
	l.t.Helper()
	payload, err := json.Marshal(vars{"query": document, "variables": variables})
	if err != nil {
		l.t.Fatal(err)
	}
	l.say(fmt.Sprintf(`{"type":"subscribe","id":%q,"payload":%s}`, id, payload))
}

func (l *line) read() (heard, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	var m heard
	_, text, err := l.conn.Read(ctx)
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	return m, err
}

func (l *line) hear() heard {
	l.t.Helper()
	m, err := l.read()
	if err != nil {
		l.t.Fatal(err)
	}
	return m
}

// closed reads on until the socket ends.
func (l *line) closed(code int) {
	l.t.Helper()
	for {
		_, err := l.read()
		if err == nil {
			continue
		}
		var end websocket.CloseError
		if !errors.As(err, &end) || int(end.Code) != code {
			l.t.Errorf("the end is %v, want %d", err, code)
		}
		return
	}
}

// data is the part of an answer at a path.
func (m heard) data(path ...any) string {
	var body map[string]any
	if json.Unmarshal(m.Payload, &body) != nil {
		return string(m.Payload)
	}
	return gqltest.Answer{Body: body}.Text(path...)
}

const watchVisits = `subscription($p: ID, $after: String) { appointmentChanged(providerId: $p, after: $after) { __typename
	... on StreamReset { reason } ... on StreamReady { cursor } ... on AppointmentChanged { appointment { id } } } }`

func TestChangesOverASocketAreThoseOfHTTP(t *testing.T) {
	a := newAPI(t)
	f := a.opened(t, HTTPSettings{DrainTimeout: 10 * time.Second})
	ann, of := a.clinic.Patient(), a.clinic.Provider(1)
	slot := globalid.OfSlot(a.clinic.Slot(of, 10, 0))
	l := f.dial(t, a.by(ann), nil)

	l.ask("watch", watchVisits, nil)
	if ready := l.hear(); ready.data("appointmentChanged", "__typename") != "StreamReady" {
		t.Fatalf("heard %s", ready.Payload)
	}
	input := vars{"input": vars{"target": vars{"slotId": slot}, "idempotencyKey": "over the socket"}}
	l.ask("book", bookIt, input)
	var visit, told string
	for visit == "" || told == "" {
		switch m := l.hear(); {
		case m.ID == "book" && m.Type == "next":
			visit = m.data("bookAppointment", "appointment", "id")
		case m.ID == "watch":
			told = m.data("appointmentChanged", "appointment", "id")
		case m.Type == "error":
			t.Fatalf("heard %s", m.Payload)
		}
	}
	if visit != told {
		t.Errorf("%s was booked, and the stream tells of %s", visit, told)
	}
	again := a.by(ann).Post(t, bookIt, input).OK(t)
	if again.Text("bookAppointment", "appointment", "id") != visit || again.Data("bookAppointment", "replayed") != true {
		t.Errorf("over HTTP the same key gives %s", again.Raw)
	}

	stranger := f.dial(t, gqltest.Client{}, nil)
	stranger.ask("1", bookIt, vars{"input": vars{"target": vars{"slotId": slot}, "idempotencyKey": "nobody's"}})
	if m := stranger.hear(); !strings.Contains(string(m.Payload), "UNAUTHENTICATED") {
		t.Errorf("who hasn't signed in is answered %s", m.Payload)
	}
	f.stop()
	l.closed(1012)
	stranger.closed(1012)
	if err := <-f.stopped; err != nil {
		t.Error(err)
	}
	for _, want := range []string{`"msg":"request"`, `"msg":"operation"`, `"msg":"socket"`, `"kind":"mutation"`, `"fields":["bookAppointment"]`, `"closed":1012`, ann.ID.String()} {
		if !strings.Contains(f.logs.String(), want) {
			t.Errorf("the log lacks %s:\n%s", want, f.logs)
		}
	}
	if strings.Contains(f.logs.String(), "over the socket") {
		t.Errorf("the log has what was sent:\n%s", f.logs)
	}
	var recorded int
	if err := a.pool.QueryRow(t.Context(), `SELECT count(*) FROM audit_events WHERE actor_id = $1`, ann.ID).Scan(&recorded); err != nil || recorded == 0 {
		t.Errorf("%d events of the caller are recorded (%v)", recorded, err)
	}
}

func TestCursorsThatAreNoneOfTheLogsResetTheStream(t *testing.T) {
	a := newAPI(t)
	f := a.opened(t, HTTPSettings{DrainTimeout: 10 * time.Second})
	provider := a.id(globalid.Provider, a.clinic.Provider(1))
	l := f.dial(t, a.by(a.clinic.FrontDesk()), nil)
	l.ask("1", watchVisits, vars{"p": provider})
	cursor, err := live.ParseCursor(l.hear().data("appointmentChanged", "cursor"))
	if err != nil {
		t.Fatal(err)
	}
	future, foreign := cursor, cursor
	future.Position += 1_000_000
	foreign.Epoch = "another"
	for name, c := range map[string]struct{ cursor, want string }{
		"its own":              {cursor.String(), "StreamReady"},
		"of another log":       {foreign.String(), "StreamReset"},
		"forged":               {paging.Cursor(cursor.Epoch, "-1", "0"), "StreamReset"},
		"no cursor":            {"cursor", "StreamReset"},
		"long":                 {strings.Repeat("A", 50_000), "StreamReset"},
		"from the future":      {future.String(), "StreamReset"},
		"with a quote":         {`'; DROP TABLE event_log; --`, "StreamReset"},
		"of a list of the API": {paging.Cursor("x", "y"), "StreamReset"},
	} {
		l.ask(name, watchVisits, vars{"p": provider, "after": c.cursor})
		got := l.hear()
		for got.ID == name && got.data("appointmentChanged", "__typename") == "StreamReady" && c.want != "StreamReady" {
			got = l.hear() // whether it can be continued shows when the log is read
		}
		if got.ID != name || got.data("appointmentChanged", "__typename") != c.want {
			t.Errorf("a cursor %s is answered %s", name, got.Payload)
		}
		if c.want == "StreamReset" {
			if end := l.hear(); end.Type != "complete" || end.ID != name {
				t.Errorf("the stream goes on with %+v", end)
			}
		}
	}
}

func TestSocketsAreOpenToPagesThatTheSettingsName(t *testing.T) {
	a := newAPI(t)
	f := a.opened(t, HTTPSettings{DrainTimeout: 10 * time.Second, Live: LiveSettings{Origins: Origins{"https://app.example.org"}}})
	f.dial(t, gqltest.Client{}, http.Header{"Origin": {"https://app.example.org"}})
	f.dial(t, gqltest.Client{}, http.Header{"Origin": {"http://" + f.address}})
	_, response, err := f.knock(t, http.Header{"Origin": {"https://evil.example.org"}})
	if err == nil || response == nil || response.StatusCode != http.StatusForbidden {
		t.Fatalf("a foreign page is answered %v (%v)", response, err)
	}
	if text, _ := io.ReadAll(io.LimitReader(response.Body, 1<<16)); !strings.Contains(string(text), `"requestId":"`+response.Header.Get("X-Request-Id")+`"`) {
		t.Errorf("a foreign page is told %s", text)
	}
}

func TestTheOperationsOfASocketCountAsRequests(t *testing.T) {
	a := newAPI(t)
	f := a.opened(t, HTTPSettings{Rate: eachMay(10), DrainTimeout: 10 * time.Second})
	ann := a.by(a.clinic.Patient())
	l := f.dial(t, ann, nil)
	refused := 0
	for i := range 20 {
		l.ask(fmt.Sprint(i), `{ viewer { kind } }`, nil)
		if m := l.hear(); m.Type == "error" && strings.Contains(string(m.Payload), "RATE_LIMITED") {
			refused++
		} else if m.Type == "error" {
			t.Fatalf("heard %s", m.Payload)
		} else if end := l.hear(); end.Type != "complete" {
			t.Fatalf("heard %s", m.Payload)
		}
	}
	if refused < 5 || refused > 10 { // 10 at once; a slow machine earns some more
		t.Errorf("of 20 operations at 10 a minute %d were refused", refused)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+f.address+"/graphql", strings.NewReader(`{"query":"{ viewer { kind } }"}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header = http.Header{"Authorization": {"Bearer " + ann.Token}, "Content-Type": {"application/json"}}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusTooManyRequests {
		t.Errorf("the same caller's next request is answered %d", response.StatusCode)
	}
}

// A booking that is under way when the process is told to stop is made and answered; whoever watches is told to come back elsewhere.
func TestStoppingAnswersTheBookingsOfSockets(t *testing.T) {
	a := newAPI(t)
	f := a.opened(t, HTTPSettings{DrainTimeout: 20 * time.Second})
	of := a.clinic.Provider(1)
	watching := f.dial(t, a.by(a.clinic.FrontDesk()), nil)
	watching.ask("1", watchVisits, vars{"p": a.id(globalid.Provider, of)})
	watching.hear()
	ann := a.clinic.Patient()
	booking := f.dial(t, a.by(ann), nil)

	held, err := a.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer held.Rollback(context.WithoutCancel(t.Context())) //nolint:errcheck // it is over by then
	if _, err := held.Exec(t.Context(), `LOCK TABLE appointments IN EXCLUSIVE MODE`); err != nil {
		t.Fatal(err)
	}
	booking.ask("1", bookIt, vars{"input": vars{"target": vars{"slotId": globalid.OfSlot(a.clinic.Slot(of, 10, 0))}, "idempotencyKey": sample.NewID().String()}})
	for waiting := 0; waiting == 0; {
		if err := a.pool.QueryRow(t.Context(), `SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'appointments'::regclass`).Scan(&waiting); err != nil {
			t.Fatal(err)
		}
	}
	f.stop()
	watching.closed(1012)
	if err := held.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	answer := booking.hear()
	if answer.Type != "next" || answer.data("bookAppointment", "appointment", "id") == "" {
		t.Errorf("the booking was answered %s", answer.Payload)
	}
	booking.hear()
	booking.closed(1012)
	if err := <-f.stopped; err != nil {
		t.Error(err)
	}
}
