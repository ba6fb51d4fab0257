package flags

import (
	"sync/atomic"
	"time"

	"github.com/mediconnect/mediconnect/internal/access"
)

// fault is why a decision fell back to the safe default.
type fault int

const (
	panicked       fault = iota
	unknownVariant       // Unleash gave a variant that the switch doesn't know, or none
	faults
)

var faultNames = [faults]string{panicked: "panic", unknownVariant: "variant"}

// steps are the upper bounds of a histogram of the times that decisions take.
var steps = [...]time.Duration{
	time.Microsecond, 2 * time.Microsecond, 5 * time.Microsecond, 10 * time.Microsecond, 25 * time.Microsecond, 50 * time.Microsecond, 100 * time.Microsecond, time.Millisecond,
}

// counts are what one process has decided.
type counts struct {
	of    []*switchCounts // by a switch's place in all
	took  [len(steps) + 1]atomic.Uint64
	spent atomic.Int64 // nanoseconds
}

type switchCounts struct {
	ways      []atomic.Int64 // in the order of Switch.ways
	overrides atomic.Int64
	faults    [faults]atomic.Int64
}

func (c *counts) begin() {
	for _, s := range all {
		c.of = append(c.of, &switchCounts{ways: make([]atomic.Int64, len(s.ways()))})
	}
}

func (c *counts) decided(s Switch, way int, why access.Reason, took time.Duration) {
	of := c.of[s.at]
	of.ways[way].Add(1)
	if why == access.FeatureOverride {
		of.overrides.Add(1)
	}
	step := 0
	for step < len(steps) && took > steps[step] {
		step++
	}
	c.took[step].Add(1)
	c.spent.Add(int64(took))
}

func (c *counts) failed(s Switch, of fault) { c.of[s.at].faults[of].Add(1) }

// Tally is what has been decided of a switch since the process began.
type Tally struct {
	Decisions map[string]int64 // by variant, or on and off
	Overrides int64            // of these, those that testers asked for
	Faults    map[string]int64 // decisions that fell back to the safe default, by cause: panic, variant
}

// Tally reads the counts of a switch.
func (f *Flags) Tally(s Switch) Tally {
	of := f.counts.of[s.at]
	t := Tally{Decisions: map[string]int64{}, Overrides: of.overrides.Load(), Faults: map[string]int64{}}
	for i, way := range s.ways() {
		t.Decisions[way] = of.ways[i].Load()
	}
	for i, name := range faultNames {
		t.Faults[name] = of.faults[i].Load()
	}
	return t
}

// Times are how long decisions took, as a histogram.
type Times struct {
	Count uint64
	Sum   time.Duration
	Below map[time.Duration]uint64 // how many took no longer
}

// Times reads them.
func (f *Flags) Times() Times {
	t := Times{Sum: time.Duration(f.counts.spent.Load()), Below: map[time.Duration]uint64{}}
	for i, step := range steps {
		t.Count += f.counts.took[i].Load()
		t.Below[step] = t.Count
	}
	t.Count += f.counts.took[len(steps)].Load()
	return t
}
