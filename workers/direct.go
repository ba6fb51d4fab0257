package workers

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/mediconnect/mediconnect/internal/reminder"
)

// Direct is how messages are sent without the queue: as often, as many of each channel, and as many of them at once. Of those that can't be sent
// yet it goes through a few pages more.
const (
	directEvery = 500 * time.Millisecond
	directLimit = 50
	directPages = 4
	directly    = 10
)

// Direct sends messages straight from the database while away says that the queue can't be reached, until ctx ends: those that have been due
// for as long as away says.
func Direct(ctx context.Context, m Messenger, away func() (late time.Duration, is bool), log *slog.Logger) {
	var wg sync.WaitGroup
	for _, channel := range reminder.SentBy {
		walk := &walk{m: m, channel: channel}
		wg.Go(func() {
			repeat(ctx, directEvery, directLimit, func(ctx context.Context, limit int) (int, error) {
				late, is := away()
				if !is {
					walk.after = reminder.Task{}
					return 0, nil
				}
				return 0, walk.turn(ctx, late, limit)
			}, log.With("job", "send messages without the queue", "channel", string(channel)))
		})
	}
	wg.Wait()
}

// walk goes through the messages of a channel that wait, again and again: one that isn't to be sent yet stays where it is in their order, and must
// not keep those behind it from being sent.
type walk struct {
	m       Messenger
	channel reminder.ChannelKind
	after   reminder.Task // the last one that was looked at; zero: it begins with the first
}

// turn makes so many attempts, or somewhat more, as far as a few pages have as many.
func (w *walk) turn(ctx context.Context, late time.Duration, limit int) error {
	tried := 0
	for range directPages {
		tasks, err := w.m.Waiting(ctx, w.channel, late, w.after, limit)
		if err != nil {
			return err
		}
		w.after = reminder.Task{}
		if len(tasks) == limit {
			w.after = tasks[limit-1]
		}
		n, err := direct(ctx, w.m, tasks)
		if tried += n; err != nil || tried >= limit || w.after.Zero() {
			return err
		}
	}
	return nil
}

// direct sends messages, a few at once, and answers of how many that wasn't put off.
func direct(ctx context.Context, m Messenger, tasks []reminder.Task) (tried int, err error) {
	line := make(chan reminder.Task)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range directly {
		wg.Go(func() {
			for t := range line {
				v, failed := m.Send(ctx, t)
				mu.Lock()
				if failed != nil {
					err = failed // one of many alike
				} else if v.What != reminder.NotNow {
					tried++
				}
				mu.Unlock()
			}
		})
	}
	for _, t := range tasks {
		line <- t
	}
	close(line)
	wg.Wait()
	return tried, err
}
