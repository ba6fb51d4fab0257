package live

import (
	"context"
	"slices"
	"time"

	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

// timetable is when a provider's slots change by time alone, under rules that hold every change up to a position.
type timetable struct {
	upto int64
	availability.Passing
}

type timesOf struct {
	provider clinic.Ref
	ahead    time.Duration // besides the rules' own bounds; 0: none
}

// How long a timetable holds, and how many providers' rules are read at once for it.
const (
	timesLast  = 24 * time.Hour
	timesGrace = time.Hour // for subscribers that are a little behind
	timesRead  = 100
)

// passing answers the timetables of some providers, each no older than it is needed.
func (b *Boards) passing(ctx context.Context, providers []clinic.Ref, ahead time.Duration, need func(clinic.Ref) int64, now time.Time) (map[clinic.Ref]availability.Passing, error) {
	found := make(map[clinic.Ref]availability.Passing, len(providers))
	missing := b.known(providers, ahead, need, now, found)
	if len(missing) == 0 {
		return found, nil
	}
	if err := b.loading.take(ctx); err != nil {
		return nil, err
	}
	defer b.loading.give()
	missing = b.known(missing, ahead, need, now, found)
	for part := range slices.Chunk(missing, timesRead) {
		upto := b.hub.At().Position
		for _, p := range part {
			upto = max(upto, need(p))
		}
		read, err := b.readTimes(ctx, part, ahead, now)
		if err != nil {
			return nil, err
		}
		for p, passing := range read {
			b.times.Add(timesOf{p, ahead}, timetable{upto, passing})
			found[p] = passing
		}
	}
	return found, nil
}

// known finds what is kept, and lists of whom there is nothing.
func (b *Boards) known(
	providers []clinic.Ref, ahead time.Duration, need func(clinic.Ref) int64, now time.Time, into map[clinic.Ref]availability.Passing,
) (missing []clinic.Ref) {
	for _, p := range providers {
		t, ok := b.times.Get(timesOf{p, ahead})
		if !ok || t.upto < need(p) || !t.Knows(now) {
			missing = append(missing, p)
			continue
		}
		into[p] = t.Passing
	}
	return missing
}

// readTimes reads rules around all the bounds: the next days at once, and each that is farther ahead by itself.
func (b *Boards) readTimes(ctx context.Context, providers []clinic.Ref, ahead time.Duration, now time.Time) (map[clinic.Ref]availability.Passing, error) {
	span := availability.Span{Start: now.Add(-timesGrace), End: now.Add(timesLast)}
	const near = 48 * time.Hour
	var more []time.Duration
	if ahead > 0 {
		more = []time.Duration{ahead}
	}
	found := make(map[clinic.Ref]availability.Passing, len(providers))
	err := b.store.Snapshot(ctx, func(ctx context.Context, s availability.Snapshot) error {
		read := func(of []clinic.Ref, at time.Duration, long time.Duration) (map[clinic.Ref]availability.View, error) {
			return s.Views(ctx, of, availability.Period{From: span.Start.Add(at), To: span.End.Add(at + long)})
		}
		next, err := read(providers, 0, near)
		if err != nil {
			return err
		}
		around := make(map[clinic.Ref]map[time.Duration]availability.Rules, len(next))
		far := map[time.Duration][]clinic.Ref{}
		for p, v := range next {
			around[p] = map[time.Duration]availability.Rules{}
			for _, at := range v.Rules.Bounds(more...) {
				if around[p][at] = v.Rules; at >= near {
					far[at] = append(far[at], p)
				}
			}
		}
		for at, of := range far {
			views, err := read(of, at, time.Minute)
			if err != nil {
				return err
			}
			for p, v := range views {
				around[p][at] = v.Rules
			}
		}
		for p, v := range next {
			found[p] = availability.PassingOf(v.Rules, around[p], span, more...)
		}
		return nil
	})
	return found, err
}
