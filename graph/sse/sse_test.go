package sse_test

import (
	"bufio"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/graph/sse"
)

// served is a server whose answers are streams, and hands each to whoever waits for it. A stream ends with the test, or when its client
// is gone.
func served(t *testing.T, pace sse.Pace) (*httptest.Server, <-chan *sse.Stream, <-chan struct{}) {
	t.Helper()
	streams, gone, over := make(chan *sse.Stream), make(chan struct{}, 1), make(chan struct{})
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		left := make(chan struct{}, 1)
		s := sse.Open(w, pace, func() { left <- struct{}{} })
		defer s.Close()
		streams <- s
		select {
		case <-left:
			gone <- struct{}{}
		case <-r.Context().Done(): // the server noticed, too
			gone <- struct{}{}
		case <-over:
		}
	}))
	server.Config.ReadTimeout, server.Config.WriteTimeout = 50*time.Millisecond, 50*time.Millisecond
	server.Start()
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(over) })
	return server, streams, gone
}

func open(t *testing.T, server *httptest.Server) (*http.Response, *bufio.Reader) {
	t.Helper()
	response, err := server.Client().Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	return response, bufio.NewReader(response.Body)
}

// event is the next one, up to the empty line that ends it.
func event(t *testing.T, in *bufio.Reader) string {
	t.Helper()
	var text strings.Builder
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			t.Fatalf("after %q: %v", text.String(), err)
		}
		if line == "\n" {
			return text.String()
		}
		text.WriteString(line)
	}
}

func TestAnEventHasANameAnIDAndLinesOfData(t *testing.T) {
	server, streams, _ := served(t, sse.Usual())
	response, in := open(t, server)
	s := <-streams
	for name, want := range map[string]string{
		"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-store", "X-Accel-Buffering": "no", "Content-Encoding": "",
	} {
		if got := response.Header.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if first := event(t, in); !regexp.MustCompile(`^retry: [2-8]\d{3}\n$`).MatchString(first) {
		t.Errorf("begins with %q", first)
	}
	s.Send("next", "a-1", []byte(`{"data":1}`))
	s.Send("next", "no\nid", []byte("two\nlines"))
	s.Send("complete", "", nil)
	for _, want := range []string{"event: next\nid: a-1\ndata: {\"data\":1}\n", "event: next\ndata: two\ndata: lines\n", "event: complete\ndata: \n"} {
		if got := event(t, in); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// The server's own time-outs are for requests that end.
func TestAQuietStreamBeatsAndOutlivesTheServersTimeouts(t *testing.T) {
	server, streams, _ := served(t, sse.Pace{Beat: 20 * time.Millisecond, Patience: time.Second})
	_, in := open(t, server)
	event(t, in)
	s := <-streams
	for i := range 10 {
		if got := event(t, in); got != ":\n" {
			t.Fatalf("beat %d is %q", i, got)
		}
	}
	s.Send("next", "1", []byte("{}"))
	for got := event(t, in); got != "event: next\nid: 1\ndata: {}\n"; got = event(t, in) {
		if got != ":\n" {
			t.Fatalf("%q", got)
		}
	}
}

func TestAClientThatNeverReadsIsLetGo(t *testing.T) {
	server, streams, gone := served(t, sse.Pace{Beat: time.Hour, Patience: 50 * time.Millisecond})
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	s := <-streams
	large := []byte(strings.Repeat("x", 1<<20))
	for range 100 {
		s.Send("next", "", large)
	}
	select {
	case <-gone:
	case <-time.After(5 * time.Second):
		t.Fatal("100 MB went to a client that reads nothing")
	}
}
