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

// turnBoard is what other rules have made of a provider's slots, with the question that it answers.
type turnBoard struct {
	turn
	upto atomic.Int64 // how young the youngest reading is
	reading
	asked    turnAsked
	former   []availability.Former
	found    availability.Turn // as anybody sees it
	at, till time.Time         // when that is so
}

type turnAsked struct {
	since    int64
	new      bool
	from, to civil.Date // days of UTC, [from, to)
}

func (b *Boards) turnOf(ctx context.Context, provider clinic.Ref) (*turnBoard, error) {
	b.mu.Lock()
	found, ok := b.turns.Get(provider)
	if !ok {
		found = &turnBoard{turn: newTurn(), reading: reading{upto: -1}}
		b.turns.Add(provider, found)
	}
	b.mu.Unlock()
	return found, found.take(ctx)
}

// turned compares a provider's slots under the rules as they are with those under the rules that were replaced since some revision.
// It answers the position up to which everything is in it. Slots that began before an instant are left out. What is answered is
// shared. It fails with errTurned.
func (b *Boards) turned(
	ctx context.Context, provider clinic.Ref, t turned, begin time.Time, need int64, now time.Time, who asker,
) (availability.Turn, int64, error) {
	found, err := b.turnOf(ctx, provider)
	if err != nil {
		return availability.Turn{}, 0, err
	}
	defer found.give()
	_, rules, err := b.day(ctx, boardOf{provider, civil.DateOf(now.UTC())}, need, now, asker{})
	if err != nil {
		return availability.Turn{}, 0, err
	}
	asked := turnAsked{since: t.since, new: t.new}
	if found.former == nil || found.asked.since != t.since || found.asked.new != t.new || found.View.Rules.Revision != rules.Revision {
		found.reading.upto = -1
		if found.former, err = b.former(ctx, provider, t, rules); err != nil {
			return availability.Turn{}, 0, err
		}
	}
	asked.from, asked.to = t.days(begin, now, farthest(rules, found.former))
	if asked != found.asked {
		found.reading.upto = -1
	}
	found.asked = asked
	period := availability.Span{Start: asked.from.In(time.UTC), End: asked.to.In(time.UTC)}
	if period.IsEmpty() {
		return availability.Turn{}, need, nil
	}
	fresh, err := found.renew(ctx, b, provider, availability.Period{From: period.Start, To: period.End}, need)
	if err != nil {
		return availability.Turn{}, 0, err
	}
	found.upto.Store(found.reading.upto)
	if fresh {
		found.till = time.Time{}
	}
	if found.View.Rules.Revision != rules.Revision { // they changed once more in between
		found.reading.upto, found.till = -1, time.Time{}
		if found.former, err = b.former(ctx, provider, t, found.View.Rules); err != nil {
			return availability.Turn{}, 0, err
		}
	}
	switch {
	case who.moving.ID != uuid.Nil:
		v, err := b.alone(ctx, provider, period, who)
		return availability.TurnOf(v, found.former, period, now, who.Asking), found.upto.Load(), err
	case who.Owns(found.Taken, now):
		return availability.TurnOf(found.View, found.former, period, now, who.Asking), found.upto.Load(), nil
	}
	if now.Before(found.at) || !now.Before(found.till) {
		found.found = availability.TurnOf(found.View, found.former, period, now, availability.Asking{})
		found.at, found.till = now, availability.Lasting(found.View, found.found.Slots, now)
	}
	return found.found, found.upto.Load(), nil
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

// days are those of UTC on which slots may differ that somebody who began at an instant can have seen, or may see.
func (t turned) days(begin, now time.Time, ahead time.Duration) (from, to civil.Date) {
	if now.Before(begin) {
		begin = now
	}
	if now.Sub(begin) < past {
		begin = now.Add(-past)
	}
	from, to = civil.DateOf(begin.UTC()), civil.DateOf(now.Add(ahead).UTC()).AddDays(1)
	if t.from != nil && t.from.AddDays(-1).After(from) {
		from = t.from.AddDays(-1)
	}
	if t.until != nil && t.until.AddDays(2).Before(to) {
		to = t.until.AddDays(2)
	}
	return from, to
}
