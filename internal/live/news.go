package live

import (
	"encoding/json"
	"slices"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/availability"
)

// news is what an entry says of its provider's slots.
type news struct {
	Spans        [][2]time.Time // of the claims that it is about, freed ones too
	Freed, Taken []json.RawMessage
	Days         map[civil.Date]struct{ Booked int } // that openings may differ on, with what is counted for them
	Windows      map[uuid.UUID]int

	// Of other rules than before:
	Location    *uuid.UUID  // where hours differ; nil: anywhere
	From, Until *civil.Date // local days on which they do; nil: any
	Revision    int64       // that the rules have now; 0: there were none before
}

// read is done once for all who are offered the entry.
func (e *Entry) read() error {
	if e.news != nil {
		return nil
	}
	var n news
	if err := json.Unmarshal(e.Payload, &n); err != nil {
		return err
	}
	e.news = &n
	return nil
}

// The bounds of what is noted of one provider. Beyond the first, spans are widened until they are few.
const (
	mostSpans = 64
	mostWhole = 800
)

// moved is what is to be told of a provider.
type moved struct {
	availability.Moved
	last  int64 // position
	rules *turned
}

// turned is that there are other rules than before.
type turned struct {
	since       int64       // the first revision that was replaced
	new         bool        // there were no rules before
	from, until *civil.Date // nil: any day
	early       bool        // it may have been before the stream's desks were found
}

// add notes an entry. It is false when that is too much.
func (m *moved) add(e Entry) bool {
	n := e.news
	m.last = max(m.last, e.Position)
	if e.Topic == ScheduleTopic {
		m.turn(n)
		return true
	}
	touched := len(n.Freed) + len(n.Taken)
	if touched > 0 && len(n.Spans) == 0 { // as invented visits come
		for d := range n.Days {
			if !slices.Contains(m.Whole, d) {
				m.Whole = append(m.Whole, d)
			}
		}
	}
	for _, s := range n.Spans {
		m.Busy = append(m.Busy, availability.Span{Start: s[0].UTC(), End: s[1].UTC()})
	}
	if len(m.Busy) > mostSpans {
		m.Busy = fewer(m.Busy)
	}
	for d, day := range n.Days {
		if m.Days == nil {
			m.Days = map[civil.Date]int{}
		}
		m.Days[d] = max(m.Days[d], day.Booked+touched)
	}
	for w, booked := range n.Windows {
		if m.Windows == nil {
			m.Windows = map[uuid.UUID]int{}
		}
		m.Windows[w] = max(m.Windows[w], booked+touched)
	}
	return len(m.Whole) <= mostWhole
}

func (m *moved) turn(n *news) {
	if m.rules == nil {
		m.rules = &turned{since: n.Revision - 1, from: n.From, until: n.Until}
	}
	t := m.rules
	if n.Revision == 0 {
		t.new = true
	}
	t.since = min(t.since, n.Revision-1)
	if t.from == nil || n.From == nil || n.From.Before(*t.from) {
		t.from = pick(t.from, n.From)
	}
	if t.until == nil || n.Until == nil || n.Until.After(*t.until) {
		t.until = pick(t.until, n.Until)
	}
}

// pick is the wider of two bounds, the second being so unless the first is none.
func pick(a, b *civil.Date) *civil.Date {
	if a == nil {
		return nil
	}
	return b
}

// fewer joins spans day by day, and all of them when that is still too much.
func fewer(spans []availability.Span) []availability.Span {
	slices.SortFunc(spans, func(a, b availability.Span) int { return a.Start.Compare(b.Start) })
	joined := spans[:1]
	for _, s := range spans[1:] {
		last := &joined[len(joined)-1]
		if civil.DateOf(last.Start) != civil.DateOf(s.Start) && len(joined) < mostSpans/2 {
			joined = append(joined, s)
			continue
		}
		if s.End.After(last.End) {
			last.End = s.End
		}
	}
	return joined
}
