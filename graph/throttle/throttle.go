// Package throttle belongs to the door: how often a caller may ask, and how they are told. What is counted are executions of root
// fields, whichever transport they come by.
package throttle

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/mediconnect/mediconnect/graph/presenter"
	"github.com/mediconnect/mediconnect/graph/viewer"
)

// Window is what limits are for.
const Window = time.Minute

// State is where a caller stands.
type State struct {
	Policy    string        // whose limit it is
	Limit     int           // executions in a window, and at once; 0: there is no limit
	Remaining int           // executions that are left now
	Full      time.Duration // until all of them are allowed again
	Wait      int           // seconds after which what was refused may be asked for again; 0: it was allowed
}

// RestoreRate is how many executions come back in a second.
func (s State) RestoreRate() float64 {
	return math.Round(float64(s.Limit)/Window.Seconds()*100) / 100
}

// Allow counts executions for a caller. With none it says where the caller stands, as far as is known without asking anybody.
type Allow func(ctx context.Context, v viewer.Viewer, executions int) State

// Meter counts what one request asks for.
type Meter struct {
	allow  Allow
	viewer viewer.Viewer
	head   http.Header // of the answer; nil: it has none

	mu   sync.Mutex
	last State
}

// New begins to count for a caller. Without allow there is no limit.
func New(allow Allow, v viewer.Viewer, head http.Header) *Meter {
	if allow == nil {
		return nil
	}
	return &Meter{allow: allow, viewer: v, head: head}
}

// Take counts executions, and tells in the answer's header where the caller stands
// (https://www.ietf.org/archive/id/draft-ietf-httpapi-ratelimit-headers-10.html). What is too much is a presenter.Refusal.
func (m *Meter) Take(ctx context.Context, executions int) error {
	if m == nil || executions <= 0 {
		return nil
	}
	s := m.allow(ctx, m.viewer, executions)
	m.mu.Lock()
	m.last = s
	m.mu.Unlock()
	m.tell(s)
	if s.Wait > 0 {
		return presenter.Later(presenter.RateLimited, "Too many requests. Wait a little, then go on.", s.Wait)
	}
	return nil
}

// Spent says whether nothing is left now, as far as this server knows. It counts nothing.
func (m *Meter) Spent(ctx context.Context) bool {
	return m != nil && m.allow(ctx, m.viewer, 0).Wait > 0
}

func (m *Meter) tell(s State) {
	if m.head == nil || s.Limit == 0 {
		return
	}
	m.head.Set("RateLimit-Policy", fmt.Sprintf(`"%s";q=%d;w=%d`, s.Policy, s.Limit, int(Window.Seconds())))
	m.head.Set("RateLimit", fmt.Sprintf(`"%s";r=%d;t=%d`, s.Policy, s.Remaining, int(math.Ceil(s.Full.Seconds()))))
	if s.Wait > 0 {
		m.head.Set("Retry-After", strconv.Itoa(s.Wait))
	}
}

// State is what the caller was told last.
func (m *Meter) State() State {
	if m == nil {
		return State{}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.last
}

// Refused says whether an error is that a caller asks too often.
func Refused(err error) bool {
	refusal, ok := errors.AsType[*presenter.Refusal](err)
	return ok && refusal.Code == presenter.RateLimited
}

type key struct{}

// With puts the meter of a request into its context.
func With(ctx context.Context, m *Meter) context.Context { return context.WithValue(ctx, key{}, m) }

// Of is the meter of a request; nil: nothing is counted.
func Of(ctx context.Context) *Meter {
	m, _ := ctx.Value(key{}).(*Meter)
	return m
}
