package queue

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/mediconnect/mediconnect/internal/reminder"
)

// asynq cuts the second's fraction off the instant that a wait ends at.
func TestAWaitIsNeverShorterThanToldForAsynqsSeconds(t *testing.T) {
	at := time.Date(2027, 3, 1, 12, 0, 0, 999_000_000, time.UTC)
	delay := delay(func(attempt int, _ time.Duration) time.Duration { return time.Duration(attempt) * time.Second })
	for _, wait := range []time.Duration{time.Millisecond, time.Second, 2500 * time.Millisecond} {
		if due := time.Unix(at.Add(delay(0, judge(Again{After: wait}, Attempt{N: 1}, false), nil)).Unix(), 0); due.Before(at.Add(wait)) || due.After(at.Add(wait+time.Second)) {
			t.Errorf("a wait of %v ends after %v", wait, due.Sub(at))
		}
	}
	if got := delay(3, asynq.ErrLeaseExpired, nil); got != 0 {
		t.Errorf("the task of a worker that is lost waits %v", got)
	}
	if got := delay(0, judge(Again{After: 1000 * time.Hour}, Attempt{N: 1}, false), nil); got > longestWait+time.Second {
		t.Errorf("a wait of %v", got)
	}
	if got := delay(2, context.DeadlineExceeded, nil); got < 3*time.Second || got > 4*time.Second {
		t.Errorf("a third failure of another kind waits %v", got)
	}
}

func TestOutcomes(t *testing.T) {
	first, last := Attempt{N: 1}, Attempt{N: reminder.MaxAttempts, Last: true}
	for _, c := range []struct {
		err              error
		of               Attempt
		stopping         bool
		counts, archives bool
		words            string
	}{
		{Again{Cause: "RATE"}, first, false, true, false, "failed: RATE"},
		{Again{Cause: "RATE"}, last, false, true, true, "failed: RATE"},
		{NotNow{Why: "full"}, last, false, false, false, "not now: full"},
		{Never{Cause: "NO <b>"}, first, false, true, true, "never: NO b"},
		{errors.New("to +15550100"), first, false, true, false, "failed"},
		{errors.New("to +15550100"), last, false, true, true, "failed"},
		{context.Canceled, last, true, false, false, "put back"},
		{errors.Join(errors.New("wrapped"), Again{Cause: "RATE"}), first, true, true, false, "failed: RATE"},
		{panicked{"string"}, first, false, true, false, "panicked"},
	} {
		got := judge(c.err, c.of, c.stopping)
		if failed(got) != c.counts || errors.Is(got, asynq.SkipRetry) != c.archives || got.Error() != c.words {
			t.Errorf("%v of %+v: %q counts %v, archives %v", c.err, c.of, got, failed(got), errors.Is(got, asynq.SkipRetry))
		}
	}
	if judge(nil, last, true) != nil || !failed(asynq.ErrLeaseExpired) || !errors.Is(exhausted(), asynq.SkipRetry) {
		t.Error("what is done, lost or at its end isn't told so")
	}
}

func TestAsynqSaysNoMoreThanALogCanTake(t *testing.T) {
	var said bytes.Buffer
	w := newWords(slog.New(slog.NewTextHandler(&said, nil)))
	for range 1000 {
		w.Info("I go on")
		w.Error("Dequeue error: ", strings.Repeat("x", 10_000))
		w.Fatal("it goes on")
	}
	if lines := strings.Count(said.String(), "\n"); lines < 1 || lines > wordsAtOnce+5 || said.Len() > 2*mostWords*lines || w.dropped.Load() < 1900 {
		t.Errorf("%d lines of %d bytes, %d unsaid", lines, said.Len(), w.dropped.Load())
	}
}
