package prove_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/live"
)

// size is how large a town is and how long and hard it storms there.
type size struct {
	patients int           // who are after the same few openings
	stir     int           // of their turns a second, together
	bookers  int           // who book with providers who have room
	rate     int           // of their bookings a second, together
	roomy    int           // such providers
	lasts    time.Duration // of the storm
	change   time.Duration // between changes of the hours
	cut      time.Duration // between cuts of a connection
	days     int           // that are looked at
	drain    string        // how long a server that is told to stop has
	hold     int           // seconds that a hold lasts
	all      bool          // kinds of people look at each scope over each transport, rather than one
}

func sizeNow() size {
	if alone() {
		return size{patients: 60, stir: 20, bookers: 600, rate: 200, roomy: 20, lasts: time.Minute, change: 3 * time.Second, cut: 300 * time.Millisecond, days: 3, drain: "5s", hold: 2, all: true}
	}
	return size{patients: 12, stir: 30, bookers: 10, rate: 20, roomy: 2, lasts: 3 * time.Second, change: 200 * time.Millisecond, cut: 100 * time.Millisecond, days: 1, drain: "1s", hold: 1}
}

// act is what befalls a town in a storm, at a part of its duration.
type act struct {
	at   float64
	what string
	do   func(ctx context.Context, a *audience) error
}

var (
	oneIsKilled  = act{0.2, "an instance is killed and comes back", func(ctx context.Context, a *audience) error { return again(ctx, a.servers[0].Kill, a.servers[0].Start) }}
	oneIsStopped = act{0.75, "an instance is told to stop and comes back", func(ctx context.Context, a *audience) error {
		return again(ctx, a.servers[1].Stop, a.servers[1].Start)
	}}
	redisGoes  = act{0.33, "Redis is killed", func(_ context.Context, a *audience) error { return a.redis.Kill() }}
	redisComes = act{0.67, "Redis is back", func(ctx context.Context, a *audience) error { return a.redis.Start(ctx) }}
	fastStop   = act{0.5, "PostgreSQL is restarted", func(ctx context.Context, _ *audience) error { return world.rig.RestartPostgres(ctx, false) }}
	crash      = act{0.5, "PostgreSQL is restarted after a crash", func(ctx context.Context, _ *audience) error { return world.rig.RestartPostgres(ctx, true) }}
	oneLeaves  = act{0.3, "somebody leaves", func(_ context.Context, a *audience) error { a.screens[0].leave(); return nil }}
	oneReturns = act{0.7, "the log is trimmed, and they come back", func(ctx context.Context, a *audience) error { return a.age(ctx) }}
)

func again(ctx context.Context, end func() error, start func(context.Context) error) error {
	if err := end(); err != nil {
		return err
	}
	return start(ctx)
}

// Each storm that befalls a town, and what resets it brings beside those of hours that have changed a lot. When there is no time for all of
// them, one has everything.
func TestEverybodySeesWhatThereIsAfterAStorm(t *testing.T) {
	if !alone() {
		t.Run("of everything", func(t *testing.T) {
			tempest(t, []string{live.CursorTooOld}, oneIsKilled, redisGoes, oneLeaves, fastStop, redisComes, oneReturns, oneIsStopped)
		})
		return
	}
	t.Run("with one instance restarted", func(t *testing.T) { tempest(t, nil, oneIsKilled, oneIsStopped) })
	t.Run("with Redis away", func(t *testing.T) { tempest(t, nil, redisGoes, redisComes) })
	t.Run("with PostgreSQL restarted", func(t *testing.T) { tempest(t, nil, fastStop) })
	t.Run("with PostgreSQL crashed", func(t *testing.T) { tempest(t, nil, crash) })
	t.Run("with a cursor that is too old", func(t *testing.T) { tempest(t, []string{live.CursorTooOld}, oneLeaves, oneReturns) })
}

// tempest lets a storm rage through a new town, in the course of which the acts befall it.
func tempest(t *testing.T, resets []string, acts ...act) {
	s := sizeNow()
	w := newTown(t, s)
	ctx, cancel := context.WithTimeout(t.Context(), s.lasts+patience)
	defer cancel()
	a := w.gather(ctx)
	w.must(a.settle(ctx))
	b := w.begin(ctx)
	a.bustle = b
	began := time.Now()
	a.all.Go(func() { a.cutting(ctx) })
	calm := act{0.6, "it is calm for a moment", func(ctx context.Context, a *audience) error { return a.pause(ctx) }}
	for _, act := range slices.SortedStableFunc(slices.Values(append(acts, calm)), func(x, y act) int { return int(1000 * (x.at - y.at)) }) {
		timer := time.NewTimer(time.Until(began.Add(time.Duration(act.at * float64(s.lasts)))))
		<-timer.C
		t.Logf("%.1f s: %s", time.Since(began).Seconds(), act.what)
		w.must(act.do(ctx, a))
	}
	timer := time.NewTimer(time.Until(began.Add(s.lasts + time.Duration(b.calm.Load()))))
	<-timer.C
	b.halt()
	took := time.Since(began) - time.Duration(b.calm.Load())
	b.door.Lock() // no cuts but one, of everybody's
	w.must(a.settle(ctx))
	a.compare(ctx, "after the storm")
	for _, s := range a.screens {
		s.cut(true)
	}
	w.must(a.settle(ctx))
	a.compare(ctx, "after everybody came back")
	b.door.Unlock()
	cancel()
	a.all.Wait()
	t.Logf("%d bookings in %.0f s, %.0f a second, among %s", b.bookings.Load(), took.Seconds(), float64(b.bookings.Load())/took.Seconds(), &b.ends)
	if least := int64(float64(s.rate) * took.Seconds() / 2); alone() && b.bookings.Load() < least {
		t.Errorf("less than %d bookings are no storm", least)
	}
	had := a.account()
	for reason, n := range had {
		if reason != live.RulesChanged && !slices.Contains(resets, reason) {
			t.Errorf("%d resets because of %s", n, reason)
		}
	}
	for _, reason := range resets {
		if had[reason] == 0 {
			t.Errorf("no reset because of %s", reason)
		}
	}
}

// pause has everything stand still for a look.
func (a *audience) pause(ctx context.Context) error {
	a.door.Lock()
	defer a.door.Unlock()
	defer func(since time.Time) { a.calm.Add(int64(time.Since(since))) }(time.Now())
	if err := a.settle(ctx); err != nil {
		return err
	}
	a.compare(ctx, "in the middle")
	return nil
}

// cutting cuts connections at random until ctx ends.
func (a *audience) cutting(ctx context.Context) {
	tick := time.NewTicker(a.size.cut)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			a.door.RLock()
			a.screens[rand.IntN(len(a.screens))].cut(rand.IntN(2) == 0)
			a.door.RUnlock()
		case <-ctx.Done():
			return
		}
	}
}

const (
	forget    = `WITH gone AS (DELETE FROM event_log WHERE position <= $1 RETURNING position) UPDATE log_epoch SET forgotten = (SELECT max(position) FROM gone)`
	headOfLog = `SELECT max(position) FROM event_log`
)

// age forgets all of the log that was written while the first screen was away, which comes back then. All others have heard of everything.
func (a *audience) age(ctx context.Context) error {
	a.door.Lock()
	defer a.door.Unlock()
	var head int64
	if err := a.settle(ctx); err != nil {
		return err
	}
	if err := a.pool.QueryRow(ctx, headOfLog).Scan(&head); err != nil {
		return err
	}
	for _, s := range a.screens[1:] {
		if err := s.lookAgain(ctx, a.screens[0]); err != nil {
			return err
		}
		s.mu.Lock()
		head = min(head, s.cursor.Position) // some have nothing new to be told of
		s.mu.Unlock()
	}
	_, err := a.pool.Exec(ctx, forget, head)
	a.screens[0].comeBack()
	return err
}
