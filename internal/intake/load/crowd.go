package load

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

// crowd is an order on its way.
type crowd struct {
	Order
	space     uuid.UUID // of all names and draws
	now       time.Time // the first day's morning: what is before it is over
	places    []clinic.Location
	zones     map[uuid.UUID]string // of the places
	kinds     []clinic.VisitKind
	plans     []Plan
	quotas    []int // appointments of the providers before each, and last of all
	frontDesk access.Actor
}

const (
	// dawn is an hour of UTC at which it is the early morning of the same date in every zone of the United States.
	dawn = 10 * time.Hour
	// founding is how many days before the first one everything was set up: before the first booking.
	founding = 60
)

const day = 24 * time.Hour

func newCrowd(order Order) *crowd {
	c := &crowd{Order: order, zones: map[uuid.UUID]string{}}
	c.space = uuid.NewSHA1(order.Organization, fmt.Appendf(nil, "load %d %d %d %d", order.Seed, order.Providers, order.Appointments, order.Days))
	c.plans = plansOf(order.Organization)
	c.frontDesk = access.Actor{Kind: access.Staff, ID: c.named("front desk", 0), Client: order.Actor.Client}
	c.quotas = c.shares()
	return c
}

// named is an id of version 5 (RFC 9562).
func (c *crowd) named(what string, n int) uuid.UUID {
	return uuid.NewSHA1(c.space, fmt.Appendf(nil, "%s %d", what, n))
}

func (c *crowd) staffID(i int) uuid.UUID { return c.named("provider", i) }

// founded is when the nth thing of a kind was set up.
func (c *crowd) founded(n int) time.Time {
	return c.now.AddDate(0, 0, -founding).Add(time.Duration(n) * time.Millisecond)
}

// Of a hundred providers so many are sought after: booked out for days.
const soughtAfter = 4

// fame says how many more appointments than others a provider has, and for how many days ahead there is no opening.
func (c *crowd) fame(i int) (weight float64, bookedOut int) {
	d := c.dice("fame", i)
	weight = math.Exp(d.NormFloat64() * 0.5)
	if d.chance(soughtAfter) {
		return 3, d.between(2, 9)
	}
	return min(weight, 3), 0
}

// shares cuts the appointments up by fame.
func (c *crowd) shares() []int {
	sums := make([]float64, c.Providers+1)
	for i := range c.Providers {
		weight, _ := c.fame(i)
		sums[i+1] = sums[i] + weight
	}
	quotas := make([]int, c.Providers+1)
	for i, sum := range sums {
		quotas[i] = int(math.Round(sum / sums[c.Providers] * float64(c.Appointments)))
	}
	return quotas
}

// span are providers from one to before another.
type span struct{ from, to int }

func (c *crowd) quota(s span) int { return c.quotas[s.to] - c.quotas[s.from] }

// How much a batch may hold. Its transaction is to take a fraction of the time that the database gives it.
const (
	visitsAtOnce = 1000
	staffAtOnce  = 200
)

// batches cuts the providers up so that each batch has about the same number of appointments.
func (c *crowd) batches() []span {
	size := staffAtOnce
	if c.Appointments > 0 {
		size = max(1, min(staffAtOnce, c.Providers*visitsAtOnce/c.Appointments))
	}
	var list []span
	for from := 0; from < c.Providers; from += size {
		list = append(list, span{from, min(from+size, c.Providers)})
	}
	return list
}

// site is where a provider works first: they go round all sites.
func (c *crowd) site(i int) clinic.Location { return c.places[i%len(c.places)] }

// chosen are as many sites as there are providers, drawn, when there are fewer than sites.
func (c *crowd) chosen() []clinic.PutLocation {
	if c.Providers >= len(c.Sites) {
		return c.Sites
	}
	drawn := c.dice("sites", 0).Perm(len(c.Sites))[:c.Providers]
	slices.Sort(drawn)
	list := make([]clinic.PutLocation, len(drawn))
	for i, n := range drawn {
		list[i] = c.Sites[n]
	}
	return list
}
