// Package queue is part of the cellar: what is to be done later or by another process, on asynq and Redis. It carries names; the rows
// that they name are the truth, and whatever is lost here is queued again from there.
package queue

import (
	"log/slog"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/reminder"
)

// The bounds of an attempt.
const (
	usualAttempt = 30 * time.Second
	usualGrace   = 20 * time.Second
	usualLook    = time.Second
	overtime     = 5 * time.Second // after the handler's own end, so that what it answers then counts
)

// The queues, one a vendor. How many tasks of one may be in hand at once in a process is more than may be in flight to the vendor: the
// others claim their rows, or store what came of it.
var hands = map[string]int{"sms": 30, "email": 30, "push": 10, "ehr": 10, "default": 5}

var places = map[reminder.ChannelKind]string{
	reminder.SMS: "sms", reminder.Voice: "sms", // one vendor's
	reminder.Email: "email", reminder.Push: "push",
}

func placeOf(c reminder.ChannelKind) string {
	if name, ok := places[c]; ok {
		return name
	}
	return "default"
}

// Options say where a queue is and how tasks of it are done.
type Options struct {
	Redis   Address
	Clock   clock.Clock
	Law     reminder.Law  // of attempts that failed without saying when to try again; nil: at once
	Log     *slog.Logger  // nil: nothing is logged
	Attempt time.Duration // that a handler may take, in whole seconds; 0: 30 s
	Grace   time.Duration // that handlers have to finish when the process stops; 0: 20 s
	Look    time.Duration // between looks for tasks that are due; 0: 1 s
}

// Queue is reached by every process: some put tasks in, some do them.
type Queue struct {
	o      Options
	log    *slog.Logger
	work   *redis.Client // tries again, since little is lost by a second more
	ask    *redis.Client // fails at once
	client *asynq.Client
	look   *asynq.Inspector
	reach  reach
}

// Open reads where Redis is. It doesn't connect yet: the first call does.
func Open(o Options) (*Queue, error) {
	if o.Law == nil {
		o.Law = func(_ int, after time.Duration) time.Duration { return after }
	}
	if o.Attempt <= 0 {
		o.Attempt = usualAttempt
	}
	if o.Grace <= 0 {
		o.Grace = usualGrace
	}
	if o.Look <= 0 {
		o.Look = usualLook
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	work, err := o.Redis.client(patient)
	if err != nil {
		return nil, err
	}
	work.AddHook(slower{})
	ask, err := o.Redis.client(brisk)
	if err != nil {
		return nil, err
	}
	q := &Queue{o: o, log: o.Log, work: work, ask: ask}
	q.client, q.look = asynq.NewClientFromRedisClient(work), asynq.NewInspectorFromRedisClient(ask)
	q.reach.since = o.Clock.Now()
	return q, nil
}

// Close ends all connections.
func (q *Queue) Close() {
	_ = q.work.Close()
	_ = q.ask.Close()
}
