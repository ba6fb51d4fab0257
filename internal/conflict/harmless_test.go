package conflict

import (
	"context"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
)

// harm is a detection whose store does harm.
type harm struct {
	look func(context.Context) (Facts, error)
}

func (harm) OverlapsElsewhere(context.Context, uuid.UUID, uuid.UUID, availability.Span) ([]Warning, error) {
	return nil, nil
}

func (h harm) LookAround(ctx context.Context, cases ...Case) ([]Around, error) {
	f, err := h.look(ctx)
	return slices.Repeat([]Around{{Facts: f}}, len(cases)), err
}

// always has the flag say one mode.
type always struct{ mode Mode }

func (a always) Detection(availability.SlotID, uuid.UUID, access.Actor) access.Feature {
	return access.Feature{Key: "booking.conflict-detection", Enabled: true, Variant: string(a.mode), Reason: access.FeatureEverybody}
}

func (always) Overrides(uuid.UUID, access.Actor) access.Feature { return access.Feature{} }

func uptime(c clock.Clock) func() time.Duration {
	return func() time.Duration { return c.Now().Sub(someday) }
}

// newcomersOnly is a case that the full detection refuses for a patient who is established.
func newcomersOnly(patient byte) Case {
	c := about(patient)
	c.Kind.Requires.Patients = clinic.NewPatients
	return c
}

// What the full detection may do, requests go on, and it is off soon.
func TestADetectionThatDoesHarmIsSwitchedOffWhileRequestsGoOn(t *testing.T) {
	forever := make(chan struct{})
	for _, c := range []struct {
		name  string
		look  func(context.Context) (Facts, error)
		cause Cause
	}{
		{"it panics", func(context.Context) (Facts, error) { panic("fault") }, Failures},
		{"it fails", func(context.Context) (Facts, error) { return Facts{}, errFault }, Failures},
		{"it stalls", func(ctx context.Context) (Facts, error) { <-ctx.Done(); return Facts{}, ctx.Err() }, Failures},
		{"it stalls, whatever", func(context.Context) (Facts, error) { <-forever; return Facts{}, nil }, Failures},
		{"it refuses all people", func(context.Context) (Facts, error) { return Facts{Established: true}, nil }, Refusals},
	} {
		for _, mode := range []Mode{Shadow, Enforce} {
			t.Run(c.name+", "+string(mode), func(t *testing.T) { harmless(t, mode, c.look, c.cause) })
		}
	}
	close(forever)
}

func harmless(t *testing.T, mode Mode, look func(context.Context) (Facts, error), cause Cause) {
	source := clinic.Source{Clock: clock.StartingAt(someday), NewID: uuid.New}
	guard := NewGuard(DefaultLimits(), &fallbacks{}, source, func(Fallback) {})
	b := NewBeside(Bulkhead{Workers: 2, Batch: 16, Queue: 1000, Longest: time.Minute, Drain: time.Minute}, &tallies{}, source)
	stop := running(t, b)
	budget := DefaultBudget()
	if cause == Failures {
		budget = Budget{Enforced: time.Millisecond, Beside: time.Millisecond}
	}
	d := NewDetection(harm{look}, always{mode}, budget, guard, b, source.Clock, uptime(source.Clock))
	before := runtime.NumGoroutine()

	const most = 100
	cases := 0
	for ; cases < most && !guard.Tripped(); cases++ {
		j := d.Judge(t.Context(), access.Actor{}, newcomersOnly(byte(cases)))
		if mode == Shadow && len(j.Broken) > 0 {
			t.Fatal("somebody was told what is said in the shadow")
		}
		j.Conclude(nil)
	}
	stop() // what waits is done, or skipped
	if f := guard.Fallback(); f == nil || f.Cause != cause {
		t.Fatalf("%+v after %d cases", f, cases)
	}
	after := d.Judge(t.Context(), access.Actor{}, newcomersOnly(0))
	if after.Feature.Variant != string(Off) || after.Feature.Enabled || after.Feature.Reason != FeatureFallback || after.Broken != nil {
		t.Errorf("after it tripped: %+v", after)
	}
	after.Conclude(nil)
	if grown := runtime.NumGoroutine() - before; grown > cases+10 {
		t.Errorf("%d goroutines more after %d cases", grown, cases)
	}
}

// Nobody who goes away while the detection works does it any harm.
func TestACallerWhoGoesAwayIsNoFaultOfTheDetection(t *testing.T) {
	var late atomic.Int64
	source := clinic.Source{Clock: clock.StartingAt(someday), NewID: uuid.New}
	guard := NewGuard(DefaultLimits(), &fallbacks{}, source, func(Fallback) {})
	b := NewBeside(DefaultBulkhead(), &tallies{}, source)
	ctx, leave := context.WithCancel(t.Context())
	look := func(ctx context.Context) (Facts, error) {
		leave()
		<-ctx.Done()
		late.Add(1)
		return Facts{}, ctx.Err()
	}
	d := NewDetection(harm{look}, always{Enforce}, DefaultBudget(), guard, b, source.Clock, uptime(source.Clock))
	for i := range 30 {
		d.Judge(ctx, access.Actor{}, about(byte(i))).Conclude(nil)
	}
	if s := b.State(); guard.Tripped() || s.Seen[Seen{Enforce, Skipped}] != 30 {
		t.Errorf("tripped %t; %+v", guard.Tripped(), s.Seen)
	}
}

// Rooms are looked at in every mode, within the same bounds.
func TestAnExplanationGoesOnWhateverTheDetectionDoes(t *testing.T) {
	forever := make(chan struct{})
	defer close(forever)
	kind := clinic.VisitKind{ID: uuid.UUID{15: 3}, Duration: time.Hour, Modalities: []clinic.Modality{clinic.InPerson}, Requires: clinic.Requirements{Needs: []string{"exam"}}}
	rules := availability.Rules{
		Organization: organization, Provider: uuid.UUID{15: 4}, Kinds: []clinic.VisitKind{kind},
		Places: []availability.Place{{Location: uuid.UUID{15: 2}, TimeZone: "UTC", Zone: time.UTC}},
	}
	id := about(1).Plan.SlotID
	id.Modality = clinic.InPerson
	for _, c := range []struct {
		name string
		look func(context.Context) (Facts, error)
		busy bool
	}{
		{"no room is free", func(context.Context) (Facts, error) { return Facts{NoneFree: true}, nil }, true},
		{"it panics", func(context.Context) (Facts, error) { panic("fault") }, false},
		{"it fails", func(context.Context) (Facts, error) { return Facts{}, errFault }, false},
		{"it stalls, whatever", func(context.Context) (Facts, error) { <-forever; return Facts{}, nil }, false},
	} {
		now := clock.StartingAt(someday)
		budget := Budget{Enforced: time.Minute}
		if !c.busy {
			budget.Enforced = time.Millisecond
		}
		d := NewDetection(harm{c.look}, always{Off}, budget, nil, nil, now, uptime(now))
		broken, err := d.Further(access.Actor{}, nil)(t.Context(), rules, id)
		if err != nil || slices.Contains(broken, availability.ResourceBusy) != c.busy {
			t.Errorf("%s: %v, %v", c.name, broken, err)
		}
	}
}

// An explanation that gets no answer is nobody's booking: it counts for nothing.
func TestAnExplanationCountsAsNothing(t *testing.T) {
	now := clock.StartingAt(someday)
	source := clinic.Source{Clock: now, NewID: uuid.New}
	guard := NewGuard(DefaultLimits(), &fallbacks{}, source, func(Fallback) {})
	b, _ := besideAt(now, DefaultBulkhead())
	d := NewDetection(harm{func(context.Context) (Facts, error) { return Facts{}, errFault }}, always{Enforce}, DefaultBudget(), guard, b, now, uptime(now))
	c := about(1)
	c.Operation = Explain
	for range 100 {
		d.Judge(t.Context(), access.Actor{}, c)
	}
	if s := b.State(); guard.Tripped() || len(s.Seen) > 0 {
		t.Errorf("tripped %t; %v", guard.Tripped(), s.Seen)
	}
}
