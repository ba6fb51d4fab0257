package availability_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

const (
	advance    = availability.BeyondMaximumAdvance
	dayCap     = availability.DailyCapReached
	notice     = availability.InsideMinimumNotice
	past       = availability.InThePast
	offGrid    = availability.NotOnGrid
	outside    = availability.OutsideHours
	patient    = availability.PatientBusy
	busy       = availability.ProviderBusy
	shut       = availability.ProviderClosed
	notOffered = availability.VisitKindNotOffered
	windowCap  = availability.WindowCapReached
)

// checkCase says what stands against a visit on Monday at some time, and what the slot is.
type checkCase struct {
	why   string
	w     world
	start string
	want  []availability.Rule
	state availability.Status
}

func runChecks(t *testing.T, cases []checkCase) {
	t.Helper()
	for _, c := range cases {
		v := c.w.check(c.w.slot(monday + "T" + c.start))
		if !slices.Equal(v.Blocked, c.want) || v.Slot.Status != c.state {
			t.Errorf("%s: at %s %s blocked by %v, want %s blocked by %v", c.why, c.start, v.Slot.Status, v.Blocked, c.state, c.want)
		}
	}
}

func rules(r ...availability.Rule) []availability.Rule { return r }

func now(local string) func(*world) {
	return func(w *world) { w.query.Now = w.at(local) }
}

func policy(change func(*clinic.Policy)) func(*world) {
	return kind(func(k *clinic.VisitKind) { change(&k.Policy) })
}

func TestCheckTimes(t *testing.T) {
	hour := policy(func(p *clinic.Policy) { p.MinimumNotice = time.Hour })
	ahead := policy(func(p *clinic.Policy) { p.MaximumAdvance = time.Hour })
	runChecks(t, []checkCase{
		{"now", office(now(monday + "T09:00")), "09:00", nil, availability.Free},
		{"a minute ago", office(now(monday + "T09:01")), "09:00", rules(past), availability.Blocked},
		{"a moment ago", office(now(monday + "T09:00:01")), "09:00", rules(past), availability.Blocked},
		{"exactly the notice ahead", office(hour, now(monday+"T08:00")), "09:00", nil, availability.Free},
		{"a second less", office(hour, now(monday+"T08:00:01")), "09:00", rules(notice), availability.Blocked},
		{"past and inside the notice", office(hour, now(monday+"T10:00")), "09:00", rules(notice, past), availability.Blocked},
		{"exactly the advance ahead", office(ahead, now(monday+"T08:00")), "09:00", nil, availability.Free},
		{"a second more", office(ahead, now(monday+"T07:59:59")), "09:00", rules(advance), availability.Blocked},
	})
}

func TestCheckHours(t *testing.T) {
	runChecks(t, []checkCase{
		{"first start", office(), "09:00", nil, availability.Free},
		{"before the hours", office(), "08:30", rules(outside), availability.Blocked},
		{"last start", office(), "11:30", nil, availability.Free},
		{"runs over", office(step(15*time.Minute, clinic.GridDay)), "11:45", rules(outside), availability.Blocked},
		{"where the hours end", office(), "12:00", rules(outside), availability.Blocked},
		{"off the grid", office(), "09:15", rules(offGrid), availability.Blocked},
		{"off the grid and over", office(), "11:45", rules(offGrid, outside), availability.Blocked},
		{"off the grid outside the hours is just outside", office(), "15:15", rules(outside), availability.Blocked},
		{"not a whole minute", office(), "09:00:30", rules(offGrid), availability.Blocked},
		{"closed", office(except(closed, monday+"T09:29", monday+"T09:30")), "09:00", rules(shut), availability.Blocked},
		{"closed right after", office(except(closed, monday+"T09:30", monday+"T10:00")), "09:00", nil, availability.Free},
		{"closed right before", office(except(closed, monday+"T08:00", monday+"T09:00")), "09:00", nil, availability.Free},
		{"closed outside the hours", office(except(closed, monday+"T15:00", monday+"T16:00")), "15:00", rules(outside, shut), availability.Blocked},
		{"a day that the rules don't hold for", office(func(w *world) { w.rules.Until = date(sunday) }), "09:00", rules(outside), availability.Blocked},
	})
}

func TestCheckBusy(t *testing.T) {
	buffered := kind(func(k *clinic.VisitKind) { k.BufferBefore, k.BufferAfter = 10*time.Minute, 20*time.Minute })
	runChecks(t, []checkCase{
		{"busy right before", office(booked(0, monday+"T08:00", monday+"T09:00")), "09:00", nil, availability.Free},
		{"busy a minute into it", office(booked(0, monday+"T08:00", monday+"T09:01")), "09:00", rules(busy), availability.Booked},
		{"busy right after", office(booked(0, monday+"T09:30", monday+"T10:00")), "09:00", nil, availability.Free},
		{"busy in its last minute", office(booked(0, monday+"T09:29", monday+"T10:00")), "09:00", rules(busy), availability.Booked},
		{"the buffer before it", office(buffered, booked(0, monday+"T08:00", monday+"T08:50")), "09:00", nil, availability.Free},
		{"a minute into it", office(buffered, booked(0, monday+"T08:00", monday+"T08:51")), "09:00", rules(busy), availability.Booked},
		{"the buffer after it", office(buffered, booked(0, monday+"T09:50", monday+"T10:00")), "09:00", nil, availability.Free},
		{"a minute into it", office(buffered, booked(0, monday+"T09:49", monday+"T10:00")), "09:00", rules(busy), availability.Booked},
		{"busy outside the hours", office(booked(0, monday+"T15:00", monday+"T16:00")), "15:00", rules(outside, busy), availability.Blocked},
		{"a claim that only counts", office(booked(0, monday+"T09:15", monday+"T09:15")), "09:00", nil, availability.Free},
		{"booked and closed", office(booked(0, monday+"T09:00", monday+"T09:30"), except(closed, monday+"T09:00", monday+"T10:00")), "09:00",
			rules(busy, shut), availability.Booked},
	})
}

func TestCheckHolds(t *testing.T) {
	ann, bob := availability.Holder{Actor: actors[0], Patient: patients[0]}, availability.Holder{Actor: actors[0], Patient: patients[1]}
	anyone := availability.Holder{Actor: actors[0]}
	nine, half := monday+"T09:00", monday+"T09:30"
	hold := held(ann, time.Minute, nine, half)
	two := daily("09:00-12:00 x2")
	runChecks(t, []checkCase{
		{"held by somebody", office(hold), "09:00", rules(busy), availability.Held},
		{"by the holder", office(hold, askedBy(ann)), "09:00", nil, availability.Free},
		{"by the same actor for another patient", office(hold, askedBy(bob)), "09:00", rules(busy), availability.Held},
		{"by the same actor for no particular one", office(hold, askedBy(anyone)), "09:00", nil, availability.Free},
		{"for no particular patient", office(held(anyone, time.Minute, nine, half), askedBy(bob)), "09:00", nil, availability.Free},
		{"by another actor for the same patient", office(hold, askedBy(availability.Holder{Actor: actors[1], Patient: patients[0]})), "09:00",
			rules(busy), availability.Held},
		{"nobody holds for nobody", office(held(availability.Holder{}, time.Minute, nine, half)), "09:00", rules(busy), availability.Held},
		{"expires in a microsecond", office(held(ann, time.Microsecond, nine, half)), "09:00", rules(busy), availability.Held},
		{"expires exactly now", office(held(ann, 0, nine, half)), "09:00", nil, availability.Free},
		{"a free lane beside it", office(hold, two), "09:00", nil, availability.Free},
		{"held and booked", office(hold, two, booked(1, nine, half)), "09:00", rules(busy), availability.Held},
		{"booked on the held lane, too", office(hold, booked(0, half, monday+"T10:00"), kind(func(k *clinic.VisitKind) { k.Duration = time.Hour })), "09:00",
			rules(busy), availability.Booked},
		{"held and past", office(now(monday+"T09:01"), hold), "09:00", rules(past, busy), availability.Blocked},
	})
}

func TestCheckCaps(t *testing.T) {
	most := func(n, booked int) func(*world) {
		return func(w *world) {
			w.rules.MaxDaily = &n
			w.taken.Days[date(monday)] = availability.Day{Booked: booked}
		}
	}
	window := func(n, booked int) func(*world) {
		return func(w *world) {
			except(capped(n), monday+"T09:30", monday+"T10:30")(w)
			w.taken.Windows[exceptions[1]] = booked
		}
	}
	ann := availability.Holder{Actor: actors[0], Patient: patients[0]}
	runChecks(t, []checkCase{
		{"one left for the day", office(most(2, 1)), "09:00", nil, availability.Free},
		{"none left", office(most(2, 2)), "09:00", rules(dayCap), availability.Blocked},
		{"the cap was lowered", office(most(2, 5)), "09:00", rules(dayCap), availability.Blocked},
		{"the last is an own hold", office(held(ann, time.Minute, monday+"T11:00", monday+"T11:30"), askedBy(ann), most(1, 1)), "09:00", nil, availability.Free},
		{"somebody else's", office(held(ann, time.Minute, monday+"T11:00", monday+"T11:30"), most(1, 1)), "09:00", rules(dayCap), availability.Blocked},
		{"a hold that has lapsed", office(held(ann, 0, monday+"T11:00", monday+"T11:30"), most(1, 1)), "09:00", nil, availability.Free},
		{"one left in the window", office(window(1, 0)), "09:30", nil, availability.Free},
		{"none left", office(window(1, 1)), "09:30", rules(windowCap), availability.Blocked},
		{"right before the window", office(window(1, 1)), "09:00", nil, availability.Free},
		{"its last start", office(window(1, 1)), "10:00", rules(windowCap), availability.Blocked},
		{"where it ends", office(window(1, 1)), "10:30", nil, availability.Free},
		{"a cap of none", office(window(0, 0)), "10:00", rules(windowCap), availability.Blocked},
		{"the last of the window is an own hold", office(window(1, 1), held(ann, time.Minute, monday+"T10:00", monday+"T10:30"), askedBy(ann)), "09:30", nil,
			availability.Free},
		{"both caps", office(window(1, 1), most(2, 2)), "09:30", rules(dayCap, windowCap), availability.Blocked},
	})
	left := office(daily("09:00-12:00 x4"), most(3, 1), window(5, 4))
	for start, want := range map[string]int{"09:00": 2, "09:30": 1} {
		if v := left.check(left.slot(monday + "T" + start)); v.Slot.Remaining != want {
			t.Errorf("at %s %d left, want %d", start, v.Slot.Remaining, want)
		}
	}
}

func TestCheckMoving(t *testing.T) {
	move := func(w *world) {
		w.query.Asking.Moving = &availability.Moving{Appointment: id("other"), Day: date(monday), Windows: []uuid.UUID{exceptions[1]}}
	}
	visit := booked(0, monday+"T09:00", monday+"T09:30")
	of := func(appointment uuid.UUID) func(*world) {
		return func(w *world) {
			w.taken.Patient = []availability.Visit{{
				Span:        availability.Span{Start: w.at(monday + "T09:00"), End: w.at(monday + "T09:30")},
				Appointment: appointment,
			}}
		}
	}
	one := func(w *world) {
		w.rules.MaxDaily = ptr(1)
		w.taken.Days[date(monday)] = availability.Day{Booked: 1}
	}
	full := func(w *world) { w.taken.Windows[exceptions[1]] = 1 }
	runChecks(t, []checkCase{
		{"its own time is free to it", office(visit, move), "09:00", nil, availability.Free},
		{"to nobody else", office(visit), "09:00", rules(busy), availability.Booked},
		{"another appointment stays", office(visit, booked(0, monday+"T09:10", monday+"T09:30"), func(w *world) {
			move(w)
			w.taken.Claims[1].Appointment = id("a third")
		}), "09:00", rules(busy), availability.Booked},
		{"its place in the day is free to it", office(one, move), "10:00", nil, availability.Free},
		{"to nobody else", office(one), "10:00", rules(dayCap), availability.Blocked},
		{"its place in the window is free to it", office(full, move, except(capped(1), monday+"T09:00", monday+"T10:00")), "09:30", nil, availability.Free},
		{"to nobody else", office(full, except(capped(1), monday+"T09:00", monday+"T10:00")), "09:30", rules(windowCap), availability.Blocked},
		{"the patient's own visit moves along", office(of(id("other")), move), "09:00", nil, availability.Free},
		{"another visit of the patient doesn't", office(of(id("a third")), move), "09:00", rules(patient), availability.Blocked},
		{"nor does it reach the next start", office(of(id("a third")), move), "09:30", nil, availability.Free},
	})
}

func TestCheckOffers(t *testing.T) {
	for why, c := range map[string]struct {
		change func(*availability.SlotID)
		want   []availability.Rule
	}{
		"another kind of visit":          {func(s *availability.SlotID) { s.VisitKind = kindIDs[1] }, rules(notOffered)},
		"another place":                  {func(s *availability.SlotID) { s.Location = places[1] }, rules(outside)},
		"another kind at another place":  {func(s *availability.SlotID) { s.VisitKind, s.Location = kindIDs[1], places[1] }, rules(outside, notOffered)},
		"another provider":               {func(s *availability.SlotID) { s.Provider = actors[0] }, rules(outside, notOffered)},
		"another organisation":           {func(s *availability.SlotID) { s.Organization = actors[0] }, rules(outside, notOffered)},
		"another way of meeting":         {func(s *availability.SlotID) { s.Modality = clinic.Phone }, rules(notOffered)},
		"another way at another place":   {func(s *availability.SlotID) { s.Modality, s.Location = clinic.Phone, places[1] }, rules(outside, notOffered)},
		"no way of meeting":              {func(s *availability.SlotID) { s.Modality = "" }, rules(notOffered)},
		"no way of another kind, either": {func(s *availability.SlotID) { s.VisitKind, s.Modality = kindIDs[1], "" }, rules(notOffered)},
	} {
		w := office()
		slot := w.slot(monday + "T09:00")
		c.change(&slot)
		if v := w.check(slot); !slices.Equal(v.Blocked, c.want) || v.Exists() || v.Slot.Status != availability.Blocked || v.Slot.SlotID != slot {
			t.Errorf("%s: %+v", why, v)
		}
		w = office(now(tue + "T09:00"))
		if v := w.check(slot); !slices.Equal(v.Blocked, append(rules(past), c.want...)) {
			t.Errorf("%s in the past: %v", why, v.Blocked)
		}
	}
}

// A kind that isn't offered, or a place without hours, hides no other rule.
func TestCheckNamesWhatElseKeepsOut(t *testing.T) {
	full := func(w *world) {
		w.rules.MaxDaily = ptr(1)
		w.taken.Days[date(monday)] = availability.Day{Booked: 1}
	}
	seen := func(w *world) {
		w.taken.Patient = []availability.Visit{{Span: availability.Span{Start: w.at(monday + "T08:30"), End: w.at(monday + "T09:01")}}}
	}
	hour := policy(func(p *clinic.Policy) { p.MinimumNotice = time.Hour })
	ahead := policy(func(p *clinic.Policy) { p.MaximumAdvance = time.Hour })
	for _, c := range []struct {
		why         string
		w           world
		start       string
		kind, place []availability.Rule // against another kind, at another place
	}{
		{"busy", office(booked(0, monday+"T09:00", monday+"T09:30")), "09:00", rules(busy, notOffered), rules(outside, busy)},
		{"busy later", office(booked(0, monday+"T09:01", monday+"T09:30")), "09:00", rules(notOffered), rules(outside, busy)},
		{"shut", office(except(closed, monday+"T09:00", monday+"T10:00")), "09:00", rules(shut, notOffered), rules(outside)},
		{"before the hours", office(), "08:30", rules(outside, notOffered), rules(outside)},
		{"runs over", office(step(15*time.Minute, clinic.GridDay)), "11:45", rules(notOffered), rules(outside)},
		{"off the grid", office(), "09:10", rules(notOffered), rules(outside)},
		{"not a whole minute", office(), "09:00:30", rules(offGrid, notOffered), rules(outside)},
		{"a full day", office(full), "09:00", rules(dayCap, notOffered), rules(outside)},
		{"a full window", office(except(capped(0), monday+"T09:00", monday+"T10:00")), "09:00", rules(notOffered, windowCap), rules(outside)},
		{"a busy patient", office(seen), "09:00", rules(patient, notOffered), rules(outside, patient)},
		{"too soon", office(hour, now(monday+"T08:30")), "09:00", rules(notOffered), rules(notice, outside)},
		{"too far", office(ahead), "09:00", rules(notOffered), rules(advance, outside)},
	} {
		kind, place := c.w.slot(monday+"T"+c.start), c.w.slot(monday+"T"+c.start)
		kind.VisitKind, place.Location = kindIDs[1], places[1]
		if v := c.w.check(kind); !slices.Equal(v.Blocked, c.kind) || !v.Slot.End.IsZero() || v.Slot.LocalStart != dateTime(monday+"T"+c.start) {
			t.Errorf("%s: another kind is blocked by %v, want %v: %+v", c.why, v.Blocked, c.kind, v.Slot)
		}
		if v := c.w.check(place); !slices.Equal(v.Blocked, c.place) || v.Slot.End.IsZero() || v.Slot.TimeZone != "" || v.Slot.LocalStart.IsValid() {
			t.Errorf("%s: another place is blocked by %v, want %v: %+v", c.why, v.Blocked, c.place, v.Slot)
		}
	}
}

func TestSlotFacts(t *testing.T) {
	w := office()
	w.taken.Days[date(monday)] = availability.Day{Revision: 7}
	s := w.check(w.slot(monday + "T09:00")).Slot
	if s.Version != 1007 || s.TimeZone != "America/New_York" || s.LocalStart != dateTime(monday+"T09:00") ||
		s.Start.Format(time.RFC3339) != "2026-03-02T14:00:00Z" || s.End.Sub(s.Start) != 30*time.Minute || s.Remaining != 1 {
		t.Errorf("%+v", s)
	}
	if s := w.check(w.slot(tue + "T09:00")).Slot; s.Version != 1000 {
		t.Errorf("version of a day that nothing has touched: %d, want the rules' revision", s.Version)
	}
}

// Openings of other states are listed when they are asked for.
func TestStatuses(t *testing.T) {
	w := office(booked(0, monday+"T09:00", monday+"T09:30"), held(availability.Holder{Actor: actors[0]}, time.Hour, monday+"T09:30", monday+"T10:00"),
		except(closed, monday+"T10:00", monday+"T10:30"))
	for want, states := range map[string][]availability.Status{
		"10:30 11:00 11:30":                   nil,
		"09:00":                               {availability.Booked},
		"09:30":                               {availability.Held},
		"10:00":                               {availability.Blocked},
		"09:00 09:30 10:00 10:30 11:00 11:30": {availability.Free, availability.Held, availability.Booked, availability.Blocked},
	} {
		w.query.Statuses = states
		if got := w.day(monday); got != want {
			t.Errorf("%v: %q, want %q", states, got, want)
		}
	}
}
