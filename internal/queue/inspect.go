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

const askWithin = 2 * time.Second

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
	if a.err != nil {
		a.err = fmt.Errorf("%w: %w", ErrUnavailable, a.err)
	}
	return a.value, a.err
}
