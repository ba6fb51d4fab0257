package prove_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/queue"
	"github.com/mediconnect/mediconnect/internal/testkit/redistest"
)

// trouble is something that becomes of Redis while messages are due.
type trouble struct {
	name  string
	after time.Duration // from when the first messages are due
	do    func(p *campaign)
}

const (
	lagging   = 8 * time.Second // Sentinels promote no replica that has heard nothing for 15 s and more
	awayAfter = 4 * time.Minute
	awayFor   = 10 * time.Minute
	afterHeal = 2 * time.Minute
	seenIn    = time.Minute // the queue is away, or back
)

// troubles of Redis, each over before the next begins. What was lost is looked for a minute after it was due.
var troubles = []trouble{
	{"it is restarted empty, sooner than anybody notices", 100 * time.Second, func(p *campaign) {
		n := p.redis.AwaitSteady(p.t)
		n.Kill()
		n.Start(p.t)
	}},
	{"it is flushed", 170 * time.Second, func(p *campaign) { p.redis.AwaitSteady(p.t).Flush(p.t, p.redis.Password) }},
	{"all of it is away", awayAfter, func(p *campaign) { p.beAway(awayFor) }},
}

// primaryDies is what is quick enough for a plain test.
var primaryDies = []trouble{{"the primary is killed", 2 * time.Second, func(p *campaign) {
	first := p.redis.AwaitSteady(p.t)
	first.Kill()
	p.redis.AwaitOther(p.t, first)
	first.Start(p.t)
}}}

// All patients are told, once and in time, whatever becomes of Redis, and though workers are killed besides.
func TestMessagesArriveOnceWhateverBecomesOfRedis(t *testing.T) {
	if *texted == 0 {
		return
	}
	t.Parallel()
	n, in, pause, left, list := *texted, *within, *within/4, *texted/10, primaryDies
	if big() { // as many a minute as within the time that is given, for longer
		in = awayAfter + awayFor + afterHeal
		n, pause, left, list = int(int64(*texted)*int64(in)/int64(*within)), killEvery, 0, troubles
	}
	p := newCampaign(t, n, workersAtOnce)
	ctx, stop := context.WithCancel(t.Context())
	begin := time.Now().Add(time.Duration(n/1000+2) * time.Second)
	p.remindInto(n, begin, in)
	var kills sync.WaitGroup
	kills.Go(func() { p.killWorkers(ctx, pause) })
	for _, one := range list {
		wait(t, time.Until(begin.Add(one.after)))
		at := time.Now()
		one.do(p)
		t.Logf("%s: from %s to %s", one.name, at.Sub(begin).Round(time.Second), time.Since(begin).Round(time.Second))
	}
	wait(t, time.Until(begin.Add(in)))
	stop()
	kills.Wait()
	p.awaitEnd(settling, func(open int) bool { return open <= left })
	o := p.read()
	t.Logf("%d messages due in %s", n, in)
	p.show(o)
	p.judge(o, left)
	if late := o.between(p.away.from, p.away.to); big() {
		t.Logf("due while Redis was away, %s", late)
		if p50 := late.percentile(50); p50 > seenIn+10*time.Second {
			t.Errorf("half of what was due while Redis was away was more than %s late", p50)
		}
	}
}

// remindInto has messages be due, and in the proof most of what the queue is given for them lost: its replicas lag, and the primary goes.
func (p *campaign) remindInto(n int, begin time.Time, in time.Duration) {
	p.t.Helper()
	if !big() {
		p.remind(n, begin, in)
		return
	}
	first, began := p.redis.AwaitSteady(p.t), time.Now()
	first.Lag(true)
	p.remind(n, begin, in)
	wait(p.t, time.Until(began.Add(lagging)))
	before := p.depths()
	first.Cut(true)
	p.redis.AwaitOther(p.t, first)
	after := p.depths()
	first.Lag(false)
	first.Cut(false)
	p.t.Logf("the primary was cut off behind replicas that lagged for %s: of %d tasks %d were left", time.Since(began).Round(time.Second), tasksOf(before), tasksOf(after))
}

func tasksOf(depths map[string]queue.Depth) (n int) {
	for _, d := range depths {
		n += d.Pending + d.Active + d.Scheduled + d.Retry
	}
	return n
}

// beAway has all of Redis gone for a time, and looks how long nobody is told, and whether the queue is used when it is back.
func (p *campaign) beAway(long time.Duration) {
	p.t.Helper()
	p.redis.Leave()
	left := time.Now()
	before := p.vendors.Accepted()
	wait(p.t, seenIn+15*time.Second) // what falls due meanwhile has been late for a minute
	early := p.vendors.Accepted()
	wait(p.t, time.Until(left.Add(long)))
	until := p.vendors.Accepted()
	p.redis.Return(p.t)
	back := time.Now()
	p.away.from, p.away.to = left, back
	p.t.Logf("Redis away for %s: %d messages were taken in the first %s, %d in the rest of it", back.Sub(left).Round(time.Second), early-before, seenIn+15*time.Second, until-early)
	if early == before || until == early {
		p.t.Error("nothing was sent while Redis was away")
	}
	wait(p.t, seenIn)
	done, depths := p.handled(), p.depths()
	p.t.Logf("%s after it was back the queue had handled %d tasks, and held %+v", time.Since(back).Round(time.Second), done, depths)
	if done == 0 {
		p.t.Errorf("the queue isn't used %s after Redis was back", seenIn)
	}
}

// handled is how many tasks of messages workers have taken from this Redis today, as asynq counts them.
func (p *campaign) handled() (n int) {
	p.t.Helper()
	client := redis.NewFailoverClient(&redis.FailoverOptions{
		MasterName: redistest.PrimaryName, SentinelAddrs: p.redis.Sentinels(), SentinelPassword: p.redis.Password, Password: p.redis.Password,
	})
	defer client.Close()
	for _, name := range []string{"sms", "email"} {
		count, err := client.Get(p.t.Context(), "asynq:{"+name+"}:processed:"+time.Now().UTC().Format(time.DateOnly)).Int()
		if err == nil {
			n += count
		}
	}
	return n
}

func (p *campaign) depths() map[string]queue.Depth {
	p.t.Helper()
	q, err := queue.Open(queue.Options{Clock: clock.System{}, Redis: queue.Address{
		Sentinels: p.redis.Sentinels(), Master: redistest.PrimaryName, Password: p.redis.Password, SentinelPassword: p.redis.Password,
	}})
	p.check(err)
	defer q.Close()
	depths, err := q.Depths(p.t.Context())
	if err != nil {
		p.t.Error(err)
	}
	return depths
}
