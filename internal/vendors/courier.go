package vendors

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"sync"
	"time"
)

// How callbacks are carried.
const (
	carriers   = 8
	maxErrands = 50_000 // waiting at once; those beyond are lost, and counted
)

// parcel is one callback.
type parcel struct {
	url     string
	body    []byte
	headers func() map[string]string // made anew for each attempt
	retries int
	again   func(status int) bool // whether to try again after an answer; 0: there was none
}

// step is one thing that becomes of a message: first it is so, then it is told.
type step struct {
	become func()
	tell   *parcel // nil: nobody
}

// errand is what becomes of a message, step by step.
type errand struct {
	steps []step
	tries int // of the first step
}

// Carried are the figures of callbacks.
type Carried struct {
	Told    int `json:"told"`    // answered with 2xx
	Failed  int `json:"failed"`  // attempts that weren't
	Given   int `json:"givenUp"` // that are not tried again
	Lost    int `json:"lost"`    // too many waited
	Waiting int `json:"waiting"` // messages of which something is still to be told
}

// courier carries callbacks by a few carriers, those of one message in order.
type courier struct {
	client  *http.Client
	retry   time.Duration
	changed *signal
	jobs    chan *errand
	ctx     context.Context
	cancel  context.CancelFunc
	ended   sync.WaitGroup

	mu      sync.Mutex
	timers  map[*errand]*time.Timer
	carried Carried
}

func newCourier(retry time.Duration, changed *signal) *courier {
	ctx, cancel := context.WithCancel(context.Background())
	c := &courier{
		client: &http.Client{
			Timeout:       10 * time.Second,
			Transport:     &http.Transport{MaxIdleConnsPerHost: carriers, IdleConnTimeout: time.Minute},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		retry: retry, changed: changed, jobs: make(chan *errand, maxErrands), ctx: ctx, cancel: cancel, timers: map[*errand]*time.Timer{},
	}
	for range carriers {
		c.ended.Go(c.carry)
	}
	return c
}

// send takes an errand on, due at once or after a while.
func (c *courier) send(e *errand, after time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.carried.Waiting >= maxErrands {
		c.carried.Lost++
		return
	}
	c.carried.Waiting++
	c.queue(e, after)
}

// queue never waits: there are no more errands than places.
func (c *courier) queue(e *errand, after time.Duration) {
	if after <= 0 {
		c.jobs <- e
		return
	}
	c.timers[e] = time.AfterFunc(after, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if _, on := c.timers[e]; on {
			delete(c.timers, e)
			c.jobs <- e
		}
	})
}

func (c *courier) carry() {
	for {
		select {
		case <-c.ctx.Done():
			return
		case e := <-c.jobs:
			c.run(e)
			c.changed.tell()
		}
	}
}

// run goes through the steps as far as it gets.
func (c *courier) run(e *errand) {
	for len(e.steps) > 0 {
		s := e.steps[0]
		if e.tries == 0 && s.become != nil {
			s.become()
		}
		if s.tell != nil && !c.tell(e, s.tell) {
			return
		}
		e.steps, e.tries = e.steps[1:], 0
	}
	c.note(func(n *Carried) { n.Waiting-- })
}

// tell posts a callback. It says whether that is settled; otherwise the errand goes on later.
func (c *courier) tell(e *errand, p *parcel) bool {
	status := c.post(p)
	if c.ctx.Err() != nil {
		return false
	}
	if status >= 200 && status < 300 {
		c.note(func(n *Carried) { n.Told++ })
		return true
	}
	e.tries++
	again := e.tries <= p.retries && p.again(status)
	c.note(func(n *Carried) {
		n.Failed++
		if !again {
			n.Given++
			return
		}
		c.queue(e, c.retry<<min(e.tries-1, 10))
	})
	return !again
}

// post answers the status, or 0 if there was none.
func (c *courier) post(p *parcel) int {
	r, err := http.NewRequestWithContext(c.ctx, http.MethodPost, p.url, bytes.NewReader(p.body))
	if err != nil {
		return 0
	}
	for name, value := range p.headers() {
		r.Header.Set(name, value)
	}
	answer, err := c.client.Do(r)
	if err != nil {
		return 0
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10))
	_ = answer.Body.Close()
	return answer.StatusCode
}

func (c *courier) note(change func(*Carried)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(&c.carried)
}

func (c *courier) close() {
	c.cancel()
	c.mu.Lock()
	for e, t := range c.timers {
		t.Stop()
		delete(c.timers, e)
	}
	c.mu.Unlock()
	c.ended.Wait()
	c.client.CloseIdleConnections()
}

// Carried are the figures of callbacks so far.
func (v *Vendors) Carried() Carried {
	v.courier.mu.Lock()
	defer v.courier.mu.Unlock()
	return v.courier.carried
}

// planned lets the faults of callbacks work on what becomes of a message, and hands it to the courier.
func (v *Vendors) planned(steps []step, faults []Fault) {
	var after time.Duration
	for _, f := range faults {
		switch f.Do {
		case Mute:
			for i := range steps {
				steps[i].tell = nil
			}
		case Repeat:
			var twice []step
			for _, s := range steps {
				twice = append(twice, s, step{tell: s.tell})
			}
			steps = twice
		case Shuffle:
			for i, j := 0, len(steps)-1; i < j; i, j = i+1, j-1 {
				steps[i].tell, steps[j].tell = steps[j].tell, steps[i].tell
			}
		case Delay:
			after += f.For
		}
	}
	v.courier.send(&errand{steps: steps}, after)
}

func suffers(faults []Fault, do Action) bool {
	for _, f := range faults {
		if f.Do == do {
			return true
		}
	}
	return false
}
