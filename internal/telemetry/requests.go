package telemetry

import (
	"slices"
	"strconv"
	"time"
)

// nowhere is the route of a request that none took, or that was refused before one did.
const nowhere = "none"

// Request counts a request that has been answered. Route is a pattern of the program's; a stream's time is its client's.
func (f *Figures) Request(route string, status int, stream bool, took time.Duration) {
	if f == nil {
		return
	}
	if route == "" {
		route = nowhere
	} else {
		route = f.routes.of(route)
	}
	class := classOf(status)
	f.requests.WithLabelValues(route, class).Inc()
	if !stream {
		f.took.WithLabelValues(route, class).Observe(took.Seconds())
	}
}

// classOf is a status's, such as 2xx (RFC 9110, section 15).
func classOf(status int) string {
	if status < 100 || status > 599 {
		return others
	}
	return strconv.Itoa(status/100) + "xx"
}

// unread is the type of an operation that was refused before anybody knew it.
const unread = "unread"

var types = []string{"query", "mutation", "subscription"}

// Operation counts an operation that has ended, and the codes of its errors, each once.
func (f *Figures) Operation(kind string, codes []string) {
	if f == nil {
		return
	}
	if !slices.Contains(types, kind) {
		kind = unread
	}
	f.asked.WithLabelValues(kind).Inc()
	codes = slices.Clone(codes)
	slices.Sort(codes)
	for _, code := range slices.Compact(codes) {
		f.faults.WithLabelValues(kind, f.codes.of(code)).Inc()
	}
}
