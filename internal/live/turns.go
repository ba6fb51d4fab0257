package live

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

// errTurned reports that other rules than before can't be told slot by slot: the former ones are gone, or it would be too much.
var errTurned = errors.New("too much has changed with the rules")

// The most changes of a provider's rules that are told slot by slot at once.
const mostFormer = 16

// turnBoard is what other rules have made of a provider's slots in a period, since some revision.
type turnBoard struct {
	turn
	read atomic.Pointer[asOf] // how young a reading of a day has to be not to be older than this one's
	reading
	since      int64
	new        bool
	period     availability.Span
	former     []availability.Former
	found      availability.Turn // as anybody sees it
	from, till time.Time         // when that is so
}

func (f *turnBoard) youngest() asOf {
	if at := f.read.Load(); at != nil {
		return *at
	}
	return unread
}

// turning is what other rules have made of a provider's slots: everything up to a position is in it. It is shared.
type turning struct {
	availability.Turn
	is     availability.Rules
	former []availability.Former
	upto   int64
}

func (b *Boards) turnOf(ctx context.Context, provider clinic.Ref) (*turnBoard, error) {
	b.mu.Lock()
	found, ok := b.turns.Get(provider)
	if !ok {
		found = &turnBoard{turn: newTurn(), reading: reading{at: unread}}
		b.turns.Add(provider, found)
	}
	b.mu.Unlock()
	return found, found.take(ctx)
}

// turned compares a provider's slots under the rules as they are with those under the rules that were replaced since some revision.
// Slots that began before an instant are left out. It fails with errTurned.
func (b *Boards) turned(
	ctx context.Context, provider clinic.Ref, t turned, begin time.Time, need asOf, now time.Time, who asker,
) (turning, error) {
	found, err := b.turnOf(ctx, provider)
	if err != nil {
		return turning{}, err
	}
	defer found.give()
	if err := found.ask(ctx, b, provider, t, begin, need, now); err != nil {
		return turning{}, err
	}
	turn := turning{is: found.View.Rules, former: found.former, upto: found.reading.at.upto}
	switch {
	case who.moving.ID != uuid.Nil:
		v, err := b.alone(ctx, provider, found.period, who)
		turn.Turn = availability.TurnOf(v, found.former, found.period, now, who.Asking)
		return turn, err
	case who.Owns(found.Taken, now):
		turn.Turn = availability.TurnOf(found.View, found.former, found.period, now, who.Asking)
		return turn, nil
	}
	if now.Before(found.from) || !now.Before(found.till) {
		found.found = availability.TurnOf(found.View, found.former, found.period, now, availability.Asking{})
		found.from, found.till = now, availability.Lasting(found.View, found.found.Slots, now)
	}
	turn.Turn = found.found
	return turn, nil
}

// ask has the board hold what a question is answered from: the rules as they are, with what is taken, and all that were replaced.
func (f *turnBoard) ask(ctx context.Context, b *Boards, provider clinic.Ref, t turned, begin time.Time, need asOf, now time.Time) error {
	_, rules, _, err := b.day(ctx, boardOf{provider, civil.DateOf(now.UTC())}, need, now, asker{})
	if err != nil {
		return err
	}
	if f.former == nil || f.since != t.since || f.new != t.new || f.View.Rules.Revision != rules.Revision {
		f.reading.at = unread
		if f.former, err = b.former(ctx, provider, t, rules); err != nil {
			return err
		}
		f.since, f.new = t.since, t.new
	}
	if period := t.period(begin, now, farthest(rules, f.former)); period != f.period {
		f.period, f.reading.at = period, unread
	}
	fresh, err := f.renew(ctx, b, provider, availability.Period{From: f.period.Start, To: f.period.End}, need)
	if err != nil || !fresh {
		return err
	}
	f.till = time.Time{}
	f.read.Store(&asOf{f.reading.at.upto, f.done})
	if f.View.Rules.Revision != rules.Revision { // they changed once more in between
		f.former, err = b.former(ctx, provider, t, f.View.Rules)
	}
	return err
}

// former reads the rules that were replaced since some revision, all of them.
func (b *Boards) former(ctx context.Context, provider clinic.Ref, t turned, is availability.Rules) ([]availability.Former, error) {
	var list []availability.Former
	if t.new {
		list = []availability.Former{{Rules: availability.Rules{Organization: provider.Organization, Provider: provider.ID}}}
		t.since = max(t.since, 0)
	}
	missing := is.Revision - t.since
	if missing > mostFormer && !t.new {
		return nil, errTurned
	}
	kept, err := b.store.Former(ctx, provider, t.since, mostFormer+1)
	if err != nil {
		return nil, err
	}
	for _, f := range kept {
		if f.Revision < is.Revision {
			list = append(list, f)
			missing--
		}
	}
	if missing > 0 && !t.new || len(kept) > mostFormer {
		return nil, errTurned
	}
	return list, nil
}

// farthest is how far ahead slots may be had under any of some rules, and no less than one listing shows of what can't be had yet.
func farthest(is availability.Rules, former []availability.Former) time.Duration {
	most := availability.MaxPeriod
	note := func(r availability.Rules) {
		for _, k := range r.Kinds {
			most = max(most, k.Policy.MaximumAdvance)
		}
	}
	note(is)
	for _, f := range former {
		note(f.Rules)
	}
	return most
}

// past is how long ago slots of the staff's may have begun to be told of still.
const past = 24 * time.Hour

// period is when slots start that may differ, and that somebody who began at an instant can have seen, or may see: whole days of UTC.
func (t turned) period(begin, now time.Time, ahead time.Duration) availability.Span {
	if yesterday := now.Add(-past); begin.After(yesterday) {
		begin = yesterday
	}
	from, to := civil.DateOf(begin.UTC()), civil.DateOf(now.Add(ahead).UTC()).AddDays(1)
	if t.from != nil && t.from.AddDays(-1).After(from) {
		from = t.from.AddDays(-1)
	}
	if t.until != nil && t.until.AddDays(2).Before(to) {
		to = t.until.AddDays(2)
	}
	if to.Before(from) {
		to = from
	}
	return availability.Span{Start: from.In(time.UTC), End: to.In(time.UTC)}
}
