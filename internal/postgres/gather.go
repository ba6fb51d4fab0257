package postgres

import (
	"context"
	"sync"

	"github.com/mediconnect/mediconnect/internal/errs"
)

// gathering does for many who ask at the same time, in one go, what each of them asks for: while one batch is under way the next gathers.
// Nobody waits for a batch to fill.
type gathering[In, Out any] struct {
	most int // of a batch
	do   func(context.Context, []In) ([]Out, error)

	mu      sync.Mutex
	waiting []*gathered[In, Out]
	running bool
}

type gathered[In, Out any] struct {
	in   In
	out  Out
	err  error
	done chan struct{}
}

// batchBound ends a batch that takes longer, whoever asked first: nobody's leaving ends what others ask for.
const batchBound = 2 * WriteBound

// ask answers what do answers for in, at its place. Whoever goes away while a batch is under way has asked none the less.
func (g *gathering[In, Out]) ask(ctx context.Context, in In) (Out, error) {
	a := &gathered[In, Out]{in: in, done: make(chan struct{})}
	g.mu.Lock()
	g.waiting = append(g.waiting, a)
	first := !g.running
	g.running = true
	g.mu.Unlock()
	if first {
		go g.run()
	}
	select {
	case <-a.done:
		return a.out, a.err
	case <-ctx.Done():
		var none Out
		return none, ctx.Err()
	}
}

func (g *gathering[In, Out]) run() {
	for batch := g.next(); batch != nil; batch = g.next() {
		in := make([]In, len(batch))
		for i, a := range batch {
			in[i] = a.in
		}
		out, err := g.bounded(in)
		for i, a := range batch {
			switch {
			case err == nil:
				a.out = out[i]
			case len(batch) == 1 || errs.Of(err) == errs.Busy:
				a.err = err
			default: // one of them is at fault, and not the others
				if own, err := g.bounded(in[i : i+1]); err != nil {
					a.err = err
				} else {
					a.out = own[0]
				}
			}
			close(a.done)
		}
	}
}

func (g *gathering[In, Out]) bounded(in []In) ([]Out, error) {
	ctx, cancel := context.WithTimeout(context.Background(), batchBound)
	defer cancel()
	return g.do(ctx, in)
}

// next takes what waits; nil: nothing does, and run is over.
func (g *gathering[In, Out]) next() []*gathered[In, Out] {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := min(len(g.waiting), g.most)
	if n == 0 {
		g.running = false
		return nil
	}
	batch := g.waiting[:n:n]
	g.waiting = g.waiting[n:]
	return batch
}
