package bench_test

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mediconnect/mediconnect/bench/rig"
	"github.com/mediconnect/mediconnect/internal/channel/words"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/keyring"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/queue"
	"github.com/mediconnect/mediconnect/internal/reminder"
	"github.com/mediconnect/mediconnect/internal/resilience"
	"github.com/mediconnect/mediconnect/internal/testkit/posttest"
	"github.com/mediconnect/mediconnect/workers"
)

// instant is a vendor that takes every letter at once, through the places in flight that a real one has.
type instant struct {
	kind  reminder.ChannelKind
	guard *resilience.Guard
	taken *tally
}

func (v instant) Kind() reminder.ChannelKind                { return v.kind }
func (v instant) Enter(ctx context.Context) (func(), error) { return v.guard.Enter(ctx) }
func (v instant) MayRetry() error                           { return nil }

func (v instant) Send(ctx context.Context, l reminder.Letter, leave reminder.Leave) (r reminder.Receipt, err error) {
	err = v.guard.Call(ctx, func(error) bool { return true }, func(ctx context.Context) error {
		left, err := leave(ctx)
		if err == nil {
			left()
			r.VendorID = l.Reference
			v.taken.add()
		}
		return err
	})
	return r, err
}

func (v instant) Find(context.Context, reminder.Sought) (reminder.Finding, error) {
	return reminder.Finding{}, reminder.CannotAsk{}
}

// tally counts up to a number that somebody waits for.
type tally struct {
	n    atomic.Int64
	mu   sync.Mutex
	want int64
	done chan struct{}
}

func (c *tally) add() {
	n := c.n.Add(1)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done != nil && n == c.want {
		close(c.done)
	}
}

// next is closed once so many more are counted.
func (c *tally) next(n int) <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.want, c.done = c.n.Load()+int64(n), make(chan struct{})
	return c.done
}

// post is the whole way of messages, from PostgreSQL over the queue to vendors that take everything at once, in one process; and beside it
// the same queue with tasks that do nothing.
type postOffice struct {
	t        testing.TB
	pool     *pgxpool.Pool
	town     *posttest.Town
	service  *reminder.Service
	messages *queue.Queue
	bare     *queue.Queue
	sent     *tally
	handled  *tally
}

func newPostOffice(t testing.TB) *postOffice {
	t.Helper()
	ctx := context.Background()
	check := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	r, err := rig.Start(ctx, false)
	check(err)
	t.Cleanup(r.Close)
	url, err := r.NewDatabase(ctx)
	check(err)
	pool, err := r.Open(ctx, url, 2)
	check(err)
	t.Cleanup(pool.Close)
	keys, err := keyring.Open(r.Keys)
	check(err)
	town, err := posttest.New(ctx, pool, keys, 1000)
	check(err)
	redis, err := r.StartRedis(ctx)
	check(err)
	t.Cleanup(func() { _ = redis.Kill() })
	config := postgres.Defaults(url)
	config.Keys = keys
	db, err := postgres.Open(ctx, config)
	check(err)
	t.Cleanup(db.Close)
	p := &postOffice{t: t, pool: pool, town: town, sent: &tally{}, handled: &tally{}}
	p.service = reminder.NewService(reminder.Config{
		Store: postgres.NewMessages(db), Source: clinic.Source{Clock: clock.System{}, NewID: func() uuid.UUID { return uuid.Must(uuid.NewV7()) }},
		Channels: []reminder.Channel{
			instant{reminder.SMS, resilience.GuardOf(resilience.Twilio), p.sent}, instant{reminder.Email, resilience.GuardOf(resilience.SendGrid), p.sent},
		},
		Writer: worded{}, Timing: reminder.UsualTiming(), Law: func(int, time.Duration) time.Duration { return time.Second },
		Alert: func(a reminder.Alert) { t.Errorf("%+v", a) }, Rest: func(context.Context, time.Duration) error { return nil },
	})
	open := func(database int) *queue.Queue {
		q, err := queue.Open(queue.Options{Redis: queue.Address{URL: fmt.Sprintf("%s%d", strings.TrimSuffix(redis.URL(), "0"), database)}, Clock: clock.System{}, Look: 250 * time.Millisecond})
		check(err)
		t.Cleanup(q.Close)
		return q
	}
	p.messages, p.bare = open(0), open(1)
	return p
}

type worded struct{}

func (worded) Write(c reminder.ChannelKind, k reminder.Kind, f reminder.Facts) (subject, text, html string, err error) {
	return words.Write(c, k, f)
}

type enqueuing struct{ *queue.Queue }

func (e enqueuing) Stuck(context.Context, reminder.Task) (bool, error) { return false, nil }

// run works until the benchmark ends.
func (p *postOffice) run() {
	ctx, stop := context.WithCancel(context.Background())
	var all sync.WaitGroup
	p.t.Cleanup(func() { stop(); all.Wait() })
	all.Go(func() { workers.Relay(ctx, p.service, enqueuing{p.messages}, slog.New(slog.DiscardHandler)) })
	all.Go(func() {
		_ = p.messages.Serve(ctx, func(ctx context.Context, t reminder.Task, _ queue.Attempt) error {
			_, err := p.service.Send(ctx, t)
			return err
		})
	})
	all.Go(func() {
		_ = p.bare.Serve(ctx, func(context.Context, reminder.Task, queue.Attempt) error { p.handled.add(); return nil })
	})
}

// due has messages become due at once, half of them texts and half e-mails, and answers how many a second were sent.
func (p *postOffice) due(t testing.TB, n int) float64 {
	t.Helper()
	now := time.Now()
	list := make([]posttest.Reminder, n)
	for i := range list {
		channels := []reminder.ChannelKind{reminder.SMS, reminder.Email}
		list[i] = posttest.Reminder{Patient: i % len(p.town.Patients), Scheduled: now.Add(365 * 24 * time.Hour), Start: now.Add(366 * 24 * time.Hour), Channels: channels[i%2 : i%2+1]}
	}
	if err := p.town.Remind(t.Context(), now, list); err != nil {
		t.Fatal(err)
	}
	done := p.sent.next(n)
	began := time.Now()
	if _, err := p.pool.Exec(t.Context(), `UPDATE messages SET due_at = now(), scheduled_for = now() WHERE state = 'SCHEDULED'`); err != nil {
		t.Fatal(err)
	}
	<-done
	return float64(n) / time.Since(began).Seconds()
}

// bareTasks puts tasks that do nothing through the queue, and answers how many a second were done.
func (p *postOffice) bareTasks(t testing.TB, n int) float64 {
	t.Helper()
	tasks := make([]reminder.Task, n)
	for i := range tasks {
		channels := []reminder.ChannelKind{reminder.SMS, reminder.Email}
		tasks[i] = reminder.Task{Channel: channels[i%2], Message: clinic.Ref{Organization: p.town.Organization, ID: uuid.Must(uuid.NewV7())}}
	}
	done := p.handled.next(n)
	began := time.Now()
	for _, err := range p.bare.Enqueue(t.Context(), tasks) {
		if err != nil {
			t.Fatal(err)
		}
	}
	<-done
	return float64(n) / time.Since(began).Seconds()
}

func BenchmarkMessagesDueAtOnceAgainstBareTasksOfAsynq(b *testing.B) {
	p := newPostOffice(b)
	p.run()
	plan := plan{pairs: 8, window: 10_000, warm: 1}
	messages, tasks := plan.versus(b, p.due, p.bareTasks)
	r := ratioOf(messages, tasks)
	report(b, r, fmt.Sprintf("messages from due to sent against bare tasks: %s; medians %.0f/s and %.0f/s, windows of %d", r, median(messages), median(tasks), plan.window))
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b.Logf("heap in use at the end %d MiB", m.HeapInuse>>20)
}
