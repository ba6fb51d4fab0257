package queue

import (
	"context"
	"sync"
	"time"
)

const lookEvery = time.Second

// queuesKey is where asynq keeps the names of its queues. Its clients write them there once, and not again when Redis came back empty.
const queuesKey = "asynq:queues"

// reach is whether the queue took something when it was last looked at.
type reach struct {
	mu    sync.Mutex
	ok    bool
	since time.Time
}

// Reachable says whether the queue takes tasks, and since when it does or doesn't, as Watch sees it. Before its first look it doesn't,
// since it was opened.
func (q *Queue) Reachable() (since time.Time, ok bool) {
	q.reach.mu.Lock()
	defer q.reach.mu.Unlock()
	return q.reach.since, q.reach.ok
}

// Watch looks every second whether the queue takes something, until ctx ends. Serve does so, too; who only puts tasks in calls it.
func (q *Queue) Watch(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		if err := q.knock(ctx); ctx.Err() == nil {
			q.note(err)
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// knock writes the names of the queues: a Redis that only answers isn't enough, and they are needed to look at the queues.
func (q *Queue) knock(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	var names []any
	for name := range hands {
		names = append(names, name)
	}
	return q.ask.SAdd(ctx, queuesKey, names...).Err()
}

func (q *Queue) note(err error) {
	q.reach.mu.Lock()
	defer q.reach.mu.Unlock()
	if q.reach.ok == (err == nil) {
		return
	}
	q.reach.ok, q.reach.since = err == nil, q.o.Clock.Now()
	if err != nil {
		q.log.Warn("the queue can't be reached", "error", err)
	} else {
		q.log.Info("the queue can be reached")
	}
}
