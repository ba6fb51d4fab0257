package queue

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hibiken/asynq"

	"github.com/mediconnect/mediconnect/internal/reminder"
)

// Again reports a failed attempt. The fifth one ends the task. Any other error does so, too, by the retry law.
type Again struct {
	After time.Duration // until the next; 0: by the retry law
	Cause string        // a stable code, kept beside the task
}

func (a Again) Error() string { return "try again: " + a.Cause }

// NotNow reports that no attempt was made, and when to look again. It may do so for ever.
type NotNow struct {
	After time.Duration
	Why   string // a stable code, kept beside the task
}

func (n NotNow) Error() string { return "not now: " + n.Why }

// Never reports that a task can't be done by trying again: it is archived.
type Never struct {
	Cause string // a stable code, kept beside the task
}

func (n Never) Error() string { return "never: " + n.Cause }

// verdict is what asynq is told. Its words are kept in Redis, so they are ours and not those of whatever failed.
type verdict struct {
	words    string
	after    time.Duration // lawful: by the retry law
	attempt  bool          // it counts
	archived bool
}

const lawful time.Duration = -1

func (v verdict) Error() string { return v.words }

// Is has asynq archive the task.
func (v verdict) Is(target error) bool { return v.archived && target == asynq.SkipRetry }

// judge turns a handler's outcome into asynq's.
func judge(err error, a Attempt, stopping bool) error {
	var again Again
	var notNow NotNow
	var never Never
	v := verdict{words: "failed", after: lawful, attempt: true}
	switch {
	case err == nil:
		return nil
	case errors.As(err, &never):
		return verdict{words: "never: " + code(never.Cause), archived: true, attempt: true}
	case errors.As(err, &notNow):
		return verdict{words: "not now: " + code(notNow.Why), after: max(0, notNow.After)}
	case errors.As(err, &again):
		v.words = "failed: " + code(again.Cause)
		if again.After > 0 {
			v.after = again.After
		}
	case stopping:
		return verdict{words: "put back"}
	case errors.As(err, &panicked{}):
		v.words = "panicked"
	}
	v.archived = a.Last
	return v
}

// code is what is kept of a stable code: none of ours is longer, or has other signs.
func code(text string) string {
	text = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-. ", r) {
			return r
		}
		return -1
	}, text[:min(len(text), mostCode)])
	return text
}

const mostCode = 64 // bytes

type panicked struct{ cause string }

func (p panicked) Error() string { return "the handler panicked: " + p.cause }

func failed(err error) bool {
	var v verdict
	return !errors.As(err, &v) || v.attempt
}

// delay says how long a task waits after it failed n times before. A lost worker's task has waited long enough. asynq keeps whole
// seconds: a wait ends with the second in which it would be over, and not before.
func delay(law reminder.Law) asynq.RetryDelayFunc {
	return func(n int, err error, _ *asynq.Task) time.Duration {
		if errors.Is(err, asynq.ErrLeaseExpired) {
			return 0
		}
		after := lawful
		if v := (verdict{}); errors.As(err, &v) {
			after = v.after
		}
		switch after {
		case 0:
			return 0
		case lawful:
			after = law(n+1, 0)
		}
		return min(after, longestWait) + time.Second - 1
	}
}

const longestWait = 24 * time.Hour

// exhausted is of tasks whose last attempt ended with its worker.
func exhausted() error {
	return verdict{words: fmt.Sprintf("failed: %d attempts, the last one lost", reminder.MaxAttempts), archived: true, attempt: true}
}
