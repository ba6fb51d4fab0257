package postgres_test

import (
	"context"
	"testing"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
)

func TestALockedProviderKeepsNoOtherFromLapsing(t *testing.T) {
	d := newDesk(t)
	var providers []clinic.Ref
	for range 20 {
		p := d.Provider(1)
		d.mustHold(d.Patient(), d.Slot(p, 10, 0))
		providers = append(providers, p)
	}
	lock := d.begin()
	if _, err := lock.Exec(t.Context(), `SELECT FROM party_days WHERE party_id = $1 FOR UPDATE`, providers[0].ID); err != nil {
		t.Fatal(err)
	}
	d.clock.Advance(5 * 60e9)
	for _, want := range []int{19, 0} { // 1 at a time: the locked one, whose hold is the oldest, mustn't be all that is ever tried
		if n, err := d.Sweep(context.Background(), 1); n != want || errs.Of(err) != errs.Busy {
			t.Fatalf("swept %d of %d: %v", n, want, err)
		}
	}
	if err := lock.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, err := d.Sweep(context.Background(), 1); n != 1 || err != nil {
		t.Fatalf("after the lock was given back it swept %d: %v", n, err)
	}
}
