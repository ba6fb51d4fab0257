package conflict

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mediconnect/mediconnect/internal/availability"
)

// fill sums counts up.
func (r *Report) fill(counts map[Counted]int64) {
	total, modes, operations := newSums(), map[Mode]*sums{}, map[Operation]*sums{}
	for key, n := range counts {
		total.add(key, n)
		if modes[key.Mode] == nil {
			modes[key.Mode] = newSums()
		}
		if operations[key.Operation] == nil {
			operations[key.Operation] = newSums()
		}
		modes[key.Mode].add(key, n)
		operations[key.Operation].add(key, n)
	}
	r.Total = total.compared()
	for mode, s := range modes {
		of := s.compared()
		of.Mode = mode
		r.Modes = append(r.Modes, of)
	}
	for operation, s := range operations {
		of := s.compared()
		of.Operation = operation
		r.Operations = append(r.Operations, of)
	}
	slices.SortFunc(r.Modes, func(a, b Compared) int { return strings.Compare(string(a.Mode), string(b.Mode)) })
	slices.SortFunc(r.Operations, func(a, b Compared) int { return strings.Compare(string(a.Operation), string(b.Operation)) })
}

// sums are counts as they are added up.
type sums struct {
	verdicts map[Verdict]int64
	rules    map[availability.Rule]*ComparedRule
	took     map[time.Duration]int64
	longest  time.Duration
}

func newSums() *sums {
	return &sums{verdicts: map[Verdict]int64{}, rules: map[availability.Rule]*ComparedRule{}, took: map[time.Duration]int64{}}
}

func (s *sums) add(key Counted, n int64) {
	switch key.What {
	case CountVerdict:
		s.verdicts[Verdict(key.Key)] += n
	case CountBasic:
		s.rule(key).Basic += n
	case CountFull:
		s.rule(key).Full += n
	case CountOnlyFull:
		s.rule(key).OnlyFull += n
	case CountLongest:
		s.longest = max(s.longest, time.Duration(n)*time.Microsecond)
	case CountTook:
		if micros, err := strconv.ParseInt(key.Key, 10, 64); err == nil {
			s.took[time.Duration(micros)*time.Microsecond] += n
		}
	}
}

func (s *sums) rule(key Counted) *ComparedRule {
	rule := availability.Rule(key.Key)
	if s.rules[rule] == nil {
		s.rules[rule] = &ComparedRule{Rule: rule}
	}
	return s.rules[rule]
}

func (s *sums) compared() Compared {
	c := Compared{Counts: s.verdicts, Latencies: latenciesOf(s.took, s.longest)}
	for _, r := range s.rules {
		c.Rules = append(c.Rules, *r)
	}
	slices.SortFunc(c.Rules, func(a, b ComparedRule) int { return strings.Compare(string(a.Rule), string(b.Rule)) })
	return c
}
