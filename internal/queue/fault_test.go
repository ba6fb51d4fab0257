package queue_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/queue"
	"github.com/mediconnect/mediconnect/internal/reminder"
	"github.com/mediconnect/mediconnect/internal/testkit/redistest"
)

// log keeps what is logged.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func counter(n *atomic.Int64) queue.Handler {
	return func(context.Context, reminder.Task, queue.Attempt) error { n.Add(1); return nil }
}

func TestARedisThatIsGoneIsToldAndFoundAgainEmpty(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	now := clock.FrozenAt(time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC))
	said := &log{}
	q := open(t, queue.Options{Redis: queue.Address{URL: server.URL()}, Clock: now, Log: slog.New(slog.NewTextHandler(said, nil))})
	var done atomic.Int64
	serve(t, q, counter(&done))
	put(t, q, tasks(10, reminder.SMS)...)
	await(t, "tasks are done", func() bool { return done.Load() == 10 })
	await(t, "it is reachable", func() bool { _, ok := q.Reachable(); return ok })
	now.Advance(time.Minute)
	if err := syscall.Kill(server.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-server.Done()
	began := time.Now()
	for i, err := range q.Enqueue(t.Context(), tasks(10_000, reminder.SMS)) {
		if !errors.Is(err, queue.ErrUnavailable) {
			t.Fatalf("task %d: %v", i, err)
		}
	}
	if _, err := q.Depths(t.Context()); !errors.Is(err, queue.ErrUnavailable) {
		t.Errorf("depths: %v", err)
	}
	if _, _, err := q.Holds(t.Context(), task(reminder.SMS)); !errors.Is(err, queue.ErrUnavailable) {
		t.Errorf("holds: %v", err)
	}
	if took := time.Since(began); took > 6*time.Second {
		t.Errorf("it took %v to say so", took)
	}
	await(t, "it is unreachable", func() bool { since, ok := q.Reachable(); return !ok && since.Equal(now.Now()) })
	now.Advance(time.Minute)
	redistest.Again(t, server)
	await(t, "it is reachable again", func() bool { since, ok := q.Reachable(); return ok && since.Equal(now.Now()) })
	put(t, q, tasks(10, reminder.SMS)...)
	await(t, "tasks are done again", func() bool { return done.Load() == 20 })
	if all, err := q.Depths(t.Context()); err != nil || len(all) != 5 {
		t.Errorf("depths of a Redis that came back empty: %v, %v", all, err)
	}
	if lines := strings.Count(said.String(), "\n"); lines == 0 || lines > 20 || strings.Contains(said.String(), "opensesame") {
		t.Errorf("%d lines were logged:\n%s", lines, said)
	}
}

func TestARedisThatHangsHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	q := open(t, queue.Options{Redis: queue.Address{URL: server.URL()}})
	var done atomic.Int64
	serve(t, q, counter(&done))
	await(t, "it is reachable", func() bool { _, ok := q.Reachable(); return ok })
	if err := syscall.Kill(server.PID(), syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	errs := q.Enqueue(t.Context(), tasks(1000, reminder.SMS))
	_, err := q.Depths(t.Context())
	took := time.Since(began)
	await(t, "it is unreachable", func() bool { _, ok := q.Reachable(); return !ok })
	if err := syscall.Kill(server.PID(), syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(errs[999], queue.ErrUnavailable) || !errors.Is(err, queue.ErrUnavailable) || took > 8*time.Second {
		t.Errorf("after %v: %v; %v", took, errs[999], err)
	}
	before := done.Load() // some may have gone in when it went on
	put(t, q, tasks(10, reminder.Email)...)
	await(t, "tasks are done again", func() bool { return done.Load() >= before+10 })
}

func TestAFlushedRedisTakesTasksAndIsStillSeen(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	q := open(t, queue.Options{Redis: queue.Address{URL: server.URL()}})
	later := task(reminder.SMS)
	later.At = time.Now().Add(time.Hour)
	put(t, q, later)
	if err := redistest.Client(t, server.URL()).FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	awaitState(t, q, later, "")
	put(t, q, later)
	awaitState(t, q, later, "scheduled")
	if all, err := q.Depths(t.Context()); err != nil || all["sms"].Scheduled != 1 {
		t.Errorf("depths %+v, %v", all, err)
	}
}

func TestTasksFollowThePrimaryToTheNext(t *testing.T) {
	t.Parallel()
	g := redistest.StartReplicated(t)
	q := open(t, queue.Options{Redis: queue.Address{
		Sentinels: g.Sentinels(), Master: redistest.PrimaryName, Password: g.Password, SentinelPassword: g.Password,
	}})
	var done atomic.Int64
	serve(t, q, counter(&done))
	put(t, q, tasks(10, reminder.SMS)...)
	await(t, "tasks are done", func() bool { return done.Load() == 10 })
	g.AwaitSteady(t).Kill()
	one := task(reminder.SMS)
	await(t, "the next primary takes a task", func() bool {
		err := q.Enqueue(t.Context(), []reminder.Task{one})[0]
		return err == nil || errors.Is(err, queue.ErrQueuedAlready)
	})
	await(t, "and it is done", func() bool { return done.Load() >= 11 })
	await(t, "it is reachable", func() bool { _, ok := q.Reachable(); return ok })
}

func TestAProcessStopsWhileItsRedisHangsOrWasNeverThere(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	grace := 500 * time.Millisecond
	hanging := open(t, queue.Options{Redis: queue.Address{URL: server.URL()}, Grace: grace})
	never := open(t, queue.Options{Redis: queue.Address{URL: "redis://127.0.0.1:1/0"}, Grace: grace})
	inHand := make(chan struct{})
	stopHanging := serve(t, hanging, func(ctx context.Context, _ reminder.Task, _ queue.Attempt) error {
		close(inHand)
		<-ctx.Done()
		return ctx.Err()
	})
	stopNever := serve(t, never, func(context.Context, reminder.Task, queue.Attempt) error { return nil })
	put(t, hanging, task(reminder.SMS))
	receive(t, "the task", inHand)
	if err := syscall.Kill(server.PID(), syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Kill(server.PID(), syscall.SIGCONT) }()
	began := time.Now()
	stopNever()
	t.Logf("without Redis it stopped after %v", time.Since(began).Round(100*time.Millisecond))
	stopHanging()
	t.Logf("with a Redis that hangs after %v", time.Since(began).Round(100*time.Millisecond))
}

// A password that was changed has Redis refuse whoever comes. asynq asks again at once after each refusal.
func TestARedisThatRefusesIsNotAskedAsFastAsCanBe(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	q := open(t, queue.Options{Redis: queue.Address{URL: server.URL()}})
	var done atomic.Int64
	serve(t, q, counter(&done))
	put(t, q, task(reminder.SMS))
	await(t, "a task is done", func() bool { return done.Load() == 1 })
	admin := redistest.Client(t, server.URL())
	conn := admin.Conn()
	defer conn.Close()
	password := conn.ConfigGet(t.Context(), "requirepass").Val()["requirepass"]
	conn.ConfigSet(t.Context(), "requirepass", "another")
	conn.ClientKillByFilter(t.Context(), "TYPE", "normal", "SKIPME", "yes")
	count := func() int {
		for line := range strings.Lines(conn.Info(t.Context(), "stats").Val()) {
			if n, ok := strings.CutPrefix(strings.TrimSpace(line), "total_connections_received:"); ok {
				v, _ := strconv.Atoi(n)
				return v
			}
		}
		t.Fatal("Redis tells no figures")
		return 0
	}
	await(t, "it is unreachable", func() bool { _, ok := q.Reachable(); return !ok })
	before, began := count(), time.Now()
	await(t, "it came again", func() bool { return count() > before+20 })
	after, took := count(), time.Since(began)
	if perSecond := float64(after-before) / took.Seconds(); perSecond > 300 {
		t.Errorf("%.0f connections a second", perSecond)
	}
	conn.ConfigSet(t.Context(), "requirepass", password)
	put(t, q, task(reminder.SMS))
	await(t, "a task is done again", func() bool { return done.Load() == 2 })
}

func TestABadAddressIsToldWithoutThePassword(t *testing.T) {
	t.Parallel()
	_, err := queue.Open(queue.Options{Redis: queue.Address{URL: "redis://:opensesame@[::1"}, Clock: clock.System{}})
	if err == nil || strings.Contains(err.Error(), "opensesame") {
		t.Error(err)
	}
}
