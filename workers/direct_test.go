package workers

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/reminder"
)

// backlog is texts that wait, in order; some are held back.
type backlog struct {
	Messenger
	mu    sync.Mutex
	tasks []reminder.Task
	held  map[uuid.UUID]bool
	sent  map[uuid.UUID]int
	tries int // of what was held or sent
}

func newBacklog(held, free int) *backlog {
	b := &backlog{held: map[uuid.UUID]bool{}, sent: map[uuid.UUID]int{}}
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	for i := range held + free {
		t := reminder.Task{Channel: reminder.SMS, Message: clinic.Ref{ID: uuid.New()}, At: at.Add(time.Duration(i/7) * time.Second)} // seven at a time
		b.tasks, b.held[t.Message.ID] = append(b.tasks, t), i < held
	}
	slices.SortFunc(b.tasks, inOrder)
	return b
}

func inOrder(a, b reminder.Task) int {
	return cmp.Or(a.At.Compare(b.At), slices.Compare(a.Message.ID[:], b.Message.ID[:]))
}

func (b *backlog) Waiting(_ context.Context, c reminder.ChannelKind, _ time.Duration, after reminder.Task, limit int) (list []reminder.Task, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, t := range b.tasks {
		if t.Channel == c && b.sent[t.Message.ID] == 0 && inOrder(t, after) > 0 && len(list) < limit {
			list = append(list, t)
		}
	}
	return list, nil
}

func (b *backlog) Send(_ context.Context, t reminder.Task) (reminder.Verdict, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tries++
	if b.held[t.Message.ID] {
		return reminder.Verdict{What: reminder.NotNow, After: time.Minute, Cause: reminder.VendorUnavailable}, nil
	}
	b.sent[t.Message.ID]++
	return reminder.Verdict{}, nil
}

func (b *backlog) count() (sent, tries int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	tries, b.tries = b.tries, 0
	return len(b.sent), tries
}

// during runs Direct over a backlog while f looks on.
func during(t *testing.T, b *backlog, f func()) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var over sync.WaitGroup
		over.Go(func() {
			Direct(ctx, b, func() (time.Duration, bool) { return 0, true }, slog.New(slog.DiscardHandler))
		})
		f()
		cancel()
		over.Wait()
	})
}

// turns lets so many turns pass, of a clock that stands while anybody works.
func turns(n int) {
	<-time.After(time.Duration(n)*directEvery - time.Millisecond)
	synctest.Wait()
	<-time.After(time.Millisecond)
	synctest.Wait()
}

func TestWhatIsHeldBackKeepsNothingElseWaiting(t *testing.T) {
	b := newBacklog(3*directPages*directLimit+7, 3)
	during(t, b, func() {
		turns(3)
		if sent, _ := b.count(); sent != 3 {
			t.Errorf("%d of those that may be are sent", sent)
		}
		b.mu.Lock()
		clear(b.held)
		b.mu.Unlock()
		turns(2 * len(b.tasks) / directLimit)
	})
	for _, task := range b.tasks {
		if b.sent[task.Message.ID] != 1 {
			t.Fatalf("once none is held, one is sent %d times", b.sent[task.Message.ID])
		}
	}
}

func TestATurnIsBounded(t *testing.T) {
	for name, c := range map[string]struct {
		held, free, most int
	}{
		"all can be sent": {0, 5000, directLimit}, "none can": {5000, 0, directPages * directLimit}, "half of a page can": {directLimit / 2, 5000, 2 * directLimit},
	} {
		b := newBacklog(c.held, c.free)
		during(t, b, func() {
			synctest.Wait()
			if _, tries := b.count(); tries != c.most {
				t.Errorf("%s: the first turn looks at %d", name, tries)
			}
		})
	}
}
