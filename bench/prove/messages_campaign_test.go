package prove_test

import (
	"context"
	"flag"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mediconnect/mediconnect/bench/rig"
	"github.com/mediconnect/mediconnect/internal/channel/email"
	"github.com/mediconnect/mediconnect/internal/devstack"
	"github.com/mediconnect/mediconnect/internal/keyring"
	"github.com/mediconnect/mediconnect/internal/reminder"
	"github.com/mediconnect/mediconnect/internal/testkit/posttest"
	"github.com/mediconnect/mediconnect/internal/testkit/redistest"
	"github.com/mediconnect/mediconnect/internal/vendors"
)

var (
	texted = flag.Int("messages", 0, "how many patients are to be told of visits")
	within = flag.Duration("within", 10*time.Second, "in which time that is due")
)

// campaign is how the patients of a town are told: the vendors, who report to a server, a queue that some workers share, and the database.
type campaign struct {
	t       *testing.T
	url     string
	pool    *pgxpool.Pool // sees everything
	town    *posttest.Town
	vendors *vendors.Vendors
	redis   *redistest.Replicated
	server  *rig.Server // that the vendors report to
	workers []*rig.Server
	ear     *listener
	away    struct{ from, to time.Time } // when Redis was gone
}

// starting is held by who starts programs with settings of their own.
var starting sync.Mutex

// newCampaign starts workers with settings of their own.
func newCampaign(t *testing.T, patients, workers int, settings ...string) *campaign {
	t.Helper()
	world.once.Do(func() { world.err = build() })
	p := &campaign{t: t, ear: &listener{}}
	p.check(world.err)
	var err error
	p.url, err = world.rig.NewDatabase(t.Context())
	p.check(err)
	p.pool, err = world.rig.Open(t.Context(), p.url, 4)
	p.check(err)
	t.Cleanup(p.pool.Close)
	keys, err := keyring.Open(world.rig.Keys)
	p.check(err)
	p.town, err = posttest.New(t.Context(), p.pool, keys, patients)
	p.check(err)
	p.vendors, err = vendors.Start(vendors.Options{})
	p.check(err)
	t.Cleanup(p.vendors.Close)
	p.usualDelays(vendors.Twilio, vendors.SendGrid)
	p.redis = redistest.StartReplicated(t)
	p.start(workers, settings)
	return p
}

func (p *campaign) check(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// start starts workers who send by the vendors, and a server that these report to.
func (p *campaign) start(workers int, settings []string) {
	p.t.Helper()
	address, err := devstack.FreeAddress()
	p.check(err)
	starting.Lock()
	defer starting.Unlock()
	was, ear := world.rig.Environ, world.rig.Ear
	defer func() { world.rig.Environ, world.rig.Ear = was, ear }()
	world.rig.Ear = p.ear
	world.rig.Environ = append(append([]string{}, was...),
		"MEDICONNECT_LOG_LEVEL=info",
		"MEDICONNECT_REDIS_SENTINELS="+strings.Join(p.redis.Sentinels(), ","), "MEDICONNECT_REDIS_MASTER="+redistest.PrimaryName,
		"MEDICONNECT_REDIS_PASSWORD="+p.redis.Password, "MEDICONNECT_REDIS_SENTINEL_PASSWORD="+p.redis.Password,
		"MEDICONNECT_TWILIO_ACCOUNT_SID="+vendors.AccountSID, "MEDICONNECT_TWILIO_AUTH_TOKEN="+vendors.AuthToken, "MEDICONNECT_TWILIO_FROM="+vendors.Number,
		"MEDICONNECT_TWILIO_URL="+p.vendors.TwilioURL(), "MEDICONNECT_CALLBACK_URL=http://"+address,
		"MEDICONNECT_SENDGRID_API_KEY="+vendors.APIKey, "MEDICONNECT_SENDGRID_FROM=clinic@example.org",
		"MEDICONNECT_SENDGRID_URL="+p.vendors.SendGridURL(), "MEDICONNECT_SENDGRID_EVENT_KEY="+p.vendors.EventKey())
	p.server, err = world.rig.ServeAt(p.t.Context(), p.url, connections, address)
	p.check(err)
	p.t.Cleanup(func() { _ = p.server.Kill() })
	p.vendors.SendEventsTo(p.server.URL + email.EventsPath)
	world.rig.Environ = append(append(world.rig.Environ, "MEDICONNECT_DATABASE_CONNECTIONS=8"), settings...)
	for range workers {
		s, err := world.rig.Work(p.t.Context(), p.url)
		p.check(err)
		p.t.Cleanup(func() { _ = s.Kill() })
		p.workers = append(p.workers, s)
	}
}

// usualDelays has vendors take 20 to 200 ms for a request. Some take a letter whose sender is gone by then, others don't.
func (p *campaign) usualDelays(of ...vendors.Vendor) {
	for i, v := range of {
		var slow []vendors.Fault
		for j, ms := range []int{20, 40, 60, 90, 130, 200} {
			do := vendors.Late
			if j%2 == 1 {
				do = vendors.Stall
			}
			slow = append(slow, vendors.Fault{Name: strconv.Itoa(ms) + " ms", Do: do, For: time.Duration(ms) * time.Millisecond, Share: 1 / float64(6-j), Seed: uint64(i + 1)})
		}
		p.check(p.vendors.Set(v, slow...))
	}
}

var orders = [][]reminder.ChannelKind{{reminder.SMS, reminder.Email}, {reminder.Email, reminder.SMS}}

// remind has so many patients be told in a time, evenly, from begin on. Half would have a text and half an e-mail, and each the other one
// where that fails.
func (p *campaign) remind(n int, begin time.Time, in time.Duration) { p.remindBy(orders, n, begin, in) }

// remindBy is remind by one of some orders of channels after the other.
func (p *campaign) remindBy(orders [][]reminder.ChannelKind, n int, begin time.Time, in time.Duration) {
	p.t.Helper()
	list := make([]posttest.Reminder, n)
	for i := range list {
		due := begin.Add(in * time.Duration(i) / time.Duration(n)).Truncate(time.Microsecond)
		list[i] = posttest.Reminder{Patient: i % len(p.town.Patients), Scheduled: due, Start: due.Add(2 * time.Hour).Truncate(time.Second), Channels: orders[i%len(orders)]}
	}
	p.check(p.town.Remind(p.t.Context(), time.Now(), list))
}

// killWorkers kills a worker after the other as kill -9 does, each after a pause, and starts it again, until ctx ends. It answers how many.
func (p *campaign) killWorkers(ctx context.Context, pause time.Duration) (killed int) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return killed
		case <-tick.C:
			wait(p.t, rand.N(min(pause, time.Second))) // letters leave in whole seconds
			w := p.workers[killed%len(p.workers)]
			if err := w.Kill(); err != nil {
				p.t.Error(err)
			}
			if err := w.Start(p.t.Context()); err != nil {
				p.t.Error(err)
			}
			killed++
		}
	}
}

// open is how many messages may yet be sent, or were and nobody knows.
func (p *campaign) open() (n int) {
	p.t.Helper()
	p.check(p.pool.QueryRow(p.t.Context(), `SELECT count(*) FROM messages WHERE organization_id = $1 AND (state IN ('QUEUED', 'SENDING') OR state = 'SCHEDULED' AND due_at IS NOT NULL)`,
		p.town.Organization).Scan(&n))
	return n
}

// awaitEnd waits until all messages are done with, or only left with who was killed: those are found out about in minutes.
func (p *campaign) awaitEnd(most time.Duration, enough func(open int) bool) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), most)
	defer cancel()
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for !enough(p.open()) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			p.t.Errorf("after %s %d messages are still open", most, p.open())
			return
		}
	}
}

func none(open int) bool { return open == 0 }
