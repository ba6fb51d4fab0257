// Package load is a shelf of the loading bay: an invented crowd of any size at real sites, for load tests and benches.
package load

import (
	"context"
	"fmt"
	"sync"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// The bounds of an order.
const (
	MaxProviders    = 100_000
	MaxAppointments = 10_000_000
	MaxDays         = 300 // visits are booked up to 30 days before, and a year ahead at most
	Densest         = 3   // appointments a provider and day on average: what half-time hours take
)

// Behind is how many days before the first one a third of the appointments lie.
const Behind = 30

// Order says what to make. The same order makes the same data, ids and all.
type Order struct {
	Organization            uuid.UUID
	Actor                   access.Actor // who sets it all up
	Sites                   []clinic.PutLocation
	Seed                    int
	Providers, Appointments int
	Days                    int        // how many days ahead appointments reach
	Today                   civil.Date // their first day; zero: the one of what was begun before, else Now's
	Now                     time.Time
	Progress                func(done, total int) // appointments
}

// Store keeps what a load makes. Any method may fail with a busy error (errs.Busy).
type Store interface {
	// Begun answers when those of an organisation's providers that exist were put first.
	Begun(ctx context.Context, organization uuid.UUID, providers []uuid.UUID) (map[uuid.UUID]time.Time, error)
	// PutPlans saves the insurance plans that don't exist yet.
	PutPlans(ctx context.Context, organization uuid.UUID, plans []Plan) error
	// Save saves a batch with audit rows and events in one transaction, or nothing when its first provider exists.
	Save(ctx context.Context, b Batch) (saved bool, err error)
	// Analyze has the database look at what it holds, so that its plans fit at once.
	Analyze(ctx context.Context) error
}

// hands are how many batches are made and saved at the same time.
const hands = 2

// Load makes what an order says, batch by batch. What an earlier load of the same order has saved is found again and stays,
// whatever has happened to it since.
func Load(ctx context.Context, directory clinic.Store, store Store, order Order) (Report, error) {
	c := newCrowd(order)
	report := Report{Organization: order.Organization}
	begun, err := c.begin(ctx, store)
	if err != nil {
		return report, err
	}
	report.Today = c.Today
	if err := c.setUp(ctx, directory); err != nil {
		return report, err
	}
	if err := store.PutPlans(ctx, c.Organization, c.plans); err != nil {
		return report, err
	}
	report.Locations, report.VisitKinds, report.Plans = len(c.places), len(c.kinds), len(c.plans)
	if err := c.fill(ctx, store, begun, &report); err != nil {
		return report, err
	}
	report.NoRoom = c.Appointments - report.Appointments - report.Found.Appointments
	return report, store.Analyze(ctx)
}

// begin finds out which batches are there already, and settles the first day.
func (c *crowd) begin(ctx context.Context, store Store) (map[uuid.UUID]time.Time, error) {
	var heads []uuid.UUID
	for _, s := range c.batches() {
		heads = append(heads, c.staffID(s.from))
	}
	begun, err := store.Begun(ctx, c.Organization, heads)
	if err != nil {
		return nil, err
	}
	asked := c.Today
	if asked.IsZero() {
		c.Today = civil.DateOf(c.Now.UTC().Add(-dawn))
	}
	for _, at := range begun {
		c.Today = civil.DateOf(at.UTC()).AddDays(founding)
	}
	if !asked.IsZero() && c.Today != asked {
		return nil, fmt.Errorf("this was begun with %s as its first day: name that day, or take another seed", c.Today)
	}
	c.now = c.Today.In(time.UTC).Add(dawn)
	return begun, nil
}

// fill makes and saves the batches that are missing.
func (c *crowd) fill(ctx context.Context, store Store, begun map[uuid.UUID]time.Time, report *Report) error {
	var mu sync.Mutex
	tell := func(b Batch, s span, saved bool) {
		mu.Lock()
		defer mu.Unlock()
		report.add(b, s, c.quota(s), saved)
		if c.Progress != nil {
			c.Progress(report.Appointments+report.Found.Appointments, c.Appointments)
		}
	}
	group, working := errgroup.WithContext(ctx)
	group.SetLimit(hands)
	for n, s := range c.batches() {
		if _, exists := begun[c.staffID(s.from)]; exists {
			tell(Batch{}, s, false)
			continue
		}
		if working.Err() != nil {
			break
		}
		group.Go(func() error {
			b, err := c.batch(n, s)
			if err != nil {
				return err
			}
			saved, err := save(working, store, b)
			if err == nil {
				tell(b, s, saved)
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return context.Cause(ctx)
}

// attempts are made at a batch while the database is busy.
const attempts = 5

func save(ctx context.Context, store Store, b Batch) (saved bool, err error) {
	for again := range attempts {
		saved, err = store.Save(ctx, b)
		if ctx.Err() != nil || errs.Of(err) != errs.Busy {
			return saved || err == nil && again > 0, err // a busy answer may have come after all was saved
		}
	}
	return false, err
}
