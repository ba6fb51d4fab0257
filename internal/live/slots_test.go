package live

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/provider"
)

// practice is a provider who is in round the clock, for half an hour each, and counts how often that is read.
type practice struct {
	*town
	doctor   clinic.Ref
	kind     uuid.UUID
	claims   []availability.Claim
	revision int64
	notice   time.Duration
	former   []availability.Former
	desks    []availability.Desk
	looks    int
	reads    int
	reading  func() // called before a reading
}

func newPractice() *practice {
	return &practice{town: newTown(), doctor: clinic.Ref{Organization: org, ID: uuid.UUID{15: 2}}, kind: uuid.UUID{15: 3}, revision: 1}
}

func (p *practice) rules() availability.Rules {
	var weekly []provider.WeeklyHours
	for weekday := range provider.Weekday(7) {
		weekly = append(weekly, provider.WeeklyHours{Weekday: weekday + 1, Hours: provider.Hours{To: 1440, Capacity: 1}})
	}
	return availability.Rules{
		Organization: org, Provider: p.doctor.ID, Revision: p.revision,
		From: civil.Date{Year: 2000, Month: 1, Day: 1}, Until: civil.Date{Year: 2100, Month: 1, Day: 1},
		Kinds: []clinic.VisitKind{{
			ID: p.kind, Duration: 30 * time.Minute, SlotStep: 30 * time.Minute, GridAnchor: clinic.GridDay,
			Modalities: []clinic.Modality{clinic.InPerson}, Policy: clinic.Policy{MaximumAdvance: 365 * 24 * time.Hour, MinimumNotice: p.notice},
		}},
		Places: []availability.Place{{
			Location: uuid.UUID{15: 4}, TimeZone: "UTC", Zone: time.UTC,
			Schedules: []provider.Schedule{{EffectiveFrom: civil.Date{Year: 2000, Month: 1, Day: 1}, Weekly: weekly}},
		}},
	}
}

func (p *practice) View(context.Context, clinic.Ref, availability.Period) (availability.View, error) {
	if p.reads++; p.reading != nil {
		p.reading()
	}
	return availability.View{Rules: p.rules(), Taken: availability.Taken{Claims: slices.Clone(p.claims)}}, nil
}

func (p *practice) Former(context.Context, clinic.Ref, int64, int) ([]availability.Former, error) {
	return p.former, nil
}

func (p *practice) Snapshot(ctx context.Context, read func(context.Context, availability.Snapshot) error) error {
	return read(ctx, p)
}

func (p *practice) Desks(context.Context, availability.Wanted, int) ([]availability.Desk, error) {
	p.looks++
	return p.desks, nil
}

func (p *practice) Views(_ context.Context, of []clinic.Ref, _ availability.Period) (map[clinic.Ref]availability.View, error) {
	found := map[clinic.Ref]availability.View{}
	for _, ref := range of {
		found[ref] = availability.View{Rules: p.rules()}
	}
	return found, nil
}

// happen writes an entry about the provider and hands it on.
func (p *practice) happen(topic, payload string) {
	p.entries = append(p.entries, Entry{
		Position: p.last() + 1, Organization: org, Provider: p.doctor.ID, At: p.clock.Now(), Topic: topic, Payload: json.RawMessage(payload),
	})
	p.relay(p.last())
}

// book takes half an hour.
func (p *practice) book(start time.Time) {
	end := start.Add(30 * time.Minute)
	p.claims = append(p.claims, availability.Claim{ID: uuid.New(), Start: start, End: end, Appointment: uuid.UUID{15: 9}})
	p.happen("appointment.booked", fmt.Sprintf(`{"spans": [["%s", "%s"]], "taken": [{}], "days": {"2030-05-07": {"booked": 1}}}`,
		start.Format(time.RFC3339), end.Format(time.RFC3339)))
}

func (p *practice) streams() Streams {
	return Streams{Hub: p.hub, Log: p, Clock: p.clock, Boards: NewBoards(p, p.hub)}
}

func (p *practice) watch(t *testing.T, s Streams, after *string) *follower[clinic.Ref, *moved] {
	t.Helper()
	made, err := s.Slots(t.Context(), access.Nobody("r"), Scope{Providers: []clinic.Ref{p.doctor}}, after)
	if err != nil {
		t.Fatal(err)
	}
	f := made.(*follower[clinic.Ref, *moved])
	if e := poll(t, f); e == nil {
		t.Fatal("nothing comes first")
	}
	return f
}

func poll(t *testing.T, f *follower[clinic.Ref, *moved]) Event {
	t.Helper()
	e, err := f.Poll(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestABookingIsReadOnceForAllWhoWatch(t *testing.T) {
	p := newPractice()
	s := p.streams()
	var all []*follower[clinic.Ref, *moved]
	for range 100 {
		all = append(all, p.watch(t, s, nil))
	}
	noon := time.Date(2030, 5, 7, 12, 0, 0, 0, time.UTC)
	for booking := range 3 {
		start := noon.Add(time.Duration(booking) * time.Hour)
		p.reads = 0
		p.book(start)
		for _, f := range all {
			e, ok := poll(t, f).(SlotsChanged)
			if !ok || len(e.Slots) != 0 || len(e.Removed) != 1 || !e.Removed[0].Start.Equal(start) {
				t.Fatalf("told %+v", e)
			}
			if e := poll(t, f); e != nil {
				t.Fatalf("told %+v as well", e)
			}
		}
		if p.reads != 1 {
			t.Errorf("%d readings of one booking", p.reads)
		}
	}
}

func TestWhoComesBackIsToldNothingOlderThanWasToldElsewhere(t *testing.T) {
	p := newPractice()
	s := p.streams()
	start := p.hub.At()
	start.At = p.clock.Now()
	cursor := start.String()
	here := p.watch(t, s, nil)
	p.book(p.clock.Now().Add(24 * time.Hour))
	if e, ok := poll(t, here).(SlotsChanged); !ok || len(e.Removed) != 1 {
		t.Fatalf("told %+v", e)
	}
	p.claims = nil // given back, which those who listen elsewhere know already
	back, too := p.watch(t, s, &cursor), p.watch(t, s, &cursor)
	read := p.reads
	for _, w := range []*follower[clinic.Ref, *moved]{back, too} {
		if e, ok := poll(t, w).(SlotsChanged); !ok || len(e.Slots) != 1 || len(e.Removed) != 0 {
			t.Errorf("told %+v", e)
		}
	}
	if p.reads != read+1 {
		t.Errorf("read %d times", p.reads-read)
	}
}

func TestOtherRulesAreNotToldFromBeforeWhatWasToldOfADay(t *testing.T) {
	p := newPractice()
	p.notice = 48 * time.Hour
	s := p.streams()
	slow := p.watch(t, s, nil)
	taken := p.clock.Now().Add(24 * time.Hour)
	p.reading = func() { // the slow one is about to read; meanwhile the notice falls, which another is told, and somebody books
		p.reading = nil
		quick := p.watch(t, s, nil)
		p.former = []availability.Former{{Rules: p.rules()}}
		p.notice, p.revision = 0, 2
		p.happen(ScheduleTopic, `{"revision": 2}`)
		if e, ok := poll(t, quick).(SlotsChanged); !ok || !slices.ContainsFunc(e.Slots, func(s availability.Slot) bool { return s.Start.Equal(taken) }) {
			t.Errorf("told %+v", e)
		}
		p.claims = append(p.claims, availability.Claim{ID: uuid.New(), Start: taken, End: taken.Add(30 * time.Minute), Appointment: uuid.UUID{15: 9}})
	}
	p.happen("appointment.cancelled", fmt.Sprintf(`{"spans": [["%s", "%s"]], "days": {"2030-05-07": {"booked": 1}}}`,
		taken.Format(time.RFC3339), taken.Add(30*time.Minute).Format(time.RFC3339)))
	for e := poll(t, slow); e != nil; e = poll(t, slow) {
		if slices.ContainsFunc(e.(SlotsChanged).Slots, func(s availability.Slot) bool { return s.Start.Equal(taken) }) {
			t.Error("a slot that was told as taken is told as free")
		}
	}
}

func TestTimeAloneTakesSlotsAway(t *testing.T) {
	p := newPractice()
	f := p.watch(t, p.streams(), nil)
	for range 2 { // it is 13:00, and the slot of then may still be had
		if e := poll(t, f); e != nil {
			t.Fatalf("told %+v", e)
		}
	}
	p.clock.Advance(time.Millisecond)
	e, ok := poll(t, f).(SlotsChanged)
	if !ok || len(e.Removed) != 1 || e.Removed[0].Start.Hour() != 13 {
		t.Fatalf("told %+v", e)
	}
	cursor := e.Cursor()
	p.clock.Advance(time.Hour)
	resumed := p.watch(t, p.streams(), &cursor)
	e, ok = poll(t, resumed).(SlotsChanged)
	if !ok || len(e.Removed) != 2 { // 13:30 and 14:00, and two half hours have come within a year
		t.Fatalf("resumed, told %+v", e)
	}
	if len(e.Slots) != 2 {
		t.Errorf("%d slots have come", len(e.Slots))
	}
}

func TestMuchIsToldInSeveralEventsWithoutACursorInBetween(t *testing.T) {
	p := newPractice()
	s := p.streams()
	f := p.watch(t, s, nil)
	p.revision++
	p.happen(ScheduleTopic, `{"from": "2030-05-10", "until": "2030-05-20"}`) // as if there had been no rules before
	before, told := f.stands.String(), 0
	for {
		e := poll(t, f)
		if e == nil {
			break
		}
		changed := e.(SlotsChanged)
		n := len(changed.Slots) + len(changed.Removed)
		if told += n; n > 200 {
			t.Errorf("%d at once", n)
		}
		if last := n < 200; (e.Cursor() == before) == last {
			t.Errorf("after %d the cursor is %s", told, e.Cursor())
		}
	}
	if told != 13*48 { // a day before, and one after
		t.Errorf("%d were told", told)
	}
}

func TestChangesWhoseFormerRulesAreGoneResetTheStream(t *testing.T) {
	p := newPractice()
	f := p.watch(t, p.streams(), nil)
	p.revision++
	p.happen(ScheduleTopic, `{"revision": 2}`)
	if e, ok := poll(t, f).(StreamReset); !ok || e.Reason != RulesChanged {
		t.Errorf("told %+v", e)
	}
}

func TestACursorOfAnEarlierAgeIsResetBeforeADayIsRead(t *testing.T) {
	p := newPractice()
	s := p.streams()
	for name, at := range map[string]time.Time{
		"two months ago": p.clock.Now().AddDate(0, -2, 0), "the beginning of time": time.UnixMilli(math.MinInt64), "1970": time.Unix(0, 0),
	} {
		cursor := Cursor{Epoch: p.epoch, At: at}.String()
		made, err := s.Slots(t.Context(), access.Nobody("r"), Scope{Providers: []clinic.Ref{p.doctor}}, &cursor)
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := poll(t, made.(*follower[clinic.Ref, *moved])).(StreamReset); !ok || e.Reason != CursorTooOld {
			t.Errorf("%s: told %+v", name, e)
		}
	}
	if p.reads != 0 {
		t.Errorf("%d days were read", p.reads)
	}
}

func TestWhatCouldNotBeSentIsToldAgainFromTheCursorBeforeIt(t *testing.T) {
	p := newPractice()
	f := p.watch(t, p.streams(), nil)
	p.revision++
	p.happen(ScheduleTopic, `{"from": "2030-05-10", "until": "2030-05-20"}`)
	before := f.stands.String()
	for e := poll(t, f); e != nil && e.Cursor() == before; e = poll(t, f) { // up to the last
	}
	f.Again()
	if e := poll(t, f); e == nil || e.Cursor() != before || len(e.(SlotsChanged).Slots) != 200 {
		t.Errorf("the first of several events again: %+v", e.Cursor())
	}
}

// A slot that could be had when its watcher left, too late for the notice of then by now, and for the notice of now ever since:
// it is the same under either rules, but not what the watcher has seen.
func TestNoticeThatIsRaisedWhileSomebodyIsAwayTakesSlotsFromThem(t *testing.T) {
	p := newPractice()
	p.notice = 20 * time.Minute
	f := p.watch(t, p.streams(), nil) // it is 13:00
	cursor := f.stands.String()
	f.Close()
	p.former = []availability.Former{{Rules: p.rules()}}
	p.notice, p.revision = 4*time.Hour, 2
	p.happen(ScheduleTopic, `{"revision": 2}`)
	p.clock.Advance(25 * time.Minute) // 13:30 is in 5 minutes
	f = p.watch(t, p.streams(), &cursor)
	var gone []string
	for e := poll(t, f); e != nil; e = poll(t, f) {
		for _, id := range e.(SlotsChanged).Removed {
			gone = append(gone, id.Start.Format("15:04"))
		}
	}
	slices.Sort(gone)
	if want := []string{"13:30", "14:00", "14:30", "15:00", "15:30", "16:00", "16:30", "17:00"}; !slices.Equal(gone, want) {
		t.Errorf("%v were taken away, want %v", gone, want)
	}
}

// anywhere has searches read of a practice alone.
type anywhere struct {
	availability.Store
	p *practice
}

func (a anywhere) Snapshot(ctx context.Context, read func(context.Context, availability.Snapshot) error) error {
	return read(ctx, a.p)
}

func (p *practice) watchAt(t *testing.T, s Streams, place clinic.Ref) *follower[clinic.Ref, *moved] {
	t.Helper()
	s.Search = availability.NewFinder(anywhere{p: p}, nil, p.clock)
	made, err := s.Slots(t.Context(), access.Nobody("r"), Scope{Locations: []clinic.Ref{place}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	f := made.(*follower[clinic.Ref, *moved])
	poll(t, f)
	return f
}

// An import changes the hours of hundreds: each who searches looks once for all of them, and again for one who changes once more.
func TestAllWhoChangeAreLookedUpTogether(t *testing.T) {
	p := newPractice()
	place := clinic.Ref{Organization: org, ID: uuid.UUID{15: 4}}
	f := p.watchAt(t, p.streams(), place)
	doctor := p.doctor
	for n := range 500 {
		p.doctor = clinic.Ref{Organization: org, ID: uuid.UUID{14: byte(n / 250), 15: byte(n%250) + 5}}
		p.happen(ScheduleTopic, `{"from": "2030-05-07", "until": "2030-05-07"}`)
	}
	p.doctor = doctor
	p.happen(ScheduleTopic, `{"from": "2030-05-07", "until": "2030-05-07"}`)
	p.looks = 0
	if e := poll(t, f); e != nil {
		t.Errorf("told %+v", e)
	}
	if p.looks != 1 {
		t.Errorf("looked %d times", p.looks)
	}
	p.desks = []availability.Desk{{Provider: doctor, Location: place.ID}}
	p.happen(ScheduleTopic, `{"from": "2030-05-07", "until": "2030-05-07"}`)
	if e, ok := poll(t, f).(SlotsChanged); !ok || len(e.Slots) == 0 || p.looks != 2 {
		t.Errorf("after %d looks, told %+v", p.looks, e)
	}
}

// Who changes once more after they were looked up with another, and before that was told, is looked up anew.
func TestWhoChangesOnceMoreIsLookedUpAnew(t *testing.T) {
	p := newPractice()
	place := clinic.Ref{Organization: org, ID: uuid.UUID{15: 4}}
	f := p.watchAt(t, p.streams(), place)
	first, second := p.doctor, clinic.Ref{Organization: org, ID: uuid.UUID{15: 5}}
	p.desks = []availability.Desk{{Provider: first, Location: place.ID}}
	for _, who := range []clinic.Ref{first, second} {
		p.doctor = who
		p.happen(ScheduleTopic, `{"from": "2030-05-07", "until": "2030-05-07"}`)
	}
	p.doctor = first
	if e, ok := poll(t, f).(SlotsChanged); !ok || len(e.Slots) == 0 {
		t.Fatalf("of the first was told %+v", e)
	}
	p.doctor = second
	p.desks = append(p.desks, availability.Desk{Provider: second, Location: place.ID})
	p.happen(ScheduleTopic, `{"from": "2030-05-07", "until": "2030-05-07"}`)
	if e, ok := poll(t, f).(SlotsChanged); !ok || len(e.Slots) == 0 {
		t.Errorf("of the second was told %+v", e)
	}
}

func TestABookingBetweenAChangeOfHoursAndItsTellingReachesWhoeverTheProviderJoins(t *testing.T) {
	p := newPractice()
	place := clinic.Ref{Organization: org, ID: uuid.UUID{15: 4}}
	s := p.streams()
	first, second := p.watchAt(t, s, place), p.watchAt(t, s, place)
	p.desks = []availability.Desk{{Provider: p.doctor, Location: place.ID}}
	p.happen(ScheduleTopic, `{"from": "2030-05-07", "until": "2030-05-07"}`)
	if e, ok := poll(t, first).(SlotsChanged); !ok || len(e.Slots) == 0 {
		t.Fatalf("told %+v", e)
	}
	first.Again()
	if e, ok := poll(t, first).(SlotsChanged); !ok || len(e.Slots) == 0 {
		t.Errorf("once more, told %+v", e)
	}
	noon := time.Date(2030, 5, 7, 12, 0, 0, 0, time.UTC)
	p.book(noon)
	free := map[time.Time]bool{}
	for e := poll(t, second); e != nil; e = poll(t, second) {
		for _, s := range e.(SlotsChanged).Slots {
			free[s.Start] = true
		}
		for _, id := range e.(SlotsChanged).Removed {
			free[id.Start] = false
		}
	}
	if len(free) == 0 || free[noon] {
		t.Errorf("of %d slots, noon is free: %v", len(free), free[noon])
	}
}

func TestScopesAreBounded(t *testing.T) {
	many := make([]clinic.Ref, 21)
	for name, c := range map[string]struct {
		scope Scope
		ok    bool
	}{
		"no provider": {Scope{Providers: []clinic.Ref{}}, false}, "20 providers": {Scope{Providers: many[:20]}, true}, "21": {Scope{Providers: many}, false},
		"no location": {Scope{Locations: []clinic.Ref{}}, false}, "5 locations": {Scope{Locations: many[:5]}, true}, "6": {Scope{Locations: many[:6]}, false},
	} {
		if err := c.scope.Check(); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}
