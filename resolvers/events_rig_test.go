package resolvers_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/graph"
	"github.com/mediconnect/mediconnect/graph/crowd"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/live"
	"github.com/mediconnect/mediconnect/resolvers"
)

// feed is a stream that a test tells what to tell.
type feed struct {
	events chan live.Event // closed: the stream ends
	after  chan string     // where each stream was to begin; "now" without a cursor
	closed chan struct{}
}

func newFeed() *feed {
	return &feed{events: make(chan live.Event), after: make(chan string, 100), closed: make(chan struct{}, 100)}
}

func (f *feed) Next(ctx context.Context) (live.Event, error) {
	select {
	case e, open := <-f.events:
		if !open {
			return nil, io.EOF
		}
		return e, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (f *feed) Again() {}
func (f *feed) Close() { f.closed <- struct{}{} }

func (f *feed) begin(after *string) (live.Stream, error) {
	at := "now"
	if after != nil {
		at = *after
	}
	f.after <- at
	return f, nil
}

func (f *feed) Slots(_ context.Context, _ access.Actor, _ live.Scope, after *string) (live.Stream, error) {
	return f.begin(after)
}

func (f *feed) Appointments(_ context.Context, _ access.Actor, _ *clinic.Ref, after *string) (live.Stream, error) {
	return f.begin(after)
}

func (f *feed) Offers(_ context.Context, _ access.Actor, after *string) (live.Stream, error) {
	return f.begin(after)
}

// ready is an event at a place.
func ready(position int64) live.Event {
	return live.StreamReady{Place: live.Place{At: live.Cursor{Epoch: "one", Position: position}, When: start}}
}

// streaming is a server whose streams a test feeds.
type streaming struct {
	*api
	*feed
	url string
}

func streamed(t *testing.T, otherwise func(*graph.Deps)) *streaming {
	t.Helper()
	s := &streaming{feed: newFeed()}
	s.api = serveWith(t, open(), func(d *graph.Deps) {
		of := services(open())
		of.Live = s.feed
		d.Schema = resolvers.Schema(&resolvers.Resolver{Services: of})
		d.Crowd = crowd.New(crowd.Limits{Total: 100, Client: 100, Address: 100})
		otherwise(d)
	})
	server := httptest.NewUnstartedServer(s.Handler)
	server.Config.ReadTimeout, server.Config.WriteTimeout = 100*time.Millisecond, 100*time.Millisecond
	server.Start()
	t.Cleanup(server.Close)
	s.url = server.URL + "/graphql"
	return s
}

// soon bounds every wait for the server.
const soon = 10 * time.Second

// tell has the stream tell an event.
func (s *streaming) tell(t *testing.T, e live.Event) {
	t.Helper()
	select {
	case s.events <- e:
	case <-time.After(soon):
		t.Fatal("no stream waits for an event")
	}
}

// begins is where the next stream begins.
func (s *streaming) begins(t *testing.T) (after string) {
	t.Helper()
	select {
	case after = <-s.after:
	case <-time.After(soon):
		t.Fatal("no stream was begun")
	}
	return after
}

// ends waits for a stream to be closed.
func (s *streaming) ends(t *testing.T) {
	t.Helper()
	select {
	case <-s.closed:
	case <-time.After(soon):
		t.Fatal("a stream is left open")
	}
}

func usual(*graph.Deps) {}

var watch = `subscription($after: String) { availabilityChanged(scope: ` + mainStreet + `, after: $after) { __typename } }`

const (
	readyEvent = "event: next\nid: %\ndata: {\"data\":{\"availabilityChanged\":{\"__typename\":\"StreamReady\"}},\"extensions\":{\"cost\":{\"limit\":1000,\"requested\":10}}}\n"
	complete   = "event: complete\ndata: \n"
)

// opened is a stream as its client reads it.
type opened struct {
	t *testing.T
	*http.Response
	in *bufio.Reader
}

// get opens a stream as a browser's EventSource does.
func (s *streaming) get(t *testing.T, params vars, header http.Header) *opened {
	t.Helper()
	query := url.Values{}
	for name, value := range params {
		query.Set(name, value.(string))
	}
	return s.send(t, http.MethodGet, s.url+"?"+query.Encode(), "", header)
}

// post opens one as graphql-sse does.
func (s *streaming) post(t *testing.T, params vars, header http.Header) *opened {
	t.Helper()
	return s.send(t, http.MethodPost, s.url, string(inJSON(t, params)), header)
}

func (s *streaming) send(t *testing.T, method, to, body string, header http.Header) *opened {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, to, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = http.Header{"Accept": {"text/event-stream"}, "Content-Type": {"application/json; charset=utf-8"}, "Accept-Encoding": {"gzip"}}
	for name, values := range header {
		r.Header[http.CanonicalHeaderKey(name)] = values
	}
	response, err := (&http.Client{Timeout: 10 * time.Second}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	return &opened{t, response, bufio.NewReader(response.Body)}
}

// begun reads the head of a stream.
func (o *opened) begun() *opened {
	o.t.Helper()
	if first := o.event(); o.StatusCode != http.StatusOK || !strings.HasPrefix(first, "retry: ") {
		o.t.Fatalf("status %d, %q", o.StatusCode, first)
	}
	return o
}

// event is the next one; "end" when the answer has come to its end.
func (o *opened) event() string {
	o.t.Helper()
	var text strings.Builder
	for {
		line, err := o.in.ReadString('\n')
		switch {
		case errors.Is(err, io.EOF) && text.Len()+len(line) == 0:
			return "end"
		case err != nil:
			o.t.Fatalf("after %q: %v", text.String()+line, err)
		case line == "\n":
			return text.String()
		}
		text.WriteString(line)
	}
}

func (o *opened) wants(events ...string) {
	o.t.Helper()
	for _, want := range events {
		if got := o.event(); got != want {
			o.t.Fatalf("event %q, want %q", got, want)
		}
	}
}

// refused is the code of an answer that is no stream.
func (o *opened) refused(status int) string {
	o.t.Helper()
	text, _ := io.ReadAll(o.in)
	if o.StatusCode != status || !strings.HasPrefix(o.Header.Get("Content-Type"), "application/json") {
		o.t.Errorf("status %d, %s: %s", o.StatusCode, o.Header.Get("Content-Type"), text)
	}
	_, after, _ := strings.Cut(string(text), `"code":"`)
	code, _, _ := strings.Cut(after, `"`)
	return code
}

func readyAt(position int64) string {
	return strings.Replace(readyEvent, "%", ready(position).Cursor(), 1)
}
