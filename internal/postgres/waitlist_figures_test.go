package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
	"github.com/mediconnect/mediconnect/internal/waitlist"
)

func TestOperatorsSeeWhatWaitlistsAreToBeSeenToFor(t *testing.T) {
	d := newWaitDesk(t)
	provider := d.Provider(1)
	visits := d.full(provider)
	d.join(d.Patient(), nil)
	d.match()
	d.cancel(visits[d.Slot(provider, 14, 0).Start])
	d.clock.Advance(12 * time.Second)
	store := postgres.NewWaitlistStore(postgres.New(d.pool, keytest.Of(t, d.pool)))
	f, err := store.Figures(context.Background(), d.clock.Now())
	if freed := f[waitlist.TurnFreed]; err != nil || freed.Count != 1 || freed.Oldest != 12*time.Second || f[waitlist.TurnOffer].Count != 0 {
		t.Errorf("a time is kept: %+v %v", f, err)
	}
	d.match()
	d.clock.Advance(12 * time.Second)
	if f, err = store.Figures(context.Background(), d.clock.Now()); err != nil || f[waitlist.TurnFreed].Count != 0 {
		t.Errorf("somebody was found: %+v %v", f, err)
	}
}
