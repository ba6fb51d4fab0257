package reminder

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/paging"
)

// ReplayLetters is what an organisation's administrator asks for: letters by their ids, else those that a filter finds and that wait.
type ReplayLetters struct {
	Letters []clinic.Ref
	Filter  *DeadLetterFilter
	DryRun  bool
	Key     string
}

// ReplayedLetters is what came of it.
type ReplayedLetters struct {
	Outcomes []OutcomeCount
	More     bool // letters are left that the filter finds
	Again    bool // this repeats an earlier answer, for the same key
}

// OutcomeCount is how many letters came to what.
type OutcomeCount struct {
	Outcome ReplayOutcome
	Count   int
}

var replayOutcomes = []ReplayOutcome{
	AlreadySent, MaybeSent, ReachedAnyway, Replayed, OlderLetter, NotToBeSent, PastIt, UnderWay, Overtaken,
}

// counted are outcomes by how often they come, in the order of their names.
func counted(list []Replaying) (counts []OutcomeCount) {
	of := map[ReplayOutcome]int{}
	for _, r := range list {
		of[r.Outcome]++
	}
	for _, outcome := range replayOutcomes {
		if of[outcome] > 0 {
			counts = append(counts, OutcomeCount{outcome, of[outcome]})
		}
	}
	return counts
}

// Replay replays at most MaxReplay letters of the caller's organisation. Failures: errs.KeyInUse, errs.KeyReused.
func (d *DeadLetters) Replay(ctx context.Context, a access.Actor, in ReplayLetters) (ReplayedLetters, error) {
	if err := a.Need(access.MessagesManage, a.Organization, "organisation"); err != nil {
		return ReplayedLetters{}, err
	}
	once, err := clinic.NewOnce(in.Key, "replayDeadLetters", in)
	if err != nil {
		return ReplayedLetters{}, err
	}
	letters, more, err := d.asked(ctx, a, in)
	if err != nil {
		return ReplayedLetters{}, err
	}
	if in.DryRun {
		foreseen, err := d.store.Foresee(ctx, a.Organization, letters, d.source.Clock.Now())
		return ReplayedLetters{Outcomes: counted(foreseen), More: more}, err
	}
	done, err := d.store.Replay(ctx, Replay{By: d.source.Stamp(a), Once: &once, Organization: a.Organization, Letters: letters, NewID: d.source.NewID})
	return ReplayedLetters{Outcomes: counted(done.List), More: more, Again: done.Again}, err
}

// named are letters of the caller's organisation, each of which must be there.
func (d *DeadLetters) named(ctx context.Context, a access.Actor, refs []clinic.Ref) (letters []uuid.UUID, err error) {
	found, err := d.Find(ctx, a, refs)
	if err != nil {
		return nil, err
	}
	for _, ref := range refs {
		if _, ok := found[ref]; !ok {
			return nil, errs.Missing("dead letter", "deadLetterIds")
		}
		letters = append(letters, ref.ID)
	}
	return letters, nil
}

// asked are the letters that somebody asks for, and whether there are more.
func (d *DeadLetters) asked(ctx context.Context, a access.Actor, in ReplayLetters) (letters []uuid.UUID, more bool, err error) {
	switch {
	case (in.Filter == nil) == (len(in.Letters) == 0):
		return nil, false, errs.Invalid("Give either deadLetterIds or a filter.", "deadLetterIds")
	case len(in.Letters) > MaxReplay:
		return nil, false, errs.Invalid("At most 500 letters are replayed at once.", "deadLetterIds")
	}
	if in.Filter == nil {
		letters, err = d.named(ctx, a, in.Letters)
		return letters, false, err
	}
	f, err := in.Filter.checked("filter")
	if err != nil {
		return nil, false, err
	}
	waiting := false
	f.Organization, f.Replayed = a.Organization, &waiting
	page, err := d.store.DeadLetters(ctx, f, paging.Window{Size: MaxReplay})
	for _, letter := range page.Items {
		letters = append(letters, letter.ID)
	}
	return letters, page.HasNext, err
}

// Run is what an operator asks for, of all organisations or one.
type Run struct {
	By     access.Actor // who shows in the record
	Filter DeadLetterFilter
	DryRun bool
	Rate   int // letters a second
	Limit  int // letters at most; 0: all
}

// The bounds of a run.
const (
	UsualRate = 100
	MaxRate   = 1000
)

// All pages the letters that an operator asks for.
func (d *DeadLetters) All(ctx context.Context, f DeadLetterFilter, w paging.Window) (paging.Page[DeadLetter], error) {
	f, err := f.checked()
	if err != nil {
		return paging.Page[DeadLetter]{}, err
	}
	return d.store.DeadLetters(ctx, f, w)
}

// ReplayAll replays whatever waits and the filter finds, no faster than its rate, and tells of each step what came of it. What a step did stays
// done when the next one fails or ctx ends: another run goes on where this one ended. Several may run at once.
func (d *DeadLetters) ReplayAll(ctx context.Context, r Run, tell func([]OutcomeCount)) error {
	f, err := r.Filter.checked()
	if err != nil {
		return err
	}
	waiting := false
	f.Replayed = &waiting
	step := paging.Window{Size: min(MaxReplay, r.Rate)}
	for done := 0; r.Limit == 0 || done < r.Limit; {
		if r.Limit > 0 {
			step.Size = min(step.Size, r.Limit-done)
		}
		began := d.source.Clock.Now()
		page, err := d.store.DeadLetters(ctx, f, step)
		if err != nil {
			return err
		}
		if err := d.step(ctx, r, page.Items, tell); err != nil || !page.HasNext {
			return err
		}
		done += len(page.Items)
		step.After = DeadLetterKey(page.Items[len(page.Items)-1])
		pace := time.Duration(len(page.Items)) * time.Second / time.Duration(r.Rate)
		if err := d.rest(ctx, pace-d.source.Clock.Now().Sub(began)); err != nil { // none: the step took as long
			return err
		}
	}
	return nil
}

// step replays letters, those of each organisation by themselves.
func (d *DeadLetters) step(ctx context.Context, r Run, letters []DeadLetter, tell func([]OutcomeCount)) error {
	var organizations []uuid.UUID
	of := map[uuid.UUID][]uuid.UUID{}
	for _, letter := range letters {
		if of[letter.OrganizationID] == nil {
			organizations = append(organizations, letter.OrganizationID)
		}
		of[letter.OrganizationID] = append(of[letter.OrganizationID], letter.ID)
	}
	for _, organization := range organizations {
		came, err := d.some(ctx, r, organization, of[organization])
		if err != nil {
			return err
		}
		tell(counted(came))
	}
	return nil
}

func (d *DeadLetters) some(ctx context.Context, r Run, organization uuid.UUID, letters []uuid.UUID) ([]Replaying, error) {
	if r.DryRun {
		return d.store.Foresee(ctx, organization, letters, d.source.Clock.Now())
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	whole := context.WithoutCancel(ctx) // what is done is told, also to who stops it just then
	done, err := d.store.Replay(whole, Replay{By: d.source.Stamp(r.By), Organization: organization, Letters: letters, NewID: d.source.NewID})
	return done.List, err
}
