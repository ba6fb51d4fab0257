// Package sse belongs to the door: it writes server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html), with
// heartbeats in between, to a client that may have stopped reading.
package sse

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/mediconnect/mediconnect/internal/clock"
)

// Pace is how a stream keeps time.
type Pace struct {
	Beat     time.Duration // between heartbeats of a quiet stream: shorter than proxies keep a silent connection
	Patience time.Duration // for a write: a client that reads nothing for so long is gone
}

// Usual is the pace of a server unless told otherwise.
func Usual() Pace { return Pace{Beat: 15 * time.Second, Patience: 10 * time.Second} }

// The time after which a browser comes back by itself. It differs, lest all come back at once.
const (
	leastRetry = 2 * time.Second
	mostRetry  = 8 * time.Second
)

// Stream is one event stream. It may be written to by several goroutines.
type Stream struct {
	mu     sync.Mutex
	w      http.ResponseWriter
	wire   *http.ResponseController
	beat   *time.Timer
	pace   Pace
	gone   func()
	closed bool
}

// Open begins a stream: its header goes out at once. Gone is called when the client can't be written to any more.
func Open(w http.ResponseWriter, pace Pace, gone func()) *Stream {
	head := w.Header()
	head.Set("Content-Type", "text/event-stream; charset=utf-8")
	head.Set("Cache-Control", "no-store")
	head.Set("X-Accel-Buffering", "no") // nginx passes events on one by one
	head.Set("X-Content-Type-Options", "nosniff")
	head.Add("Vary", "Accept")
	s := &Stream{w: w, wire: http.NewResponseController(w), pace: pace, gone: gone}
	_ = s.wire.SetReadDeadline(time.Time{}) // the server's own would end the request while it is answered
	w.WriteHeader(http.StatusOK)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.beat = time.AfterFunc(pace.Beat, s.tick)
	retry := leastRetry + rand.N(mostRetry-leastRetry)
	s.write(fmt.Appendf(nil, "retry: %d\n\n", retry.Milliseconds()))
	return s
}

// Send writes an event. An empty id is left out: the client keeps the one before.
func (s *Stream) Send(event, id string, data []byte) {
	text := fmt.Appendf(make([]byte, 0, len(data)+len(id)+roomAround), "event: %s\n", event)
	if id != "" && !strings.ContainsAny(id, "\x00\r\n") {
		text = fmt.Appendf(text, "id: %s\n", id)
	}
	for line := range bytes.SplitSeq(data, []byte("\n")) {
		text = append(append(append(text, "data: "...), line...), '\n')
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.write(append(text, '\n'))
}

const roomAround = 64

// Close ends the stream: nothing is written afterwards but the end of the answer.
func (s *Stream) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.beat.Stop()
	s.allow()
}

func (s *Stream) tick() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.write([]byte(":\n\n"))
}

// write is called under the lock.
func (s *Stream) write(text []byte) {
	if s.closed {
		return
	}
	s.allow()
	_, err := s.w.Write(text)
	if err == nil {
		err = s.wire.Flush()
	}
	if err != nil {
		s.closed = true
		s.gone()
		return
	}
	s.beat.Reset(s.pace.Beat)
}

// allow gives the next write its time, in place of the server's for the whole answer.
func (s *Stream) allow() { _ = s.wire.SetWriteDeadline(clock.System{}.Now().Add(s.pace.Patience)) }
