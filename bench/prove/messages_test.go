package prove_test

import (
	"context"
	"sync"
	"testing"
	"time"
)

const (
	workersAtOnce = 3
	killEvery     = 5 * time.Second
	settling      = 10 * time.Minute // in which whatever is unclear ends
)

// big says whether this is the proof itself, whose end is worth waiting for. As a plain test it is over before anybody knows what became of
// the letters whose worker was killed.
func big() bool { return *texted >= 500 }

// All patients are told, once and in time, though workers are killed every few seconds in the middle of it.
func TestMessagesArriveOnceThoughWorkersAreKilled(t *testing.T) {
	if *texted == 0 {
		return
	}
	t.Parallel()
	p := newCampaign(t, *texted, workersAtOnce)
	pause, left := killEvery, 0
	if !big() {
		pause, left = *within/4, *texted/10
	}
	ctx, stop := context.WithCancel(t.Context())
	begin := time.Now().Add(2 * time.Second)
	p.remind(*texted, begin, *within)
	var kills sync.WaitGroup
	var killed int
	kills.Go(func() { killed = p.killWorkers(ctx, pause) })
	wait(t, time.Until(begin.Add(*within)))
	stop()
	kills.Wait()
	p.awaitEnd(settling, func(open int) bool { return open <= left })
	o := p.read()
	t.Logf("%d messages due in %s, a worker killed every %s, %d times", *texted, *within, pause, killed)
	p.show(o)
	p.judge(o, left)
	if len(o.asked)+len(o.unknown) == 0 && big() {
		t.Error("no call was under way when a worker was killed")
	}
}
