package prove_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/mediconnect/mediconnect/bench/rig"
	"github.com/mediconnect/mediconnect/internal/live"
)

// screen is one client that shows something and follows it by the rules that docs/live.md gives: query, subscribe after that, merge, keep the
// cursor, come back with it, and query anew after a reset.
type screen struct {
	*town
	show
	name    string
	me      rig.Client
	dial    dialler
	patient *rig.Patient // whose appointments it shows; nil: those of the whole clinic, or slots
	bells   []string     // slots of the provider at the bell that it shows while they are free

	mu      sync.Mutex
	moved   *sync.Cond
	line    *rig.Line // nil: not connected
	away    chan struct{}
	picture picture
	raw     string // cursor of the last event, as it came
	cursor  live.Cursor
	lastID  string // of an EventSource that comes back by itself
	fault   error  // the first

	events, resumes, queries, repeated, stale, busy int
	resets                                          map[string]int
}

// dialler opens a subscription over one of the transports.
type dialler func(ctx context.Context, s *screen, c rig.Client, document string, variables map[string]any) (*rig.Line, error)

var transports = []struct {
	name string
	dial dialler
}{
	{"WebSocket", func(ctx context.Context, _ *screen, c rig.Client, document string, variables map[string]any) (*rig.Line, error) {
		return c.Socket(ctx, document, variables)
	}},
	{"POST", func(ctx context.Context, _ *screen, c rig.Client, document string, variables map[string]any) (*rig.Line, error) {
		return c.Events(ctx, document, variables)
	}},
	{"EventSource", eventSource},
}

// eventSource is a browser's: it comes back by itself with the last id. Who signs in needs a fresh ticket each time, and thus a new
// EventSource, which knows no last id.
func eventSource(ctx context.Context, s *screen, c rig.Client, document string, variables map[string]any) (*rig.Line, error) {
	if c.Token == "" {
		return c.EventSource(ctx, document, variables, "", s.lastID)
	}
	ticket, err := c.Ticket(ctx)
	if err != nil {
		return nil, err
	}
	return c.EventSource(ctx, document, variables, ticket, "")
}

// run follows until ctx ends.
func (s *screen) run(ctx context.Context) {
	for failures := 0; ctx.Err() == nil; {
		err := s.once(ctx)
		if ctx.Err() != nil {
			return
		}
		told := errors.As(err, new(*rested))
		if told {
			failures = 0
		}
		if !s.expected(err, told) {
			s.blame(err)
			return
		}
		failures++
		pause := time.NewTimer(time.Duration(min(failures, 20))*10*time.Millisecond + rand.N(40*time.Millisecond))
		select {
		case <-pause.C:
		case <-ctx.Done():
		}
		pause.Stop()
	}
}

// rested wraps what ended a line that had told something.
type rested struct{ error }

func (r *rested) Unwrap() error { return r.error }

// once connects, and reads until the line ends.
func (s *screen) once(ctx context.Context) error {
	if err := s.wait(ctx); err != nil {
		return err
	}
	c := s.me
	c.Server = s.any()
	if s.raw == "" {
		if err := s.look(ctx, c); err != nil {
			return err
		}
	}
	document, variables := s.follow()
	variables = maps.Clone(variables)
	variables["after"] = s.raw
	line, err := s.dial(ctx, s, c, document, variables)
	if err != nil {
		return err
	}
	defer line.Close()
	s.mu.Lock()
	s.line = line
	s.resumes++
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.line = nil
	}()
	for first := true; ; first = false {
		told, err := line.Next()
		if err == nil {
			err = s.take(told, first)
		}
		if err != nil && !first {
			return &rested{err}
		}
		if err != nil {
			return err
		}
	}
}

// look queries.
func (s *screen) look(ctx context.Context, c rig.Client) error {
	p, raw, err := s.query(ctx, c)
	if err != nil {
		return err
	}
	cursor, err := live.ParseCursor(raw)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.picture, s.raw, s.cursor, s.lastID = p, raw, cursor, ""
	s.queries++
	s.moved.Broadcast()
	return nil
}

// broken is a promise that was.
type broken struct{ text string }

func (b *broken) Error() string { return b.text }

func wrong(format string, a ...any) error { return &broken{fmt.Sprintf(format, a...)} }

// errReset ends a line whose cursor is good no more.
var errReset = errors.New("reset")

type message struct {
	Told struct {
		Typename       string `json:"__typename"`
		Cursor, Reason string
		Slots          []node
		RemovedSlotIDs []string `json:"removedSlotIds"`
		Appointment    *node
	}
}

// take merges an event.
func (s *screen) take(told rig.Told, first bool) error {
	var m message
	if err := json.Unmarshal(told.Data, &m); err != nil {
		return wrong("%v: %.200s", err, told.Data)
	}
	e := m.Told
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.moved.Broadcast()
	s.events++
	switch {
	case e.Typename == "StreamReset":
		s.resets[e.Reason]++
		s.raw, s.lastID = "", ""
		return errReset
	case first != (e.Typename == "StreamReady") && first:
		return wrong("the first event is %s", e.Typename)
	case told.ID != "" && told.ID != e.Cursor:
		return wrong("the event's id %s isn't its cursor %s", told.ID, e.Cursor)
	}
	if e.Appointment != nil {
		e.Slots = append(e.Slots, *e.Appointment)
	}
	for _, n := range e.Slots {
		if err := s.merge(n); err != nil {
			return err
		}
	}
	for _, id := range e.RemovedSlotIDs {
		delete(s.picture, id)
	}
	return s.advance(e.Cursor, told.ID)
}

func (s *screen) advance(raw, id string) error {
	cursor, err := live.ParseCursor(raw)
	switch {
	case err != nil:
		return wrong("cursor %q: %v", raw, err)
	case cursor.Epoch != s.cursor.Epoch || cursor.Position < s.cursor.Position || cursor.At.Before(s.cursor.At):
		return wrong("the cursor goes from %+v to %+v", s.cursor, cursor)
	}
	s.raw, s.cursor, s.lastID = raw, cursor, id
	return nil
}

func (s *screen) merge(n node) error {
	if s.open() && n.Status != "FREE" {
		return wrong("somebody without the right is told of a slot that is %s", n.Status)
	}
	if !s.takes(n) {
		delete(s.picture, n.ID) // it may have been before
		return nil
	}
	had, known := s.picture[n.ID]
	switch {
	case known && n.Version < had.Version:
		s.stale++
		return nil
	case known && n.Version == had.Version:
		s.repeated++
	}
	s.picture[n.ID] = n.thing()
	return nil
}

// expected says whether a line may end so while connections are cut and servers go. A service may be too busy to begin, but what has begun is
// late at worst.
func (s *screen) expected(err error, told bool) bool {
	if errors.Is(err, errReset) {
		return true
	}
	if top, ok := errors.AsType[*rig.TopError](err); ok {
		s.busy++
		return !told && top.Code == "SERVICE_BUSY"
	}
	if errors.As(err, new(*broken)) {
		return false
	}
	ended, ok := errors.AsType[*rig.Ended](err)
	if !ok {
		return true // the connection is lost
	}
	return ended.Status == 1012 || ended.Status == 1001 || ended.Status == http.StatusServiceUnavailable
}

func (s *screen) blame(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fault == nil {
		s.fault = err
	}
	s.moved.Broadcast()
}

// cut ends the connection, if there is one: as a lost network does, or as somebody who leaves.
func (s *screen) cut(rudely bool) {
	s.mu.Lock()
	line := s.line
	s.mu.Unlock()
	switch {
	case line == nil:
	case rudely:
		line.Cut()
	default:
		line.Close()
	}
}

// leave keeps the screen away until it comes back.
func (s *screen) leave() {
	s.mu.Lock()
	s.away = make(chan struct{})
	s.mu.Unlock()
	s.cut(true)
}

func (s *screen) comeBack() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.away)
	s.away = nil
}

// lookAgain has a screen that was told nothing since another left query anew, as somebody does who opens it again.
func (s *screen) lookAgain(ctx context.Context, left *screen) error {
	left.mu.Lock()
	since := left.cursor.Position
	left.mu.Unlock()
	s.mu.Lock()
	lags := s.cursor.Position <= since
	if lags {
		s.raw = ""
	}
	s.mu.Unlock()
	if !lags {
		return nil
	}
	s.cut(true)
	return s.await(ctx, func(picture) bool { return true })
}

func (s *screen) isAway() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.away != nil
}

func (s *screen) wait(ctx context.Context) error {
	s.mu.Lock()
	away := s.away
	s.mu.Unlock()
	if away == nil {
		return nil
	}
	select {
	case <-away:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// hearing is how long anything may take until everybody has been told.
const hearing = 30 * time.Second

// await returns when the picture is as wanted.
func (s *screen) await(ctx context.Context, wanted func(picture) bool) error {
	ctx, cancel := context.WithTimeout(ctx, hearing)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { s.blame(fmt.Errorf("isn't told: %w", ctx.Err())) })
	defer stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.fault == nil && (s.raw == "" || !wanted(s.picture)) {
		s.moved.Wait()
	}
	if s.fault != nil {
		return fmt.Errorf("%s, at %+v, connected %t, after %d events over %d connections: %w", s.name, s.cursor, s.line != nil, s.events, s.resumes, s.fault)
	}
	return nil
}
