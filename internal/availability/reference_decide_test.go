package availability_test

import (
	"slices"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

// decide says all that stands against a visit that starts at a tick, and what the slot is.
func (f *reference) decide(start int) availability.Verdict {
	at := f.timeOf(start)
	length := int(f.kind.Duration / f.tick)
	before, after := int(f.kind.BufferBefore/f.tick), int(f.kind.BufferAfter/f.tick)
	broken := map[availability.Rule]bool{}

	capacity := f.open[start]
	for i := start; i < start+length; i++ {
		capacity = min(capacity, f.open[i])
		broken[availability.ProviderClosed] = broken[availability.ProviderClosed] || f.closed[i]
		broken[availability.PatientBusy] = broken[availability.PatientBusy] || f.patient[i]
	}
	broken[availability.OutsideHours] = capacity == 0
	broken[availability.NotOnGrid] = f.open[start] > 0 && !f.onGrid(start)
	broken[availability.VisitKindNotOffered] = !slices.Contains(f.kind.Modalities, f.way)

	free, unbooked := max(capacity, 1), max(capacity, 1)
	for lane, ticks := range f.lanes {
		worst := byte(0)
		for i := start - before; i < start+length+after && lane >= 0; i++ {
			worst = max(worst, ticks[i])
		}
		if worst > 0 {
			free--
		}
		if worst > 1 {
			unbooked--
		}
	}
	broken[availability.ProviderBusy] = free < 1

	remaining := free
	if f.rules.MaxDaily != nil {
		left := *f.rules.MaxDaily - f.countedOn(f.date(start))
		if f.stays(func(d civil.Date, _ []uuid.UUID) bool { return d == f.date(start) }) {
			left = max(left, 1)
		}
		broken[availability.DailyCapReached] = left <= 0
		remaining = min(remaining, left)
	}
	for _, w := range f.capped {
		if w.from <= start && start < w.to {
			left := w.cap - f.countedIn(w.id)
			if f.stays(func(_ civil.Date, windows []uuid.UUID) bool { return slices.Contains(windows, w.id) }) {
				left = max(left, 1)
			}
			broken[availability.WindowCapReached] = broken[availability.WindowCapReached] || left <= 0
			remaining = min(remaining, left)
		}
	}

	ahead := at.Sub(f.query.Now)
	broken[availability.InThePast] = ahead < 0
	broken[availability.InsideMinimumNotice] = f.kind.Policy.MinimumNotice > 0 && ahead < f.kind.Policy.MinimumNotice
	broken[availability.BeyondMaximumAdvance] = ahead > f.kind.Policy.MaximumAdvance

	return f.sum(start, broken, remaining, unbooked)
}

func (f *reference) sum(start int, broken map[availability.Rule]bool, remaining, unbooked int) availability.Verdict {
	var v availability.Verdict
	for rule, is := range broken {
		if is {
			v.Blocked = append(v.Blocked, rule)
		}
	}
	slices.Sort(v.Blocked)
	at := f.timeOf(start)
	v.Slot = availability.Slot{
		SlotID: availability.SlotID{
			Organization: f.rules.Organization, Provider: f.rules.Provider, Location: f.place.Location,
			VisitKind: f.kind.ID, Modality: f.way, Start: at,
		},
		End:        at.Add(f.kind.Duration),
		LocalStart: civil.DateTimeOf(time.Unix(f.shown[start], 0).UTC()),
		TimeZone:   f.place.TimeZone,
		Version:    f.rules.Revision + f.taken.Days[f.date(start)].Revision,
	}
	noSlot := broken[availability.OutsideHours] || broken[availability.NotOnGrid] || broken[availability.VisitKindNotOffered]
	switch {
	case len(v.Blocked) == 0:
		v.Slot.Status, v.Slot.Remaining = availability.Free, remaining
	case unbooked < 1 && !noSlot:
		v.Slot.Status = availability.Booked
	case len(v.Blocked) == 1 && broken[availability.ProviderBusy]:
		v.Slot.Status = availability.Held
	default:
		v.Slot.Status = availability.Blocked
	}
	return v
}

func (f *reference) onGrid(tick int) bool {
	if f.shown[tick]%60 != 0 {
		return false
	}
	if f.kind.GridAnchor == clinic.GridDay {
		clock := time.Unix(f.shown[tick], 0).UTC()
		return (clock.Hour()*60+clock.Minute())%int(f.kind.SlotStep/time.Minute) == 0
	}
	for _, w := range f.windows {
		if w.from <= tick && tick < w.to && time.Duration(tick-w.anchor)*f.tick%f.kind.SlotStep == 0 {
			return true
		}
	}
	return false
}

// stays says whether whoever asks is counted already where a question asks: by a live hold or by the visit being moved.
func (f *reference) stays(there func(civil.Date, []uuid.UUID) bool) bool {
	m := f.query.Asking.Moving
	return m != nil && there(m.Day, m.Windows) || slices.ContainsFunc(f.taken.Claims, func(c availability.Claim) bool {
		return c.Hold != uuid.Nil && f.stepsAside(c) && c.ExpiresAt.After(f.query.Now) && there(c.CountedDay, c.CountedWindows)
	})
}

func (f *reference) countedOn(d civil.Date) int {
	n := f.taken.Days[d].Booked
	for _, c := range f.taken.Claims {
		if c.Hold != uuid.Nil && f.stepsAside(c) && c.CountedDay == d {
			n--
		}
	}
	if m := f.query.Asking.Moving; m != nil && m.Day == d {
		n--
	}
	return max(n, 0)
}

func (f *reference) countedIn(window uuid.UUID) int {
	n := f.taken.Windows[window]
	for _, c := range f.taken.Claims {
		if c.Hold != uuid.Nil && f.stepsAside(c) && slices.Contains(c.CountedWindows, window) {
			n--
		}
	}
	if m := f.query.Asking.Moving; m != nil && slices.Contains(m.Windows, window) {
		n--
	}
	return max(n, 0)
}

// list goes through every tick of the period.
func (f *reference) list() []availability.Slot {
	var slots []availability.Slot
	for i := f.tickOf(f.query.From); i < f.tickOf(f.query.To); i++ {
		if f.open[i] == 0 || !f.onGrid(i) {
			continue
		}
		if v := f.decide(i); !slices.Contains(v.Blocked, availability.OutsideHours) && slices.Contains(f.query.Statuses, v.Slot.Status) {
			slots = append(slots, v.Slot)
		}
	}
	return slots
}
