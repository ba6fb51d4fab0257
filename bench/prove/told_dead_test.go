package prove_test

import (
	"context"
	"encoding/json"
	"flag"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/bench/rig"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/keyring"
	"github.com/mediconnect/mediconnect/internal/queue"
	"github.com/mediconnect/mediconnect/internal/reminder"
	"github.com/mediconnect/mediconnect/internal/testkit/posttest"
	"github.com/mediconnect/mediconnect/internal/vendors"
)

var dead = flag.Int("dead", 0, "how many messages are given up and replayed")

// What was given up since our credentials were wrong is listed, and replayed: by a command that is killed at each step, and half-way, and run
// again, and twice at once. Everybody is told once.
func TestDeadLettersAreReplayedOnceWhateverBecomesOfTheCommand(t *testing.T) {
	if *dead == 0 {
		return
	}
	p := newStation(t, 4)
	d := &drawer{station: p}
	refuse := vendors.Fault{Do: vendors.Refuse, Status: 401}
	p.must(p.vendors.Set(vendors.Twilio, refuse))
	p.must(p.vendors.Set(vendors.SendGrid, refuse))
	d.fill(*dead)
	p.workers(2, "MEDICONNECT_DATABASE_CONNECTIONS=10")
	began := time.Now()
	d.until("everything is given up", func() bool { return d.number(`SELECT count(*) FROM dead_letters`) == *dead })
	t.Logf("%d messages were given up in %s; asynq's archives keep %d", *dead, time.Since(began).Round(time.Second), d.archived())
	if n := d.listed(); n != *dead {
		t.Errorf("%d of %d dead letters are listed", n, *dead)
	}
	p.vendors.Clear(vendors.Twilio)
	p.vendors.Clear(vendors.SendGrid)
	d.stepByStep()
	d.halfWay()
	began = time.Now()
	before := d.waiting()
	d.replay()
	took := time.Since(began)
	if n := d.waiting(); n != 0 {
		t.Errorf("%d dead letters wait after a replay to the end", n)
	}
	d.replay() // finds nothing
	var both sync.WaitGroup
	for range 2 {
		both.Go(d.replay)
	}
	both.Wait()
	d.until("everybody is told", func() bool {
		return d.number(`SELECT count(*) FROM messages WHERE state IN ('SCHEDULED', 'QUEUED', 'SENDING')`) == 0
	})
	twice, told := p.vendors.Duplicates(), p.vendors.Distinct()
	t.Logf("%d replayed in %s by the run that came to its end; %d told, %d twice", before, took.Round(100*time.Millisecond), told, len(twice))
	if told != *dead || len(twice) > 0 || p.vendors.Accepted() != *dead {
		t.Errorf("of %d patients %d were told, by %d letters: %v; %v", *dead, told, p.vendors.Accepted(), twice, d.states())
	}
}

type drawer struct {
	*station
	town *posttest.Town
}

// fill has so many patients with a message each, half of them by each channel, that is due.
func (d *drawer) fill(n int) {
	d.t.Helper()
	keys, err := keyring.Open(d.rig.Keys)
	d.must(err)
	d.town, err = posttest.New(d.t.Context(), d.pool, keys, n)
	d.must(err)
	now := time.Now()
	list := make([]posttest.Reminder, n)
	channels := []reminder.ChannelKind{reminder.SMS, reminder.Email}
	for i := range list {
		list[i] = posttest.Reminder{Patient: i, Scheduled: now, Start: now.Add(24 * time.Hour), Channels: channels[i%2 : i%2+1]}
	}
	d.must(d.town.Remind(d.t.Context(), now, list))
}

func (d *drawer) number(query string) (n int) {
	d.t.Helper()
	d.must(d.pool.QueryRow(d.t.Context(), query).Scan(&n))
	return n
}

func (d *drawer) waiting() int {
	return d.number(`SELECT count(*) FROM dead_letters WHERE replayed_at IS NULL`)
}

func (d *drawer) states() (text string) {
	d.must(d.pool.QueryRow(d.t.Context(), `SELECT coalesce(string_agg(n || ' ' || s, ', '), '') FROM (
		SELECT count(*) AS n, channel || ' ' || state || coalesce(' ' || cause, '') AS s FROM messages GROUP BY 2) c`).Scan(&text))
	return text
}

func (d *drawer) until(what string, done func() bool) {
	d.t.Helper()
	end := time.NewTimer(20 * time.Minute)
	tick := time.NewTicker(200 * time.Millisecond)
	defer end.Stop()
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-end.C:
			d.t.Fatalf("it doesn't come to it that %s: %s; %v", what, d.states(), d.ear.errors)
		}
	}
}

// archived is how many tasks asynq still has.
func (d *drawer) archived() (n int) {
	d.t.Helper()
	q, err := queue.Open(queue.Options{Redis: queue.Address{URL: d.redis.URL()}, Clock: clock.System{}})
	d.must(err)
	defer q.Close()
	depths, err := q.Depths(d.t.Context())
	d.must(err)
	for _, depth := range depths {
		n += depth.Archived
	}
	return n
}

// listed is how many different letters the command lists.
func (d *drawer) listed() int {
	d.t.Helper()
	text, err := d.rig.Run(d.t.Context(), d.url, "dead-letters", "list", "--limit", "0", "--json")
	d.must(err)
	ids := map[string]bool{}
	for line := range strings.Lines(text) {
		var letter struct{ ID string }
		if json.Unmarshal([]byte(line), &letter) == nil && letter.ID != "" {
			ids[letter.ID] = true
		}
	}
	return len(ids)
}

var replayWords = []string{"dead-letters", "replay", "--rate", "1000"}

func (d *drawer) replay() {
	text, err := d.rig.Run(d.t.Context(), d.url, replayWords...)
	if err != nil {
		d.t.Error(err)
	}
	d.t.Logf("a replay: %s", strings.Join(strings.Fields(text), " "))
}

// stepByStep kills a replay of two letters before and after each of its steps.
func (d *drawer) stepByStep() {
	d.t.Helper()
	tap, through := newTap(d.t, d.url, d.redis.URL(), d.vendors.URL())
	needles := needlesOf(d.town.Organization, d.town.Organization.String(), "no key")
	run := func(at point) bool {
		victim := d.with(through, func(ctx context.Context, _ string) (*rig.Server, error) {
			return d.rig.Begin(ctx, d.url, append(replayWords, "--limit", "2")...)
		})
		struck := tap.watch(needles, at, victim, nil)
		<-victim.Ended()
		if at == (point{}) || !tap.hit() {
			return false
		}
		<-struck
		return true
	}
	run(point{})
	var points []point
	for _, s := range tap.steps() {
		if s.asked {
			points = append(points, point{s.name, s.nth, false})
		}
		points = append(points, point{s.name, s.nth, true})
	}
	before := d.waiting()
	for _, at := range points {
		if !run(at) {
			d.t.Errorf("no replay came %s", at)
		}
	}
	if d.t.Logf("killed at each of %d points: %v; %d letters were replayed by those that had committed", len(points), points, before-d.waiting()); len(points) < 4 {
		d.t.Error("a replay has more steps")
	}
}

// halfWay kills a replay of all.
func (d *drawer) halfWay() {
	d.t.Helper()
	before := d.waiting()
	ctx, kill := context.WithCancel(d.t.Context())
	defer kill()
	ended := make(chan error, 1)
	go func() {
		_, err := d.rig.Run(ctx, d.url, replayWords...)
		ended <- err
	}()
	d.until("a half is replayed", func() bool { return d.waiting() <= before/2 || len(ended) > 0 })
	kill() // SIGKILL
	err := <-ended
	d.t.Logf("a replay of %d was killed when %d waited", before, d.waiting())
	if n := d.waiting(); err == nil || n == 0 || n == before {
		d.t.Errorf("it wasn't killed half-way: %d of %d wait, %v", n, before, err)
	}
}
