package wire

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/reminder"
	"github.com/mediconnect/mediconnect/internal/resilience"
	"github.com/mediconnect/mediconnect/internal/testkit/certtest"
)

// seen is what a server read of a connection until it gave up or the client did.
type seen struct {
	text string
	err  error
}

// serve answers each connection by a function, and tells what it saw.
func serve(t *testing.T, secure bool, answer func(net.Conn) seen) (*Line, <-chan seen) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	u := &url.URL{Scheme: "http", Host: listener.Addr().String()}
	line := To(u, nil)
	if secure {
		authority := certtest.New(t)
		pair, err := tls.X509KeyPair(pairOf(authority.Issue(t, "127.0.0.1")))
		if err != nil {
			t.Fatal(err)
		}
		listener = tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: []string{"h2", "http/1.1"}})
		u.Scheme = "https"
		line = To(u, authority.Pool())
	}
	told := make(chan seen, 100)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(time.Minute))
				told <- answer(conn)
			}()
		}
	}()
	return line, told
}

func pairOf(certificate, key string) ([]byte, []byte) { return []byte(certificate), []byte(key) }

// both runs a test over plain connections and over TLS.
func both(t *testing.T, test func(t *testing.T, secure bool)) {
	for name, secure := range map[string]bool{"plain": false, "TLS": true} {
		t.Run(name, func(t *testing.T) { test(t, secure) })
	}
}

func readAll(conn net.Conn) seen {
	if secure, ok := conn.(*tls.Conn); ok {
		if err := secure.HandshakeContext(context.Background()); err != nil {
			return seen{err: err}
		}
	}
	text, err := io.ReadAll(conn)
	return seen{string(text), err}
}

// readRequest reads one, and leaves the connection open.
func readRequest(conn net.Conn) seen {
	r, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return seen{err: err}
	}
	body, err := io.ReadAll(r.Body)
	return seen{fmt.Sprintf("%s %s %s %s", r.Method, r.URL, r.Proto, body), err}
}

func letter(t *testing.T) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://vendor.example/send?x=1", strings.NewReader("the letter"))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func freely(context.Context) (func(), error) { return func() {}, nil }

var errNoLeave = errors.New("no leave")

func TestNotAByteLeavesWithoutLeave(t *testing.T) {
	both(t, func(t *testing.T, secure bool) {
		line, told := serve(t, secure, readAll)
		asked := 0
		_, err := line.Ask(t.Context(), letter(t), func(context.Context) (func(), error) { asked++; return nil, errNoLeave })
		if !errors.Is(err, errNoLeave) || asked != 1 {
			t.Errorf("asked %d times: %v", asked, err)
		}
		if s := <-told; s.text != "" {
			t.Errorf("the vendor saw %q", s.text)
		}
	})
}

func TestLeaveIsAskedWithTheConnectionReadyAndGivenBackBeforeTheAnswer(t *testing.T) {
	both(t, func(t *testing.T, secure bool) {
		gone, ready := make(chan struct{}), make(chan struct{})
		line, told := serve(t, secure, func(conn net.Conn) seen {
			if s, ok := conn.(*tls.Conn); ok && s.HandshakeContext(t.Context()) != nil {
				return seen{err: errors.New("no handshake")}
			}
			close(ready)
			s := readRequest(conn)
			<-gone // so the answer comes after it, or never
			_, _ = io.WriteString(conn, "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 4\r\nX-Id: 7\r\n\r\ndone")
			return s
		})
		asked, left := 0, 0
		answer, err := line.Ask(t.Context(), letter(t), func(context.Context) (func(), error) {
			<-ready // there is a connection, and nothing else is left to be done
			asked++
			return func() { left++; close(gone) }, nil
		})
		if err != nil || asked != 1 || left != 1 || answer.Status != 201 || string(answer.Body) != "done" || !answer.Whole || answer.Header.Get("X-Id") != "7" {
			t.Errorf("asked %d, left %d: %+v %v", asked, left, answer, err)
		}
		if s := <-told; s.text != "POST /send?x=1 HTTP/1.1 the letter" || len(told) != 0 {
			t.Errorf("the vendor saw %+v, and then %d", s, len(told))
		}
	})
}

func TestWhatDidNotLeaveMayLeaveLater(t *testing.T) {
	closed, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	plain, _ := serve(t, false, readAll)
	secure, _ := serve(t, true, readAll)
	secure.tls.RootCAs = certtest.New(t).Pool()
	for name, line := range map[string]*Line{
		"nobody listens":             To(&url.URL{Scheme: "http", Host: closed.Addr().String()}, nil),
		"there is no such host":      To(&url.URL{Scheme: "http", Host: "nowhere.invalid"}, nil),
		"its certificate is another": secure,
		"it doesn't speak TLS":       To(&url.URL{Scheme: "https", Host: plain.at}, nil),
	} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		_, err := line.Ask(ctx, letter(t), func(context.Context) (func(), error) { t.Error("leave was asked"); return nil, errNoLeave })
		cancel()
		if later, ok := errors.AsType[reminder.Later](err); !ok || later.Cause != reminder.VendorUnavailable || !faulty(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestALeaveThatTakesTooLongIsNotUsed(t *testing.T) {
	both(t, func(t *testing.T, secure bool) {
		line, told := serve(t, secure, readAll)
		for _, tooLate := range []bool{true, false} {
			ctx, cancel := context.WithCancel(t.Context())
			if tooLate {
				ctx, cancel = context.WithTimeout(t.Context(), 100*time.Millisecond)
			}
			left := 0
			_, err := line.Ask(ctx, letter(t), func(ctx context.Context) (func(), error) {
				if !tooLate {
					cancel()
				}
				<-ctx.Done()
				return func() { left++ }, nil
			})
			cancel()
			if !errors.Is(err, reminder.NotAsked{Why: "stopped"}) || left != 1 {
				t.Errorf("too late: %v; left %d: %v", tooLate, left, err)
			}
			if s := <-told; s.text != "" {
				t.Errorf("the vendor saw %q", s.text)
			}
		}
	})
}

func TestWhatTheConnectionDoesNotTakeHasNotLeft(t *testing.T) {
	both(t, func(t *testing.T, secure bool) {
		asked, closed := make(chan struct{}), make(chan struct{})
		line, _ := serve(t, secure, func(conn net.Conn) seen {
			raw := conn
			if s, ok := conn.(*tls.Conn); ok {
				raw = s.NetConn()
				if err := s.HandshakeContext(t.Context()); err != nil {
					return seen{err: err}
				}
			}
			<-asked
			_ = raw.(*net.TCPConn).SetLinger(0)
			_ = raw.Close()
			close(closed)
			return seen{}
		})
		left := 0
		_, err := line.Ask(t.Context(), letter(t), func(context.Context) (func(), error) {
			close(asked)
			<-closed
			return func() { left++ }, nil
		})
		if !errors.Is(err, reminder.Later{Cause: reminder.VendorUnavailable, Code: "send"}) || left != 1 {
			t.Errorf("left %d: %v", left, err)
		}
	})
}

func TestWhatLeftWithoutAnAnswerIsUnclear(t *testing.T) {
	for name, answer := range map[string]func(net.Conn) seen{
		"hangs up":      readRequest,
		"says nothing":  readAll,
		"says nonsense": func(c net.Conn) seen { s := readRequest(c); _, _ = io.WriteString(c, "SSH-2.0-x\r\n"); return s },
		"stops in its head": func(c net.Conn) seen {
			s := readRequest(c)
			_, _ = io.WriteString(c, "HTTP/1.1 201 Created\r\nContent-Le")
			return s
		},
		"has a head without end": func(c net.Conn) seen {
			s := readRequest(c)
			_, _ = io.WriteString(c, "HTTP/1.1 201 Created\r\n"+strings.Repeat("X-More: "+strings.Repeat("x", 1000)+"\r\n", 400)+"\r\n")
			return s
		},
		"keeps saying that it will answer": func(c net.Conn) seen {
			s := readRequest(c)
			_, _ = io.WriteString(c, strings.Repeat("HTTP/1.1 102 Processing\r\n\r\n", 100))
			return s
		},
	} {
		line, told := serve(t, false, answer)
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		left := 0
		_, err := line.Ask(ctx, letter(t), func(context.Context) (func(), error) { return func() { left++ }, nil })
		cancel()
		if _, ok := errors.AsType[reminder.Unclear](err); !ok || left != 1 || !faulty(err) {
			t.Errorf("one that %s: left %d, %v", name, left, err)
		}
		if <-told; len(told) != 0 {
			t.Errorf("one that %s was asked again", name)
		}
	}
}

func TestWhoeverGoesAfterALetterLeftDoesNotLoseItsAnswer(t *testing.T) {
	gone := make(chan struct{})
	line, _ := serve(t, false, func(c net.Conn) seen {
		s := readRequest(c)
		<-gone
		_, _ = io.WriteString(c, "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
		return s
	})
	ctx, cancel := context.WithCancel(t.Context())
	answer, err := line.Ask(ctx, letter(t), func(context.Context) (func(), error) {
		return func() { cancel(); close(gone) }, nil
	})
	if err != nil || answer.Status != 202 {
		t.Errorf("%+v %v", answer, err)
	}
	if _, err := line.Ask(ctx, letter(t), freely); !errors.Is(err, reminder.NotAsked{Why: "stopped"}) || faulty(err) {
		t.Errorf("who had gone before: %v", err)
	}
}

func TestAnAnswerIsReadWithinBounds(t *testing.T) {
	for name, c := range map[string]struct {
		text  string
		whole bool
		size  int
	}{
		"a long body":             {"HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n" + strings.Repeat("x", 1<<20), false, longestAnswer},
		"a body that breaks off":  {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", false, 3},
		"a body of chunks":        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", true, 3},
		"a chunk that breaks off": {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\na", false, 1},
		"a redirect":              {"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://other.example/\r\nContent-Length: 0\r\n\r\n", true, 0},
	} {
		line, _ := serve(t, false, func(conn net.Conn) seen { s := readRequest(conn); _, _ = io.WriteString(conn, c.text); return s })
		answer, err := line.Ask(t.Context(), letter(t), freely)
		if err != nil || answer.Whole != c.whole || len(answer.Body) != c.size {
			t.Errorf("%s: %d bytes, whole: %v, %v", name, len(answer.Body), answer.Whole, err)
		}
	}
}

func TestEachStatusHasItsMeaning(t *testing.T) {
	now := time.Date(2026, 3, 3, 10, 0, 0, 0, time.UTC)
	later := func(cause reminder.Cause, code string, after time.Duration) error {
		return reminder.Later{Cause: cause, Code: code, After: after}
	}
	for status, want := range map[int]error{
		429: later(reminder.VendorBusy, "429", 7*time.Second), 408: later(reminder.VendorBusy, "408", 7*time.Second), 425: later(reminder.VendorBusy, "425", 7*time.Second),
		503: later(reminder.VendorUnavailable, "503", 7*time.Second), 501: later(reminder.VendorUnavailable, "501", 7*time.Second),
		500: reminder.Unclear{Code: "500"}, 502: reminder.Unclear{Code: "502"}, 504: reminder.Unclear{Code: "504"}, 520: reminder.Unclear{Code: "520"},
		401: reminder.Refused{Cause: reminder.Unauthorized, Code: "401"}, 403: reminder.Refused{Cause: reminder.Unauthorized, Code: "403"},
		413: reminder.Refused{Cause: reminder.TooLong, Code: "413"},
		400: reminder.Refused{Cause: reminder.VendorRefused, Code: "400"}, 404: reminder.Refused{Cause: reminder.VendorRefused, Code: "404"}, 307: reminder.Refused{Cause: reminder.VendorRefused, Code: "307"},
	} {
		a := Answer{Status: status, Header: http.Header{"Retry-After": {"7"}}}
		if got := a.Failure(now); !errors.Is(got, want) || a.Taken() || faulty(got) != (status >= 500) {
			t.Errorf("%d means %v; is the vendor's fault: %v", status, got, faulty(got))
		}
	}
	date := Answer{Status: 503, Header: http.Header{"Retry-After": {"Tue, 03 Mar 2026 10:02:00 GMT"}}}
	if got := date.Failure(now); !errors.Is(got, later(reminder.VendorUnavailable, "503", 2*time.Minute)) {
		t.Errorf("a date is %v", got)
	}
}

func TestAKeyNamesItsMessageAndNothingElseDoes(t *testing.T) {
	m := clinic.Ref{Organization: uuid.MustParse("01980000-0000-7000-8000-00000000000f"), ID: uuid.MustParse("01980000-0000-7000-8000-0000000000ff")}
	key := Key(m)
	if got, ok := Named(key); !ok || got != m || len(key) != 43 || url.QueryEscape(key) != key {
		t.Errorf("%s is %v", key, got)
	}
	for _, bad := range []string{"", key[1:], key + "A", key + "=", " " + key, key[:42] + "_", Key(clinic.Ref{}), Key(clinic.Ref{ID: m.ID}), key[:20] + "\n" + key[20:]} {
		if got, ok := Named(bad); ok {
			t.Errorf("%q is %v", bad, got)
		}
	}
}

func TestWhoIsTurnedAwayIsToldHowLongAVendorHasFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := Guarded{resilience.GuardOf(resilience.Twilio)}
		fails := func(context.Context) error { return reminder.Unclear{Code: "answer"} }
		for range 20 {
			_ = g.Call(t.Context(), fails)
		}
		for _, shut := range []time.Duration{0, 40 * time.Second, 80 * time.Second} {
			if shut > 0 {
				<-time.After(40 * time.Second)
				_ = g.Call(t.Context(), fails)
			}
			_, err := g.Enter(t.Context())
			if n, ok := errors.AsType[reminder.NotAsked](err); !ok || n.Why != reminder.WhyOpen || n.Shut != shut {
				t.Errorf("after %s it is told %s: %v", shut, n.Shut, err)
			}
		}
	})
}

func TestAGuardThatLetsNobodyThroughIsToldAsNotAsked(t *testing.T) {
	g := Guarded{resilience.GuardOf(resilience.Twilio)}
	for range 20 {
		_ = g.Call(t.Context(), func(context.Context) error { return reminder.Unclear{Code: "answer"} })
	}
	called := false
	err := g.Call(t.Context(), func(context.Context) error { called = true; return nil })
	_, entered := g.Enter(t.Context())
	for _, err := range []error{err, entered} {
		if n, ok := errors.AsType[reminder.NotAsked](err); !ok || called || n.Why != "open" || n.After <= 0 {
			t.Errorf("made: %v; %v", called, err)
		}
	}
	for _, harmless := range []error{reminder.Refused{Code: "400"}, reminder.Later{Cause: reminder.VendorBusy}, errNoLeave, reminder.NotAsked{}} {
		g := Guarded{resilience.GuardOf(resilience.Twilio)}
		for range 40 {
			if err := g.Call(t.Context(), func(context.Context) error { return harmless }); !errors.Is(err, harmless) {
				t.Fatalf("%v was told as %v", harmless, err)
			}
		}
	}
	full := Guarded{resilience.GuardOf(resilience.Twilio)}
	policy := resilience.PolicyOf(resilience.Twilio)
	for range policy.Places {
		if _, err := full.Enter(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	waiting := make(chan error, policy.Queue+1)
	for range policy.Queue + 1 {
		go func() { _, err := full.Enter(ctx); waiting <- err }()
	}
	if n, ok := errors.AsType[reminder.NotAsked](<-waiting); !ok || n.Why != "full" || n.After <= 0 {
		t.Errorf("one more than may wait is told %v", n)
	}
	cancel()
	for range policy.Queue {
		if err := <-waiting; !errors.Is(err, reminder.NotAsked{Why: "stopped"}) {
			t.Errorf("who waited and went is told %v", err)
		}
	}
}

// A question about a letter is one of the calls in flight, and waits for a place like a letter, but not for long.
func TestAQuestionTakesAPlaceAndDoesNotWaitForLong(t *testing.T) {
	g := Guarded{resilience.GuardOf(resilience.Twilio)}
	within := 0
	if err := g.Ask(t.Context(), func(context.Context) error { within = g.Guard.State().InFlight; return nil }); err != nil || within != 1 {
		t.Fatalf("with %d places taken: %v", within, err)
	}
	if s := g.Guard.State(); s.InFlight != 0 {
		t.Errorf("then %d are taken", s.InFlight)
	}
	exits := make([]func(), resilience.PolicyOf(resilience.Twilio).Places)
	for i := range exits {
		var err error
		if exits[i], err = g.Enter(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	called := false
	ask := func() error { return g.Ask(t.Context(), func(context.Context) error { called = true; return nil }) }
	if n, ok := errors.AsType[reminder.NotAsked](ask()); !ok || called || n.Why != "full" {
		t.Errorf("with all places taken: %v, %+v", called, n)
	}
	if s := g.Guard.State(); s.Waiting != 0 || s.InFlight != len(exits) {
		t.Errorf("it has left %+v", s)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := g.Ask(gone, func(context.Context) error { called = true; return nil }); !errors.Is(err, stopped) || called {
		t.Errorf("who has gone is told %v", err)
	}
	exits[0]()
	if err := ask(); err != nil || !called {
		t.Errorf("with a place: %v, %v", called, err)
	}
}

func TestLettersGoFirstWhileAVendorIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := Guarded{resilience.GuardOf(resilience.Twilio)}
		for range 20 {
			_ = g.Call(t.Context(), func(context.Context) error { return reminder.Unclear{Code: "answer"} })
		}
		called := false
		ask := func() error { return g.Ask(t.Context(), func(context.Context) error { called = true; return nil }) }
		if n, ok := errors.AsType[reminder.NotAsked](ask()); !ok || n.Why != "open" {
			t.Errorf("while it isn't asked: %+v", n)
		}
		<-time.After(resilience.PolicyOf(resilience.Twilio).Breaker.Pause)
		exit, err := g.Enter(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if n, ok := errors.AsType[reminder.NotAsked](ask()); !ok || called || n.Why != "letters first" || n.After <= 0 {
			t.Errorf("beside a letter: %v, %+v", called, n)
		}
		exit()
		if err := ask(); err != nil || !called {
			t.Errorf("with no letter there: %v", err)
		}
	})
}
