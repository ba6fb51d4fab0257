package conflict

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
)

var someday = time.Date(2030, 5, 6, 9, 0, 0, 0, time.UTC)

var organization = uuid.UUID{15: 1}

// fallbacks keeps them in memory.
type fallbacks struct {
	mu     sync.Mutex
	kept   []Fallback
	broken error
}

func (s *fallbacks) Keep(_ context.Context, by clinic.Stamp, f Fallback) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken == nil {
		s.kept = append(s.kept, f)
	}
	return s.broken
}

func (s *fallbacks) Standing(context.Context) (*Fallback, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.kept {
		if f.RearmedAt == nil {
			return &f, s.broken
		}
	}
	return nil, s.broken
}

func (s *fallbacks) Stands(_ context.Context, id uuid.UUID) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.kept {
		if f.ID == id {
			return f.RearmedAt == nil, s.broken
		}
	}
	return false, s.broken
}

func (s *fallbacks) set(broken error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = broken
}

func (s *fallbacks) rearm() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.kept {
		s.kept[i].RearmedAt = &someday
	}
}

// guarded is a guard with a clock that the test sets.
type guarded struct {
	*Guard
	now   *clock.Frozen
	store *fallbacks
	told  []Fallback
}

func newGuarded(limits Limits, store *fallbacks) *guarded {
	g := &guarded{now: clock.FrozenAt(someday), store: store}
	g.Guard = NewGuard(limits, store, clinic.Source{Clock: g.now, NewID: uuid.New}, func(f Fallback) { g.told = append(g.told, f) })
	return g
}

// about is a case of a patient of their own.
func about(patient byte) Case {
	return Case{
		Operation: Book, Patient: uuid.UUID{14: 1, 15: patient}, Now: someday.Add(90 * time.Second),
		Plan: availability.Plan{SlotID: availability.SlotID{Organization: organization, Location: uuid.UUID{15: 2}, VisitKind: uuid.UUID{15: 3}, Provider: uuid.UUID{15: 4}, Start: someday}},
	}
}

var (
	errFault = errors.New("fault")
	busy     = []availability.Rule{availability.ProviderBusy}
	tooFast  = []availability.Rule{availability.PatientTravelTime}
)

// noted has so many cases go well, then so many go as told, each of another patient, and says after how many the guard tripped; 0: never.
func (g *guarded) noted(well, ill int, how func(*Comparison)) int {
	for i := range well + ill {
		c := Comparison{Case: about(byte(i)), Mode: Shadow, Took: time.Millisecond}
		if i >= well {
			how(&c)
		}
		if g.Note(c); g.Tripped() {
			return i + 1
		}
	}
	return 0
}

func failing(c *Comparison)  { c.Failed = errFault }
func skipping(c *Comparison) { c.Failed, c.Took = ErrSkipped, 0 }
func slow(c *Comparison)     { c.Took = 101 * time.Millisecond }
func inTime(c *Comparison)   { c.Took = 100 * time.Millisecond }
func refusing(c *Comparison) { c.Full = tooFast }
func left(c *Comparison)     { c.Failed = context.Canceled }

func agreeing(c *Comparison) { c.Basic, c.Full = busy, tooFast }

func TestAGuardTripsAtTheCaseThatPassesALimitAndNotBefore(t *testing.T) {
	for _, c := range []struct {
		name      string
		well, ill int
		how       func(*Comparison)
		after     int
		cause     Cause
	}{
		{"every one of few fails", 0, 19, failing, 0, ""},
		{"every one of enough fails", 0, 20, failing, 20, Failures},
		{"a twentieth fails", 95, 5, failing, 0, ""},
		{"more than a twentieth fails", 95, 6, failing, 101, Failures},
		{"a twentieth of few fails", 19, 1, failing, 0, ""},
		{"two of twenty fail", 18, 2, failing, 20, Failures},
		{"cases are never begun", 18, 2, skipping, 20, Failures},
		{"whoever asked goes away", 0, 100, left, 0, ""},
		{"a tenth is slow", 90, 10, slow, 0, ""},
		{"more than a tenth is slow", 90, 11, slow, 101, Latency},
		{"all are just in time", 0, 100, inTime, 0, ""},
		{"a fifth is refused", 80, 20, refusing, 0, ""},
		{"more than a fifth is refused", 80, 21, refusing, 101, Refusals},
		{"all of few are refused", 0, 19, refusing, 0, ""},
		{"both refuse", 50, 50, agreeing, 0, ""},
	} {
		g := newGuarded(DefaultLimits(), &fallbacks{})
		if after := g.noted(c.well, c.ill, c.how); after != c.after {
			t.Errorf("%s: tripped after %d cases, want %d", c.name, after, c.after)
		}
		if f := g.Fallback(); c.cause == "" && f != nil || c.cause != "" && (f == nil || f.Cause != c.cause || !f.At.Equal(someday)) {
			t.Errorf("%s: the fallback is %+v", c.name, f)
		}
	}
}

func TestWhatTheBasicDetectionRefusesIsNoneOfThoseThatTheFullOneMayRefuse(t *testing.T) {
	g := newGuarded(DefaultLimits(), &fallbacks{})
	g.noted(0, 200, agreeing)
	if after := g.noted(16, 5, refusing); after != 21 || g.Fallback().Cause != Refusals {
		t.Errorf("4 refusals of the 20 people whom the basic detection lets be are a fifth, 5 of 21 are more: tripped after %d", after)
	}
}

func TestWhoeverTriesAgainAndAgainWeighsAsOne(t *testing.T) {
	g := newGuarded(DefaultLimits(), &fallbacks{})
	g.noted(30, 0, nil)
	for range 1000 {
		g.Note(Comparison{Case: about(200), Mode: Enforce, Full: tooFast})
	}
	if f := g.Figures(); g.Tripped() || f.People != 31 || f.Refused != 1 || f.Cases != 1030 {
		t.Errorf("one person's refusals: %+v", f)
	}
}

func TestOnlyTheWindowCounts(t *testing.T) {
	g := newGuarded(DefaultLimits(), &fallbacks{})
	g.noted(0, 19, failing)
	g.now.Advance(54 * time.Second) // they are all still there
	if f := g.Figures(); f.Cases != 19 || f.Failed != 19 {
		t.Fatalf("within the window: %+v", f)
	}
	g.now.Advance(6 * time.Second)
	if f := g.Figures(); f != (Figures{}) {
		t.Fatalf("after it: %+v", f)
	}
	if after := g.noted(0, 20, failing); after != 20 {
		t.Errorf("tripped after %d cases", after)
	}
}

func TestPeopleLeaveTheWindow(t *testing.T) {
	g := newGuarded(DefaultLimits(), &fallbacks{})
	g.noted(0, 10, refusing)
	g.now.Advance(30 * time.Second)
	g.noted(9, 0, nil) // nine of the ten again, who are let be now
	g.now.Advance(30 * time.Second)
	if f := g.Figures(); f.People != 9 || f.Refused != 0 {
		t.Errorf("figures: %+v", f)
	}
	g.now.Advance(-time.Hour) // a clock that was set back
	g.noted(1, 0, nil)
	g.now.Advance(2 * time.Hour)
	if f := g.Figures(); f != (Figures{}) {
		t.Errorf("later: %+v", f)
	}
}

func TestAFallbackIsToldAndKeptAndEndsOnceItIsRearmed(t *testing.T) {
	g := newGuarded(DefaultLimits(), &fallbacks{})
	look := func(want error) {
		t.Helper()
		if err := g.Look(t.Context()); !errors.Is(err, want) {
			t.Fatalf("look: %v, want %v", err, want)
		}
	}
	look(nil)
	g.store.set(errFault)
	g.noted(0, 20, failing)
	select {
	case <-g.News():
	default:
		t.Fatal("nobody was told to look")
	}
	look(errFault)
	look(errFault)
	if len(g.told) != 1 || g.told[0].Cause != Failures || g.told[0].Figures.Failed != 20 || g.told[0].RearmedAt != nil {
		t.Fatalf("told: %+v", g.told)
	}
	g.store.set(nil)
	look(nil)
	look(nil)
	if len(g.store.kept) != 1 || g.store.kept[0].ID != g.told[0].ID || !g.Tripped() {
		t.Fatalf("kept: %+v", g.store.kept)
	}
	g.store.set(errFault)
	g.store.rearm()
	look(errFault)
	if !g.Tripped() {
		t.Fatal("re-armed although nobody could say so")
	}
	g.store.set(nil)
	look(nil)
	if g.Tripped() || g.Fallback() != nil || len(g.told) != 2 || g.told[1].RearmedAt == nil || g.Figures() != (Figures{}) {
		t.Fatalf("after it was re-armed: %+v", g.told)
	}
	if after := g.noted(0, 20, failing); after != 20 {
		t.Errorf("the window began anew: tripped after %d", after)
	}
	look(nil)
	if len(g.store.kept) != 2 || g.store.kept[0].ID == g.store.kept[1].ID {
		t.Errorf("kept: %+v", g.store.kept)
	}
}

func TestAProcessThatStartsWhileAFallbackStandsStartsFallenBack(t *testing.T) {
	store := &fallbacks{kept: []Fallback{{ID: uuid.New(), Cause: Latency, At: someday}}, broken: errFault}
	g := newGuarded(DefaultLimits(), store)
	if err := g.Look(t.Context()); !errors.Is(err, errFault) || g.Tripped() {
		t.Fatalf("before anybody knows: %v, tripped %t", err, g.Tripped())
	}
	store.set(nil)
	if err := g.Look(t.Context()); err != nil || !g.Tripped() || g.Fallback().Cause != Latency {
		t.Fatalf("once it is known: %v, %+v", err, g.Fallback())
	}
	store.rearm()
	if err := g.Look(t.Context()); err != nil || g.Tripped() {
		t.Errorf("once it is re-armed: %v, tripped %t", err, g.Tripped())
	}
	if len(store.kept) != 1 {
		t.Errorf("kept anew: %+v", store.kept)
	}
}

func TestAWindowTellsSoManyPeopleApartAndNoMore(t *testing.T) {
	w := newWindow(time.Minute, someday)
	for i := range mostPeople + 10 {
		c := about(0)
		c.Holder = uuid.UUID{12: byte(i >> 8), 13: byte(i)}
		c.Patient = uuid.Nil // whoever holds stands for a patient whom nobody knows
		w.note(someday, Comparison{Case: c}, false)
	}
	if f := w.now(someday); f.People != mostPeople || f.Cases != mostPeople+10 {
		t.Errorf("%+v", f)
	}
}
