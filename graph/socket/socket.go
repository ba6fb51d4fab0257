package socket

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/time/rate"

	"github.com/mediconnect/mediconnect/graph/accesslog"
	"github.com/mediconnect/mediconnect/graph/caller"
	"github.com/mediconnect/mediconnect/graph/crowd"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// The codes that a socket is closed with. Clients decide by them whether to come back: docs/transports.md has the table.
const (
	badMessage    websocket.StatusCode = 4400
	unauthorized  websocket.StatusCode = 4401
	forbidden     websocket.StatusCode = 4403
	notAcceptable websocket.StatusCode = 4406
	initTimeout   websocket.StatusCode = 4408
	alreadyExists websocket.StatusCode = 4409
	tooMany       websocket.StatusCode = 4429
)

// socket is one connection. One goroutine reads from it, and each live operation has one.
type socket struct {
	*Handler
	conn   *websocket.Conn
	place  *crowd.Place
	ctx    context.Context // of the operations: it ends with the socket
	cancel context.CancelFunc
	pace   *rate.Limiter
	opened time.Time
	all    sync.WaitGroup // operations

	mu      sync.Mutex
	request *http.Request // nil once the client has said who they are
	who     caller.Caller
	live    map[string]*operation // by their id
	running int                   // goroutines of operations
	brief   int                   // operations that are no subscriptions
	leaving bool                  // once nothing brief runs
	closed  websocket.StatusCode
	heard   time.Time
	watch   *time.Timer // for the client to say who they are, then for signs of life
	expiry  *time.Timer // of the token; nil: it doesn't
	unwatch func()      // ends the watch over what the client came with; nil: there is none yet
}

func (h *Handler) socket(r *http.Request, conn *websocket.Conn, place *crowd.Place) *socket {
	s := &socket{
		Handler: h, conn: conn, place: place, request: r, live: map[string]*operation{}, heard: clock.System{}.Now(), opened: clock.System{}.Now(),
		pace: rate.NewLimiter(rate.Limit(h.Limits.Rate), h.Limits.Burst),
	}
	s.ctx, s.cancel = context.WithCancel(accesslog.With(context.Background(), accesslog.From(r.Context()).Socket()))
	conn.SetReadLimit(h.Limits.Message)
	return s
}

// serve begins to read. What is left of the socket when it ends is seen to by over.
func (s *socket) serve() {
	if s.conn.Subprotocol() != subprotocol {
		s.end(notAcceptable, "Subprotocol not acceptable")
		s.over()
		return
	}
	s.mu.Lock()
	s.watch = time.AfterFunc(s.Limits.Init, s.lateInit)
	s.mu.Unlock()
	s.place.Then(s.leave)
	s.read()
}

// over returns when nothing of the socket is left.
func (s *socket) over() {
	s.drop()
	s.rest()
	accesslog.Socket(s.ctx, s.Log, int(s.closed), clock.System{}.Now().Sub(s.opened))
	s.place.Leave()
}

// rest waits for what the socket has begun.
func (s *socket) rest() {
	s.all.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range []*time.Timer{s.watch, s.expiry} {
		if t != nil {
			t.Stop()
		}
	}
	if s.unwatch != nil {
		s.unwatch()
	}
}

// read reads one message. The goroutine does nothing else, so that its stack stays small while it waits; another does what the message
// asks, and leaves the next one to another again.
func (s *socket) read() {
	defer func() {
		if cause := recover(); cause != nil {
			go s.hear(0, nil, s.Shown.Recover(s.ctx, cause))
		}
	}()
	kind, text, err := s.conn.Read(context.Background()) // ended by closing it
	go s.hear(kind, text, err)
}

func (s *socket) hear(kind websocket.MessageType, text []byte, err error) {
	if s.heed(kind, text, err) {
		go s.read()
		return
	}
	s.over()
}

// heed does what came, and is false when the socket ends by it.
func (s *socket) heed(kind websocket.MessageType, text []byte, err error) (goesOn bool) {
	defer func() {
		if cause := recover(); cause != nil {
			_ = s.Shown.Recover(s.ctx, cause)
			goesOn = false
		}
	}()
	switch {
	case errors.Is(err, websocket.ErrMessageTooBig):
		return s.end(websocket.StatusMessageTooBig, "Message too big")
	case err != nil:
		if code := websocket.CloseStatus(err); code > 0 { // the client's
			s.gone(code)
		}
		return false
	case !s.pace.Allow():
		return s.end(tooMany, "Too many messages")
	}
	m, err := parse(text)
	if kind != websocket.MessageText {
		err = errNotText
	}
	if err != nil {
		return s.end(badMessage, "Invalid message: "+err.Error())
	}
	return s.take(m)
}

// take does what a message asks. It is false when the socket ends by it.
func (s *socket) take(m message) bool {
	s.mu.Lock()
	s.heard = clock.System{}.Now()
	introduced := s.request == nil
	s.mu.Unlock()
	switch m.kind {
	case connectionInit:
		if introduced {
			return s.end(tooMany, "Too many initialisation requests")
		}
		return s.introduce(m.payload)
	case pinging:
		return s.write(written(ponging, "", m.payload))
	case subscribe:
		if !introduced {
			return s.end(unauthorized, "Unauthorized")
		}
		return s.begin(m)
	case complete:
		s.stop(m.id)
	}
	return true
}

// introduce finds out who the client is. Only then may they ask for anything.
func (s *socket) introduce(payload []byte) bool {
	fromHeader, inHeader := caller.Bearer(s.request)
	token, given := credentials(payload)
	if inHeader && !given {
		token, given = fromHeader, true
	}
	if inHeader && token != fromHeader {
		return s.end(forbidden, "Forbidden: the tokens differ")
	}
	ctx, cancel := context.WithTimeout(s.ctx, s.Limits.Init) // the request's own ended when it became a socket
	defer cancel()
	who, err := s.Desk.Of(s.request.WithContext(ctx), token, given)
	if errs.Of(err) == errs.Busy {
		return s.end(websocket.StatusTryAgainLater, "Try again: the token can't be looked at now")
	}
	if err != nil {
		return s.end(forbidden, "Forbidden: the token is not accepted")
	}
	if who, err = who.Wishing(overrides(s.request, payload)...); err != nil {
		return s.end(forbidden, "Forbidden: the feature override is refused")
	}
	v := who.Viewer("")
	if s.place.As(crowd.Of(v)) != nil {
		return s.end(websocket.StatusTryAgainLater, "Too many sockets of this client")
	}
	entry := accesslog.From(s.ctx)
	entry.Actor, entry.Client = v.ID, v.Client
	s.mu.Lock()
	s.watch.Stop()
	s.who, s.request = who, nil
	s.watch = time.AfterFunc(time.Duration(rand.Int64N(int64(s.Limits.Ping)))+1, s.look) // not all at the same time
	if !v.Expires.IsZero() {
		s.expiry = time.AfterFunc(v.Expires.Sub(clock.System{}.Now()), s.expire)
	}
	s.mu.Unlock()
	forget := who.Watch(s.revoked)
	s.mu.Lock()
	s.unwatch = forget
	s.mu.Unlock()
	return s.write(written(connectionAck, "", nil))
}

func (s *socket) lateInit() {
	s.mu.Lock()
	late := s.request != nil
	s.mu.Unlock()
	if late {
		s.end(initTimeout, "Connection initialisation timeout")
	}
}

func (s *socket) revoked() { s.end(forbidden, "Forbidden: the token was revoked") }

func (s *socket) expire() { s.end(forbidden, "Forbidden: the token has expired") }

// look asks for a sign of life, and ends what has had no use for long.
func (s *socket) look() {
	now := clock.System{}.Now()
	s.mu.Lock()
	expires := s.who.Expires()
	idle := s.running == 0 && now.Sub(s.heard) > s.Limits.Idle
	s.mu.Unlock()
	switch {
	case !expires.IsZero() && !now.Before(expires): // the machine has slept
		s.expire()
		return
	case idle:
		s.end(websocket.StatusGoingAway, "Idle for too long")
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.Limits.Pong)
	defer cancel()
	if s.conn.Ping(ctx) != nil {
		s.drop()
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed == 0 {
		s.watch.Reset(s.Limits.Ping)
	}
}

// leave ends the socket once every query and every mutation has been answered. Subscriptions go on elsewhere.
func (s *socket) leave() {
	s.mu.Lock()
	s.leaving = true
	now := s.brief == 0
	s.mu.Unlock()
	if now {
		s.end(websocket.StatusServiceRestart, "Service restart")
	}
}

// end closes the socket with a code that tells the client what to do. Only the first counts. It answers false, for take.
func (s *socket) end(code websocket.StatusCode, reason string) bool {
	if s.gone(code) {
		_ = s.conn.Close(code, reason) // it waits for the client's own close frame, but not for long
	}
	return false
}

// open says whether the socket hasn't ended.
func (s *socket) open() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed == 0
}

// drop ends the socket without a word: there is nobody to hear it.
func (s *socket) drop() {
	s.gone(websocket.StatusAbnormalClosure)
	_ = s.conn.CloseNow()
}

// gone stops the operations. It is true the first time.
func (s *socket) gone(code websocket.StatusCode) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed != 0 {
		return false
	}
	s.closed = code
	s.cancel()
	return true
}

// write sends a message, or ends the socket of a client that doesn't take it.
func (s *socket) write(text []byte) bool {
	ctx, cancel := context.WithTimeout(context.Background(), s.Limits.Write)
	defer cancel()
	if s.conn.Write(ctx, websocket.MessageText, text) != nil {
		s.drop()
		return false
	}
	return true
}
