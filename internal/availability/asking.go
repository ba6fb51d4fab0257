package availability

import (
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"
)

// Asking is for whom openings are looked up. The zero value is anybody.
type Asking struct {
	Holder Holder
	Moving *Moving
}

// Moving is an appointment that is being moved: neither what it keeps busy nor what it counts for stands in its own way.
type Moving struct {
	Appointment uuid.UUID
	Day         civil.Date  // counted against the daily cap; zero: none
	Windows     []uuid.UUID // counted against the caps of these exceptions
}

// own says whether a hold is kept for whoever is asking: by the same actor, and not for another patient.
func (a Asking) own(c Claim) bool {
	if a.Holder.Actor == uuid.Nil || c.Holder.Actor != a.Holder.Actor {
		return false
	}
	return c.Holder.Patient == uuid.Nil || a.Holder.Patient == uuid.Nil || c.Holder.Patient == a.Holder.Patient
}

// gives says whether a claim gives way to whoever is asking. A hold that expires exactly now has lapsed.
func (a Asking) gives(c Claim, now time.Time) bool {
	if c.Hold != uuid.Nil {
		return !c.ExpiresAt.After(now) || a.own(c)
	}
	return a.moves(c.Appointment)
}

func (a Asking) moves(appointment uuid.UUID) bool {
	return a.Moving != nil && appointment == a.Moving.Appointment
}

// visits lines up those of the patient that stay where they are.
func (a Asking) visits(all []Visit) timeline[struct{}] {
	var other []entry[struct{}]
	for _, v := range all {
		if !a.moves(v.Appointment) {
			other = append(other, entry[struct{}]{Span: v.Span})
		}
	}
	return lineUp(other)
}

// counts tell how much is counted against caps by others than whoever is asking.
type counts struct {
	taken   Taken
	days    map[civil.Date]int // to be taken off
	windows map[uuid.UUID]int  // to be taken off
}

func (a Asking) counts(t Taken, now time.Time) counts {
	c := counts{t, map[civil.Date]int{}, map[uuid.UUID]int{}}
	off := func(day civil.Date, windows []uuid.UUID) {
		c.days[day]++
		for _, w := range windows {
			c.windows[w]++
		}
	}
	for _, claim := range t.Claims {
		if claim.Hold != uuid.Nil && a.gives(claim, now) {
			off(claim.CountedDay, claim.CountedWindows)
		}
	}
	if a.Moving != nil {
		off(a.Moving.Day, a.Moving.Windows)
	}
	return c
}

func (c counts) onDay(d civil.Date) int { return max(0, c.taken.Days[d].Booked-c.days[d]) }

func (c counts) inWindow(id uuid.UUID) int { return max(0, c.taken.Windows[id]-c.windows[id]) }
