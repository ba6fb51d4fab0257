package postgres

import (
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
)

// A process that was stopped, or cut off, keeps its connection and says nothing.
func TestAnOfficeOfAHolderThatSaysNothingIsFreeAfterSeconds(t *testing.T) {
	pool := pgtest.New(t)
	silent, other := NewOffice(New(pool, nil), "herald"), NewOffice(New(pool, nil), "herald")
	defer silent.Close()
	defer other.Close()
	if free, err := silent.try(t.Context()); err != nil || !free {
		t.Fatalf("elected: %v, %v", free, err)
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for began := time.Now(); ; <-tick.C {
		free, err := other.try(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		took := time.Since(began)
		if free && took < silentFor-time.Second {
			t.Fatalf("it was free after %v already", took)
		}
		if free {
			return
		}
		if took > silentFor+2*time.Second {
			t.Fatalf("it isn't free after %v", took)
		}
	}
}
