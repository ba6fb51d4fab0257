package resilience

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// vendors are those that have a guard.
var vendors = []Dependency{Twilio, SendGrid, RecordSystem, Webhooks}

func faulty(error) bool { return true }

func answers(context.Context) error { return nil }

func fails(context.Context) error { return errAway }

// takes answers after a while, or fails once its time is over.
func takes(d time.Duration) func(context.Context) error {
	return func(ctx context.Context) error {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(d):
			return nil
		}
	}
}

func TestAGuardOpensAfterTwentyBadCallsAndNoSooner(t *testing.T) {
	for _, d := range vendors {
		g := GuardOf(d)
		for i := range 20 {
			if err := g.Call(t.Context(), faulty, fails); !errors.Is(err, errAway) {
				t.Fatalf("%s: bad call %d is answered %v", d, i+1, err)
			}
		}
		called := false
		err := g.Call(t.Context(), faulty, func(context.Context) error { called = true; return nil })
		if s := g.State(); !errors.Is(err, ErrOpen) || called || s.State != "open" || s.Failed != 20 || s.Kept != 1 || s.Opened != 1 {
			t.Errorf("%s: the call after them is answered %v; made: %v; %+v", d, err, called, s)
		}
		if _, err := g.Enter(t.Context()); !errors.Is(err, ErrOpen) {
			t.Errorf("%s: who comes is told %v", d, err)
		}
	}
}

func TestAGuardOpensWhenHalfOfTheLastTwentyCallsAreBad(t *testing.T) {
	g := GuardOf(Twilio)
	for range 1000 {
		_ = g.Call(t.Context(), faulty, answers)
	}
	bad := 0
	for ; bad < 100 && g.State().State == "closed"; bad++ {
		_ = g.Call(t.Context(), faulty, fails)
	}
	if bad != 10 {
		t.Errorf("after a thousand good calls it opened after %d bad ones", bad)
	}
	seldom := GuardOf(Twilio)
	for i := range 1000 {
		call := answers
		if i%20 < 9 {
			call = fails
		}
		_ = seldom.Call(t.Context(), faulty, call)
	}
	if s := seldom.State(); s.Opened > 0 {
		t.Errorf("9 of any 20 calls failed, and it opened: %+v", s)
	}
}

func TestCallsThatAreAnsweredTooLateOpenIt(t *testing.T) {
	for _, d := range vendors {
		synctest.Test(t, func(t *testing.T) {
			g := GuardOf(d)
			for range 20 {
				if err := g.Call(t.Context(), faulty, takes(g.Policy().Slow)); err != nil {
					t.Fatalf("%s: %v", d, err)
				}
			}
			if s := g.State(); s.State != "closed" || s.Succeeded != 20 {
				t.Errorf("%s: just in time: %+v", d, s)
			}
			for range 10 {
				_ = g.Call(t.Context(), faulty, takes(g.Policy().Slow+time.Millisecond))
			}
			if s := g.State(); s.State != "open" || s.Slow != 10 {
				t.Errorf("%s: too late: %+v", d, s)
			}
		})
	}
}

// A call that waits for our own database must not have the vendor taken for slow.
func TestWhatAVendorHasNoPartInIsNotHeldAgainstIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := GuardOf(Twilio)
		waits := func(ours, theirs time.Duration) {
			_ = g.Call(t.Context(), faulty, func(ctx context.Context) error {
				Apart(ctx, func() { <-time.After(ours) })
				return takes(theirs)(ctx)
			})
		}
		for range 40 {
			waits(g.Policy().Slow, g.Policy().Slow-time.Second)
		}
		if s := g.State(); s.State != "closed" || s.Succeeded != 40 {
			t.Errorf("%+v", s)
		}
		for range 20 {
			waits(time.Second, g.Policy().Slow+time.Second)
		}
		if s := g.State(); s.State != "open" {
			t.Errorf("%+v", s)
		}
		done := false
		if Apart(t.Context(), func() { done = true }); !done {
			t.Error("outside a call nothing is done")
		}
	})
}

// That a vendor hangs is its fault, whatever the caller thinks of the error.
func TestACallEndsWithTheDependencysTime(t *testing.T) {
	for _, d := range vendors {
		synctest.Test(t, func(t *testing.T) {
			g, began := GuardOf(d), time.Now()
			err := g.Call(t.Context(), func(error) bool { return false }, takes(time.Hour))
			if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took != g.Policy().Call || g.State().Failed != 1 {
				t.Errorf("%s: answered %v after %s; %+v", d, err, took, g.State())
			}
		})
	}
}

func TestAnOutageLetsThreeProbesThroughEachHalfMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, reached := GuardOf(SendGrid), 0
		down := func(context.Context) error { reached++; return errAway }
		for range 20 {
			_ = g.Call(t.Context(), faulty, down)
		}
		for reached = 0; g.State().Opened < 20; {
			before := reached
			for range 300 { // many come, all the time
				<-time.After(100 * time.Millisecond)
				_ = g.Call(t.Context(), faulty, down)
			}
			if probes := reached - before; probes < 1 || probes > 3 {
				t.Fatalf("%d probes in 30 s", probes)
			}
		}
		<-time.After(g.Policy().Breaker.Pause)
		if s := g.State(); s.State != "half-open" || s.RestMs != 0 {
			t.Errorf("after the pause: %+v", s)
		}
		for range 3 {
			if err := g.Call(t.Context(), faulty, answers); err != nil {
				t.Errorf("once it is back, a call is answered %v", err)
			}
		}
		if s := g.State(); s.State != "closed" {
			t.Errorf("after three good probes: %+v", s)
		}
	})
}

func TestHowLongAVendorFailsCountsFromWhenItWasWellLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := GuardOf(Twilio)
		want := func(when string, shut time.Duration) {
			t.Helper()
			if got, s := g.Shut(), g.State(); got != shut || s.ShutMs != shut.Milliseconds() {
				t.Errorf("%s: %s; %+v", when, got, s)
			}
		}
		pause := g.Policy().Breaker.Pause
		<-time.After(time.Minute)
		want("before it fails", 0)
		for range 20 {
			_ = g.Call(t.Context(), faulty, fails)
		}
		want("when it has opened", 0)
		for i := range time.Duration(3) {
			<-time.After(pause)
			want("through pauses and probes", (i+1)*pause)
			_ = g.Call(t.Context(), faulty, fails)
			want("after a probe that failed", (i+1)*pause)
		}
		<-time.After(pause + time.Second)
		for range 2 {
			_ = g.Call(t.Context(), faulty, answers)
		}
		want("while it is tried", 4*pause+time.Second)
		_ = g.Call(t.Context(), faulty, answers)
		want("when it is well again", 0)
		<-time.After(time.Hour)
		for range 20 {
			_ = g.Call(t.Context(), faulty, fails)
		}
		<-time.After(time.Second)
		want("a second after it has opened anew", time.Second)
	})
}

// opened is a guard whose pause is just over.
func opened(t *testing.T, d Dependency) *Guard {
	t.Helper()
	g := GuardOf(d)
	for range 20 {
		_ = g.Call(t.Context(), faulty, fails)
	}
	<-time.After(g.Policy().Breaker.Pause)
	return g
}

func TestNoMoreThanThreeProbesAreMadeHoweverManyComeAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := opened(t, Twilio)
		var all sync.WaitGroup
		var mu sync.Mutex
		told := map[bool]int{}
		for range 200 {
			all.Go(func() {
				err := g.Call(t.Context(), faulty, takes(time.Second))
				mu.Lock()
				defer mu.Unlock()
				told[errors.Is(err, ErrOpen)]++
			})
		}
		synctest.Wait()
		if _, err := g.Enter(t.Context()); !errors.Is(err, ErrOpen) {
			t.Errorf("while three look, who comes is told %v", err)
		}
		all.Wait()
		if told[false] != 3 || told[true] != 197 || g.State().State != "closed" {
			t.Errorf("%d probes, %d were kept; %+v", told[false], told[true], g.State())
		}
	})
}

// A probe's permit must come back, or the vendor would never be asked again.
func TestAProbeThatPanicsOrIsBrokenOffLeavesThePermit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := opened(t, Twilio)
		for range 5 {
			ctx, cancel := context.WithCancel(t.Context())
			_ = g.Call(ctx, faulty, func(ctx context.Context) error { cancel(); return ctx.Err() })
		}
		if s := g.State(); s.State != "half-open" || s.Abandoned != 5 {
			t.Errorf("after five callers went away: %+v", s)
		}
		func() {
			defer func() { _ = recover() }()
			_ = g.Call(t.Context(), faulty, func(context.Context) error { panic("a bug") })
		}()
		if s := g.State(); s.State != "open" || s.Failed != 21 {
			t.Errorf("after a panic: %+v", s)
		}
		<-time.After(g.Policy().Breaker.Pause)
		for range 3 {
			if err := g.Call(t.Context(), faulty, answers); err != nil {
				t.Errorf("the next probe is answered %v", err)
			}
		}
	})
}

// What was asked before it opened and is answered while it is tried says nothing of how the vendor is now.
func TestLateAnswersAreNoProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := GuardOf(RecordSystem)
		out := make(chan error)
		var late sync.WaitGroup
		for range 3 {
			late.Go(func() {
				_ = g.Call(t.Context(), faulty, func(context.Context) error { return <-out })
			})
		}
		synctest.Wait()
		for range 20 {
			_ = g.Call(t.Context(), faulty, fails)
		}
		<-time.After(g.Policy().Breaker.Pause)
		_ = g.Call(t.Context(), faulty, answers)
		for _, err := range []error{nil, nil, errAway} {
			out <- err
		}
		late.Wait()
		if s := g.State(); s.State != "half-open" {
			t.Errorf("after one good probe and three late answers: %+v", s)
		}
	})
}

func TestACallersGoingAwayIsNoFaultOfTheVendor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := GuardOf(Twilio)
		for range 100 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if err := g.Call(ctx, faulty, takes(time.Minute)); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatal(err)
			}
			cancel()
			if err := g.Call(ctx, faulty, fails); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("a call for nobody is answered %v", err)
			}
		}
		if s := g.State(); s.State != "closed" || s.Abandoned != 100 || s.Failed != 0 {
			t.Errorf("%+v", s)
		}
		for range 20 { // but these waited longer than any call may take
			ctx, cancel := context.WithTimeout(t.Context(), g.Policy().Slow+time.Second)
			_ = g.Call(ctx, faulty, takes(time.Minute))
			cancel()
		}
		if s := g.State(); s.State != "open" {
			t.Errorf("20 callers gave up on a vendor that hangs: %+v", s)
		}
	})
}

func TestARefusalIsNoFaultOfTheVendor(t *testing.T) {
	g := GuardOf(Twilio)
	for range 100 {
		_ = g.Call(t.Context(), func(error) bool { return false }, fails)
	}
	if s := g.State(); s.State != "closed" || s.Succeeded != 100 {
		t.Errorf("%+v", s)
	}
}

// A goroutine that stayed behind would keep the bubble from ending.
func TestAsManyAreUnderWayAndWaitAsTheTableSays(t *testing.T) {
	for d, want := range map[Dependency]struct{ places, queue int }{Twilio: {10, 100}, SendGrid: {10, 100}, RecordSystem: {5, 50}} {
		synctest.Test(t, func(t *testing.T) {
			g, out := GuardOf(d), make(chan struct{})
			var inside, most, full, done int
			var mu sync.Mutex
			var all sync.WaitGroup
			for range want.places + want.queue + 25 {
				all.Go(func() {
					exit, err := g.Enter(t.Context())
					mu.Lock()
					if err != nil {
						if !errors.Is(err, ErrFull) {
							t.Error(err)
						}
						full++
						mu.Unlock()
						return
					}
					inside++
					most = max(most, inside)
					mu.Unlock()
					<-out
					mu.Lock()
					inside--
					done++
					mu.Unlock()
					exit()
					exit() // it gives one place back, not two
				})
			}
			synctest.Wait()
			if s := g.State(); s.InFlight != want.places || s.Waiting != want.queue || s.Rejected != 25 || full != 25 {
				t.Errorf("%s: %+v", d, s)
			}
			close(out)
			all.Wait()
			if s := g.State(); most != want.places || done != want.places+want.queue || s.InFlight != 0 || s.Waiting != 0 {
				t.Errorf("%s: %d at once, %d in all; then %+v", d, most, done, s)
			}
		})
	}
}

func TestWhoWaitsIsLetGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := GuardOf(RecordSystem)
		var exits []func()
		for range g.Policy().Places {
			exit, err := g.Enter(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			exits = append(exits, exit)
		}
		ctx, cancel := context.WithCancel(t.Context())
		waits := func(ctx context.Context) <-chan error {
			told := make(chan error, 1)
			go func() {
				_, err := g.Enter(ctx)
				told <- err
			}()
			synctest.Wait()
			return told
		}
		first, second := waits(ctx), waits(t.Context())
		cancel()
		if err := <-first; !errors.Is(err, context.Canceled) || g.State().Waiting != 1 {
			t.Errorf("who goes away is told %v; %+v", err, g.State())
		}
		if _, err := g.Enter(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("who has gone is told %v", err)
		}
		for range 20 {
			_ = g.Call(t.Context(), faulty, fails)
		}
		exits[0]()
		if err := <-second; !errors.Is(err, ErrOpen) {
			t.Errorf("it has opened meanwhile, and who waited is told %v", err)
		}
		if s := g.State(); s.InFlight != g.Policy().Places-1 || s.Waiting != 0 {
			t.Errorf("then %+v", s)
		}
	})
}

func TestOneVendorsHangDoesNotTouchAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hanging, well := GuardOf(RecordSystem), GuardOf(Twilio)
		var all sync.WaitGroup
		for range 500 {
			all.Go(func() {
				exit, err := hanging.Enter(t.Context())
				if err != nil {
					return
				}
				defer exit()
				_ = hanging.Call(t.Context(), faulty, takes(time.Hour))
			})
		}
		synctest.Wait()
		began := time.Now()
		for range 1000 {
			exit, err := well.Enter(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if err := well.Call(t.Context(), faulty, answers); err != nil {
				t.Fatal(err)
			}
			exit()
		}
		if waited := time.Since(began); waited > 0 || well.State().Succeeded != 1000 {
			t.Errorf("a thousand calls of the other waited %s; %+v", waited, well.State())
		}
		all.Wait()
		if s := hanging.State(); s.State != "open" && s.State != "half-open" || s.InFlight != 0 || s.Rejected != 445 {
			t.Errorf("the one that hangs: %+v", s)
		}
	})
}

func TestWhoIsTurnedAwayComesBackWhenItMayBeOfUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := GuardOf(Twilio)
		if after := g.Again(); after < time.Second || after >= 5*time.Second {
			t.Errorf("while it is closed, after %s", after)
		}
		for range 20 {
			_ = g.Call(t.Context(), faulty, fails)
		}
		<-time.After(10 * time.Second)
		differ := map[time.Duration]bool{}
		for range 100 {
			after := g.Again()
			if after < 21*time.Second || after >= 25*time.Second {
				t.Errorf("with 20 s of the pause left, after %s", after)
			}
			differ[after] = true
		}
		if len(differ) < 90 {
			t.Error("all come back at once")
		}
	})
}
