package availability

import (
	"slices"
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

	Beside []Moving // others that leave their places at the same time
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
	return a.Moving != nil && (appointment == a.Moving.Appointment ||
		slices.ContainsFunc(a.Moving.Beside, func(m Moving) bool { return m.Appointment == appointment }))
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
	// Where the asker is counted already. Staying there raises no count, whatever the cap has become.
	ownDays    map[civil.Date]bool
	ownWindows map[uuid.UUID]bool
}

func (a Asking) counts(t Taken, now time.Time) counts {
	c := counts{t, map[civil.Date]int{}, map[uuid.UUID]int{}, map[civil.Date]bool{}, map[uuid.UUID]bool{}}
	off := func(day civil.Date, windows []uuid.UUID, own bool) {
		c.days[day]++
		c.ownDays[day] = c.ownDays[day] || own
		for _, w := range windows {
			c.windows[w]++
			c.ownWindows[w] = c.ownWindows[w] || own
		}
	}
	for _, claim := range t.Claims {
		if claim.Hold != uuid.Nil && a.gives(claim, now) {
			off(claim.CountedDay, claim.CountedWindows, claim.ExpiresAt.After(now))
		}
	}
	if a.Moving != nil {
		for _, m := range append([]Moving{*a.Moving}, a.Moving.Beside...) {
			off(m.Day, m.Windows, true)
		}
	}
	return c
}

// leftOn is how many visits a cap still allows on a day.
func (c counts) leftOn(d civil.Date, most int) int {
	return left(most, c.taken.Days[d].Booked-c.days[d], c.ownDays[d])
}

// leftIn is how many visits the cap of a window still allows.
func (c counts) leftIn(id uuid.UUID, most int) int {
	return left(most, c.taken.Windows[id]-c.windows[id], c.ownWindows[id])
}

func left(most, counted int, own bool) int {
	n := most - max(0, counted)
	if own {
		return max(n, 1)
	}
	return n
}
