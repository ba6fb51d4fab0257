package app

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	telling "github.com/mediconnect/mediconnect/internal/channel/words"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/queue"
	"github.com/mediconnect/mediconnect/internal/reminder"
	"github.com/mediconnect/mediconnect/internal/resilience"
	"github.com/mediconnect/mediconnect/workers"
)

// Messaging is how a process tells patients of their visits.
type Messaging struct {
	Channels []reminder.Channel
	Guards   []*resilience.Guard // that they have
	Queue    *queue.Queue        // nil: there is no Redis, and messages are sent straight from the database
	Timing   reminder.Timing
	Limits   reminder.Limits
}

// messaging opens what patients are told by. Nothing is connected to yet.
func (s *ChannelSettings) messaging(redis RedisSettings, log *slog.Logger) (m *Messaging, err error) {
	m = &Messaging{Timing: reminder.UsualTiming(), Limits: reminder.UsualLimits()}
	m.Channels, m.Guards = s.open(clock.System{})
	m.Queue, err = redis.queue(log)
	return m, err
}

// Close ends all connections.
func (m *Messaging) Close() {
	if m.Queue != nil {
		m.Queue.Close()
	}
}

// reminders wires the room. A process that doesn't send has no channels, and notes what vendors and patients say.
func (a *App) reminders(source clinic.Source) *reminder.Service {
	config := reminder.Config{Store: postgres.NewMessages(a.db), Source: source, Timing: reminder.UsualTiming(), Law: lawful, Alert: a.alarm, Rest: rest, Links: a.frame.offered()}
	if m := a.frame.Messaging; m != nil {
		for _, g := range m.Guards {
			a.watch(g)
		}
		if m.Queue != nil {
			a.parts.add(queuePart, a.queueStands)
		}
		config.Channels, config.Writer, config.Timing = append(m.Channels, reminder.InApp{}), wording{}, m.Timing
		config.Limits = m.Limits
	}
	return reminder.NewService(config)
}

// queuePart is the queue's name in /health/.
const queuePart = "queue"

// queueStands is how the queue is, and what it holds.
func (a *App) queueStands(ctx context.Context) part {
	q := a.frame.Messaging.Queue
	if _, ok := q.Reachable(); !ok {
		return part{Status: "unreachable"}
	}
	depths, err := q.Depths(ctx)
	if err != nil {
		return part{Status: "unreachable"}
	}
	return part{Status: well, Detail: depths}
}

// wording writes messages.
type wording struct{}

// Write is documented at reminder.Writer.
func (wording) Write(c reminder.ChannelKind, k reminder.Kind, f reminder.Facts) (subject, text, html string, err error) {
	subject, text, html, err = telling.Write(c, k, f)
	if fault, ok := errors.AsType[telling.Fault](err); ok {
		err = reminder.Unwritable{Cause: fault.Cause}
	}
	return subject, text, html, err
}

// lawful is the retry law. The first attempt failed with attempt 1, which is the law's n = 0.
func lawful(attempt int, after time.Duration) time.Duration {
	return max(resilience.Delay(attempt-1, rand.Float64()), after)
}

// alarm tells people who run the system of a message that nobody may have got. It names no patient.
func (a *App) alarm(of reminder.Alert) {
	level := slog.LevelWarn
	if of.Grave {
		level = slog.LevelError
	}
	a.frame.Log.Log(context.Background(), level, "a message may not have reached its patient", "alert", "message", "state", string(of.State), "cause", string(of.Cause),
		"channel", string(of.Channel), "organization", of.Message.Organization, "message", of.Message.ID, "trace", of.Trace)
}

func rest(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// courierOffice is whose office it is to hand messages to the queue.
const courierOffice = "courier"

// When messages are sent without the queue: once it has been unreachable for queueAway, and before that those that have been due for so long.
// A process that has just begun doesn't know since when the queue is away, but finds out within queueLooks whether it is.
const (
	queueAway  = time.Minute
	queueLooks = 5 * time.Second
)

// deliver plans and sends messages until ctx ends.
func (a *App) deliver(ctx context.Context) {
	m := a.frame.Messaging
	log := a.frame.Log
	var all sync.WaitGroup
	defer all.Wait()
	all.Go(func() { workers.Prepare(ctx, a.reminder, log) })
	if m.Queue == nil {
		a.counting(ctx, func(ctx context.Context) {
			workers.Direct(ctx, a.reminder, func() (time.Duration, bool) { return 0, true }, log)
		})
		return
	}
	carried := carrier{m.Queue, a.frame.Clock}
	all.Go(func() { a.relayMessages(ctx, carried) })
	all.Go(func() {
		workers.Direct(ctx, a.reminder, func() (time.Duration, bool) { return withoutQueue(m.Queue, clock.System{}.Now()) }, log)
	})
	for ctx.Err() == nil {
		if err := m.Queue.Serve(ctx, a.handle); err != nil {
			log.Error("the queue isn't served", "error", err)
		}
		_ = rest(ctx, time.Second)
	}
}

// reachable is what tells whether a queue takes tasks, and since when.
type reachable interface {
	Reachable() (since time.Time, ok bool)
}

// withoutQueue says whether messages are sent without the queue, and how long they must have been due for that.
func withoutQueue(q reachable, now time.Time) (late time.Duration, is bool) {
	since, ok := q.Reachable()
	away := now.Sub(since)
	switch {
	case ok || away < queueLooks:
		return 0, false
	case away < queueAway:
		return queueAway, true
	}
	return 0, true
}

// relayMessages hands messages to the queue whenever this process is the one to do so.
func (a *App) relayMessages(ctx context.Context, q carrier) {
	office := postgres.NewOffice(a.db, courierOffice)
	defer office.Close()
	for ctx.Err() == nil {
		_, _ = office.Hold(ctx, func(ctx context.Context) {
			a.counting(ctx, func(ctx context.Context) { workers.Relay(ctx, a.reminder, q, a.frame.Log) })
		})
		_ = rest(ctx, time.Second)
	}
}

// handle does a task of the queue.
func (a *App) handle(ctx context.Context, t reminder.Task, _ queue.Attempt) error {
	v, err := a.reminder.Send(ctx, t)
	switch {
	case err != nil:
		return err
	case v.What == reminder.Again:
		return queue.Again{After: v.After, Cause: string(v.Cause)}
	case v.What == reminder.NotNow:
		return queue.NotNow{After: v.After, Why: string(v.Cause)}
	case v.What == reminder.Never:
		return queue.Never{Cause: string(v.Cause)}
	}
	return nil
}

// carrier is the queue as the room knows it. Messages are due by the product's clock, and tasks by the machine's.
type carrier struct {
	queue *queue.Queue
	clock clock.Clock
}

// Enqueue is documented at reminder.Queue.
func (c carrier) Enqueue(ctx context.Context, tasks []reminder.Task) []error {
	ahead := clock.System{}.Now().Sub(c.clock.Now())
	timed := make([]reminder.Task, len(tasks))
	for i, t := range tasks {
		t.At = t.At.Add(ahead)
		timed[i] = t
	}
	answers := c.queue.Enqueue(ctx, timed)
	for i, err := range answers {
		if errors.Is(err, queue.ErrQueuedAlready) {
			answers[i] = reminder.ErrQueued
		}
	}
	return answers
}

// Stuck is documented at reminder.Queue. A task that runs for longer than it may is one whose worker and lease are gone.
func (c carrier) Stuck(ctx context.Context, t reminder.Task) (bool, error) {
	state, ok, err := c.queue.Holds(ctx, t)
	return ok && (state == "active" || state == "archived" || state == "completed"), err
}
