package queue_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/queue"
	"github.com/mediconnect/mediconnect/internal/reminder"
)

// open opens a queue that looks often.
func open(t *testing.T, o queue.Options) *queue.Queue {
	t.Helper()
	if o.Look == 0 {
		o.Look = 20 * time.Millisecond
	}
	if o.Clock == nil {
		o.Clock = clock.System{}
	}
	q, err := queue.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(q.Close)
	return q
}

// serve does tasks until the test ends or stop is called.
func serve(t *testing.T, q *queue.Queue, h queue.Handler) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- q.Serve(ctx, h) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("serving ended with %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func task(c reminder.ChannelKind) reminder.Task {
	return reminder.Task{Channel: c, Message: clinic.Ref{Organization: uuid.New(), ID: uuid.New()}, At: time.Now().UTC().Truncate(time.Second)}
}

func tasks(n int, c reminder.ChannelKind) (all []reminder.Task) {
	for range n {
		all = append(all, task(c))
	}
	return all
}

// put puts tasks in, all of which must be taken.
func put(t *testing.T, q *queue.Queue, all ...reminder.Task) {
	t.Helper()
	if err := errors.Join(q.Enqueue(t.Context(), all)...); err != nil {
		t.Fatal(err)
	}
}

const patience = 30 * time.Second

// receive waits for what a channel brings.
func receive[T any](t *testing.T, what string, from <-chan T) (v T) {
	t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case v = <-from:
	case <-late.C:
		t.Fatalf("%s: not within %v", what, patience)
	}
	return v
}

// await looks again until something is so.
func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for began := time.Now(); !is(); <-tick.C {
		if time.Since(began) > patience {
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

func awaitState(t *testing.T, q *queue.Queue, of reminder.Task, want string) {
	t.Helper()
	await(t, of.Name()+" is "+want, func() bool {
		state, ok, err := q.Holds(t.Context(), of)
		return err == nil && state == want && ok == (want != "")
	})
}
