package availability

import (
	"time"

	"github.com/google/uuid"
)

// lanes tell how many of a provider's lanes are free over a span.
type lanes struct {
	claims timeline[laneClaim]
	seen   []mark // by slot, reused from one question to the next
	round  int
}

type laneClaim struct {
	lane int
	slot int // where its lane is marked
	held bool
}

// mark holds the last round in which a lane was found taken at all, and taken by an appointment.
type mark struct{ taken, booked int }

// lanes lines up the claims that don't give way to whoever is asking.
func (a Asking) lanes(claims []Claim, now time.Time) *lanes {
	slots := map[int]int{}
	blocking := make([]entry[laneClaim], 0, len(claims))
	for _, c := range claims {
		if a.gives(c, now) {
			continue
		}
		if _, ok := slots[c.Lane]; !ok {
			slots[c.Lane] = len(slots)
		}
		blocking = append(blocking, entry[laneClaim]{
			Span: Span{c.Start, c.End}, value: laneClaim{c.Lane, slots[c.Lane], c.Hold != uuid.Nil},
		})
	}
	return &lanes{claims: lineUp(blocking), seen: make([]mark, len(slots))}
}

// free counts how many of n lanes nothing overlaps, and how many no appointment does. A lane beyond the last, from when there
// were more or of a place that has more, takes one away, too; the staff's own take none.
func (l *lanes) free(occupied Span, n int) (free, unbooked int) {
	l.round++
	free, unbooked = n, n
	for _, c := range l.claims.over(occupied) {
		if c.lane < 0 {
			continue
		}
		m := &l.seen[c.slot]
		if m.taken != l.round {
			m.taken = l.round
			free--
		}
		if !c.held && m.booked != l.round {
			m.booked = l.round
			unbooked--
		}
	}
	return free, unbooked
}
