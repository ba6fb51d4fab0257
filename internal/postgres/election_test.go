package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
)

// terms holds an office as often as it can, until the test ends, and says when a term begins and ends.
func terms(t *testing.T, o *postgres.Office) (began, ended chan struct{}, resign context.CancelFunc) {
	began, ended = make(chan struct{}), make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer o.Close()
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			_, _ = o.Hold(ctx, func(term context.Context) {
				signal(ctx, began)
				<-term.Done()
				signal(ctx, ended)
			})
			<-tick.C
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
	return began, ended, cancel
}

func signal(ctx context.Context, c chan struct{}) {
	select {
	case c <- struct{}{}:
	case <-ctx.Done():
	}
}

func hears(t *testing.T, c chan struct{}, within time.Duration, what string) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(within):
		t.Errorf("%s: not within %v", what, within)
	}
}

func TestAnOfficeIsHeldByOneAndTakenOverWhenItIsLostOrGivenUp(t *testing.T) {
	pool := pgtest.New(t)
	first, lost, _ := terms(t, postgres.NewOffice(postgres.New(pool, nil), "herald"))
	hears(t, first, 5*time.Second, "the first is elected")
	second, _, resign := terms(t, postgres.NewOffice(postgres.New(pool, nil), "herald"))
	select {
	case <-second:
		t.Fatal("two are elected at once")
	case <-time.After(300 * time.Millisecond):
	}
	if _, err := pool.Exec(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted`); err != nil {
		t.Fatal(err)
	}
	hears(t, second, time.Second, "another is elected")
	hears(t, lost, 2*time.Second, "the first knows that it isn't any more")
	resign()
	hears(t, first, time.Second, "the first is elected again")
}

func TestOfficesOfDifferentNamesDoNotMeet(t *testing.T) {
	pool := pgtest.New(t)
	db := postgres.New(pool, nil)
	one, _, _ := terms(t, postgres.NewOffice(db, "herald"))
	hears(t, one, 5*time.Second, "one is elected")
	other, _, _ := terms(t, postgres.NewOffice(db, "crier"))
	hears(t, other, 5*time.Second, "the other is elected")
}
