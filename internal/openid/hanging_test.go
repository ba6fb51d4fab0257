package openid_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/openid"
	"github.com/mediconnect/mediconnect/internal/testkit/openidtest"
)

// soon is long before a provider is given up on.
const soon = 2 * time.Second

func TestAThousandWhoWaitForAProviderThatHangsLeaveWhenTheirOwnTimeIsUp(t *testing.T) {
	a := openidtest.New(t)
	a.Hang = make(chan struct{})
	p := openid.New([]openid.Client{client(a, "corp")}, clock.System{})
	provider, _ := p.Find([16]byte{}, "corp")
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	var all sync.WaitGroup
	for range 1000 {
		all.Go(func() {
			if _, err := p.Authorize(ctx, provider, ask()); errs.Of(err) != errs.Busy || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("who waited is told %v", err)
			}
		})
	}
	all.Wait()
	if took := time.Since(began); took > soon {
		t.Errorf("the last left after %s", took)
	}
	later := make(chan error, 1)
	go func() {
		_, err := p.Authorize(t.Context(), provider, ask())
		later <- err
	}()
	close(a.Hang)
	if err := <-later; err != nil || a.Asked() != 2 { // what it is takes two requests: all shared them
		t.Errorf("who waits longer: %v; the provider was asked %d times", err, a.Asked())
	}
}

func TestWhoWaitsForACodeToBeTakenLeavesWhenTheirOwnTimeIsUp(t *testing.T) {
	a := openidtest.New(t)
	p := openid.New([]openid.Client{client(a, "corp")}, clock.System{})
	provider, with, code := trip(t, p, a, "corp")
	a.Hang = make(chan struct{})
	defer close(a.Hang)
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := p.Exchange(ctx, provider, code, with); errs.Of(err) != errs.Busy || time.Since(began) > soon {
		t.Errorf("%v after %s", err, time.Since(began))
	}
}

func TestWhatAProviderSaidIsBelievedOnWhileItIsAway(t *testing.T) {
	a := openidtest.New(t)
	now := clock.FrozenAt(time.Date(2030, 5, 6, 12, 0, 0, 0, time.UTC))
	p := openid.New([]openid.Client{client(a, "corp")}, now)
	provider, _ := p.Find([16]byte{}, "corp")
	goes := func(when string, asked int) {
		t.Helper()
		before := a.Asked()
		if _, err := p.Authorize(t.Context(), provider, ask()); err != nil || a.Asked()-before != asked {
			t.Errorf("%s: asked %d times, %v", when, a.Asked()-before, err)
		}
	}
	goes("at first", 2)
	goes("soon after", 0)
	now.Advance(time.Hour)
	a.Away = 503
	goes("away", 1)
	goes("still away", 0)
	now.Advance(time.Minute)
	a.Away = 0
	goes("back", 2)
	goes("after that", 0)
}
