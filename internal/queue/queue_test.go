package queue_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/queue"
	"github.com/mediconnect/mediconnect/internal/reminder"
	"github.com/mediconnect/mediconnect/internal/testkit/redistest"
)

const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

func TestATaskArrivesOnceAndWhole(t *testing.T) {
	t.Parallel()
	q := open(t, queue.Options{Redis: queue.Address{URL: redistest.NewURL(t)}})
	sent := []reminder.Task{task(reminder.SMS), task(reminder.Email), task(reminder.Push), task(reminder.Voice), task("PIGEON")}
	for i := range sent {
		sent[i].Trace, sent[i].Generation = trace, i
	}
	put(t, q, sent...)
	for i, err := range q.Enqueue(t.Context(), append(sent[:1:1], reminder.Task{Channel: reminder.SMS})) {
		if want := []error{queue.ErrQueuedAlready, queue.ErrUnnamed}[i]; !errors.Is(err, want) {
			t.Errorf("put in again: %v, want %v", err, want)
		}
	}
	got := make(chan reminder.Task, 100)
	stop := serve(t, q, func(_ context.Context, tk reminder.Task, a queue.Attempt) error {
		if a.N != 1 || a.Last {
			t.Errorf("attempt %+v", a)
		}
		got <- tk
		return nil
	})
	arrived := map[reminder.Task]int{}
	for range sent {
		arrived[receive(t, "a task", got)]++
	}
	for _, tk := range sent {
		awaitState(t, q, tk, "")
		if arrived[tk] != 1 {
			t.Errorf("%+v arrived %d times", tk, arrived[tk])
		}
	}
	put(t, q, sent[0]) // its name is free again
	receive(t, "the task once more", got)
	stop()
	if n := len(got); n > 0 {
		t.Errorf("%d tasks came twice", n)
	}
}

// Nothing private gets into Redis: a task names its message, and says nothing else.
func TestATaskInRedisSaysNoMoreThanWhichMessageItIs(t *testing.T) {
	t.Parallel()
	url := redistest.NewURL(t)
	q := open(t, queue.Options{Redis: queue.Address{URL: url}})
	one := task(reminder.SMS)
	one.Trace = trace
	put(t, q, one)
	kept, err := asynq.NewInspectorFromRedisClient(redistest.Client(t, url)).GetTaskInfo("sms", one.Name())
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(kept.Payload, &fields); err != nil {
		t.Fatal(err)
	}
	if names := slices.Sorted(maps.Keys(fields)); !slices.Equal(names, []string{"at", "channel", "generation", "id", "organization", "v"}) || !maps.Equal(kept.Headers, map[string]string{"traceparent": trace}) {
		t.Errorf("Redis has %s with %v", kept.Payload, kept.Headers)
	}
}

func TestATaskIsNotDueBeforeItsTime(t *testing.T) {
	t.Parallel()
	q := open(t, queue.Options{Redis: queue.Address{URL: redistest.NewURL(t)}})
	began := make(chan time.Time, 10)
	serve(t, q, func(context.Context, reminder.Task, queue.Attempt) error { began <- time.Now(); return nil })
	later := task(reminder.SMS)
	later.At = time.Now().Add(1900 * time.Millisecond)
	put(t, q, later)
	awaitState(t, q, later, "scheduled")
	if at := receive(t, "the task", began); at.Before(later.At) {
		t.Errorf("it was done %v too soon", later.At.Sub(at))
	}
}

func TestAFailedTaskWaitsAsLongAsItWasTold(t *testing.T) {
	t.Parallel()
	q := open(t, queue.Options{Redis: queue.Address{URL: redistest.NewURL(t)}})
	began := make(chan time.Time, 10)
	serve(t, q, func(_ context.Context, _ reminder.Task, a queue.Attempt) error {
		began <- time.Now()
		if a.N == 1 {
			return queue.Again{After: 2500 * time.Millisecond, Cause: "RATE"}
		}
		return nil
	})
	put(t, q, task(reminder.SMS))
	first := receive(t, "the first attempt", began)
	if gap := receive(t, "the second", began).Sub(first); gap < 2500*time.Millisecond || gap > 5*time.Second {
		t.Errorf("tried again after %v, want 2.5 s and not much more", gap)
	}
}

// Four failures, a vendor that isn't asked for twenty looks, and the fifth failure: that is the last.
func TestAPoisonousTaskIsTriedFiveTimesWhileOthersGoOn(t *testing.T) {
	t.Parallel()
	url := redistest.NewURL(t)
	q, archive := open(t, queue.Options{Redis: queue.Address{URL: url}}), asynq.NewInspectorFromRedisClient(redistest.Client(t, url))
	poison := task(reminder.SMS)
	var mu sync.Mutex
	var attempts []queue.Attempt
	var notNow int
	serve(t, q, func(_ context.Context, tk reminder.Task, a queue.Attempt) error {
		if tk.Name() != poison.Name() {
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		if a.N == 5 && notNow < 20 {
			notNow++
			return queue.NotNow{Why: "open"}
		}
		if attempts = append(attempts, a); a.N == 2 {
			panic("of +15550100")
		}
		return queue.Again{After: time.Millisecond, Cause: "VENDOR_DOWN: +15550100"}
	})
	others := tasks(50, reminder.SMS)
	put(t, q, append(others, poison)...)
	awaitState(t, q, poison, "archived")
	for _, o := range others {
		awaitState(t, q, o, "")
	}
	mu.Lock()
	for i, a := range attempts {
		if a.N != i+1 || a.Last != (i == 4) {
			t.Errorf("attempt %d: %+v", i+1, a)
		}
	}
	if len(attempts) != 5 || notNow != 20 {
		t.Errorf("%d attempts, and %d times not now", len(attempts), notNow)
	}
	mu.Unlock()
	kept, err := archive.ListArchivedTasks("sms")
	if err != nil || len(kept) != 1 || kept[0].ID != poison.Name() || kept[0].LastErr != "failed: VENDOR_DOWN 15550100" {
		t.Errorf("the archive has %+v, %v", kept, err)
	}
	if err := q.Enqueue(t.Context(), []reminder.Task{poison})[0]; !errors.Is(err, queue.ErrQueuedAlready) {
		t.Errorf("put in again: %v", err)
	}
}

func TestWhatCanNeverBeDoneIsArchivedAtOnce(t *testing.T) {
	t.Parallel()
	url := redistest.NewURL(t)
	q, archive := open(t, queue.Options{Redis: queue.Address{URL: url}}), asynq.NewInspectorFromRedisClient(redistest.Client(t, url))
	var calls atomic.Int64
	serve(t, q, func(context.Context, reminder.Task, queue.Attempt) error {
		calls.Add(1)
		return queue.Never{Cause: "REFUSED"}
	})
	hopeless := tasks(3, reminder.Email)
	put(t, q, hopeless...)
	for _, h := range hopeless {
		awaitState(t, q, h, "archived")
	}
	if n := calls.Load(); n != 3 {
		t.Errorf("tried %d times, want 3", n)
	}
	if kept, err := archive.ListArchivedTasks("email"); err != nil || len(kept) != 3 || kept[0].LastErr != "never: REFUSED" {
		t.Errorf("the archive has %+v, %v", kept, err)
	}
}

func TestAVendorThatHangsKeepsNoneOfAnothersHands(t *testing.T) {
	t.Parallel()
	q := open(t, queue.Options{Redis: queue.Address{URL: redistest.NewURL(t)}})
	var hanging, done atomic.Int64
	release := make(chan struct{})
	serve(t, q, func(_ context.Context, tk reminder.Task, _ queue.Attempt) error {
		if tk.Channel == reminder.SMS {
			hanging.Add(1)
			<-release
			return nil
		}
		done.Add(1)
		return nil
	})
	defer close(release)
	stuck := tasks(100, reminder.SMS)
	put(t, q, stuck...)
	await(t, "all hands hang", func() bool { return hanging.Load() == 30 })
	put(t, q, tasks(200, reminder.Email)...)
	await(t, "the others are done", func() bool { return done.Load() == 200 })
	all, err := q.Depths(t.Context())
	if d := all["sms"]; err != nil || d.Active != 30 || d.Pending != 70 || hanging.Load() != 30 {
		t.Errorf("%+v, %v; %d hang", d, err, hanging.Load())
	}
	if all["sms"].Latency <= 0 || len(all) != 5 {
		t.Errorf("depths %+v", all)
	}
}

// What a handler says when its time is over counts, and not what asynq would say.
func TestAnAttemptEndsInTimeWithTheHandlersWord(t *testing.T) {
	t.Parallel()
	q := open(t, queue.Options{Redis: queue.Address{URL: redistest.NewURL(t)}, Attempt: time.Second})
	tried := make(chan int, 10)
	var calls atomic.Int64
	serve(t, q, func(ctx context.Context, _ reminder.Task, a queue.Attempt) error {
		tried <- a.N
		call := calls.Add(1)
		if call == 3 {
			return nil
		}
		<-ctx.Done()
		if call == 1 {
			return queue.NotNow{Why: "full"}
		}
		return queue.Again{After: time.Millisecond, Cause: "TIMEOUT"}
	})
	put(t, q, task(reminder.SMS))
	for i, want := range []int{1, 1, 2} {
		if n := receive(t, "an attempt", tried); n != want {
			t.Errorf("call %d: attempt %d, want %d", i+1, n, want)
		}
	}
}

// Of the tasks that are in hand when a process stops, one is done within the grace, one gives up when its context ends, one has its say
// then, and one heeds nothing.
func TestTasksInHandAreFinishedOrPutBackWhenAProcessStops(t *testing.T) {
	t.Parallel()
	address := queue.Address{URL: redistest.NewURL(t)}
	first := open(t, queue.Options{Redis: address, Grace: 500 * time.Millisecond})
	quick, slow, frank, deaf := task(reminder.SMS), task(reminder.SMS), task(reminder.SMS), task(reminder.Email)
	var inHand sync.WaitGroup
	inHand.Add(4)
	finish, deafened := make(chan struct{}), make(chan struct{})
	defer close(deafened)
	stop := serve(t, first, func(ctx context.Context, tk reminder.Task, _ queue.Attempt) error {
		inHand.Done()
		switch tk.Name() {
		case quick.Name():
			<-finish
			return ctx.Err()
		case deaf.Name():
			<-deafened
			return nil
		}
		<-ctx.Done()
		if tk.Name() == frank.Name() {
			return queue.Never{Cause: "TOO_LATE"}
		}
		return ctx.Err()
	})
	put(t, first, quick, slow, frank, deaf)
	inHand.Wait()
	time.AfterFunc(100*time.Millisecond, func() { close(finish) })
	stop()
	awaitState(t, first, quick, "")
	awaitState(t, first, frank, "archived")
	got := make(chan string, 10)
	serve(t, open(t, queue.Options{Redis: address}), func(_ context.Context, tk reminder.Task, a queue.Attempt) error {
		if a.N != 1 {
			t.Errorf("%s: attempt %d, though nobody made one", tk.Name(), a.N)
		}
		got <- tk.Name()
		return nil
	})
	back := map[string]bool{receive(t, "a task", got): true, receive(t, "another", got): true}
	if !back[slow.Name()] || !back[deaf.Name()] {
		t.Errorf("done by the next: %v", back)
	}
}

func TestNothingIsLeftRunning(t *testing.T) { // alone, since it counts
	q := open(t, queue.Options{Redis: queue.Address{URL: redistest.NewURL(t)}})
	put(t, q, task(reminder.Push)) // connections are open
	ours := func() int {
		stacks := make([]byte, 1<<20)
		return strings.Count(string(stacks[:runtime.Stack(stacks, true)]), "created by github.com/hibiken/asynq")
	}
	stop := serve(t, q, func(context.Context, reminder.Task, queue.Attempt) error { return nil })
	await(t, "it runs", func() bool { return ours() > 10 })
	stop()
	await(t, "all has ended", func() bool { return ours() == 0 })
}

func BenchmarkEnqueueTenThousand(b *testing.B) {
	q, err := queue.Open(queue.Options{Redis: queue.Address{URL: redistest.NewURL(b)}, Clock: clock.System{}})
	if err != nil {
		b.Fatal(err)
	}
	defer q.Close()
	for b.Loop() {
		if err := errors.Join(q.Enqueue(b.Context(), tasks(10_000, reminder.SMS))...); err != nil {
			b.Fatal(err)
		}
	}
}
