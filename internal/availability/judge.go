package availability

import (
	"math"
	"slices"
	"time"

	"cloud.google.com/go/civil"
)

// desk is what all judgements of one question share.
type desk struct {
	rules   Rules
	counts  counts
	lanes   *lanes
	patient timeline[struct{}]
	now     time.Time
}

func newDesk(r Rules, t Taken, now time.Time, a Asking) *desk {
	return &desk{rules: r, counts: a.counts(t, now), lanes: a.lanes(t.Claims, now), patient: a.visits(t.Patient), now: now}
}

// judge decides on visits of one offer at one place.
type judge struct {
	*desk
	hours
	place Place
}

// judge prepares for visits that start in a period.
func (d *desk) judge(p Place, o offer, period Span) judge {
	period.End = period.End.Add(o.kind.Duration)
	return judge{d, d.rules.hours(p, o, period), p}
}

func (j judge) verdict(start time.Time) Verdict {
	slot := j.slot(start)
	visit := Span{start, slot.End}
	occupied := Span{start.Add(-j.kind.BufferBefore), slot.End.Add(j.kind.BufferAfter)}
	capacity := j.capacity(visit)
	free, unbooked := j.lanes.free(occupied, max(capacity, 1)) // outside the hours, too, one may ask who is busy
	dayLeft, windowLeft := j.dayLeft(slot), j.windowLeft(start)
	notice := j.kind.Policy.MinimumNotice

	var v Verdict
	for _, check := range [...]struct {
		rule   Rule
		broken bool
	}{
		{BeyondMaximumAdvance, start.After(j.now.Add(j.kind.Policy.MaximumAdvance))},
		{DailyCapReached, dayLeft < 1},
		{InsideMinimumNotice, notice > 0 && start.Before(j.now.Add(notice))},
		{InThePast, start.Before(j.now)},
		{NotOnGrid, j.windows.touches(moment(start)) && !j.onGrid(start)},
		{OutsideHours, capacity < 1},
		{PatientBusy, j.patient.touches(visit)},
		{ProviderBusy, free < 1},
		{ProviderClosed, j.closed.touches(visit)},
		{VisitKindNotOffered, !slices.Contains(j.kind.Modalities, j.modality)},
		{WindowCapReached, windowLeft < 1},
	} {
		if check.broken {
			v.Blocked = append(v.Blocked, check.rule)
		}
	}
	v.Slot, v.lanes = slot, capacity
	v.Slot.Status = v.status(unbooked)
	if v.Bookable() {
		v.Slot.Remaining = min(free, dayLeft, windowLeft)
	}
	return v
}

// status of a slot for which so many lanes have no appointment.
func (v Verdict) status(unbooked int) Status {
	switch {
	case v.Bookable():
		return Free
	case !v.Exists():
		return Blocked
	case unbooked < 1:
		return Booked
	case slices.Equal(v.Blocked, []Rule{ProviderBusy}):
		return Held
	}
	return Blocked
}

func (j judge) slot(start time.Time) Slot {
	local := civil.DateTimeOf(j.clock.Wall(start))
	return Slot{
		SlotID: SlotID{
			Organization: j.rules.Organization, Provider: j.rules.Provider, Location: j.place.Location,
			VisitKind: j.kind.ID, Modality: j.modality, Start: start,
		},
		End:        start.Add(j.kind.Duration),
		LocalStart: local,
		TimeZone:   j.place.TimeZone,
		Version:    j.rules.Revision + j.counts.taken.Days[local.Date].Revision,
	}
}

// dayLeft is how many visits the daily cap still allows on the local day of the start.
func (j judge) dayLeft(s Slot) int {
	if j.rules.MaxDaily == nil {
		return math.MaxInt
	}
	return j.counts.leftOn(s.LocalStart.Date, *j.rules.MaxDaily)
}

// windowLeft is how many visits the capped windows that hold the start still allow.
func (j judge) windowLeft(start time.Time) int {
	left := math.MaxInt
	for _, e := range j.capped.over(moment(start)) {
		left = min(left, j.counts.leftIn(e.ID, *e.MaxAppointments))
	}
	return left
}
