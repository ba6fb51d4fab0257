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
	took   time.Duration // that it takes for this case alone
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
		for i := range a.verdicts {
			a.verdicts[i] = verdict{took: took, failed: a.err}
		}
		return a.verdicts
	}
	apart(a.verdicts, took)
	return a.verdicts
}

func (d *Detection) look(ctx context.Context, cases []Case) ([]verdict, error) {
	around, err := d.store.LookAround(ctx, cases...)
	if err != nil {
		return nil, err
	}
	verdicts := make([]verdict, len(cases))
	for i, c := range cases {
		verdicts[i] = verdict{broken: Full(c, around[i].Facts), seen: around[i].Seen, took: around[i].Took}
	}
	return verdicts, nil
}

// apart has each of the cases that were judged together take what the others didn't.
func apart(verdicts []verdict, together time.Duration) {
	var sum time.Duration
	for i, v := range verdicts { // the database's clock may be set
		verdicts[i].took = min(max(v.took, 0), together)
		sum += verdicts[i].took
	}
	for i := range verdicts {
		verdicts[i].took += max(together-sum, 0)
	}
}

// shadow judges cases of one organisation that nobody waits for. Of cases that fail together each is judged by itself, while there is time.
func (d *Detection) shadow(cases []Comparison) {
	ctx, cancel := context.WithTimeout(context.Background(), d.budget.Beside)
	defer cancel()
	asked := make([]Case, len(cases))
	for i, c := range cases {
		asked[i] = c.Case
	}
	verdicts := d.full(ctx, d.budget.Beside, asked...)
	for i, v := range verdicts {
		if v.failed != nil && len(cases) > 1 && ctx.Err() == nil {
			v = d.full(ctx, d.budget.Beside, asked[i])[0]
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
