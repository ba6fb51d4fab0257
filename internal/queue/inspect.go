package queue

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/hibiken/asynq"

	"github.com/mediconnect/mediconnect/internal/reminder"
)

const (
	askWithin = 2 * time.Second
	mostPage  = 500
)

// Depth is how many tasks of a queue are in each state.
type Depth struct {
	Pending, Active, Scheduled, Retry, Archived int
	Latency                                     time.Duration // age of the oldest pending one
}

// Depths says how full each queue is, by its name. It fails with ErrUnavailable within 2 s.
func (q *Queue) Depths(ctx context.Context) (map[string]Depth, error) {
	return within(ctx, q, func() (map[string]Depth, error) {
		all := map[string]Depth{}
		for _, name := range slices.Sorted(maps.Keys(hands)) {
			i, err := q.look.GetQueueInfo(name)
			if err != nil {
				return nil, err
			}
			all[name] = Depth{i.Pending, i.Active, i.Scheduled, i.Retry, i.Archived, i.Latency}
		}
		return all, nil
	})
}

// Holds says whether a task of a name is there, and in which state: active, pending, scheduled, retry, archived or completed. It fails
// with ErrUnavailable within 2 s.
func (q *Queue) Holds(ctx context.Context, t reminder.Task) (state string, ok bool, err error) {
	state, err = within(ctx, q, func() (string, error) { return q.state(t) })
	return state, state != "", err
}

func (q *Queue) state(t reminder.Task) (string, error) {
	info, err := q.look.GetTaskInfo(placeOf(t.Channel), t.Name())
	if errors.Is(err, asynq.ErrTaskNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return info.State.String(), nil
}

// Archived is a task that is tried no more.
type Archived struct {
	Task     reminder.Task // zero if it can't be read
	Failures int
	Why      string // the last failure's, in this package's words
	At       time.Time
}

// ErrNoQueue reports a name that no queue has.
var ErrNoQueue = errors.New("queue: there is none of this name")

// Archived lists the archive of a queue, the latest first, in pages of at most 500 from page 1. Pages shift when tasks come and go. asynq
// keeps about 10,000 a queue, and each for 90 days. It fails with ErrNoQueue, or with ErrUnavailable within 2 s.
func (q *Queue) Archived(ctx context.Context, name string, size, page int) ([]Archived, error) {
	if _, ok := hands[name]; !ok {
		return nil, ErrNoQueue
	}
	size, page = min(max(size, 1), mostPage), max(page, 1)
	return within(ctx, q, func() ([]Archived, error) {
		infos, err := q.look.ListArchivedTasks(name, asynq.PageSize(size), asynq.Page(page))
		if err != nil {
			return nil, err
		}
		all := make([]Archived, 0, len(infos))
		for _, i := range infos {
			t, _ := read(i.ID, i.Type, i.Payload, i.Headers)
			all = append(all, Archived{Task: t, Failures: i.Retried, Why: i.LastErr, At: i.LastFailedAt})
		}
		return all, nil
	})
}

// ErrStillDue reports a task that is to be done, or is being done.
var ErrStillDue = errors.New("queue: the task isn't over")

// Forget deletes an archived or completed task, so that its name is free. If there is none that is fine. It fails with ErrStillDue, or
// with ErrUnavailable within 2 s.
func (q *Queue) Forget(ctx context.Context, t reminder.Task) error {
	_, err := within(ctx, q, func() (struct{}, error) { return struct{}{}, q.forget(t) })
	return err
}

func (q *Queue) forget(t reminder.Task) error {
	state, err := q.state(t)
	if err != nil || state == "" {
		return err
	}
	if state != asynq.TaskStateArchived.String() && state != asynq.TaskStateCompleted.String() {
		return ErrStillDue
	}
	if err = q.look.DeleteTask(placeOf(t.Channel), t.Name()); errors.Is(err, asynq.ErrTaskNotFound) {
		return nil
	}
	return err
}

// within waits for asynq's inspector no longer than ctx and the limit: it takes no context, and ends by the bounds of its client. That
// the queues are known to asynq is seen to before.
func within[T any](ctx context.Context, q *Queue, call func() (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	type answer struct {
		value T
		err   error
	}
	var a answer
	if a.err = q.knock(ctx); a.err == nil {
		answers := make(chan answer, 1)
		go func() {
			value, err := call()
			answers <- answer{value, err}
		}()
		select {
		case a = <-answers:
		case <-ctx.Done():
			a.err = ctx.Err()
		}
	}
	if a.err != nil && !errors.Is(a.err, ErrStillDue) {
		a.err = fmt.Errorf("%w: %w", ErrUnavailable, a.err)
	}
	return a.value, a.err
}
