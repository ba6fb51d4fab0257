package app

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/mediconnect/mediconnect/internal/postgres"
)

// servers is how many there are, by what each says in the database; while that is away, as many as there were.
type servers struct{ n atomic.Int64 }

func (s *servers) count() int { return max(1, int(s.n.Load())) }

// begin has this process be one of them until stop is called.
func (s *servers) begin(instances postgres.Instances) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.run(ctx, instances)
	}()
	return func() {
		cancel()
		<-ended
	}
}

// run says again and again that this one is there, until ctx ends.
func (s *servers) run(ctx context.Context, instances postgres.Instances) {
	tick := time.NewTicker(postgres.BeatEvery)
	defer tick.Stop()
	for {
		if n, err := instances.Beat(ctx); err == nil {
			s.n.Store(int64(n))
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			_ = instances.Leave(context.WithoutCancel(ctx))
			return
		}
	}
}
