// Package crowd belongs to the door: who holds a socket or a stream of events open. It bounds how many there are, and sees everybody
// out when the process stops.
package crowd

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/graph/viewer"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clock"
)

// Client is whom connections are counted for: who signed in, whichever token says so, or else an address.
type Client struct {
	Organization, ID uuid.UUID
	Address          string
	stranger         bool // hasn't said yet who they are
}

// Of is the client that a caller is.
func Of(v viewer.Viewer) Client {
	if v.Kind == access.Anonymous {
		return Client{Address: v.Address}
	}
	return Client{Organization: v.Organization, ID: v.ID}
}

// Limits bound how many connections are open at once.
type Limits struct {
	Total   int // of the process
	Client  int // of one who signed in
	Address int // of one address, for those who haven't; a whole clinic may share one
}

// Default is what a server allows unless told otherwise.
func Default() Limits { return Limits{Total: 20_000, Client: 5, Address: 50} }

func (l Limits) of(c Client) int {
	if c.Address != "" {
		return l.Address
	}
	return l.Client
}

// Why somebody isn't let in.
var (
	ErrTooMany = errors.New("this client has too many connections")
	ErrFull    = errors.New("there are too many connections")
	ErrLeaving = errors.New("the process is about to stop")
)

// Crowd is everybody who is connected to a process.
type Crowd struct {
	limits Limits

	mu      sync.Mutex
	inside  map[*Place]bool
	of      map[Client]int
	refused int64
	leaving bool
	empty   chan struct{} // closed when the last one has gone; nil before the process stops
}

// New makes an empty crowd.
func New(limits Limits) *Crowd {
	return &Crowd{limits: limits, inside: map[*Place]bool{}, of: map[Client]int{}}
}

// Place is one connection.
type Place struct {
	crowd *Crowd
	of    Client
	told  chan struct{}
	then  func()
}

// Enter lets a connection in. It fails with ErrTooMany, ErrFull or ErrLeaving.
func (c *Crowd) Enter(who Client) (*Place, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.refusal(who); err != nil {
		c.refused++
		return nil, err
	}
	p := &Place{crowd: c, of: who, told: make(chan struct{})}
	c.inside[p] = true
	c.of[who]++
	return p, nil
}

// Arrive lets somebody in who will say who they are: see Place.As. It fails as Enter does.
func (c *Crowd) Arrive(address string) (*Place, error) {
	return c.Enter(Client{Address: address, stranger: true})
}

func (c *Crowd) refusal(who Client) error {
	switch {
	case c.leaving:
		return ErrLeaving
	case len(c.inside) >= c.limits.Total:
		return ErrFull
	case c.of[who] >= c.limits.of(who):
		return ErrTooMany
	}
	return nil
}

// As says who a connection is. It fails with ErrTooMany; the connection stays counted for whom it was.
func (p *Place) As(who Client) error {
	c := p.crowd
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.inside[p] || p.of == who {
		return nil
	}
	if c.of[who] >= c.limits.of(who) {
		c.refused++
		return ErrTooMany
	}
	c.forget(p.of)
	c.of[who]++
	p.of = who
	return nil
}

// Told is closed when the connection is to end: finish what is under way, and go.
func (p *Place) Told() <-chan struct{} { return p.told }

// Then has f called, in a goroutine of its own, when the connection is to end, so that nobody has to wait for it. It is called once,
// at the beginning.
func (p *Place) Then(f func()) {
	p.crowd.mu.Lock()
	defer p.crowd.mu.Unlock()
	p.then = f
	select {
	case <-p.told:
		go f()
	default:
	}
}

func (p *Place) tell() {
	p.crowd.mu.Lock()
	defer p.crowd.mu.Unlock()
	close(p.told)
	if p.then != nil {
		go p.then()
	}
}

// Leave ends it. It may be called again.
func (p *Place) Leave() {
	c := p.crowd
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.inside[p] {
		return
	}
	delete(c.inside, p)
	c.forget(p.of)
	if c.empty != nil && len(c.inside) == 0 {
		close(c.empty)
	}
}

func (c *Crowd) forget(who Client) {
	if c.of[who]--; c.of[who] == 0 {
		delete(c.of, who)
	}
}

// Count is how many are connected, and how many were refused since the process began.
type Count struct {
	Inside  int
	Refused int64
}

// Count counts.
func (c *Crowd) Count() Count {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Count{len(c.inside), c.refused}
}

// pace is the time between two who are told to go, unless there are too many for that.
const pace = 10 * time.Millisecond

// Drain lets nobody in any more and tells everybody to go: not at once, since they come back elsewhere, but spread over at most a
// time. It returns when all have left, or with ctx's error. It is called once.
func (c *Crowd) Drain(ctx context.Context, over time.Duration) error {
	all := c.shut()
	spread := min(over, pace*time.Duration(len(all)))
	begun := clock.System{}.Now()
	for i, p := range all {
		due := begun.Add(spread * time.Duration(i) / time.Duration(len(all)))
		if err := await(ctx, due.Sub(clock.System{}.Now())); err != nil {
			return err
		}
		p.tell()
	}
	select {
	case <-c.empty:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func await(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// shut closes the door and lists who is inside, in no order.
func (c *Crowd) shut() []*Place {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.leaving, c.empty = true, make(chan struct{})
	if len(c.inside) == 0 {
		close(c.empty)
	}
	all := make([]*Place, 0, len(c.inside))
	for p := range c.inside {
		all = append(all, p)
	}
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}
