package vendors

import (
	"net"
	"net/http"
	"sync"
)

// running is what Close waits for.
type running struct {
	listening, conns, handlers sync.WaitGroup

	mu    sync.Mutex
	ended bool
}

// conn follows the connections. One that is cut is its handler's.
func (r *running) conn(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		r.conns.Add(1)
	case http.StateClosed, http.StateHijacked:
		r.conns.Done()
	}
}

// begin lets a handler run, unless it is too late.
func (r *running) begin() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.ended {
		r.handlers.Add(1)
	}
	return !r.ended
}

func (r *running) wait() {
	r.mu.Lock()
	r.ended = true
	r.mu.Unlock()
	r.handlers.Wait()
	r.conns.Wait()
}
