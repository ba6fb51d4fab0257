package conflict

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// Mode is how far the full detection goes.
type Mode string

// The modes: the variants of the flag booking.conflict-detection.
const (
	Off     Mode = "off"
	Shadow  Mode = "shadow"  // it judges beside, and nobody is told
	Enforce Mode = "enforce" // it judges with
)

// The keys of the flags.
const (
	DetectionKey = "booking.conflict-detection"
	OverridesKey = "booking.staff-overrides"
)

// FeatureFallback is why the detection is off although its flag says otherwise: its guard has tripped.
const FeatureFallback access.Reason = "FALLBACK"

// Switches decide flags. They never fail: what can't be decided is the safe default.
type Switches interface {
	// Detection is the flag booking.conflict-detection, whose variants are the modes.
	Detection(slot availability.SlotID, patient uuid.UUID, a access.Actor) access.Feature
	// Overrides is the flag booking.staff-overrides.
	Overrides(organization uuid.UUID, a access.Actor) access.Feature
}

// Store reads what the rules follow from. It may fail with errs.Busy.
type Store interface {
	// LookAround answers, for each of some cases of one organisation, what was there at one moment.
	LookAround(ctx context.Context, cases ...Case) ([]Around, error)
	// OverlapsElsewhere answers visits that meet a span, by start, of patients whom an account acts for in organisations other than one; at most
	// MaxWarnings.
	OverlapsElsewhere(ctx context.Context, account, other uuid.UUID, during availability.Span) ([]Warning, error)
}

// Around is what there is around a case.
type Around struct {
	Facts
	Seen string // a digest of those about neighbours: a change that carries it is refused as stale once they are others
}

// Budget is how long the full detection may take.
type Budget struct {
	Enforced time.Duration // of a request that waits for it
	Beside   time.Duration // in the shadow, where nobody waits, of cases that are judged together
}

// DefaultBudget is generous: reading takes a few milliseconds.
func DefaultBudget() Budget { return Budget{Enforced: 500 * time.Millisecond, Beside: 2 * time.Second} }

// Detection runs the full detection as far as its flag goes.
type Detection struct {
	store    Store
	switches Switches
	budget   Budget
	guard    *Guard
	beside   *Beside
	clock    clock.Clock
	uptime   func() time.Duration // by a clock that nobody sets
}

// NewDetection makes it. Without a guard nothing switches it off, and without something beside nothing is judged in the shadow or kept.
func NewDetection(store Store, switches Switches, budget Budget, guard *Guard, beside *Beside, c clock.Clock, uptime func() time.Duration) *Detection {
	return &Detection{store: store, switches: switches, budget: budget, guard: guard, beside: beside, clock: c, uptime: uptime}
}

// Judged is what the full detection says of a case. Conclude it once it is known how the case went otherwise. The zero value says nothing.
type Judged struct {
	Feature access.Feature
	Broken  []availability.Rule // enforced
	Seen    string              // of what it was decided on; empty: nothing that a change depends on

	of     *Detection
	in     Case
	mode   Mode
	took   time.Duration
	failed error
}

// Judge judges a case, if its mode is to enforce. A detection that fails, or takes too long, has nothing against anything: the database still
// keeps out what overlaps.
func (d *Detection) Judge(ctx context.Context, a access.Actor, c Case) Judged {
	return d.JudgeAll(ctx, a, []Case{c})[0]
}

// JudgeAll judges cases of one organisation as Judge does, with as many statements as for one.
func (d *Detection) JudgeAll(ctx context.Context, a access.Actor, cases []Case) []Judged {
	all := make([]Judged, len(cases))
	if d == nil {
		return all
	}
	var enforced []int
	var asked []Case
	for i, c := range cases {
		all[i] = d.undecided(a, c)
		if all[i].mode == Enforce {
			enforced, asked = append(enforced, i), append(asked, c)
		}
	}
	if len(asked) == 0 {
		return all
	}
	for i, v := range d.full(ctx, d.budget.Enforced, asked...) {
		all[enforced[i]].tell(v)
	}
	return all
}

// undecided is a case with the mode in which it is judged.
func (d *Detection) undecided(a access.Actor, c Case) Judged {
	j := Judged{of: d, in: c, Feature: d.switches.Detection(c.Plan.SlotID, c.Patient, a)}
	j.mode = modeOf(j.Feature)
	if j.mode != Off && d.guard != nil && d.guard.Tripped() {
		j.mode, j.Feature = Off, access.Feature{Key: j.Feature.Key, Variant: string(Off), Reason: FeatureFallback}
	}
	return j
}

// tell takes what the full detection says. The guard hears of a failure whatever becomes of the rest.
func (j *Judged) tell(v verdict) {
	j.Broken, j.Seen, j.took, j.failed = v.broken, v.seen, v.took, v.failed
	if j.failed != nil && j.in.Operation != Explain {
		j.of.noted(Comparison{Case: j.in, Mode: Enforce, Took: j.took, Failed: j.failed})
	}
}

// Allowed checks what a caller asks to book over. It fails with errs.FeatureOff while the flag for it is off, and at "override".
func (d *Detection) Allowed(a access.Actor, organization uuid.UUID, o Override) (Override, error) {
	if d == nil {
		return o, errs.FeatureOff{Feature: OverridesKey}
	}
	o, err := o.Checked(a)
	if err != nil {
		return o, err
	}
	if o.under = d.switches.Overrides(organization, a); !o.under.Enabled {
		return o, errs.FeatureOff{Feature: o.under.Key}
	}
	return o, nil
}

// Done says whether the case was judged at all.
func (j Judged) Done() bool { return j.of != nil }

// Features are the flags under which it was judged, and what is asked to be booked over.
func (j Judged) Features(o Override) (all []access.Feature) {
	if j.of != nil {
		all = append(all, j.Feature)
	}
	if len(o.Rules) > 0 {
		all = append(all, o.under)
	}
	return all
}

func modeOf(f access.Feature) Mode {
	if m := Mode(f.Variant); f.Enabled && (m == Shadow || m == Enforce) {
		return m
	}
	return Off
}

// Conclude tells what the database, and the rules of hours, had against the case: nothing, if it was done.
func (j Judged) Conclude(basic []availability.Rule) { j.conclude(basic, false) }

// ConcludeDone tells that it was done, if need be over what the detection has against it.
func (j Judged) ConcludeDone() { j.conclude(nil, len(j.Broken) > 0) }

func (j Judged) conclude(basic []availability.Rule, waived bool) {
	switch {
	case j.in.Operation == Explain: // which nobody counts
	case j.mode == Enforce && j.failed == nil:
		j.of.noted(Comparison{Case: j.in, Mode: Enforce, Basic: basic, Full: j.Broken, Waived: waived, Took: j.took})
	case j.mode == Shadow && j.of.beside != nil:
		c := Comparison{Case: j.in, Mode: Shadow, Basic: basic}
		c.AsItWas = true
		j.of.beside.Do(j.of, c)
	}
}

func (d *Detection) noted(c Comparison) {
	if d.guard != nil {
		d.guard.Note(c)
	}
	if d.beside != nil {
		d.beside.Note(c)
	}
}
