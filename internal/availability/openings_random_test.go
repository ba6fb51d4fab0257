package availability_test

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/provider"
)

func TestOpeningsAgreeWithTheReference(t *testing.T) { rapid.Check(t, agreesWithReference) }
func TestOpeningsCanBeBooked(t *testing.T)           { rapid.Check(t, openingsCanBeBooked) }

func FuzzOpenings(f *testing.F)        { fuzz(f, agreesWithReference) }
func FuzzOpeningsBooking(f *testing.F) { fuzz(f, openingsCanBeBooked) }

// fuzz begins with inputs that are long enough to draw a world from: with less, nothing is checked.
func fuzz(f *testing.F, check func(*rapid.T)) {
	for i := range byte(20) {
		seed := make([]byte, 8<<10)
		_, _ = rand.NewChaCha8([32]byte{i}).Read(seed) // never fails
		f.Add(seed)
	}
	f.Fuzz(rapid.MakeFuzz(check))
}

// The engine's list is the reference's, and its verdict on any minute is the reference's, on the grid or off it.
func agreesWithReference(t *rapid.T) {
	w := drawWorld(t)
	got, want := availability.Openings(w.rules, w.taken, w.query), expected(w)
	if diff := difference(got, want); diff != "" {
		t.Fatalf("%d openings, the reference has %d: %s", len(got), len(want), diff)
	}
	kind, _ := w.rules.Kind(w.query.VisitKind)
	p := rapid.SampledFrom(w.rules.Places).Draw(t, "place")
	checksAgree(t, w, watch(w, p, kind, rapid.SampledFrom(w.query.Modalities).Draw(t, "way")))
}

// expected is the reference's list.
func expected(w world) []availability.Slot {
	var slots []availability.Slot
	kind, _ := w.rules.Kind(w.query.VisitKind)
	for _, p := range w.rules.Places {
		for _, way := range w.query.Modalities {
			if slices.Contains(kind.Modalities, way) {
				slots = append(slots, watch(w, p, kind, way).list()...)
			}
		}
	}
	slices.SortFunc(slots, func(a, b availability.Slot) int {
		return cmp.Or(a.Start.Compare(b.Start), slices.Compare(a.Location[:], b.Location[:]), cmp.Compare(a.Modality, b.Modality))
	})
	return slots
}

func checksAgree(t *rapid.T, w world, f *reference) {
	for range 40 {
		tick := f.tickOf(w.query.From) + rapid.IntRange(0, int(w.query.To.Sub(w.query.From)/time.Minute)-1).Draw(t, "minute")*int(time.Minute/f.tick)
		want := f.decide(tick)
		got := availability.Check(w.rules, w.taken, want.Slot.SlotID, w.query.Now, w.query.Asking)
		if !slices.Equal(got.Blocked, want.Blocked) || show(got.Slot) != show(want.Slot) {
			t.Fatalf("%s blocked by %v, the reference has %s blocked by %v", show(got.Slot), got.Blocked, show(want.Slot), want.Blocked)
		}
	}
}

func difference(got, want []availability.Slot) string {
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			return "lacks " + show(want[i])
		case i >= len(want):
			return "too many: " + show(got[i])
		case show(got[i]) != show(want[i]):
			return show(got[i]) + " instead of " + show(want[i])
		}
	}
	return ""
}

func show(s availability.Slot) string {
	return fmt.Sprintf("%s to %s (%v %s) at %s %s: %s, %d left, version %d", s.Start.Format(time.RFC3339Nano), s.End.Format(time.RFC3339Nano),
		s.LocalStart, s.TimeZone, s.Location.String()[:4], s.Modality, s.Status, s.Remaining, s.Version)
}

// An opening overlaps no closed period and not all of its lanes are taken; it passes Check; as many as it says can be
// booked one after the other and no more; and a booking changes openings only on the days that its plan names.
func openingsCanBeBooked(t *rapid.T) {
	w := drawWorld(t)
	w.query.Statuses = nil
	openings := availability.Openings(w.rules, w.taken, w.query)
	if len(openings) == 0 {
		return
	}
	for _, s := range openings {
		standsClear(t, w, s)
	}
	s := rapid.SampledFrom(openings).Draw(t, "opening")
	before := everything(w, s)
	asker := w
	for left := s.Remaining; left > 0; left-- {
		v := availability.Check(w.rules, asker.taken, s.SlotID, w.query.Now, asker.query.Asking)
		if !v.Bookable() || v.Slot.Remaining != left {
			t.Fatalf("%s: %d bookings on, %s blocked by %v", show(s), s.Remaining-left, show(v.Slot), v.Blocked)
		}
		w.taken, asker.taken = book(t, w, s, left), book(t, asker, s, left)
		asker = asker.used()
	}
	if v := availability.Check(w.rules, asker.taken, s.SlotID, w.query.Now, asker.query.Asking); v.Bookable() {
		t.Fatalf("%s can be booked once more", show(s))
	}
	plan, _ := availability.PlanOf(w.rules, s.SlotID)
	after := everything(w, s)
	for i := range before {
		changed := before[i].Status != after[i].Status || before[i].Remaining != after[i].Remaining
		if changed && !slices.Contains(plan.Days, before[i].LocalStart.Date) {
			t.Fatalf("booking %s changed %s to %s, a day that is not among %v", show(s), show(before[i]), show(after[i]), plan.Days)
		}
	}
}

func standsClear(t *rapid.T, w world, s availability.Slot) {
	plan, ok := availability.PlanOf(w.rules, s.SlotID)
	if !ok || !plan.End.Equal(s.End) || plan.LocalStart != s.LocalStart || plan.Lanes < s.Remaining {
		t.Fatalf("plan %+v of %s", plan, show(s))
	}
	if _, free := freeLane(w, plan); !free {
		t.Fatalf("%s overlaps claims on all of its %d lanes", show(s), plan.Lanes)
	}
	for _, p := range w.rules.Places {
		for _, e := range p.Exceptions {
			ours := e.ProviderID == [16]byte{} || e.ProviderID == doctorID
			here := p.Location == s.Location && (e.LocationID == [16]byte{} || e.LocationID == p.Location)
			if !ours || !here || e.Effect != provider.Closed {
				continue
			}
			for at := s.Start; at.Before(s.End); at = at.Add(time.Minute) {
				// A wall clock that shows a time inside the period: neither end can be in a gap or fold then.
				if local := at.In(p.Zone); inside(e, local) && steady(at, p.Zone) {
					t.Fatalf("%s is within the closed period %v to %v", show(s), e.From, e.To)
				}
			}
		}
	}
	if v := availability.Check(w.rules, w.taken, s.SlotID, w.query.Now, w.query.Asking); !v.Bookable() || show(v.Slot) != show(s) {
		t.Fatalf("listed %s, checked %s blocked by %v", show(s), show(v.Slot), v.Blocked)
	}
}

func inside(e provider.Exception, local time.Time) bool {
	shown := time.Date(local.Year(), local.Month(), local.Day(), local.Hour(), local.Minute(), local.Second(), 0, time.UTC)
	return !shown.Before(e.From.In(time.UTC)) && shown.Before(e.To.In(time.UTC))
}

// steady says that no clock changes within two days.
func steady(at time.Time, zone *time.Location) bool {
	_, before := at.Add(-48 * time.Hour).In(zone).Zone()
	_, now := at.In(zone).Zone()
	_, after := at.Add(48 * time.Hour).In(zone).Zone()
	return before == now && now == after
}

// freeLane finds a lane without a claim that blocks, from 0. Any lane that is taken uses up one of those there are.
func freeLane(w world, p availability.Plan) (int, bool) {
	f := reference{world: w}
	taken := map[int]bool{}
	for _, c := range w.taken.Claims {
		if c.Lane >= 0 && !f.stepsAside(c) && p.Occupied.Overlaps(availability.Span{Start: c.Start, End: c.End}) {
			taken[c.Lane] = true
		}
	}
	for lane := range p.Lanes {
		if !taken[lane] {
			return lane, len(taken) < p.Lanes
		}
	}
	return 0, false
}

// book does what a booking does: it claims a free lane and counts.
func book(t *rapid.T, w world, s availability.Slot, n int) availability.Taken {
	plan, _ := availability.PlanOf(w.rules, s.SlotID)
	lane, ok := freeLane(w, plan)
	if !ok {
		t.Fatalf("%s: no lane is free", show(s))
	}
	booked := w.taken
	booked.Claims = append(slices.Clone(booked.Claims), availability.Claim{
		Lane: lane, Start: plan.Occupied.Start, End: plan.Occupied.End, Appointment: id(fmt.Sprint("booked", n)),
	})
	booked.Days, booked.Windows = maps.Clone(booked.Days), maps.Clone(booked.Windows)
	day := booked.Days[plan.Day]
	day.Booked++
	booked.Days[plan.Day] = day
	for _, c := range plan.Windows {
		booked.Windows[c.ID]++
	}
	return booked
}

// used is the world once whoever asks has booked: the asker's own holds have ended and the visit that was moved is gone.
func (w world) used() world {
	f := reference{world: w}
	free := func(day civil.Date, windows []uuid.UUID) {
		if d, ok := w.taken.Days[day]; ok {
			d.Booked = max(0, d.Booked-1)
			w.taken.Days[day] = d
		}
		for _, id := range windows {
			w.taken.Windows[id] = max(0, w.taken.Windows[id]-1)
		}
	}
	w.taken.Days, w.taken.Windows = maps.Clone(w.taken.Days), maps.Clone(w.taken.Windows)
	w.taken.Claims = slices.DeleteFunc(slices.Clone(w.taken.Claims), func(c availability.Claim) bool {
		own := c.Hold == uuid.Nil || c.ExpiresAt.After(w.query.Now)
		if !own || !f.stepsAside(c) {
			return false
		}
		if c.Hold != uuid.Nil {
			free(c.CountedDay, c.CountedWindows)
		}
		return true
	})
	if m := w.query.Asking.Moving; m != nil {
		free(m.Day, m.Windows)
		w.taken.Patient = slices.DeleteFunc(slices.Clone(w.taken.Patient), func(v availability.Visit) bool { return v.Appointment == m.Appointment })
	}
	w.query.Asking.Moving = nil
	return w
}

// everything lists all slots of the week around one, of both kinds of visit, for somebody who isn't asking yet.
func everything(w world, s availability.Slot) []availability.Slot {
	q := w.query
	q.From, q.To = s.Start.Add(-60*time.Hour), s.Start.Add(60*time.Hour)
	q.Statuses = []availability.Status{availability.Free, availability.Held, availability.Booked, availability.Blocked}
	reach := availability.ReachOf(q.From, q.To)
	w.rules.From, w.rules.Until = reach.From, reach.Until
	var all []availability.Slot
	for _, kind := range kindIDs {
		q.VisitKind = kind
		all = append(all, availability.Openings(w.rules, w.taken, q)...)
	}
	return all
}
