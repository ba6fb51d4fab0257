package socket_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/coder/websocket"
	"github.com/google/uuid"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/mediconnect/mediconnect/graph/accesslog"
	"github.com/mediconnect/mediconnect/graph/caller"
	"github.com/mediconnect/mediconnect/graph/crowd"
	"github.com/mediconnect/mediconnect/graph/presenter"
	"github.com/mediconnect/mediconnect/graph/socket"
	"github.com/mediconnect/mediconnect/graph/stream"
	"github.com/mediconnect/mediconnect/graph/viewer"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/live"
)

// rig is a server of sockets over a schema of three fields: `me` answers who asks, `wait` once it is let go, `ticks` again and again.
type rig struct {
	*socket.Handler
	t       *testing.T
	url     string
	begun   chan string   // of `wait` and `ticks`, as they begin
	letGo   chan struct{} // one `wait`
	ticks   chan string   // to one subscription each
	mu      sync.Mutex
	tokens  map[string]known
	open    int // streams
	clients map[*client]bool
}

type known struct {
	actor   access.Actor
	expires time.Time
}

const schema = `type Query { me: String  wait: String  boom: String } type Mutation { wait: String } type Subscription { ticks: String  never: String  broken: String }`

func newRig(t *testing.T, change ...func(*socket.Handler)) *rig {
	r := &rig{t: t, begun: make(chan string, 100), letGo: make(chan struct{}), ticks: make(chan string), tokens: map[string]known{}, clients: map[*client]bool{}}
	for _, name := range []string{"ann", "bob"} {
		r.tokens[name] = known{actor: access.Actor{Kind: access.Patient, ID: uuid.NewSHA1(uuid.Nil, []byte(name)), Client: name}, expires: time.Now().Add(time.Hour)}
	}
	exec := executor.New(r)
	quiet := slog.New(slog.DiscardHandler)
	shown := presenter.Presenter{Log: quiet}
	exec.SetErrorPresenter(shown.Present)
	exec.SetRecoverFunc(shown.Recover)
	r.Handler = &socket.Handler{
		Exec: exec, Desk: caller.Desk{Verifier: r, Address: func(*http.Request) string { return "192.0.2.1" }},
		Crowd: crowd.New(crowd.Default()), Limits: socket.Default(), Shown: shown, Log: quiet, NewID: uuid.New,
	}
	for _, c := range change {
		c(r.Handler)
	}
	server := httptest.NewServer(accesslog.Middleware(quiet, uuid.New, r.Handler))
	t.Cleanup(server.Close)
	t.Cleanup(func() {
		for c := range r.clients {
			r.gone(c)
		}
	})
	r.url = "ws" + server.URL[len("http"):] + "/graphql"
	return r
}

var loaded = gqlparser.MustLoadSchema(&ast.Source{Input: schema})

func (r *rig) Verify(_ context.Context, token string) (access.Actor, time.Time, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	k, ok := r.tokens[token]
	if !ok {
		return access.Actor{}, time.Time{}, errs.SignIn("The token is not valid.")
	}
	return k.actor, k.expires, nil
}

// Schema, Complexity and Exec make the rig an executable schema.
func (r *rig) Schema() *ast.Schema { return loaded }

func (r *rig) Complexity(context.Context, string, string, int, map[string]any) (int, bool) {
	return 0, false
}

func (r *rig) Exec(ctx context.Context) graphql.ResponseHandler {
	op := graphql.GetOperationContext(ctx)
	field := op.Operation.SelectionSet[0].(*ast.Field).Name
	one := func(text string) graphql.ResponseHandler {
		return graphql.OneShot(&graphql.Response{Data: fmt.Appendf(nil, `{%q:%q}`, field, text)})
	}
	switch field {
	case "me":
		v := viewer.Of(ctx)
		return one(v.Client + " " + v.Locale)
	case "boom":
		panic("boom")
	case "wait":
		r.begun <- field
		select {
		case <-r.letGo:
			return one("done")
		case <-ctx.Done():
			return one("too late")
		}
	case "never":
		graphql.AddError(ctx, errs.Missing("ticks"))
		return graphql.OneShot(&graphql.Response{Data: []byte("null")})
	}
	r.begun <- field
	events, err := stream.Serve(ctx, r.stream(field))
	if err != nil {
		graphql.AddError(ctx, err)
		return graphql.OneShot(&graphql.Response{})
	}
	return func(ctx context.Context) *graphql.Response {
		e, ok := <-events
		if !ok {
			return nil
		}
		return &graphql.Response{Data: fmt.Appendf(nil, `{%q:%q}`, field, e.Cursor())}
	}
}

type tick struct {
	live.Event
	text string
}

func (e tick) Cursor() string { return e.text }

type ticking struct {
	r     *rig
	field string
}

func (r *rig) stream(field string) live.Stream {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open++
	return ticking{r, field}
}

func (s ticking) Next(ctx context.Context) (live.Event, error) {
	if s.field == "broken" {
		return nil, errors.New("the stream is broken")
	}
	select {
	case text := <-s.r.ticks:
		switch text {
		case "":
			return nil, io.EOF
		case "boom":
			panic("boom")
		}
		return tick{text: text}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s ticking) Again() {}

func (s ticking) Close() {
	s.r.mu.Lock()
	defer s.r.mu.Unlock()
	s.r.open--
}

func (r *rig) streams() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.open
}

// client is one end of a socket.
type client struct {
	t      *testing.T
	conn   *websocket.Conn
	cancel func()
}

// dial opens a socket with headers, and nothing more.
func (r *rig) dial(header http.Header, protocols ...string) *client {
	r.t.Helper()
	c := &client{t: r.t}
	ctx, cancel := context.WithCancel(r.t.Context()) // net/http holds on to it
	c.cancel = cancel
	conn, response, err := websocket.Dial(ctx, r.url, &websocket.DialOptions{HTTPHeader: header, Subprotocols: protocols})
	if err != nil {
		r.t.Fatalf("%v (%v)", err, response)
	}
	conn.SetReadLimit(-1)
	c.conn = conn
	r.mu.Lock()
	defer r.mu.Unlock()
	r.clients[c] = true
	return c
}

// gone lets go of a client.
func (r *rig) gone(c *client) {
	_ = c.conn.CloseNow()
	c.cancel()
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.clients, c)
}

const protocol = "graphql-transport-ws"

// connect opens a socket and says who is there.
func (r *rig) connect(payload string) *client {
	r.t.Helper()
	c := r.dial(nil, protocol)
	c.say(`{"type":"connection_init","payload":` + payload + `}`)
	c.hear(`{"type":"connection_ack"}`)
	return c
}

func (c *client) say(text string) {
	c.t.Helper()
	if err := c.conn.Write(c.t.Context(), websocket.MessageText, []byte(text)); err != nil {
		c.t.Fatalf("say %.80s: %v", text, err)
	}
}

func (c *client) subscribe(id, document string) {
	c.t.Helper()
	payload, _ := json.Marshal(map[string]string{"query": document})
	c.say(fmt.Sprintf(`{"id":%q,"type":"subscribe","payload":%s}`, id, payload))
}

const patience = 20 * time.Second

func (c *client) next() (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, text, err := c.conn.Read(ctx)
	return string(text), err
}

func (c *client) hear(want string) {
	c.t.Helper()
	got, err := c.next()
	if err != nil || got != want {
		c.t.Fatalf("heard %s (%v), want %s", got, err, want)
	}
}

// refused hears an error with a code.
func (c *client) refused(id, code string) {
	c.t.Helper()
	got, err := c.next()
	var m struct {
		ID, Type string
		Payload  gqlerror.List
	}
	if err != nil || json.Unmarshal([]byte(got), &m) != nil || m.ID != id || m.Type != "error" || len(m.Payload) != 1 ||
		m.Payload[0].Extensions["code"] != code || m.Payload[0].Extensions["requestId"] == "" {
		c.t.Fatalf("heard %s (%v), want an error %s of %s", got, err, code, id)
	}
}

// closed hears the end of the socket, and nothing before it.
func (c *client) closed(code int, reason string) {
	c.t.Helper()
	got, err := c.next()
	var end websocket.CloseError
	if !errors.As(err, &end) || int(end.Code) != code || (reason != "" && end.Reason != reason) {
		c.t.Fatalf("heard %s (%v), want to be closed with %d %s", got, err, code, reason)
	}
}
