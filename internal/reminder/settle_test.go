package reminder_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/reminder"
)

// settledAt is when messages are settled.
var settledAt = time.Date(2027, 3, 1, 9, 0, 0, 0, time.UTC)

// errLost is why a channel's messages can't be listed.
var errLost = errors.New("the list is broken")

// unclear is a store whose messages nobody knows the fate of. It remembers what it was told of them.
type unclear struct {
	reminder.Store
	messages []reminder.Message
	broken   reminder.ChannelKind // can't be listed

	mu    sync.Mutex
	fates map[uuid.UUID]reminder.State
}

// lost has so many messages of each channel, which left ten minutes ago.
func lost(each map[reminder.ChannelKind]int) *unclear {
	u := &unclear{fates: map[uuid.UUID]reminder.State{}}
	left := settledAt.Add(-10 * time.Minute)
	for c, n := range each {
		for range n {
			u.messages = append(u.messages, reminder.Message{ID: uuid.New(), Channel: c, State: reminder.Sending, SendingAt: &left, LeftAt: &left})
		}
	}
	return u
}

func (u *unclear) Lost(_ context.Context, c reminder.ChannelKind, _ time.Time, limit int) (list []reminder.Message, err error) {
	if c == u.broken {
		return nil, errLost
	}
	for _, m := range u.messages {
		if m.Channel == c && len(list) < limit {
			list = append(list, m)
		}
	}
	return list, nil
}

func (u *unclear) Reclaim(_ context.Context, m reminder.Message, _ time.Time) (reminder.Message, access.Private, bool, error) {
	return m, "", true, nil
}

func (u *unclear) Conclude(_ context.Context, m reminder.Message, c reminder.Conclusion) (bool, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.fates[m.ID] = c.State
	return true, nil
}

func (u *unclear) Others(context.Context, reminder.Message) (reminder.Others, error) {
	return reminder.Others{}, nil
}

// unknown counts the messages of a channel that are given up.
func (u *unclear) unknown(c reminder.ChannelKind) (n int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, m := range u.messages {
		if m.Channel == c && u.fates[m.ID] == reminder.Unknown {
			n++
		}
	}
	return n
}

// oracle is a vendor that can be asked, and never knows.
type oracle struct {
	reminder.Channel
	kind reminder.ChannelKind
	ask  func()
}

func (o oracle) Kind() reminder.ChannelKind { return o.kind }

func (o oracle) Find(context.Context, reminder.Sought) (reminder.Finding, error) {
	o.ask()
	return reminder.Finding{}, reminder.CannotAsk{}
}

func over(store reminder.Store, ask func()) *reminder.Service {
	return reminder.NewService(reminder.Config{
		Store: store, Source: clinic.Source{Clock: clock.FrozenAt(settledAt), NewID: uuid.New}, Timing: reminder.UsualTiming(), Alert: func(reminder.Alert) {},
		Channels: []reminder.Channel{oracle{kind: reminder.SMS, ask: ask}, oracle{kind: reminder.Email, ask: func() {}}, reminder.InApp{}},
	})
}

func TestNoChannelWaitsForQuestionsAboutAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := lost(map[reminder.ChannelKind]int{reminder.SMS: 30, reminder.Email: 50})
		asked, answer := make(chan struct{}, 30), make(chan struct{})
		s := over(u, func() { asked <- struct{}{}; <-answer })
		var looked int
		var err error
		var settling sync.WaitGroup
		settling.Go(func() { looked, err = s.Settle(t.Context(), 40) })
		synctest.Wait()
		if n := len(asked); n != 4 {
			t.Errorf("%d questions are asked at the same time", n)
		}
		if n := u.unknown(reminder.Email); n != 40 {
			t.Errorf("while texts are asked about, %d of 40 mails are given up", n)
		}
		close(answer)
		settling.Wait()
		if n := u.unknown(reminder.SMS); n != 30 || len(asked) != 30 || looked != 40 || err != nil {
			t.Errorf("then %d of 30 texts are, after %d questions; the longest list had %d: %v", n, len(asked), looked, err)
		}
	})
}

func TestAChannelThatCannotBeListedKeepsNoOtherFromBeingSettled(t *testing.T) {
	for _, c := range []reminder.ChannelKind{reminder.SMS, reminder.Email, reminder.Push} {
		u := lost(map[reminder.ChannelKind]int{reminder.SMS: 3, reminder.Email: 3})
		u.broken = c
		looked, err := over(u, func() {}).Settle(t.Context(), 50)
		if !errors.Is(err, errLost) || looked != 3 {
			t.Errorf("%s: %d were looked at: %v", c, looked, err)
		}
		for _, other := range []reminder.ChannelKind{reminder.SMS, reminder.Email} {
			if n := u.unknown(other); other != c && n != 3 {
				t.Errorf("without %s, of %s %d of 3 are given up", c, other, n)
			}
		}
	}
}

func TestWhoeverSettlesStopsWithItsContext(t *testing.T) {
	u := lost(map[reminder.ChannelKind]int{reminder.SMS: 30})
	ctx, cancel := context.WithCancel(t.Context())
	var asked atomic.Int64
	_, err := over(u, func() { asked.Add(1); cancel() }).Settle(ctx, 50)
	if n := asked.Load(); err != nil || n == 0 || n > 4 {
		t.Errorf("%d questions: %v", n, err)
	}
}
