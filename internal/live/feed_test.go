package live

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// ledger is a log in memory, of which not all may have been released yet.
type ledger struct {
	mu       sync.Mutex
	epoch    string
	entries  []Entry
	lag      int64 // positions that were taken and aren't released
	away     bool
	reads    int
	underway bool
}

func newLedger() *ledger { return &ledger{epoch: "one"} }

// write appends so many entries.
func (l *ledger) write(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for range n {
		l.entries = append(l.entries, Entry{Position: int64(len(l.entries)) + 1, Organization: org, Payload: []byte(`{}`)})
	}
}

// set changes something about it.
func (l *ledger) set(change func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change()
}

func (l *ledger) Head(context.Context) (Cursor, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.away {
		return Cursor{}, errs.TryAgain(nil)
	}
	return Cursor{Epoch: l.epoch, Position: int64(len(l.entries)) - l.lag}, nil
}

func (l *ledger) Read(_ context.Context, after Cursor, limit int) ([]Entry, Cursor, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reads++
	switch {
	case l.away:
		return nil, after, errs.TryAgain(nil)
	case after.Epoch != l.epoch || after.Position > int64(len(l.entries)):
		return nil, after, ErrReset
	}
	next := after
	next.Position = max(after.Position, min(int64(len(l.entries))-l.lag, after.Position+int64(limit)))
	return slices.Clone(l.entries[after.Position:next.Position]), next, nil
}

func (l *ledger) ReadOf(ctx context.Context, _ Interest, after Cursor, _ int64, limit int) ([]Entry, Cursor, error) {
	return l.Read(ctx, after, limit)
}

func (l *ledger) Underway() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.underway
}

// air is a bus in memory that may be cut, or fall silent.
type air struct {
	mu     sync.Mutex
	each   []func([]byte)
	cut    chan struct{} // closed: nothing gets through
	sent   [][]byte
	opened int
	mute   bool
	losing int // the message after so many fails
}

func newAir() *air { return &air{cut: make(chan struct{})} }

var errCut = errors.New("cut")

func (a *air) down() bool {
	select {
	case <-a.cut:
		return true
	default:
		return false
	}
}

func (a *air) Publish(_ context.Context, message []byte) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.losing--; a.down() || a.losing == 0 {
		return errCut
	}
	a.sent = append(a.sent, message)
	if !a.mute {
		for _, each := range a.each {
			each(message)
		}
	}
	return nil
}

func (a *air) Listen(ctx context.Context, silence time.Duration, each func([]byte)) error {
	a.mu.Lock()
	if a.down() {
		a.mu.Unlock()
		return errCut
	}
	heard := make(chan struct{}, 1)
	a.opened++
	at := len(a.each)
	a.each = append(a.each, func(m []byte) {
		each(m)
		select {
		case heard <- struct{}{}:
		default:
		}
	})
	cut := a.cut
	a.mu.Unlock()
	defer func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.each[at] = func([]byte) {}
	}()
	for {
		timer := time.NewTimer(silence)
		select {
		case <-heard:
		case <-timer.C:
			return errCut
		case <-cut:
			return errCut
		case <-ctx.Done():
			return ctx.Err()
		}
		timer.Stop()
	}
}

// desk is an office in memory.
type desk struct{ free chan struct{} }

func newDesk() desk {
	d := desk{make(chan struct{}, 1)}
	d.free <- struct{}{}
	return d
}

func (d desk) Hold(ctx context.Context, work func(context.Context)) (bool, error) {
	select {
	case <-d.free:
	default:
		return false, nil
	}
	work(ctx)
	d.free <- struct{}{}
	return true, nil
}

func (desk) Close() {}

// witness notes what it hears.
type witness struct {
	mu    sync.Mutex
	heard []int64
	reset int
}

func (e *witness) Offer(entry Entry) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.heard = append(e.heard, entry.Position)
}

func (e *witness) Reset() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.reset++
}

// heardAll says whether everything from one position to another was heard, in order and once.
func (e *witness) heardAll(t *testing.T, from, to int64) {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	want := []int64{}
	for p := from; p <= to; p++ {
		want = append(want, p)
	}
	if !slices.Equal(e.heard, want) {
		t.Errorf("heard %v, want %d to %d", e.heard, from, to)
	}
}

// line is a feed with what it needs; with a relay, that one reads the same log.
type line struct {
	t    *testing.T
	log  *ledger
	air  *air
	feed *Feed
	hub  *Hub
	ear  *witness
}

var secret = KeyFrom([]byte("secret"))

// onLine runs f in a bubble whose time passes at once.
func onLine(t *testing.T, withBus, withRelay bool, f func(*line)) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{t: t, log: newLedger(), air: newAir(), hub: NewHub(), ear: &witness{}}
		var bus Bus
		if withBus {
			bus = l.air
		}
		l.feed = NewFeed(l.hub, l.log, bus, secret, clock.System{})
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() { l.feed.Run(ctx) })
		if withRelay {
			r := &Relay{Log: l.log, Office: newDesk(), Bus: l.air, Key: secret, Clock: clock.System{}}
			all.Go(func() { r.Run(ctx) })
		}
		l.pass(time.Second)
		if _, _, err := l.hub.Join(l.ear, Interest{Organizations: []uuid.UUID{org}}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		f(l)
		cancel()
		all.Wait()
	})
}

// pass lets time go by.
func (l *line) pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func (l *line) say(key Key, b Batch) {
	l.t.Helper()
	message, ok := key.sign(b)
	if !ok {
		l.t.Fatal("too large")
	}
	_ = l.air.Publish(l.t.Context(), message)
	synctest.Wait()
}

func TestWithoutABusTheLogIsReadEveryFiftyMilliseconds(t *testing.T) {
	onLine(t, false, false, func(l *line) {
		l.log.write(1200)
		l.pass(50 * time.Millisecond)
		l.ear.heardAll(t, 1, 1200)
		if s := l.feed.State(); s.Carried || s.Stale() || s.Listeners != 1 {
			t.Errorf("%+v", s)
		}
	})
}

func TestWhatTheRelayReadsIsHeardWithinMilliseconds(t *testing.T) {
	onLine(t, true, true, func(l *line) {
		l.log.write(1)
		l.pass(quietRest)
		l.ear.heardAll(t, 1, 1)
		for range 100 {
			l.log.write(3)
			l.pass(soonest * 2)
		}
		l.ear.heardAll(t, 1, 301)
		if s := l.feed.State(); !s.Carried || s.Behind != 0 || s.Age > heartbeat {
			t.Errorf("%+v", s)
		}
	})
}

func TestWhileSomebodyWritesTheRelayLooksOften(t *testing.T) {
	onLine(t, true, true, func(l *line) {
		l.log.set(func() { l.log.underway = true })
		l.pass(time.Second)
		l.log.write(1)
		l.pass(underwayRest)
		l.ear.heardAll(t, 1, 1)
	})
}

func TestMessagesAreCutToASizeAndWhatFitsInNoneIsRead(t *testing.T) {
	onLine(t, true, true, func(l *line) {
		l.log.write(950)
		l.log.set(func() {
			l.log.entries[300].Payload = slices.Concat([]byte(`"`), bytes.Repeat([]byte("x"), mostBytes), []byte(`"`))
			l.log.entries[800].Payload = slices.Concat([]byte(`"`), bytes.Repeat([]byte("x"), mostBytes*9/10), []byte(`"`))
		})
		l.pass(100 * time.Millisecond)
		l.ear.heardAll(t, 1, 950)
		for _, m := range l.air.sent {
			if b, ok := secret.open(m); !ok || len(b.Entries) > 100 || len(m) > mostBytes+64 {
				t.Errorf("a message has %d entries and %d bytes (%v)", len(b.Entries), len(m), ok)
			}
		}
	})
}

func TestAMessageThatCannotBeSentIsMissedAndRead(t *testing.T) {
	onLine(t, true, true, func(l *line) {
		for failing := 1; failing <= 3; failing++ {
			l.air.mu.Lock()
			l.air.losing = failing
			l.air.mu.Unlock()
			l.log.write(250)
			l.pass(time.Second)
			if s := l.feed.State(); !s.Carried || s.Behind != 0 {
				t.Errorf("number %d of three fails: %+v", failing, s)
			}
		}
		l.ear.heardAll(t, 1, 750)
		for _, m := range l.air.sent {
			if b, ok := secret.open(m); !ok || int64(len(b.Entries)) != b.Upto-b.After {
				t.Errorf("a message from %d to %d has %d entries (%v)", b.After, b.Upto, len(b.Entries), ok)
			}
		}
	})
}

func TestASilentBusIsStoodInForWithinASecondAndTakenUpAgain(t *testing.T) {
	onLine(t, true, true, func(l *line) {
		for _, fail := range []struct {
			name     string
			off, on  func()
			apart    time.Duration // until it is stood in for
			together time.Duration // until it carries again
		}{
			{"muted", func() { l.air.mute = true }, func() { l.air.mute = false }, 700 * time.Millisecond, 300 * time.Millisecond},
			{"cut", func() { close(l.air.cut) }, func() { l.air.cut = make(chan struct{}) }, time.Millisecond, 2 * time.Second},
		} {
			from := l.hub.At().Position
			l.air.mu.Lock()
			l.log.write(5)
			fail.off()
			l.air.mu.Unlock()
			l.pass(fail.apart)
			if at := l.hub.At().Position; at != from+5 {
				t.Errorf("%s: the hub stands at %d after %v", fail.name, at, fail.apart)
			}
			if s := l.feed.State(); s.Carried || s.Stale() {
				t.Errorf("%s: %+v", fail.name, s)
			}
			l.log.write(5)
			l.pass(standInEvery)
			if at := l.hub.At().Position; at != from+10 {
				t.Errorf("%s: the hub stands at %d after another %v", fail.name, at, standInEvery)
			}
			l.air.mu.Lock()
			fail.on()
			l.air.mu.Unlock()
			l.pass(fail.together)
			if s := l.feed.State(); !s.Carried {
				t.Errorf("%s: the bus isn't taken up again: %+v", fail.name, s)
			}
		}
		l.ear.heardAll(t, 1, 20)
	})
}

// A subscription may be forgotten behind a connection that stays.
func TestASubscriptionThatIsSilentIsOpenedAnew(t *testing.T) {
	onLine(t, true, false, func(l *line) {
		opened := func() int {
			l.air.mu.Lock()
			defer l.air.mu.Unlock()
			return l.air.opened
		}
		before := opened()
		l.pass(10 * time.Second)
		if n := opened() - before; n < 3 || n > 4 {
			t.Errorf("it was opened %d times in 10 s", n)
		}
	})
}

func TestNothingIsBelievedThatIsNotSigned(t *testing.T) {
	onLine(t, true, false, func(l *line) {
		l.log.write(3)
		l.say(KeyFrom([]byte("another")), Batch{Epoch: "one", After: 0, Upto: 100})
		l.say(secret, Batch{Epoch: "two", After: 0, Upto: 100})
		_ = l.air.Publish(t.Context(), []byte("garbage that is longer than a signature, so that it is looked at"))
		_ = l.air.Publish(t.Context(), nil)
		message, _ := secret.sign(Batch{Epoch: "one", After: 0, Upto: 3})
		message[len(message)-2] = '9'
		_ = l.air.Publish(t.Context(), message)
		if at := l.hub.At(); at.Position != 0 || at.Epoch != "one" {
			t.Errorf("the hub stands at %+v", at)
		}
		l.pass(250 * time.Millisecond)
		l.ear.heardAll(t, 1, 3)
	})
}

func TestWhatIsMissingIsReadAndWhatCameEarlyKept(t *testing.T) {
	onLine(t, true, false, func(l *line) {
		l.log.write(10)
		l.log.set(func() { l.log.lag = 7 }) // this process has released less than the relay
		entries := l.log.entries
		l.say(secret, Batch{Epoch: "one", After: 7, Upto: 10, Entries: entries[7:]})
		l.say(secret, Batch{Epoch: "one", After: 3, Upto: 7, Entries: entries[3:7]})
		l.say(secret, Batch{Epoch: "one", After: 3, Upto: 7, Entries: entries[3:7]})
		l.pass(missingEvery)
		l.ear.heardAll(t, 1, 10)
		if s := l.feed.State(); !s.Carried || s.Behind != 0 {
			t.Errorf("%+v", s)
		}
		l.say(secret, Batch{Epoch: "one", After: 14, Upto: 15})
		if s := l.feed.State(); s.Behind != 5 {
			t.Errorf("with 11 to 14 missing: %+v", s)
		}
	})
}

// Whoever rules Redis can hold messages back and say old ones again.
func TestOldMessagesSaidAgainKeepTheHubBehindForTwoSecondsAtMost(t *testing.T) {
	onLine(t, true, true, func(l *line) {
		l.air.mu.Lock()
		old := l.air.sent[len(l.air.sent)-1]
		l.air.mute = true
		each := l.air.each[len(l.air.each)-1]
		l.air.mu.Unlock()
		l.log.write(4)
		for range 22 {
			each(old)
			l.pass(100 * time.Millisecond)
		}
		l.ear.heardAll(t, 1, 4)
	})
}

func TestALogOfAnotherLifeResetsWhoeverListens(t *testing.T) {
	for _, relayed := range []bool{true, false} {
		onLine(t, true, relayed, func(l *line) {
			l.log.write(3)
			l.pass(time.Second)
			l.log.set(func() { l.log.epoch, l.log.entries = "two", nil })
			l.pass(3 * time.Second)
			l.log.write(2)
			l.pass(time.Second)
			if at := l.hub.At(); l.ear.reset != 1 || at.Epoch != "two" || at.Position != 2 {
				t.Errorf("relayed %v: reset %d times, at %+v", relayed, l.ear.reset, at)
			}
		})
	}
}

func TestALogThatIsAwayIsLateAndGoesOnByItself(t *testing.T) {
	onLine(t, true, true, func(l *line) {
		l.log.set(func() { l.log.away = true })
		l.log.write(10)
		l.pass(time.Minute)
		if s := l.feed.State(); !s.Stale() {
			t.Errorf("after a minute: %+v", s)
		}
		l.log.set(func() { l.log.away = false })
		l.pass(failingEvery)
		l.ear.heardAll(t, 1, 10)
		l.pass(2 * time.Second)
		if s := l.feed.State(); !s.Carried || s.Stale() {
			t.Errorf("after it came back: %+v", s)
		}
	})
}

func TestWhileTheBusCarriesTheLogIsSeldomRead(t *testing.T) {
	onLine(t, true, false, func(l *line) {
		l.log.write(1)
		l.say(secret, Batch{Epoch: "one", Upto: 1, Entries: l.log.entries})
		l.pass(time.Second)
		before := l.log.reads
		for range 100 {
			l.say(secret, Batch{Epoch: "one", After: 1, Upto: 1})
			l.pass(100 * time.Millisecond)
		}
		if n := l.log.reads - before; n < 4 || n > 6 {
			t.Errorf("it was read %d times in 10 s", n)
		}
	})
}

// The office goes round, so that a process with better connections may have it.
func TestARelayThatReachesNobodyGivesItsOfficeUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, office, good, bad := newLedger(), newDesk(), newAir(), newAir()
		close(bad.cut)
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		relays := []*Relay{{Bus: bad}, {Bus: good}}
		for _, r := range relays {
			r.Log, r.Office, r.Key, r.Clock = log, office, secret, clock.System{}
			all.Go(func() { r.Run(ctx) })
			<-time.After(100 * time.Millisecond)
		}
		if !relays[0].Elected() {
			t.Error("the first isn't elected")
		}
		<-time.After(4 * time.Second)
		if !relays[1].Elected() || len(good.sent) == 0 {
			t.Errorf("elected: %v, %v", relays[0].Elected(), relays[1].Elected())
		}
		cancel()
		all.Wait()
	})
}
