package queue

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hibiken/asynq"

	"github.com/mediconnect/mediconnect/internal/reminder"
)

// What may become of a task that is put in.
var (
	ErrQueuedAlready = errors.New("queue: a task of this name is there already")
	ErrUnavailable   = errors.New("queue: it can't be reached, or takes nothing")
	ErrUnnamed       = errors.New("queue: a task that names no message")
)

// spared is how many failures asynq allows a task. It archives one that has had so many whatever the handler says, also if that made no
// attempt: so it is one more than may be.
const spared = reminder.MaxAttempts

const (
	enqueuers     = 24 // at once; asynq's client puts tasks in one by one
	enqueueWithin = 2 * time.Second
)

// Enqueue puts tasks in, each under its name, and answers for each: nil, or ErrQueuedAlready if one of its name is there in whatever
// state, archived ones too, or ErrUnnamed, or ErrUnavailable, when it may be in or not. Once one failed for that reason the rest isn't
// tried, so that the answer comes within 2 s of the failure. A task isn't due before its time, to the whole second after it.
func (q *Queue) Enqueue(ctx context.Context, tasks []reminder.Task) []error {
	answers := make([]error, len(tasks))
	var next atomic.Int64
	var away atomic.Bool
	var all sync.WaitGroup
	for range min(enqueuers, len(tasks)) {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(tasks); i = int(next.Add(1)) - 1 {
				if answers[i] = q.put(ctx, tasks[i], &away); errors.Is(answers[i], ErrUnavailable) {
					away.Store(true)
				}
			}
		})
	}
	all.Wait()
	return answers
}

func (q *Queue) put(ctx context.Context, t reminder.Task, away *atomic.Bool) error {
	if t.Zero() {
		return ErrUnnamed
	}
	place := placeOf(t.Channel)
	if away.Load() {
		return ErrUnavailable
	}
	ctx, cancel := context.WithTimeout(ctx, enqueueWithin)
	defer cancel()
	task, err := write(t)
	if err != nil {
		return fmt.Errorf("queue: write a task: %w", err)
	}
	options := []asynq.Option{
		asynq.Queue(place), asynq.TaskID(t.Name()), asynq.MaxRetry(spared), asynq.Timeout(q.o.Attempt + overtime), asynq.Retention(0),
	}
	if t.At.After(q.o.Clock.Now()) { // else it goes to who does it without a wait for the next look
		options = append(options, asynq.ProcessAt(wholeSecond(t.At)))
	}
	_, err = q.client.EnqueueContext(ctx, task, options...)
	switch {
	case err == nil:
	case errors.Is(err, asynq.ErrTaskIDConflict):
		return ErrQueuedAlready
	default:
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return nil
}

// wholeSecond is the instant or the next whole second: asynq keeps seconds, and would have a task due sooner than asked.
func wholeSecond(t time.Time) time.Time { return t.Add(time.Second - 1).Truncate(time.Second) }
