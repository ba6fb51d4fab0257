package queue

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/hibiken/asynq"

	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/reminder"
)

// Attempt says how often a task was tried, with this time.
type Attempt struct {
	N    int // from 1
	Last bool
}

// Handler does a task. It answers nil when there is nothing more to do, else Again, NotNow or Never. Its context ends with the time that
// an attempt may take, when the process has waited for it long enough, or when Redis was away for 30 s, and asynq's lease of the task is
// over: then it must return, since the task may be given to another.
// It must be safe to run twice for the same task, also at once.
type Handler func(ctx context.Context, t reminder.Task, a Attempt) error

// The bounds of asynq's own work.
const (
	tidyEvery   = 8 * time.Second
	mostPutBack = 5 * time.Second  // that a handler may take which was told to stop; it has no more than the grace
	stopWithin  = 10 * time.Second // on top, for what asynq writes to Redis at the end
)

// ErrStillRunning reports that parts of asynq wait for Redis longer than a process may that stops.
var ErrStillRunning = errors.New("queue: not all of it has stopped")

// Serve does tasks until ctx ends, each queue by a server of its own, so that a vendor that hangs keeps none of another's hands. Then it
// waits for handlers that are at it: for the grace, after which their contexts end. What isn't done by then is put back, and that
// was no attempt. Redis may be away at any time: it goes on when it is back.
func (q *Queue) Serve(ctx context.Context, h Handler) error {
	last, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var others sync.WaitGroup
	defer others.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	others.Go(func() { q.Watch(ctx) })
	words := newWords(q.log)
	var servers []*asynq.Server
	for name, n := range hands {
		s := asynq.NewServerFromRedisClient(q.work, q.config(n, name, words))
		desk := desk{q: q, name: name, handle: h, last: last}
		if err := s.Start(asynq.HandlerFunc(desk.process)); err != nil { // only of one that runs already
			return errors.Join(err, q.stop(servers))
		}
		servers = append(servers, s)
	}
	<-ctx.Done()
	over := time.AfterFunc(q.o.Grace, stop)
	defer over.Stop()
	return q.stop(servers)
}

func (q *Queue) config(n int, name string, words *words) asynq.Config {
	return asynq.Config{
		Concurrency: n, Queues: map[string]int{name: 1},
		TaskCheckInterval: q.o.Look, DelayedTaskCheckInterval: q.o.Look, JanitorInterval: tidyEvery,
		ShutdownTimeout: q.stopping(),
		RetryDelayFunc:  delay(q.o.Law), IsFailure: failed,
		Logger: words, LogLevel: asynq.InfoLevel,
	}
}

// stopping is how long handlers have before their tasks are put back without them.
func (q *Queue) stopping() time.Duration { return q.o.Grace + min(q.o.Grace, mostPutBack) }

// stop waits for servers, but no longer than they have a right to.
func (q *Queue) stop(servers []*asynq.Server) error {
	var all sync.WaitGroup
	for _, s := range servers {
		all.Go(s.Shutdown)
	}
	ended := make(chan struct{})
	go func() { all.Wait(); close(ended) }()
	late := time.NewTimer(q.stopping() + stopWithin)
	defer late.Stop()
	select {
	case <-ended:
		return nil
	case <-late.C:
		return ErrStillRunning
	}
}

// desk does the tasks of a queue.
type desk struct {
	q      *Queue
	name   string
	handle Handler
	last   context.Context // ends once nobody waits for handlers any more
}

func (d desk) process(ctx context.Context, t *asynq.Task) error {
	name, _ := asynq.GetTaskID(ctx)
	task, err := read(name, t.Type(), t.Payload(), t.Headers())
	if err != nil {
		d.q.log.Error("a task in the queue can't be read and is archived", "queue", d.name, "bytes", len(t.Payload()), "why", err.Error())
		return verdict{words: "unreadable: " + err.Error(), archived: true, attempt: true}
	}
	before, _ := asynq.GetRetryCount(ctx)
	if before >= reminder.MaxAttempts {
		return exhausted()
	}
	ctx, cancel := context.WithTimeout(ctx, d.q.o.Attempt)
	defer cancel()
	defer context.AfterFunc(d.last, cancel)()
	a := Attempt{N: before + 1, Last: before+1 >= reminder.MaxAttempts}
	return judge(d.contained(ctx, task, a), a, d.last.Err() != nil)
}

// contained calls the handler; a panic is a failed attempt.
func (d desk) contained(ctx context.Context, t reminder.Task, a Attempt) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = panicked{errs.Panicked(cause)}
			d.q.log.Error("a task's handler panicked", "queue", d.name, "task", t.Name(), "cause", errs.Panicked(cause))
		}
	}()
	return d.handle(ctx, t, a)
}
