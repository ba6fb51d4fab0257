package live

import (
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
)

// town is a world of numbered things whose state is a count, with a log of what changed, and a hub that reads behind it.
type town struct {
	epoch     string
	entries   []Entry
	forgotten int64
	state     map[int64]int
	hub       *Hub
	clock     *clock.Frozen
}

var org = uuid.UUID{15: 1}

func newTown() *town {
	w := &town{epoch: "one", state: map[int64]int{}, hub: NewHub(), clock: clock.FrozenAt(time.Date(2030, 5, 6, 13, 0, 0, 0, time.UTC))}
	w.hub.Begin(Cursor{Epoch: w.epoch, At: w.clock.Now()})
	return w
}

func (w *town) last() int64 { return int64(len(w.entries)) }

// change changes a thing. What is written about it names the thing as its appointment.
func (w *town) change(thing int64) {
	w.state[thing]++
	w.entries = append(w.entries, Entry{Position: w.last() + 1, Organization: org, Appointment: uuid.UUID{15: byte(thing)}})
}

// relay hands the hub the log up to a position.
func (w *town) relay(upto int64) {
	at := w.hub.At()
	if upto > at.Position {
		w.hub.Advance(Batch{Epoch: w.epoch, After: at.Position, Upto: upto, Entries: w.entries[at.Position:upto]})
	}
}

func (w *town) Head(context.Context) (Cursor, error) {
	return Cursor{Epoch: w.epoch, Position: w.last()}, nil
}

func (w *town) Read(ctx context.Context, after Cursor, limit int) ([]Entry, Cursor, error) {
	return w.ReadOf(ctx, Interest{}, after, w.last(), limit)
}

func (w *town) ReadOf(_ context.Context, _ Interest, after Cursor, upto int64, limit int) ([]Entry, Cursor, error) {
	switch {
	case after.Epoch != w.epoch || after.Position > w.last():
		return nil, after, ErrReset
	case after.Position < w.forgotten:
		return nil, after, ErrTooOld
	}
	upto = min(upto, after.Position+int64(limit))
	next := after
	next.Position = upto
	return w.entries[after.Position:upto], next, nil
}

// counter tells of things: each event's slots stand for the things told, with their count as their version.
type counter struct{ w *town }

func (counter) note(p *Pending[int64, struct{}], e Entry) {
	p.Put(int64(e.Appointment[15]), e.Position, func(*struct{}) {})
}

func (c counter) tell(_ context.Context, things []Told[int64, struct{}], at Place) (Event, error) {
	e := tally{Place: at, counts: map[int64]int{}}
	for _, t := range things {
		if t.Thing%5 == 4 {
			continue // nobody is told of these
		}
		e.counts[t.Thing] = c.w.state[t.Thing]
	}
	if len(e.counts) == 0 {
		return nil, nil
	}
	return e, nil
}

func (counter) pass(context.Context, *Pending[int64, struct{}], time.Time, time.Time) (time.Time, error) {
	return time.Time{}, nil
}

type tally struct {
	Place
	counts map[int64]int
}

func (w *town) follow(t rapid.TB, after *string, atOnce int) *follower[int64, struct{}] {
	t.Helper()
	f, err := begin(Streams{Hub: w.hub, Log: w, Clock: w.clock}, Interest{Organizations: []uuid.UUID{org}}, after, counter{w}, atOnce)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// now is a context for what must not wait.
func now() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// watcher keeps a picture by the rules for clients: events are merged, the last cursor is kept, and a reset is a query.
type watcher struct {
	w       *town
	stream  *follower[int64, struct{}]
	picture map[int64]int
	cursor  string
	atOnce  int
	resets  int
}

func (v *watcher) query() {
	v.picture = maps.Clone(v.w.state)
	v.cursor = v.w.hub.At().String()
}

func (v *watcher) connect(t rapid.TB) { v.stream = v.w.follow(t, &v.cursor, v.atOnce) }

// take takes up to so many events that are there.
func (v *watcher) take(t rapid.TB, most int) {
	for range most {
		e, err := v.stream.Next(now())
		if errors.Is(err, context.Canceled) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		switch e := e.(type) {
		case tally:
			for thing, n := range e.counts {
				if n < v.picture[thing] {
					t.Fatalf("thing %d went from %d back to %d", thing, v.picture[thing], n)
				}
				v.picture[thing] = n
			}
		case StreamReset:
			v.resets++
			v.query()
			v.connect(t)
			continue
		}
		before, _ := ParseCursor(v.cursor)
		v.cursor = e.Cursor()
		if after, _ := ParseCursor(v.cursor); after.Position < before.Position {
			t.Fatalf("the cursor went back from %d to %d", before.Position, after.Position)
		}
	}
}

func TestWatchersMissNothingHoweverTheyComeAndGo(t *testing.T) { rapid.Check(t, missNothing) }

func missNothing(t *rapid.T) {
	w := newTown()
	watchers := make([]*watcher, rapid.IntRange(1, 3).Draw(t, "watchers"))
	for i := range watchers {
		watchers[i] = &watcher{w: w, atOnce: rapid.IntRange(1, 4).Draw(t, "at once")}
		watchers[i].query()
		watchers[i].connect(t)
	}
	one := rapid.SampledFrom(watchers)
	t.Repeat(map[string]func(*rapid.T){
		"change":    func(t *rapid.T) { w.change(rapid.Int64Range(0, 9).Draw(t, "thing")) },
		"relay":     func(t *rapid.T) { w.relay(rapid.Int64Range(0, w.last()).Draw(t, "upto")) },
		"take":      func(t *rapid.T) { one.Draw(t, "who").take(t, rapid.IntRange(1, 4).Draw(t, "events")) },
		"reconnect": func(t *rapid.T) { v := one.Draw(t, "who"); v.stream.Close(); v.connect(t) },
		"trim": func(t *rapid.T) {
			w.forgotten = max(w.forgotten, min(w.hub.At().Position, rapid.Int64Range(0, w.last()).Draw(t, "forgotten")))
		},
	})
	w.relay(w.last())
	for _, v := range watchers {
		v.take(t, 1000)
		for thing, n := range w.state {
			if thing%5 != 4 && v.picture[thing] != n {
				t.Fatalf("a watcher sees %d of thing %d, of which there are %d", v.picture[thing], thing, n)
			}
		}
	}
}

func next(t *testing.T, s Stream) Event {
	t.Helper()
	e, err := s.Next(now())
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestACursorThatCannotBeContinuedIsResetAtOnce(t *testing.T) {
	w := newTown()
	for range 5 {
		w.change(1)
	}
	w.relay(5)
	w.forgotten = 3
	for name, c := range map[string]struct{ cursor, reason string }{
		"no cursor":        {"rubbish", CursorUnknown},
		"another life":     {Cursor{Epoch: "two", Position: 4}.String(), CursorUnknown},
		"from the future":  {Cursor{Epoch: "one", Position: 6, At: w.clock.Now()}.String(), CursorUnknown},
		"too old":          {Cursor{Epoch: "one", Position: 2, At: w.clock.Now()}.String(), CursorTooOld},
		"of long ago":      {Cursor{Epoch: "one", Position: 5, At: w.clock.Now().AddDate(0, -2, 0)}.String(), CursorTooOld},
		"below everything": {Cursor{Epoch: "one", Position: -1, At: w.clock.Now()}.String(), CursorUnknown},
	} {
		s := w.follow(t, &c.cursor, 1)
		reset, ok := next(t, s).(StreamReset)
		if !ok || reset.Reason != c.reason {
			t.Errorf("%s: %+v", name, reset)
		}
		if at, err := ParseCursor(reset.Cursor()); err != nil || at.Position != 5 {
			t.Errorf("%s: the way on is %v, %v", name, at, err)
		}
		if _, err := s.Next(now()); !errors.Is(err, io.EOF) {
			t.Errorf("%s: after it came %v", name, err)
		}
	}
	if n := w.hub.Listeners(); n != 0 {
		t.Errorf("%d still listen", n)
	}
	oldest := Cursor{Epoch: "one", Position: 3, At: w.clock.Now()}.String()
	if _, ok := next(t, w.follow(t, &oldest, 1)).(StreamReady); !ok {
		t.Error("the oldest cursor that is kept was reset")
	}
}

// ahead is a log of which this process can read less than has been written.
type ahead struct {
	*town
	released int64
}

func (a *ahead) Head(context.Context) (Cursor, error) {
	return Cursor{Epoch: a.epoch, Position: a.released}, nil
}

func TestACursorBeyondWhatCanBeReadIsContinuedOnceThatCan(t *testing.T) {
	w := newTown()
	w.change(1)
	w.change(1)
	log := &ahead{w, 1}
	cursor := Cursor{Epoch: "one", Position: 2, At: w.clock.Now()}.String()
	s, err := begin(Streams{Hub: w.hub, Log: log, Clock: w.clock}, Interest{Organizations: []uuid.UUID{org}}, &cursor, counter{w}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if e, err := s.Next(now()); !errors.Is(err, context.Canceled) {
		t.Errorf("a place that nobody has reached yet: %+v, %v", e, err)
	}
	log.released = 2
	if _, ok := next(t, s).(StreamReady); !ok {
		t.Error("not continued where another process is")
	}
}

func TestASubscriberWhoIsTooSlowIsResetAndKeepsNothing(t *testing.T) {
	w := newTown()
	p := NewPending[int, struct{}](3)
	for i := range 3 {
		p.Put(i, int64(i), func(*struct{}) {})
		p.Put(i, int64(i), func(*struct{}) {})
	}
	if told, _, _, ok := p.Take(3, 9); !ok || len(told) != 3 {
		t.Errorf("as many as fit: %v, %v", told, ok)
	}
	s := w.follow(t, nil, 1)
	next(t, s)
	s.pending = NewPending[int64, struct{}](2)
	for thing := range int64(3) {
		w.change(thing)
	}
	w.relay(3)
	if reset, ok := next(t, s).(StreamReset); !ok || reset.Reason != TooSlow {
		t.Errorf("got %+v", reset)
	}
}

func TestAnotherLifeOfTheLogResetsEverybody(t *testing.T) {
	w := newTown()
	s := w.follow(t, nil, 1)
	next(t, s)
	w.change(1)
	w.relay(1)
	w.hub.Begin(Cursor{Epoch: "two"})
	if reset, ok := next(t, s).(StreamReset); !ok || reset.Reason != LogRestarted {
		t.Errorf("got %+v", reset)
	}
}

func TestAHubTakesNoPieceThatLeavesSomethingOut(t *testing.T) {
	w := newTown()
	for range 4 {
		w.change(1)
	}
	for name, b := range map[string]Batch{
		"a gap":          {Epoch: "one", After: 1, Upto: 4, Entries: w.entries[1:]},
		"another life's": {Epoch: "two", After: 0, Upto: 4, Entries: w.entries},
	} {
		if at, ok := w.hub.Advance(b); ok || at.Position != 0 {
			t.Errorf("%s: taken, and stands at %d", name, at.Position)
		}
	}
	if at, ok := w.hub.Advance(Batch{Epoch: "one", After: 0, Upto: 3, Entries: w.entries[:3]}); !ok || at.Position != 3 {
		t.Errorf("the next piece: %v, stands at %d", ok, at.Position)
	}
	if at, ok := w.hub.Advance(Batch{Epoch: "one", After: 1, Upto: 2, Entries: w.entries[1:2]}); !ok || at.Position != 3 {
		t.Errorf("a piece that it had: %v, stands at %d", ok, at.Position)
	}
}

// ear notes the positions that it is offered.
type ear []int64

func (e *ear) Offer(entry Entry) { *e = append(*e, entry.Position) }
func (*ear) Reset()              {}

func TestEachIsOfferedWhatTheyAreInterestedInOnce(t *testing.T) {
	w := newTown()
	elsewhere := uuid.UUID{15: 2}
	dr := func(n byte) clinic.Ref { return clinic.Ref{Organization: org, ID: uuid.UUID{14: n}} }
	about := func(position int64, of clinic.Ref, topic string) Entry {
		return Entry{Position: position, Organization: of.Organization, Provider: of.ID, Topic: topic}
	}
	entries := []Entry{
		about(1, dr(1), "appointment.booked"), about(2, dr(2), "appointment.booked"), about(3, dr(1), ScheduleTopic),
		about(4, clinic.Ref{Organization: elsewhere, ID: dr(1).ID}, "appointment.booked"), about(5, clinic.Ref{Organization: elsewhere, ID: dr(3).ID}, ScheduleTopic),
		{Position: 6, Organization: org},
	}
	heard := map[string]*ear{}
	var seats []*Seat
	for name, of := range map[string]Interest{
		"one provider":                     {Providers: []clinic.Ref{dr(1)}},
		"two":                              {Providers: []clinic.Ref{dr(1), dr(2)}},
		"an organisation":                  {Organizations: []uuid.UUID{org}},
		"hours":                            {Schedules: true},
		"a provider, and hours everywhere": {Providers: []clinic.Ref{dr(1)}, Schedules: true},
		"all of it":                        {Providers: []clinic.Ref{dr(1)}, Organizations: []uuid.UUID{org, elsewhere}, Schedules: true},
		"nothing":                          {},
	} {
		heard[name] = &ear{}
		seat, _, err := w.hub.Join(heard[name], of)
		if err != nil {
			t.Fatal(err)
		}
		seats = append(seats, seat)
	}
	w.hub.Advance(Batch{Epoch: "one", Upto: 6, Entries: entries})
	for name, want := range map[string][]int64{
		"one provider": {1, 3}, "two": {1, 2, 3}, "an organisation": {1, 2, 3, 6}, "hours": {3, 5},
		"a provider, and hours everywhere": {1, 3, 5}, "all of it": {1, 2, 3, 4, 5, 6}, "nothing": nil,
	} {
		if !slices.Equal(*heard[name], want) {
			t.Errorf("%s: heard %v, want %v", name, *heard[name], want)
		}
	}
	for _, s := range seats {
		s.Leave()
		s.Leave()
	}
	w.hub.Advance(Batch{Epoch: "one", After: 6, Upto: 7, Entries: []Entry{about(7, dr(1), ScheduleTopic)}})
	if len(*heard["all of it"]) != 6 || w.hub.Listeners() != 0 {
		t.Errorf("who left heard %v; %d still listen", *heard["all of it"], w.hub.Listeners())
	}
}

func TestWhoWouldHaveToLookThroughTooMuchIsReset(t *testing.T) {
	w := newTown()
	begun := w.hub.At().String()
	for range mostReplayed {
		w.change(4)
	}
	w.relay(w.last())
	s := w.follow(t, &begun, 1)
	if _, ok := next(t, s).(StreamReady); !ok {
		t.Error("what can just be looked through was reset")
	}
	if e, err := s.Poll(now()); e != nil || err != nil {
		t.Errorf("of what nobody is told came %+v, %v", e, err)
	}
	w.change(4)
	w.relay(w.last())
	s = w.follow(t, &begun, 1)
	next(t, s)
	if reset, ok := next(t, s).(StreamReset); !ok || reset.Reason != TooSlow {
		t.Errorf("got %+v", reset)
	}
}

func TestWhatChangedFirstIsToldFirstWheneverItWasPut(t *testing.T) {
	p := NewPending[string, struct{}](3)
	for _, c := range []struct {
		thing    string
		position int64
	}{{"live", 9}, {"missed", 4}, {"live", 5}, {"later", 11}} {
		p.Put(c.thing, c.position, func(*struct{}) {})
	}
	for i, want := range []string{"missed", "live", "later"} {
		told, upto, _, ok := p.Take(1, 7) // where the hub stood before the last was put
		if !ok || len(told) != 1 || told[0].Thing != want || upto != []int64{4, 10, 11}[i] {
			t.Errorf("told %v up to %d, want %s", told, upto, want)
		}
	}
}
