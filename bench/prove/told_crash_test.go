package prove_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/bench/rig"
	"github.com/mediconnect/mediconnect/internal/channel/wire"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/vendors"
)

var (
	everyPoint = flag.Int("points", -1, "of the points at which a worker is killed, every so many; 0: a few after which nobody has to wait until a claim is over; -1: none")
	onlyWay    = flag.Int("way", -1, "of the ways of a message, only this one, from 0")
)

// way is how a message may go, from what becomes of its visit until the queue knows that it is over.
type way struct {
	name  string
	first string         // channel
	fault *vendors.Fault // that the first channel's vendor has for it
	lost  bool           // its letter was taken, and the answer was lost: whoever comes then asks
	from  string         // the step that it differs from others at; empty: from the beginning
	last  string
}

var ways = []way{
	{name: "a text", first: "SMS", last: "tell the queue that it is done"},
	{name: "an e-mail", first: "EMAIL", last: "tell the queue that it is done"},
	{name: "a text that is refused", first: "SMS", fault: &vendors.Fault{Do: vendors.Refuse, Status: 400, Code: 21614}, from: "hand the letter to the vendor", last: "tell the queue to archive it"},
	{name: "an e-mail that is refused", first: "EMAIL", fault: &vendors.Fault{Do: vendors.Refuse, Status: 413}, from: "hand the letter to the vendor", last: "tell the queue to archive it"},
	{name: "a text that is taken at the second attempt", first: "SMS", fault: &vendors.Fault{Do: vendors.Refuse, Status: 503, Times: 1}, from: "hand the letter to the vendor", last: "tell the queue to try again"},
	{name: "a text whose answer was lost", first: "SMS", lost: true, from: "take what was lost", last: "store what the vendor says"},
}

// upset is what happens to a visit whose worker was killed, before anybody else can go on.
type upset struct {
	name string
	do   func(*station, *guest) time.Time
	tell string
}

var upsets = []upset{
	{name: "", do: nil, tell: ""},
	{"then it is cancelled", (*station).cancel, "CANCELLATION"},
	{"then it is moved", (*station).move, "CHANGE"},
}

// ending is one worker that was killed.
type ending struct {
	way
	upset
	at       point
	guest    *guest
	answered time.Time // the change of the visit
	then     []news
}

// Whoever is killed wherever: each patient is told once; and of a letter of which nobody can say whether it was taken, an operator hears
// within 5 minutes, and the patient by the other channel. A visit that is cancelled or moved meanwhile isn't told of as it was.
func TestPatientsAreToldOnceWhereverAWorkerIsKilled(t *testing.T) {
	if *everyPoint < 0 {
		return
	}
	p := newStation(t, 10)
	c := &crashes{station: p}
	c.tap, c.through = newTap(t, p.url, p.redis.URL(), p.vendors.URL())
	began := time.Now()
	if *everyPoint == 0 {
		c.short()
	} else {
		c.whole()
	}
	t.Logf("%d workers and servers killed in %s", len(c.all), time.Since(began).Round(time.Second))
	p.workers(2)
	c.rest()
	c.judge()
}

// needed are what reliability is about: a way of a message that lacks one of these is another, whose points are to be looked at anew.
var needed = []string{
	"take the notice", "delete the notice", "write the messages", "commit of what began with: lock the visit", "enqueue the task", "note that it is queued",
	"dequeue the task", "claim the message", "take leave", "hand the letter to the vendor", "store what came of it", "tell the queue that it is done",
}

// quick are points after which others go on at once.
var quick = []point{
	{"commit of what began with: lock the visit", 1, true}, {"enqueue the task", 1, false}, {"enqueue the task", 1, true}, {"note that it is queued", 1, true},
	{"tell the queue that it is done", 1, false},
}

func (c *crashes) short() {
	c.points(ways[0])
	for i, at := range quick {
		c.kill(&ending{way: ways[0], upset: upsets[i%len(upsets)], at: at})
	}
}

func (c *crashes) whole() {
	for i, w := range ways {
		if *onlyWay >= 0 && i != *onlyWay {
			continue
		}
		points := c.points(w)
		for _, u := range upsets {
			for i := range points {
				if i%*everyPoint == 0 {
					c.kill(&ending{way: w, upset: u, at: points[i]})
				}
			}
		}
	}
	c.servers()
}

type crashes struct {
	*station
	tap     *tap
	through []string // settings of who goes through it
	faults  map[vendors.Vendor][]vendors.Fault
	all     []*ending
}

// points are all of a way: it is gone once, and what went over the wires is noted.
func (c *crashes) points(w way) (points []point) {
	c.t.Helper()
	k := &ending{way: w, at: point{name: w.last, nth: 1, after: true}}
	c.kill(k)
	steps := c.tap.steps()
	begun := w.from == ""
	for _, s := range steps {
		if begun = begun || s.name == w.from; !begun || !s.effect {
			continue
		}
		if s.asked {
			points = append(points, point{s.name, s.nth, false})
		}
		points = append(points, point{s.name, s.nth, true})
	}
	var names []string
	for _, s := range steps {
		names = append(names, s.name)
	}
	for _, name := range needed {
		if w.fault == nil && !w.lost && !slices.Contains(names, name) {
			c.t.Errorf("%s has no step to %s", w.name, name)
		}
	}
	c.t.Logf("%s, %d points: %s", w.name, len(points), strings.Join(names, "; "))
	return points
}

// kill has a worker go a way until it is killed.
func (c *crashes) kill(k *ending) {
	c.t.Helper()
	k.guest = c.guest(slices.DeleteFunc([]string{"EMAIL", "SMS"}, func(string) bool { return k.first == "SMS" })...)
	c.all = append(c.all, k)
	c.setFault(k)
	if k.lost {
		c.walk(k.guest, point{"hand the letter to the vendor", 1, true}, nil, true)
		if _, err := c.pool.Exec(c.t.Context(), `UPDATE messages SET claimed_until = now() WHERE organization_id = $1 AND state = 'SENDING'`, k.guest.organization); err != nil {
			c.t.Fatal(err)
		}
	}
	c.walk(k.guest, k.at, func() {
		if k.do != nil {
			k.answered = k.do(c.station, k.guest)
		}
	}, !k.lost)
	k.then = c.messages(k.guest)
}

func (c *crashes) walk(g *guest, at point, meant func(), book bool) {
	c.t.Helper()
	victim := c.with(c.through, c.rig.Work)
	key := wire.Key(clinic.Ref{Organization: g.organization})[:21]
	struck := c.tap.watch(needlesOf(g.organization, g.organization.String(), key), at, victim, meant)
	if book {
		c.book(g)
	}
	select {
	case <-struck:
	case <-time.After(time.Minute):
		_ = victim.Kill()
		c.t.Fatalf("no worker came %s; it went so far: %v, %v; %v", at, c.tap.steps(), c.messages(g), c.ear.errors)
	}
}

// requests are changes of visits, whose notices are written with them.
var requests = []struct {
	step, tell string
	ask        func(context.Context, *guest) (rig.Answer, error)
}{
	{"book the visit", "", func(ctx context.Context, g *guest) (rig.Answer, error) { return g.Book(ctx, g.slots[0].ID, "book") }},
	{"cancel the visit", "CANCELLATION", func(ctx context.Context, g *guest) (rig.Answer, error) { return g.Cancel(ctx, g.visit.ID, "cancel") }},
	{"move the visit", "CHANGE", func(ctx context.Context, g *guest) (rig.Answer, error) {
		return g.Move(ctx, g.visit.ID, g.slots[4].ID, "move")
	}},
}

// servers kills one before and after each change is committed. The patient, who has no answer, asks another.
func (c *crashes) servers() {
	c.t.Helper()
	for _, request := range requests {
		for _, after := range []bool{false, true} {
			k := &ending{way: way{name: "a request"}, upset: upset{tell: request.tell}, at: point{request.step, 1, after}, guest: c.guest()}
			if request.tell != "" {
				c.book(k.guest)
			}
			victim := c.with(c.through, func(ctx context.Context, url string) (*rig.Server, error) { return c.rig.Serve(ctx, url, 5) })
			struck := c.tap.watch(needlesOf(k.guest.organization, k.guest.organization.String(), "no key"), k.at, victim, nil)
			there := *k.guest
			there.Server = victim
			if a, err := request.ask(c.t.Context(), &there); !errors.Is(err, rig.ErrUnanswered) {
				c.t.Fatalf("a server that was to be killed %s answered %+v, %v", k.at, a, err)
			}
			<-struck
			if request.tell == "" {
				c.book(k.guest)
			} else {
				c.change(func(ctx context.Context) (rig.Answer, error) { return request.ask(ctx, k.guest) })
			}
			c.all = append(c.all, k)
		}
	}
}

func (c *crashes) setFault(k *ending) {
	if k.fault == nil {
		return
	}
	if c.faults == nil {
		c.faults = map[vendors.Vendor][]vendors.Fault{}
	}
	f, vendor := *k.fault, vendors.Twilio
	if f.To = k.guest.phone; k.first == "EMAIL" {
		f.To, vendor = k.guest.email, vendors.SendGrid
	}
	c.faults[vendor] = append(c.faults[vendor], f)
	c.must(c.vendors.Set(vendor, c.faults[vendor]...))
}

// rest waits until nothing is under way any more.
func (c *crashes) rest() {
	ctx, cancel := context.WithTimeout(c.t.Context(), 15*time.Minute)
	defer cancel()
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		var open int
		err := c.pool.QueryRow(ctx, `SELECT (SELECT count(*) FROM message_notices) + (SELECT count(*) FROM messages WHERE state IN ('QUEUED', 'SENDING') AND kind <> 'REMINDER'
			OR state = 'SCHEDULED' AND due_at < now() + interval '1 hour')`).Scan(&open)
		if err != nil {
			c.t.Fatal(err, open)
		}
		if open == 0 {
			return
		}
		<-tick.C
	}
}

// judge looks at what patients were told.
func (c *crashes) judge() {
	var unknown, bySecond, cut int
	var slowest, slowestAlert time.Duration
	for _, k := range c.all {
		list := c.messages(k.guest)
		told := map[string]int{}
		for _, m := range list {
			told[m.Kind] += m.letters
			if m.letters > 1 {
				c.wrong(k, list, "a letter was sent twice by the same key")
			}
			if !k.answered.IsZero() && m.Version == 1 && m.letters > 0 {
				if m.first.After(k.answered) {
					c.wrong(k, list, "a letter of the visit as it was left after the change was answered")
				}
				cut++
			}
			if m.State == "UNKNOWN" {
				unknown++
				a, heard := c.ear.heard(m.ID)
				if !heard {
					c.wrong(k, list, "nobody was told that nobody knows")
				}
				slowestAlert = max(slowestAlert, a.at.Sub(*m.SendingAt))
			}
			if m.SentAt != nil {
				slowest = max(slowest, m.SentAt.Sub(k.guest.booked))
			}
		}
		c.judgeOne(k, list, told)
		if told["CONFIRMATION"] == 2 {
			bySecond++
		}
	}
	c.t.Logf("%d kills; %d letters of which nobody can say whether they were taken, told to operators within %s; %d patients heard it by both channels for that; "+
		"%d letters had left before the visit changed; the last was sent %s after the booking", len(c.all), unknown, slowestAlert.Round(time.Second), bySecond, cut, slowest.Round(time.Second))
	if slowestAlert > 5*time.Minute {
		c.t.Errorf("an operator was told after %s", slowestAlert)
	}
}

// judgeOne: what is to be told is told once. Where nobody can say whether one channel did, another does as well, if it can; and of what was
// changed meanwhile nothing needs to be told.
func (c *crashes) judgeOne(k *ending, list []news, told map[string]int) {
	for _, kind := range []string{"CONFIRMATION", k.tell} {
		if kind == "" {
			continue
		}
		least, most, done := 1, 1, false
		if kind == "CONFIRMATION" && k.tell != "" {
			least = 0
		}
		for _, m := range list {
			if m.Kind == kind && m.State == "UNKNOWN" {
				most = 2
			}
			done = done || m.Kind == kind && (m.State == "SENT" || m.State == "DELIVERED")
		}
		if most == 2 && !done && k.fault != nil { // the other one is refused
			least = 0
		}
		if n := told[kind]; n < least || n > most || least == 1 && most == 2 && !done {
			c.wrong(k, list, fmt.Sprintf("the %s was told %d times", kind, n))
		}
	}
}

func (c *crashes) wrong(k *ending, list []news, what string) {
	c.t.Errorf("%s, killed %s; %s: %s: then %v; in the end %v; changed %v, first %v", k.way.name, k.at, k.upset.name, what, k.then, list, k.answered, firsts(list))
}

func firsts(list []news) (all []time.Time) {
	for _, m := range list {
		all = append(all, m.first)
	}
	return all
}
