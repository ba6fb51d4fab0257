package reminder

import (
	"context"
	"errors"
	"time"
)

// Queue carries tasks. It may lose all of them.
type Queue interface {
	// Enqueue hands tasks over, each unless it is there already: ErrQueued. It answers an error for each.
	Enqueue(ctx context.Context, tasks []Task) []error
	// Stuck says whether the queue has a task that will not come by itself.
	Stuck(ctx context.Context, t Task) (bool, error)
}

// ErrQueued reports a task that is in the queue already.
var ErrQueued = errors.New("the task is in the queue already")

// Dispatch hands messages that are due soon to the queue, at most limit of them, and answers how many it looked at. A task that was handed
// over before whoever did so could note it is handed over again, under the same name.
func (s *Service) Dispatch(ctx context.Context, q Queue, limit int) (int, error) {
	tasks, err := s.store.ToQueue(ctx, s.now().Add(s.how.Horizon), limit)
	if err != nil || len(tasks) == 0 {
		return 0, err
	}
	there, err := handOver(ctx, q, tasks)
	if len(there) > 0 {
		err = errors.Join(err, s.store.Queued(ctx, there, s.now()))
	}
	if len(there) == 0 {
		return 0, err // the queue is away: there is no use in going on
	}
	return len(tasks), err
}

// handOver answers the tasks that are in the queue then.
func handOver(ctx context.Context, q Queue, tasks []Task) (there []Task, err error) {
	var failed error
	for i, err := range q.Enqueue(ctx, tasks) {
		if err == nil || errors.Is(err, ErrQueued) {
			there = append(there, tasks[i])
		} else if failed == nil {
			failed = err // one of many alike
		}
	}
	return there, failed
}

// Reconcile finds messages that the queue had and that didn't come in time, at most limit of them: what it has lost it gets again, and what
// is stuck there goes on as the next generation.
func (s *Service) Reconcile(ctx context.Context, q Queue, limit int) (int, error) {
	now := s.now()
	tasks, err := s.store.Overdue(ctx, now.Add(-s.how.Missing), limit)
	if err != nil || len(tasks) == 0 {
		return 0, err
	}
	var there []Task
	var failed []error
	for i, err := range q.Enqueue(ctx, tasks) {
		t := tasks[i]
		if errors.Is(err, ErrQueued) && now.Sub(t.At) >= s.how.Stuck {
			err = s.unstick(ctx, q, t, now)
		}
		if err == nil || errors.Is(err, ErrQueued) {
			there = append(there, t)
		} else {
			failed = append(failed, err)
		}
	}
	if len(there) > 0 {
		failed = append(failed, s.store.Queued(ctx, there, now))
	}
	if len(there) == 0 {
		return 0, errors.Join(failed...)
	}
	return len(tasks), errors.Join(failed...)
}

func (s *Service) unstick(ctx context.Context, q Queue, t Task, now time.Time) error {
	stuck, err := q.Stuck(ctx, t)
	if err != nil || !stuck {
		return err
	}
	next, done, err := s.store.Renew(ctx, t, now)
	if err != nil || !done {
		return err
	}
	return q.Enqueue(ctx, []Task{next})[0]
}

// Waiting lists messages of a channel that have been due for a while, or since just now, for whoever sends without the queue: the longest first, those
// that follow a task, or, if it is zero, from the first.
func (s *Service) Waiting(ctx context.Context, c ChannelKind, late time.Duration, after Task, limit int) ([]Task, error) {
	return s.store.Waiting(ctx, c, s.now().Add(-late), after, limit)
}

// Expire ends messages that make no sense any more, at most limit of them, and answers how many.
func (s *Service) Expire(ctx context.Context, limit int) (int, error) {
	ended, err := s.store.Expire(ctx, s.now(), limit)
	for _, m := range ended {
		if m.Due != nil { // else it waited for one of which somebody is told
			s.warn(m, Expired, TooLate, true)
		}
	}
	return len(ended), err
}
