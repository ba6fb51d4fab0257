package prove_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
)

// killer ends the server as kill -9 does when so many things have been answered, and starts it again. A nil killer does
// nothing.
type killer struct {
	t     *testing.T
	at    []int
	mu    sync.Mutex
	seen  int
	kills sync.WaitGroup
	turn  sync.Mutex
}

func newKiller(t *testing.T, at ...int) *killer { return &killer{t: t, at: at} }

// count notes an answer.
func (k *killer) count() {
	if k == nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.seen++; slices.Contains(k.at, k.seen) {
		k.kills.Go(k.kill)
	}
}

func (k *killer) kill() {
	k.turn.Lock()
	defer k.turn.Unlock()
	if err := world.server.Kill(); err != nil {
		k.t.Error(err)
	}
	if err := world.server.Start(k.t.Context()); err != nil {
		k.t.Error(err)
	}
}

// rest waits until the server is up for good.
func (k *killer) rest() {
	if k != nil {
		k.kills.Wait()
	}
}

// hit wants the kills to have met requests under way, which then were sent again: else nothing was proved.
func (k *killer) hit(again int64) {
	if k != nil && again == 0 {
		k.t.Error("no request was under way when the server was killed")
	}
}

func (k *killer) String() string {
	if k == nil {
		return "no kill"
	}
	return fmt.Sprintf("%d kills", len(k.at))
}
