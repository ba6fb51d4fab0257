package resilience

import (
	"errors"
	"sync"
	"testing"
	"time"
)

var errAway = errors.New("away")

func fail() error { return errAway }

func succeed() error { return nil }

func TestABreakerOpensAfterFiveFailuresInARow(t *testing.T) {
	b := For(Redis)
	for range 20 {
		_ = b.Do(succeed)
	}
	for i := range 5 {
		if err := b.Do(fail); !errors.Is(err, errAway) {
			t.Fatalf("failure %d is answered %v", i+1, err)
		}
	}
	called := false
	err := b.Do(func() error { called = true; return nil })
	if !errors.Is(err, ErrOpen) || called || b.State().State != "open" {
		t.Errorf("the call after them is answered %v; made: %v; %+v", err, called, b.State())
	}
	if s := b.State(); s.Succeeded != 20 || s.Failed != 5 || s.Kept != 1 || s.Opened != 1 {
		t.Errorf("counted %+v", s)
	}
}

func TestABreakerOpensWhenHalfOfTheCallsFail(t *testing.T) {
	b := For(Redis)
	made := 0
	for ; made < 100 && b.State().State == "closed"; made++ {
		call := succeed
		if made%2 == 0 {
			call = fail
		}
		_ = b.Do(call)
	}
	if made > 10 {
		t.Errorf("every second call failed, and it opened after %d", made)
	}
	seldom := For(Redis)
	for i := range 100 {
		call := succeed
		if i%3 == 0 {
			call = fail
		}
		_ = seldom.Do(call)
	}
	if seldom.State().Opened > 0 {
		t.Error("every third call failed, and it opened")
	}
}

func TestOneCallAtATimeFindsOutThatADependencyIsBack(t *testing.T) {
	p := table[Redis].Breaker
	p.Pause = 50 * time.Millisecond
	b := p.breaker()
	for range p.Bad {
		_ = b.Do(fail)
	}
	<-time.After(2 * p.Pause)
	inside, out := make(chan struct{}), make(chan struct{})
	var probe sync.WaitGroup
	probe.Go(func() {
		_ = b.Do(func() error {
			close(inside)
			<-out
			return errAway
		})
	})
	<-inside
	if err := b.Do(succeed); !errors.Is(err, ErrOpen) {
		t.Errorf("while one looks, another call is answered %v", err)
	}
	close(out)
	probe.Wait()
	if err := b.Do(succeed); !errors.Is(err, ErrOpen) {
		t.Errorf("after a look that failed, a call is answered %v", err)
	}
	<-time.After(2 * p.Pause)
	for range 3 {
		if err := b.Do(succeed); err != nil {
			t.Errorf("once it is back, a call is answered %v", err)
		}
	}
	if s := b.State(); s.State != "closed" || s.Opened != 2 {
		t.Errorf("%+v", s)
	}
}

func TestAPanicInALookDoesNotKeepEverybodyOutForGood(t *testing.T) {
	p := table[Redis].Breaker
	p.Pause = 20 * time.Millisecond
	b := p.breaker()
	for range p.Bad {
		_ = b.Do(fail)
	}
	<-time.After(2 * p.Pause)
	func() {
		defer func() { _ = recover() }()
		_ = b.Do(func() error { panic("a bug") })
	}()
	<-time.After(2 * p.Pause)
	if err := b.Do(succeed); err != nil {
		t.Errorf("the next look is answered %v", err)
	}
}

func TestThePoliciesAreAsTheyArePromised(t *testing.T) {
	if p := table[Redis].Breaker; p.Bad > 5 || 2*p.Bad > p.Last || p.Pause > time.Second {
		t.Errorf("Redis: %+v", p)
	}
}
