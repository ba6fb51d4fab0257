package bench_test

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
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
	r, err := rig.Start(ctx, quick(t))
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
		Limits: beyond(), Writer: worded{}, Timing: reminder.UsualTiming(), Law: func(int, time.Duration) time.Duration { return time.Second },
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

// beyond are limits that count as the usual ones do, and that are never reached.
func beyond() reminder.Limits {
	l, most := reminder.UsualLimits(), 1_000_000_000
	l.AddressHour, l.AddressDay, l.TextsDay, l.Others = most, most, most, &most
	return l
}

// run works until the benchmark ends.
func (p *postOffice) run() {
	ctx, stop := context.WithCancel(context.Background())
	var all sync.WaitGroup
	p.t.Cleanup(func() { stop(); all.Wait() })
	all.Go(func() { workers.Relay(ctx, p.service, enqueuing{p.messages}, slog.New(slog.DiscardHandler)) })
	all.Go(func() {
		_ = p.messages.Serve(ctx, func(ctx context.Context, t reminder.Task, _ queue.Attempt) error {
			v, err := p.service.Send(ctx, t)
			if err == nil && v.What != reminder.Done {
				return queue.NotNow{After: v.After, Why: string(v.Cause)}
			}
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
	return float64(n) / p.sendAll(t, n).Seconds()
}

// sendAll has messages become due at once, and waits until all are sent.
func (p *postOffice) sendAll(t testing.TB, n int) time.Duration {
	t.Helper()
	for left := n; left > 0; left -= chunk {
		p.plan(t, min(left, chunk))
	}
	done := p.sent.next(n)
	began := time.Now()
	if _, err := p.pool.Exec(t.Context(), `UPDATE messages SET due_at = now(), scheduled_for = now() WHERE state = 'SCHEDULED'`); err != nil {
		t.Fatal(err)
	}
	<-done
	return time.Since(began)
}

const chunk = 10_000

// plan adds messages that are due in a year.
func (p *postOffice) plan(t testing.TB, n int) {
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
}

// bareTasks puts tasks that do nothing through the queue, and answers how many a second were done.
func (p *postOffice) bareTasks(t testing.TB, n int) float64 {
	t.Helper()
	done := p.handled.next(n)
	began := time.Now()
	p.putBare(t, n)
	<-done
	return float64(n) / time.Since(began).Seconds()
}

// putBare puts in tasks that do nothing.
func (p *postOffice) putBare(t testing.TB, n int) {
	t.Helper()
	tasks := make([]reminder.Task, n)
	for i := range tasks {
		channels := []reminder.ChannelKind{reminder.SMS, reminder.Email}
		tasks[i] = reminder.Task{Channel: channels[i%2], Message: clinic.Ref{Organization: p.town.Organization, ID: uuid.Must(uuid.NewV7())}}
	}
	for _, err := range p.bare.Enqueue(t.Context(), tasks) {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func BenchmarkMessagesDueAtOnceAgainstBareTasksOfAsynq(b *testing.B) {
	p := newPostOffice(b)
	p.run()
	plan := plan{pairs: 8, window: 10_000, warm: 1}
	messages, tasks := plan.versus(b, p.due, p.bareTasks)
	r := ratioOf(messages, tasks)
	report(b, r, fmt.Sprintf("messages from due to sent against bare tasks: %s; medians %.0f/s and %.0f/s, windows of %d", r, median(messages), median(tasks), plan.window))
}

const dueAtOnce = 100_000

// BenchmarkRelayOf100000DueAtOnce measures how far the relay lags behind while workers send what it has handed over, against a client that
// puts as many bare tasks into the same queue while workers do them.
func BenchmarkRelayOf100000DueAtOnce(b *testing.B) {
	p := newPostOffice(b)
	p.run()
	p.due(b, chunk)
	p.bareTasks(b, chunk)
	plan := plan{pairs: 3, window: dueAtOnce}
	relayed, put := plan.versus(b, p.relayed, p.put)
	r := ratioOf(relayed, put)
	report(b, r, fmt.Sprintf("messages handed to the queue while others are sent against bare tasks put in while others are done: %s; medians %.0f/s and %.0f/s, windows of %d",
		r, median(relayed), median(put), plan.window))
}

// relayed is how many messages a second the relay hands over, all due at once. It logs how far it lagged behind, and the memory in use.
func (p *postOffice) relayed(t testing.TB, n int) float64 {
	t.Helper()
	heap := watchHeap(t)
	took := p.sendAll(t, n)
	early, late := heap()
	var half, most, last float64
	err := p.pool.QueryRow(t.Context(), `
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY lag), percentile_cont(0.99) WITHIN GROUP (ORDER BY lag), max(lag)
FROM (SELECT extract(epoch FROM queued_at - scheduled_for)::float8 AS lag FROM messages ORDER BY scheduled_for DESC LIMIT $1) l`, n).Scan(&half, &most, &last)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d due at once: in the queue after %.1f s (half of them), %.1f s (99 %%), %.1f s (all), sent after %.1f s; most heap in use %d MiB while the first half was sent, %d MiB later",
		n, half, most, last, took.Seconds(), early>>20, late>>20)
	return float64(n) / last
}

// put is how many bare tasks a second are put in.
func (p *postOffice) put(t testing.TB, n int) float64 {
	t.Helper()
	done := p.handled.next(n)
	began := time.Now()
	p.putBare(t, n)
	took := time.Since(began)
	<-done
	return float64(n) / took.Seconds()
}

// watchHeap looks at the heap four times a second, and answers the most that was in use in the first and in the second half of its looks.
func watchHeap(t testing.TB) func() (early, late uint64) {
	t.Helper()
	var looks []uint64
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		every := time.NewTicker(250 * time.Millisecond)
		defer every.Stop()
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			looks = append(looks, m.HeapInuse)
			select {
			case <-stop:
				return
			case <-every.C:
			}
		}
	}()
	return func() (early, late uint64) {
		close(stop)
		<-stopped
		half := len(looks) / 2
		return slices.Max(looks[:half+1]), slices.Max(looks[half:])
	}
}
