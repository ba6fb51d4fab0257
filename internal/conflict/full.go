package conflict

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/mediconnect/mediconnect/internal/availability"
)

// verdict is what the full detection says of a case.
type verdict struct {
	broken []availability.Rule
	seen   string
	took   time.Duration // with those that were judged together with it
	failed error
}

// errLate is why a detection failed that took longer than it may.
var errLate = errors.New("conflict: the detection took too long")

// full judges cases of one organisation within a budget. Whoever doesn't heed it is left behind; a panic is a failure.
func (d *Detection) full(ctx context.Context, within time.Duration, cases ...Case) []verdict {
	began, asked := d.uptime(), ctx
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	type answer struct {
		verdicts []verdict
		err      error
	}
	done := make(chan answer, 1)
	go func() {
		var a answer
		defer func() {
			if r := recover(); r != nil {
				a.err = fmt.Errorf("conflict: the detection panicked: %T", r)
			}
			done <- a
		}()
		a.verdicts, a.err = d.look(ctx, cases)
	}()
	var a answer
	select {
	case a = <-done:
	case <-ctx.Done():
		a.err = errLate
	}
	took := d.uptime() - began
	if a.err != nil {
		if errors.Is(asked.Err(), context.Canceled) {
			a.err = context.Canceled // whoever asked went away
		}
		a.verdicts = make([]verdict, len(cases))
	}
	for i := range a.verdicts {
		a.verdicts[i].took, a.verdicts[i].failed = took, a.err
	}
	return a.verdicts
}

func (d *Detection) look(ctx context.Context, cases []Case) ([]verdict, error) {
	around, err := d.store.LookAround(ctx, cases...)
	if err != nil {
		return nil, err
	}
	verdicts := make([]verdict, len(cases))
	for i, c := range cases {
		verdicts[i] = verdict{broken: Full(c, around[i].Facts.with(c)), seen: around[i].Seen}
	}
	return verdicts, nil
}

// shadow judges cases of one organisation that nobody waits for. Of cases that fail together, or are slow, each is judged by itself, while there is
// time: else a few that are would make all of them so.
func (d *Detection) shadow(cases []Comparison) {
	ctx, cancel := context.WithTimeout(context.Background(), d.budget.Beside)
	defer cancel()
	asked := make([]Case, len(cases))
	for i, c := range cases {
		asked[i] = c.Case
	}
	verdicts := d.full(ctx, d.budget.Beside, asked...)
	for i, v := range verdicts {
		if len(cases) > 1 && (v.failed != nil || d.guard.slow(v.took)) && ctx.Err() == nil {
			if alone := d.full(ctx, d.budget.Beside, asked[i])[0]; alone.failed == nil || v.failed != nil {
				v = alone
			}
		}
		cases[i].Full, cases[i].Took, cases[i].Failed = v.broken, v.took, v.failed
		d.noted(cases[i])
	}
}

// skip has a case be noted that is not judged.
func (d *Detection) skip(c Comparison) {
	c.Failed = ErrSkipped
	d.noted(c)
}
