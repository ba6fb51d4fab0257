package socket_test

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/mediconnect/mediconnect/graph/crowd"
	"github.com/mediconnect/mediconnect/graph/socket"
	"github.com/mediconnect/mediconnect/graph/throttle"
	"github.com/mediconnect/mediconnect/graph/viewer"
)

func TestASocketHasSoManyLiveOperations(t *testing.T) {
	r := newRig(t)
	c := r.connect(`{}`)
	for i := range 10 {
		c.subscribe(strconv.Itoa(i), "subscription { ticks }")
		<-r.begun
	}
	c.subscribe("one more", "{ me }")
	c.refused("one more", "TOO_MANY_OPERATIONS")
	c.say(`{"id":"3","type":"complete"}`)
	c.subscribe("one more", "{ me }")
	c.hear(`{"type":"next","id":"one more","payload":{"data":{"me":" en"}}}`)
	c.hear(`{"type":"complete","id":"one more"}`)
}

func TestThousandsOfOperationsOnOneSocketLeaveNothingBehind(t *testing.T) {
	r := newRig(t, func(h *socket.Handler) { h.Limits.Rate, h.Limits.Burst = 1_000_000, 1_000_000 })
	c := r.connect(`{}`)
	for i := range 10_000 {
		id := strconv.Itoa(i)
		c.subscribe(id, "{ me }")
		c.hear(`{"type":"next","id":"` + id + `","payload":{"data":{"me":" en"}}}`)
		c.hear(`{"type":"complete","id":"` + id + `"}`)
	}
	before := runtime.NumGoroutine()
	for i := range 1000 {
		id := "s" + strconv.Itoa(i)
		c.subscribe(id, "subscription { ticks }")
		<-r.begun
		c.say(`{"id":"` + id + `","type":"complete"}`)
	}
	c.say(`{"type":"ping"}`)
	c.hear(`{"type":"pong"}`)
	await(t, "the operations' goroutines to end", func() bool { return runtime.NumGoroutine() <= before+10 && r.streams() == 0 })
}

func TestAFloodOfOperationsIsRefusedAndThenEnded(t *testing.T) {
	r := newRig(t)
	other := r.connect(`{"token":"bob"}`)
	c := r.connect(`{}`)
	go func() {
		for i := range 10_000 {
			text := fmt.Sprintf(`{"id":"%d","type":"subscribe","payload":{"query":"subscription { ticks }"}}`, i)
			if c.conn.Write(context.Background(), websocket.MessageText, []byte(text)) != nil {
				return
			}
		}
	}()
	refused := 0
	for {
		got, err := c.next()
		if err != nil {
			if websocket.CloseStatus(err) != 4429 {
				t.Errorf("ended by %v", err)
			}
			break
		}
		if !strings.Contains(got, "TOO_MANY_OPERATIONS") {
			t.Fatalf("heard %s", got)
		}
		refused++
	}
	if refused < 80 || refused > 200 {
		t.Errorf("%d operations were refused", refused)
	}
	other.subscribe("1", "{ me }")
	other.hear(`{"type":"next","id":"1","payload":{"data":{"me":"bob en"}}}`)
	await(t, "its streams to end", func() bool { return r.streams() == 0 })
}

func TestOperationsCountForTheRateOfTheirCaller(t *testing.T) {
	var asked []string
	r := newRig(t, func(h *socket.Handler) {
		h.Allow = func(_ context.Context, v viewer.Viewer, executions int) throttle.State {
			asked = append(asked, fmt.Sprint(v.Client, " ", v.Address, " ", executions))
			return throttle.State{Wait: 7 * (len(asked) / 2)}
		}
	})
	c := r.connect(`{"token":"ann"}`)
	c.subscribe("1", "{ me }")
	c.hear(`{"type":"next","id":"1","payload":{"data":{"me":"ann en"}}}`)
	c.hear(`{"type":"complete","id":"1"}`)
	c.subscribe("2", "{ me }")
	got, err := c.next()
	if err != nil || !strings.Contains(got, `"RATE_LIMITED"`) || !strings.Contains(got, `"retryAfterSeconds":7`) || strings.Join(asked, ",") != "ann 192.0.2.1 1,ann 192.0.2.1 1" {
		t.Errorf("heard %s (%v) after asking for %q", got, err, asked)
	}
}

// Who never reads holds one event, and is let go when it hasn't been taken in time. Nobody else notices.
func TestAClientThatNeverReadsIsLetGo(t *testing.T) {
	r := newRig(t, func(h *socket.Handler) { h.Limits.Write, h.Limits.Ping = 200*time.Millisecond, time.Hour })
	slow := r.connect(`{}`)
	slow.subscribe("1", "subscription { ticks }")
	<-r.begun
	page := strings.Repeat("x", 1<<20)
	other := r.connect(`{}`)
	sent := 0
	await(t, "the slow client to be let go", func() bool {
		select {
		case r.ticks <- page:
			if sent++; sent > 100 {
				t.Fatal("events are made that nobody takes")
			}
			other.subscribe("1", "{ me }")
			other.hear(`{"type":"next","id":"1","payload":{"data":{"me":" en"}}}`)
			other.hear(`{"type":"complete","id":"1"}`)
		case <-time.After(10 * time.Millisecond):
		}
		return r.streams() == 0 && r.Crowd.Count().Inside == 1
	})
}

func TestAClientThatIsGoneIsNoticed(t *testing.T) {
	r := newRig(t, func(h *socket.Handler) { h.Limits.Ping, h.Limits.Pong = 10*time.Millisecond, 20*time.Millisecond })
	c := r.connect(`{}`) // which answers pings only while it reads
	c.subscribe("1", "subscription { ticks }")
	<-r.begun
	await(t, "the client to be missed", func() bool { return r.streams() == 0 && r.Crowd.Count().Inside == 0 })
}

func TestAnIdleSocketIsEnded(t *testing.T) {
	r := newRig(t, func(h *socket.Handler) { h.Limits.Ping, h.Limits.Idle = 10*time.Millisecond, 50*time.Millisecond })
	r.connect(`{}`).closed(1001, "Idle for too long")
	busy := r.connect(`{}`)
	busy.subscribe("1", "subscription { ticks }")
	<-r.begun
	go func() {
		<-time.After(200 * time.Millisecond)
		r.ticks <- "one"
	}()
	busy.hear(`{"type":"next","id":"1","payload":{"data":{"ticks":"one"}}}`)
}

func TestAQueryThatTakesTooLongIsAnswered(t *testing.T) {
	r := newRig(t, func(h *socket.Handler) { h.Limits.Deadline = 20 * time.Millisecond })
	c := r.connect(`{}`)
	c.subscribe("1", "{ wait }")
	c.refused("1", "SERVICE_BUSY")
}

// When the process stops, who waits for an answer gets it first.
func TestStoppingAnswersWhatIsUnderWayAndSendsClientsElsewhere(t *testing.T) {
	r := newRig(t)
	idle, watching, changing := r.connect(`{}`), r.connect(`{}`), r.connect(`{"token":"ann"}`)
	watching.subscribe("1", "subscription { ticks }")
	<-r.begun
	changing.subscribe("1", "mutation { wait }")
	changing.subscribe("2", "subscription { ticks }")
	<-r.begun
	<-r.begun
	drained := make(chan error, 1)
	go func() { drained <- r.Crowd.Drain(t.Context(), time.Second) }()
	idle.closed(1012, "Service restart")
	watching.closed(1012, "Service restart")
	if status := r.rejected(); status != http.StatusServiceUnavailable {
		t.Errorf("who comes while the process stops was answered %d", status)
	}
	r.letGo <- struct{}{}
	changing.hear(`{"type":"next","id":"1","payload":{"data":{"wait":"done"}}}`)
	changing.hear(`{"type":"complete","id":"1"}`)
	changing.closed(1012, "Service restart")
	if err := <-drained; err != nil {
		t.Error(err)
	}
}

func TestAMutationGoesOnWhenItsClientHasGone(t *testing.T) {
	r := newRig(t)
	c := r.connect(`{}`)
	for id, document := range map[string]string{"1": "mutation { wait }", "2": "subscription { ticks }"} {
		c.subscribe(id, document)
		<-r.begun
	}
	_ = c.conn.CloseNow()
	await(t, "the client to be missed", func() bool { return r.streams() == 0 })
	select {
	case r.letGo <- struct{}{}:
	case <-time.After(patience):
		t.Error("the mutation was given up")
	}
}

var comings = flag.Int("comings", 300, "how many clients come and go")

func TestComingAndGoingLeavesNothingBehind(t *testing.T) {
	r := newRig(t, func(h *socket.Handler) { h.Crowd = crowd.New(crowd.Limits{Total: 1000, Client: 1000, Address: 1000}) })
	before, heap := runtime.NumGoroutine(), heapInUse()
	for i := range *comings {
		c := r.connect(`{"token":"ann"}`)
		c.subscribe("1", "subscription { ticks }")
		<-r.begun
		switch i % 3 {
		case 0:
			_ = c.conn.CloseNow()
		case 1:
			_ = c.conn.Close(websocket.StatusNormalClosure, "")
		default:
			c.subscribe("1", "{ me }")
			c.closed(4409, "")
		}
		r.gone(c)
	}
	await(t, "everything to end", func() bool {
		return runtime.NumGoroutine() <= before+5 && r.streams() == 0 && r.Crowd.Count().Inside == 0
	})
	await(t, "the memory to be free", func() bool { return int64(heapInUse())-int64(heap) < 2<<20 })
}

func heapInUse() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// rejected tries to open a socket and tells how that was answered.
func (r *rig) rejected() int {
	r.t.Helper()
	_, response, err := websocket.Dial(r.t.Context(), r.url, &websocket.DialOptions{Subprotocols: []string{protocol}})
	if err == nil || response == nil {
		r.t.Fatalf("a socket was opened (%v)", err)
	}
	if response.Header.Get("Retry-After") == "" {
		r.t.Error("nothing says when to come again")
	}
	return response.StatusCode
}

func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !done() {
		if time.Now().After(deadline) {
			buffer := make([]byte, 1<<20)
			t.Fatalf("waited for %s in vain\n%s", what, buffer[:min(8000, runtime.Stack(buffer, true))])
		}
		runtime.Gosched()
	}
}

// What a client sends in the same breath as its request for a socket isn't lost.
func TestAClientMayBeInAHurry(t *testing.T) {
	r := newRig(t)
	conn, err := net.Dial("tcp", strings.TrimSuffix(strings.TrimPrefix(r.url, "ws://"), "/graphql"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	text := `{"type":"connection_init","payload":{"x":"` + strings.Repeat("x", 2000) + `"}}`
	request := "GET /graphql HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: " + protocol + "\r\n\r\n"
	frame := string([]byte{0x81, 0x80 | 126, byte(len(text) >> 8), byte(len(text)), 0, 0, 0, 0}) + text
	if _, err := io.WriteString(conn, request+frame); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	heard := make([]byte, 0, 1000)
	for !strings.Contains(string(heard), "connection_ack") {
		n, err := conn.Read(heard[len(heard):cap(heard)])
		if err != nil {
			t.Fatalf("heard %q, then %v", heard, err)
		}
		heard = heard[:len(heard)+n]
	}
}

func TestAnOperationThatCanBeReadInTwoWaysIsRefused(t *testing.T) {
	r := newRig(t)
	c := r.connect(`{}`)
	for i, payload := range []string{`{"Query":"{ me }"}`, `{"query":"{ me }","query":"{ wait }"}`, `{"query":"{ me }","VARIABLES":{}}`, `{"query":"{ me }","variables":{"a":1,"a":2}}`} {
		c.say(fmt.Sprintf(`{"type":"subscribe","id":"%d","payload":%s}`, i, payload))
		if got, err := c.next(); err != nil || !strings.Contains(got, `"type":"error"`) || !strings.Contains(got, `"BAD_REQUEST"`) {
			t.Errorf("%s is answered with %s, %v", payload, got, err)
		}
	}
}
