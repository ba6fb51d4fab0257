package conflict

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// Counted is what counts are kept by.
type Counted struct {
	Hour      time.Time // that began then, in UTC
	Mode      Mode
	Operation Operation
	What      What
	Key       string
}

// What is counted.
type What string

// What there is, with its keys.
const (
	CountVerdict  What = "VERDICT"   // a Verdict: cases
	CountBasic    What = "BASIC"     // a rule: cases of which the basic detection said it
	CountFull     What = "FULL"      // a rule: cases of which the full one did
	CountOnlyFull What = "ONLY_FULL" // a rule: cases that the full detection alone would have kept out, for it among others
	CountTook     What = "TOOK"      // microseconds that the full one took at most: cases, a bucket of BucketOf
	CountLongest  What = "LONGEST"   // without a key: microseconds of the longest; counts of it don't add up
)

// Disagreement is a case of which the two detections said different things: nothing of whom it was about, or when the visit would have been.
type Disagreement struct {
	ID                  uuid.UUID // of version 4, which tells no time
	At                  time.Time // to the minute, in UTC
	Mode                Mode
	Operation           Operation
	Location, VisitKind uuid.UUID
	Basic, Full         []availability.Rule // each sorted
	Took                time.Duration
}

// TookMilliseconds is Took as the contract tells it.
func (d Disagreement) TookMilliseconds() float64 { return milliseconds(d.Took) }

// MaxDisagreements of an organisation are kept of an hour. Further ones are counted only.
const MaxDisagreements = 1000

// TallyStore keeps what was tallied.
type TallyStore interface {
	// Add adds to an organisation's counts, in one statement. A disagreement is known by its id; those beyond MaxDisagreements of their hour are
	// dropped. It fails with errs.Busy when it may be tried again.
	Add(ctx context.Context, organization uuid.UUID, counts map[Counted]int64, disagreements []Disagreement) error
}

// What is tallied until it is kept.
const (
	mostCounts  = 50_000
	mostWaiting = 2_000 // disagreements
)

// tally is what the process has counted. Nothing of it is safe for several at once.
type tally struct {
	counts  map[uuid.UUID]map[Counted]int64
	size    int
	differ  map[uuid.UUID][]Disagreement
	waiting int
	lost    int64
	seen    map[Seen]int64 // since the process began
	took    map[Mode]*Took // likewise
}

func newTally() tally {
	return tally{counts: map[uuid.UUID]map[Counted]int64{}, differ: map[uuid.UUID][]Disagreement{}, seen: map[Seen]int64{}, took: map[Mode]*Took{}}
}

func (t *tally) seenSoFar() map[Seen]int64 { return maps.Clone(t.seen) }

func (t *tally) tookSoFar() map[Mode]Took {
	all := map[Mode]Took{}
	for mode, took := range t.took {
		all[mode] = *took
	}
	return all
}

// Note keeps a comparison for the report: in memory, until Flush. A process that dies loses what it has noted since.
func (b *Beside) Note(c Comparison) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.tally.seen == nil {
		return
	}
	b.tally.note(c)
	if v := c.Verdict(); v == OnlyBasic || v == OnlyFull {
		b.tally.differs(c.Plan.Organization, Disagreement{
			ID: b.source.NewID(), At: c.Now.UTC().Truncate(time.Minute), Mode: c.Mode, Operation: c.Operation,
			Location: c.Plan.Location, VisitKind: c.Plan.VisitKind, Basic: sorted(c.Basic), Full: sorted(c.Full), Took: c.Took,
		})
	}
}

func (t *tally) note(c Comparison) {
	verdict := c.Verdict()
	t.seen[Seen{c.Mode, verdict}]++
	add := func(what What, key string, n int64) {
		t.add(c.Plan.Organization, Counted{c.Now.UTC().Truncate(time.Hour), c.Mode, c.Operation, what, key}, n)
	}
	add(CountVerdict, string(verdict), 1)
	for _, r := range sorted(c.Basic) {
		add(CountBasic, string(r), 1)
	}
	for _, r := range sorted(c.Full) {
		add(CountFull, string(r), 1)
		if verdict == OnlyFull {
			add(CountOnlyFull, string(r), 1)
		}
	}
	if verdict == Skipped {
		return
	}
	add(CountTook, strconv.FormatInt(BucketOf(c.Took).Microseconds(), 10), 1)
	add(CountLongest, "", c.Took.Microseconds())
	if t.took[c.Mode] == nil {
		t.took[c.Mode] = &Took{}
	}
	t.took[c.Mode].add(c.Took)
}

func (t *tally) add(organization uuid.UUID, key Counted, n int64) {
	of := t.counts[organization]
	before, known := of[key]
	switch {
	case !known && t.size >= mostCounts:
		t.lost++
		return
	case of == nil:
		of = map[Counted]int64{}
		t.counts[organization] = of
	}
	if !known {
		t.size++
	}
	if key.What == CountLongest {
		of[key] = max(before, n)
	} else {
		of[key] = before + n
	}
}

func (t *tally) differs(organization uuid.UUID, ds ...Disagreement) {
	for _, d := range ds {
		if t.waiting >= mostWaiting {
			t.lost++
			continue
		}
		t.waiting++
		t.differ[organization] = append(t.differ[organization], d)
	}
}

// take empties it.
func (t *tally) take() (counts map[uuid.UUID]map[Counted]int64, differ map[uuid.UUID][]Disagreement) {
	counts, differ = t.counts, t.differ
	t.counts, t.differ, t.size, t.waiting = map[uuid.UUID]map[Counted]int64{}, map[uuid.UUID][]Disagreement{}, 0, 0
	return counts, differ
}

// FlushEvery is how often Flush is called.
const FlushEvery = time.Second

// Flush keeps what was noted, a statement an organisation. What can't be kept now is kept by a later call; should the answer of the database
// alone have been lost, it is counted twice.
func (b *Beside) Flush(ctx context.Context) (failed error) {
	b.flushing.Lock() // so that whoever comes second finds kept what the first one took
	defer b.flushing.Unlock()
	b.mu.Lock()
	counts, differ := b.tally.take()
	b.mu.Unlock()
	for organization := range differ {
		if counts[organization] == nil { // there was no room to count
			counts[organization] = map[Counted]int64{}
		}
	}
	for _, organization := range slices.Collect(maps.Keys(counts)) {
		if failed == nil || errs.Of(failed) != errs.Busy { // a database that is away for one is so for all
			err := b.store.Add(ctx, organization, counts[organization], differ[organization])
			if err == nil {
				continue
			}
			failed = err
		}
		b.failed(organization, counts[organization], differ[organization], failed)
	}
	return failed
}

// failed puts back what may be kept later. The rest would never be.
func (b *Beside) failed(organization uuid.UUID, counts map[Counted]int64, differ []Disagreement, why error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if errs.Of(why) != errs.Busy && !errors.Is(why, context.Canceled) {
		b.tally.lost += int64(len(counts) + len(differ))
		return
	}
	for key, n := range counts {
		b.tally.add(organization, key, n)
	}
	b.tally.differs(organization, differ...)
}
