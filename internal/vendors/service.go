package vendors

import (
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"sync"
)

// Stats are what a vendor has seen.
type Stats struct {
	Requests int `json:"requests"` // to send
	Finds    int `json:"finds"`    // of Twilio: its list, and its single messages
	Accepted int `json:"accepted"` // messages
	InFlight int `json:"inFlight"` // requests to send, now
	Highest  int `json:"highest"`  // that were ever in flight at once, for as long as their clients waited
}

// service is one vendor: its faults and figures.
type service struct {
	words func(Fault) []byte // the vendor's body of an answer that is a failure

	mu    sync.Mutex
	stats Stats
	asked map[net.Conn]int // requests to send that are in flight, by their connections
	rules []*rule
	gone  chan struct{} // closed when the faults are set anew
}

// rule is a fault with whom it has struck.
type rule struct {
	Fault
	random     *rand.Rand
	met, times int
}

func newService(words func(Fault) []byte) *service {
	return &service{words: words, gone: make(chan struct{}), asked: make(map[net.Conn]int)}
}

// Set makes these a vendor's faults, instead of those it had. Whatever they stall goes on.
func (v *Vendors) Set(vendor Vendor, faults ...Fault) error {
	if err := checkAll(vendor, faults); err != nil {
		return err
	}
	s, ok := v.services[vendor]
	if !ok {
		return BadFault{"vendor"}
	}
	s.set(faults)
	v.changed.tell()
	return nil
}

// Clear ends a vendor's faults.
func (v *Vendors) Clear(vendor Vendor) { _ = v.Set(vendor) }

// Faults are those that a vendor has.
func (v *Vendors) Faults(vendor Vendor) []Fault {
	faults := []Fault{}
	if s, ok := v.services[vendor]; ok {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, r := range s.rules {
			faults = append(faults, r.Fault)
		}
	}
	return faults
}

// Stats are a vendor's figures.
func (v *Vendors) Stats(vendor Vendor) Stats {
	s, ok := v.services[vendor]
	if !ok {
		return Stats{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats
}

func (s *service) set(faults []Fault) {
	rules := make([]*rule, len(faults))
	for i, f := range faults {
		rules[i] = &rule{Fault: f, random: rand.New(rand.NewPCG(f.Seed, uint64(i)))}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.gone)
	s.rules, s.gone = rules, make(chan struct{})
}

// strike finds the faults that a request or its callbacks suffer, and what is closed when they end.
func (s *service) strike(on, to string) (request *Fault, callbacks []Fault, gone <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.rules {
		callback := slices.Contains(callbackActions, r.Do)
		if or(r.On, OnSend) != on || request != nil && !callback || !r.strikes(to) {
			continue
		}
		f := r.Fault
		if callback {
			callbacks = append(callbacks, f)
		} else {
			request = &f
		}
	}
	return request, callbacks, s.gone
}

func (r *rule) strikes(to string) bool {
	if r.To != "" && r.To != to || r.Times > 0 && r.times >= r.Times {
		return false
	}
	r.met++
	if r.Every > 0 && r.met%r.Every != 0 || r.Share > 0 && r.random.Float64() >= r.Share {
		return false
	}
	r.times++
	return true
}

func (s *service) note(change func(*Stats)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.stats)
}

// connOf is the key of a request's connection in its context.
type connOf struct{}

// take notes that a request to send is in flight, and end that it isn't any more. A client that goes away is heard of late: who has gone by the
// time another one comes wasn't there at the same time.
func (s *service) take(r *http.Request) (end func()) {
	conn, _ := r.Context().Value(connOf{}).(net.Conn)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.Requests++
	s.stats.InFlight++
	s.asked[conn]++
	if s.stats.InFlight > s.stats.Highest {
		s.stats.Highest = max(s.stats.Highest, s.present())
	}
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.stats.InFlight--
		if s.asked[conn]--; s.asked[conn] == 0 {
			delete(s.asked, conn)
		}
	}
}

// present are the requests in flight whose clients are there.
func (s *service) present() (n int) {
	for conn, requests := range s.asked {
		if !deserted(conn) {
			n += requests
		}
	}
	return n
}
