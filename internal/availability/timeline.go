package availability

import (
	"iter"
	"slices"
	"sort"
	"time"
)

// timeline answers which of many spans overlap one, without a look at the others.
type timeline[T any] struct{ entries []entry[T] }

type entry[T any] struct {
	Span
	value T
	reach time.Time // the latest end up to and including this entry
}

// lineUp takes the entries over.
func lineUp[T any](entries []entry[T]) timeline[T] {
	entries = slices.DeleteFunc(entries, func(e entry[T]) bool { return e.IsEmpty() })
	slices.SortStableFunc(entries, func(a, b entry[T]) int { return a.Start.Compare(b.Start) })
	for i := range entries {
		entries[i].reach = entries[i].End
		if i > 0 && entries[i-1].reach.After(entries[i].reach) {
			entries[i].reach = entries[i-1].reach
		}
	}
	return timeline[T]{entries}
}

// over yields the entries that overlap a span that isn't empty, the latest start first.
func (l timeline[T]) over(s Span) iter.Seq2[Span, T] {
	return func(yield func(Span, T) bool) {
		i := sort.Search(len(l.entries), func(i int) bool { return !l.entries[i].Start.Before(s.End) })
		for i--; i >= 0 && l.entries[i].reach.After(s.Start); i-- {
			if e := &l.entries[i]; e.End.After(s.Start) && !yield(e.Span, e.value) {
				return
			}
		}
	}
}

// touches says whether any entry overlaps a span that isn't empty.
func (l timeline[T]) touches(s Span) bool {
	for range l.over(s) {
		return true
	}
	return false
}

// moment is the shortest span that holds an instant.
func moment(t time.Time) Span { return Span{t, t.Add(1)} }
