package conflict

import (
	"context"
	"errors"
	"maps"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// tallies keeps what is added, or fails.
type tallies struct {
	counts map[Counted]int64
	differ []Disagreement
	broken error
	calls  int
}

func (s *tallies) Add(_ context.Context, of uuid.UUID, counts map[Counted]int64, differ []Disagreement) error {
	s.calls++
	if s.broken != nil || of != organization {
		return s.broken
	}
	if s.counts == nil {
		s.counts = map[Counted]int64{}
	}
	for key, n := range counts {
		s.counts[key] += n
	}
	s.differ = append(s.differ, differ...)
	return nil
}

func besideAt(now clock.Clock, b Bulkhead) (*Beside, *tallies) {
	store := &tallies{}
	return NewBeside(b, store, clinic.Source{Clock: now, NewID: uuid.New}), store
}

// running has its workers work until the test ends, or stop is called.
func running(t *testing.T, b *Beside) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.Run(ctx)
	}()
	stop = func() {
		cancel()
		<-done
	}
	t.Cleanup(stop)
	return stop
}

// looking has cases judged beside, by what looks around.
func looking(b *Beside, look func(context.Context) (Facts, error)) *Detection {
	return NewDetection(harm{look}, always{Shadow}, Budget{Beside: time.Hour}, nil, b, b.source.Clock, uptime(b.source.Clock))
}

func inShadow(organization uuid.UUID) Comparison {
	c := Comparison{Case: about(1), Mode: Shadow}
	c.Plan.Organization = organization
	return c
}

func (s BesideState) of(v Verdict) int64 { return s.Seen[Seen{Shadow, v}] }

func TestAFloodIsTakenUpToABoundAndTheRestIsSkippedAtOnce(t *testing.T) {
	b, _ := besideAt(clock.FrozenAt(someday), Bulkhead{Workers: 2, Batch: 1, Queue: 10, Longest: time.Second, Drain: time.Minute})
	var most, now atomic.Int64
	gate := make(chan struct{})
	begun := make(chan struct{}, 100)
	d := looking(b, func(context.Context) (Facts, error) {
		most.Store(max(most.Load(), now.Add(1)))
		begun <- struct{}{}
		<-gate
		now.Add(-1)
		return Facts{}, nil
	})
	stop := running(t, b)
	b.Do(d, inShadow(organization))
	<-begun
	b.Do(d, inShadow(organization))
	<-begun // both workers have one
	for range 1000 {
		b.Do(d, inShadow(organization))
	}
	if s := b.State(); s.Waiting != 10 || s.Running != 2 || s.Full != 990 || s.of(Skipped) != 990 {
		t.Errorf("%+v", s)
	}
	close(gate)
	stop()
	if s := b.State(); s.of(AgreedAllowed) != 12 || most.Load() > 2 || s.Waiting != 0 || s.Running != 0 {
		t.Errorf("%d at once; %+v", most.Load(), s)
	}
}

func TestCasesOfAnOrganizationAreJudgedTogetherAndFailApart(t *testing.T) {
	b, _ := besideAt(clock.FrozenAt(someday), Bulkhead{Workers: 1, Batch: 4, Queue: 100, Longest: time.Second, Drain: time.Minute})
	together := &batches{}
	d := NewDetection(together, always{Shadow}, DefaultBudget(), nil, b, b.source.Clock, uptime(b.source.Clock))
	other := uuid.UUID{15: 99}
	for i := range 6 {
		b.Do(d, inShadow(organization))
		if i < 2 {
			b.Do(d, inShadow(other))
		}
	}
	bad := inShadow(other)
	bad.Patient = together.bad
	b.Do(d, bad)
	ctx, end := context.WithCancel(t.Context())
	end()
	b.Run(ctx) // does what waits, and ends
	if s := b.State(); s.of(AgreedAllowed) != 8 || s.of(Failed) != 1 {
		t.Errorf("%+v", s)
	}
	if want := []int{4, 3, 1, 1, 1, 2}; !slices.Equal(together.sizes, want) {
		t.Errorf("judged %v together, not %v", together.sizes, want)
	}
}

// batches looks around cases of one organisation, but for one that it fails at, whoever else is asked for.
type batches struct {
	harm
	bad   uuid.UUID // zero: those of nobody
	sizes []int
}

func (s *batches) LookAround(_ context.Context, cases ...Case) ([]Around, error) {
	s.sizes = append(s.sizes, len(cases))
	for _, c := range cases {
		if c.Plan.Organization != cases[0].Plan.Organization {
			panic("several organisations")
		}
		if c.Patient == s.bad {
			return nil, errFault
		}
	}
	return make([]Around, len(cases)), nil
}

func TestCasesThatComeOneByOneAreJudgedInWholeBatches(t *testing.T) {
	b, _ := besideAt(clock.FrozenAt(someday), Bulkhead{Workers: 2, Batch: 16, Gather: time.Hour, Queue: 100, Longest: time.Second, Drain: time.Minute})
	asked := make(sizes, 100)
	d := NewDetection(asked, always{Shadow}, DefaultBudget(), nil, b, b.source.Clock, uptime(b.source.Clock))
	running(t, b)
	for range 20 {
		for range 16 {
			b.Do(d, inShadow(organization))
			runtime.Gosched()
		}
		if n := <-asked; n != 16 {
			t.Fatalf("judged %d together", n)
		}
	}
}

// sizes tells how many cases are asked for together.
type sizes chan int

func (s sizes) LookAround(_ context.Context, cases ...Case) ([]Around, error) {
	s <- len(cases)
	return make([]Around, len(cases)), nil
}

func (sizes) OverlapsElsewhere(context.Context, uuid.UUID, uuid.UUID, availability.Span) ([]Warning, error) {
	return nil, nil
}

func TestACaseThatIsSlowIsToldFromTheOthersOfItsBatch(t *testing.T) {
	g := newGuarded(DefaultLimits(), &fallbacks{})
	b, _ := besideAt(g.now, Bulkhead{Workers: 1, Batch: 4, Queue: 10, Longest: time.Hour, Drain: time.Hour})
	takes := slowFor{now: g.now, patient: about(2).Patient}
	d := NewDetection(takes, always{Shadow}, Budget{Beside: time.Hour}, g.Guard, b, g.now, uptime(g.now))
	for patient := range 4 {
		c := inShadow(organization)
		c.Case = about(byte(patient))
		b.Do(d, c)
	}
	ctx, end := context.WithCancel(t.Context())
	end()
	b.Run(ctx)
	if f := g.Figures(); f.Cases != 4 || f.Slow != 1 {
		t.Errorf("%+v", f)
	}
	if s := b.State(); s.of(AgreedAllowed) != 4 || s.Took[Shadow].Seconds != 1.03 {
		t.Errorf("%+v", s)
	}
}

// slowFor takes a second for a patient's cases, and 10 ms for any other.
type slowFor struct {
	harm
	now     *clock.Frozen
	patient uuid.UUID
}

func (s slowFor) LookAround(_ context.Context, cases ...Case) ([]Around, error) {
	for _, c := range cases {
		took := 10 * time.Millisecond
		if c.Patient == s.patient {
			took = time.Second
		}
		s.now.Advance(took)
	}
	return make([]Around, len(cases)), nil
}

// When time runs out for several together, all of it is what each took.
func TestCasesThatTimeRanOutForTookAllOfIt(t *testing.T) {
	now := clock.StartingAt(someday)
	b, _ := besideAt(now, Bulkhead{Workers: 1, Batch: 4, Queue: 10, Longest: time.Hour, Drain: time.Hour})
	stalls := harm{func(ctx context.Context) (Facts, error) { <-ctx.Done(); return Facts{}, ctx.Err() }}
	const budget = 20 * time.Millisecond
	d := NewDetection(stalls, always{Shadow}, Budget{Beside: budget}, nil, b, now, uptime(now))
	for range 4 {
		b.Do(d, inShadow(organization))
	}
	ctx, end := context.WithCancel(t.Context())
	end()
	b.Run(ctx)
	if s := b.State(); s.of(Failed) != 4 || s.Took[Shadow].Seconds < 4*budget.Seconds() {
		t.Errorf("%+v", s)
	}
}

func TestADetectionThatPanicsBesideHurtsNobody(t *testing.T) {
	b, _ := besideAt(clock.FrozenAt(someday), Bulkhead{Workers: 1, Queue: 10, Longest: time.Second, Drain: time.Minute})
	stop := running(t, b)
	for range 3 {
		b.Do(nil, inShadow(organization)) // there is none to judge
	}
	b.Do(looking(b, func(context.Context) (Facts, error) { return Facts{}, nil }), inShadow(organization))
	stop()
	if s := b.State(); s.Panicked != 3 || s.of(AgreedAllowed) != 1 {
		t.Errorf("%+v", s)
	}
}

func TestNoCaseWaitsLongForWorkersWhoHang(t *testing.T) {
	now := clock.FrozenAt(someday)
	b, _ := besideAt(now, Bulkhead{Workers: 1, Queue: 10, Longest: time.Second, Drain: time.Minute})
	begun, gate := make(chan struct{}, 10), make(chan struct{})
	d := looking(b, func(context.Context) (Facts, error) { begun <- struct{}{}; <-gate; return Facts{}, nil })
	stop := running(t, b)
	b.Do(d, inShadow(organization))
	<-begun
	b.Do(d, inShadow(organization))
	now.Advance(time.Second)
	b.Do(d, inShadow(organization))
	if b.SkipLate(); b.State().of(Skipped) != 0 {
		t.Error("skipped one that has waited for a second only")
	}
	now.Advance(time.Millisecond)
	if b.SkipLate(); b.State().of(Skipped) != 1 {
		t.Errorf("%+v", b.State())
	}
	close(gate)
	stop()
	if s := b.State(); s.of(AgreedAllowed) != 2 || s.of(Skipped) != 1 || s.Late != 1 {
		t.Errorf("%+v", s)
	}
}

func TestACaseWhoseJudgingNeverEndsIsLeftBehindWhenTheProcessEnds(t *testing.T) {
	b, _ := besideAt(clock.FrozenAt(someday), Bulkhead{Workers: 1, Queue: 10, Longest: time.Second, Drain: time.Millisecond})
	begun, gate := make(chan struct{}), make(chan struct{})
	t.Cleanup(func() { close(gate) })
	d := looking(b, func(context.Context) (Facts, error) { close(begun); <-gate; return Facts{}, nil })
	stop := running(t, b)
	b.Do(d, inShadow(organization))
	<-begun
	b.Do(d, inShadow(organization))
	stop()
	if s := b.State(); s.of(Skipped) != 1 {
		t.Errorf("%+v", s)
	}
}

func TestWhatWasNotedIsKeptByHourAndWhat(t *testing.T) {
	b, store := besideAt(clock.FrozenAt(someday), DefaultBulkhead())
	note := func(how func(*Comparison)) {
		c := Comparison{Case: about(1), Mode: Shadow, Took: 3 * time.Millisecond}
		how(&c)
		b.Note(c)
	}
	both := []availability.Rule{availability.PatientTravelTime, availability.DuplicateVisit, availability.PatientTravelTime}
	note(func(*Comparison) {})
	note(func(c *Comparison) { c.Full, c.Took = both, 40*time.Millisecond })
	note(func(c *Comparison) { c.Basic = busy })
	note(agreeing)
	note(failing)
	note(skipping)
	note(func(c *Comparison) { c.Mode, c.Operation, c.Now = Enforce, Move, someday.Add(time.Hour) })
	if err := b.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	of := func(what What, key string) Counted { return Counted{someday, Shadow, Book, what, key} }
	later := func(what What, key string) Counted { return Counted{someday.Add(time.Hour), Enforce, Move, what, key} }
	want := map[Counted]int64{
		of(CountVerdict, "AGREED_ALLOWED"): 1, of(CountVerdict, "ONLY_FULL"): 1, of(CountVerdict, "ONLY_BASIC"): 1, of(CountVerdict, "AGREED_REFUSED"): 1,
		of(CountVerdict, "FAILED"): 1, of(CountVerdict, "SKIPPED"): 1,
		of(CountBasic, "PROVIDER_BUSY"): 2, of(CountFull, "DUPLICATE_VISIT"): 1, of(CountFull, "PATIENT_TRAVEL_TIME"): 2,
		of(CountOnlyFull, "DUPLICATE_VISIT"): 1, of(CountOnlyFull, "PATIENT_TRAVEL_TIME"): 1,
		of(CountTook, "3508"): 4, of(CountTook, "40822"): 1, of(CountLongest, ""): 40_000,
		later(CountVerdict, "AGREED_ALLOWED"): 1, later(CountTook, "3508"): 1, later(CountLongest, ""): 3_000,
	}
	if !maps.Equal(store.counts, want) {
		t.Errorf("counts: %v\nwant: %v", store.counts, want)
	}
	if len(store.differ) != 2 || store.differ[0].At != someday.Add(time.Minute) || len(store.differ[0].Full) != 2 || store.differ[0].Took != 40*time.Millisecond {
		t.Errorf("disagreements: %+v", store.differ)
	}
	if s := b.State(); s.Seen[Seen{Shadow, Skipped}] != 1 || s.Took[Shadow].Count != 5 || s.Took[Shadow].Buckets[2] != 4 || s.Lost != 0 {
		t.Errorf("%+v", s)
	}
	if store.calls = 0; b.Flush(t.Context()) != nil || store.calls != 0 {
		t.Error("nothing was noted, and it was kept")
	}
}

func TestWhatCannotBeKeptNowIsKeptLaterAndWhatNeverCanBeIsGivenUp(t *testing.T) {
	b, store := besideAt(clock.FrozenAt(someday), DefaultBulkhead())
	c := Comparison{Case: about(1), Mode: Shadow, Took: time.Millisecond, Full: tooFast}
	key := Counted{someday, Shadow, Book, CountVerdict, string(OnlyFull)}
	store.broken = errs.TryAgain(errFault)
	b.Note(c)
	if err := b.Flush(t.Context()); !errors.Is(err, errFault) {
		t.Fatal(err)
	}
	b.Note(c)
	store.broken = nil
	if err := b.Flush(t.Context()); err != nil || store.counts[key] != 2 || len(store.differ) != 2 {
		t.Errorf("%v: %v, %+v", err, store.counts, store.differ)
	}
	store.broken = errFault
	b.Note(c)
	if err := b.Flush(t.Context()); !errors.Is(err, errFault) {
		t.Error(err)
	}
	store.broken = nil
	if err := b.Flush(t.Context()); err != nil || store.counts[key] != 2 || b.State().Lost == 0 {
		t.Errorf("%v: %v, %+v", err, store.counts, b.State())
	}
}

func TestTheTallyIsBounded(t *testing.T) {
	b, _ := besideAt(clock.FrozenAt(someday), DefaultBulkhead())
	const cases = 20_000
	for i := range cases { // each in an hour of its own
		c := Comparison{Case: about(1), Mode: Shadow, Full: tooFast}
		c.Now = someday.Add(time.Duration(i) * time.Hour)
		b.Note(c)
	}
	if b.tally.size > mostCounts || len(b.tally.counts[organization]) > mostCounts || len(b.tally.differ[organization]) > mostWaiting || b.State().Lost == 0 {
		t.Errorf("%d counts, %d disagreements, %d lost", b.tally.size, len(b.tally.differ[organization]), b.State().Lost)
	}
	if n := b.State().Seen[Seen{Shadow, OnlyFull}]; n != cases {
		t.Errorf("the figures of the process have %d cases", n)
	}
}

func TestATimeIsReadAtMostAQuarterTooLong(t *testing.T) {
	for took := time.Microsecond; took < 8*time.Second; took += took/7 + time.Microsecond {
		bound := BucketOf(took)
		if bound < took || bound > max(took+took/4+time.Microsecond, 100*time.Microsecond) {
			t.Errorf("%s is counted as %s", took, bound)
		}
	}
	counts := map[time.Duration]int64{10 * time.Millisecond: 50, 20 * time.Millisecond: 45, 30 * time.Millisecond: 4, 40 * time.Millisecond: 1}
	if l := *latenciesOf(counts, 35*time.Millisecond); l != (Latencies{10 * time.Millisecond, 20 * time.Millisecond, 30 * time.Millisecond, 35 * time.Millisecond}) {
		t.Errorf("%+v", l)
	}
	counts[10*time.Millisecond], counts[40*time.Millisecond] = 49, 2
	if l := *latenciesOf(counts, 40*time.Millisecond); l != (Latencies{20 * time.Millisecond, 30 * time.Millisecond, 40 * time.Millisecond, 40 * time.Millisecond}) {
		t.Errorf("%+v", l)
	}
	if latenciesOf(nil, 0) != nil {
		t.Error("nothing was counted")
	}
}
