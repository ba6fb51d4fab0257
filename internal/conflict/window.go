package conflict

import (
	"time"

	"github.com/google/uuid"
)

// Figures count what became of cases within a window.
type Figures struct {
	Cases, Failed, Slow int
	People              int // whom the basic detection let be, each counted once: whoever tries again and again weighs no more
	Refused             int // of those, whom the full one refused
}

// buckets are the steps by which a window slides.
const buckets = 12

// mostPeople are told apart in a window. Those beyond are passed over: so many tell the share.
const mostPeople = 10_000

// window counts cases over the last width, or up to a bucket less.
type window struct {
	began   time.Time
	step    time.Duration
	at      int64 // the number of the newest bucket
	counts  [buckets]Figures
	people  map[person]seen
	refused int // of them, within the window
}

// person is who, or without a patient what, a case is about.
type person struct {
	organization, who uuid.UUID
	start             int64
}

// seen is in which buckets somebody was let be by the basic detection, and refused by the full one, last.
type seen struct{ allowed, refused int64 }

func newWindow(width time.Duration, now time.Time) window {
	return window{began: now, step: max(width/buckets, time.Millisecond), people: map[person]seen{}}
}

func (w *window) note(now time.Time, c Comparison, slow bool) Figures {
	w.slide(now)
	b := &w.counts[w.at%buckets]
	b.Cases++
	if c.Failed != nil {
		b.Failed++
	}
	if slow {
		b.Slow++
	}
	if c.Failed == nil && len(c.Basic) == 0 {
		w.meet(personOf(c.Case), len(c.Full) > 0 && !c.Waived)
	}
	return w.sum()
}

func (w *window) meet(p person, refused bool) {
	s, known := w.people[p]
	switch {
	case !known && len(w.people) >= mostPeople:
		return
	case !known:
		s.refused = w.at - buckets
	}
	if refused && !w.within(s.refused) {
		w.refused++
	}
	if s.allowed = w.at; refused {
		s.refused = w.at
	}
	w.people[p] = s
}

func (w *window) within(bucket int64) bool { return bucket > w.at-buckets }

func personOf(c Case) person {
	switch {
	case c.Patient != uuid.Nil:
		return person{organization: c.Plan.Organization, who: c.Patient}
	case c.Holder != uuid.Nil:
		return person{organization: c.Plan.Organization, who: c.Holder}
	}
	return person{organization: c.Plan.Organization, who: c.Plan.Provider, start: c.Plan.Start.Unix()}
}

func (w *window) now(now time.Time) Figures {
	w.slide(now)
	return w.sum()
}

// slide empties the buckets that are over. A clock that was set back stays in the newest.
func (w *window) slide(now time.Time) {
	at := int64(now.Sub(w.began) / w.step)
	if at <= w.at {
		return
	}
	for next := max(w.at+1, at-buckets+1); next <= at; next++ {
		w.counts[next%buckets] = Figures{}
	}
	w.at, w.refused = at, 0
	for p, s := range w.people {
		switch {
		case !w.within(s.allowed):
			delete(w.people, p)
		case w.within(s.refused):
			w.refused++
		}
	}
}

func (w *window) sum() Figures {
	all := Figures{People: len(w.people), Refused: w.refused}
	for _, b := range w.counts {
		all.Cases += b.Cases
		all.Failed += b.Failed
		all.Slow += b.Slow
	}
	return all
}
