// Package clients runs other people's GraphQL clients, and their audits of servers, against the built program: what clients
// are told and how they come back is then seen by code that none of us wrote.
package clients_test

import (
	"context"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/bench/rig"
	_ "github.com/mediconnect/mediconnect/internal/app" // what the built program is made of: a change of it makes a cached result void
)

// shared is what all suites share: the cluster and a server. Each has a clinic of its own.
var shared struct {
	once   sync.Once
	err    error
	rig    *rig.Rig
	server *rig.Server
	worker *rig.Server
}

func TestMain(m *testing.M) {
	code := m.Run()
	for _, s := range []*rig.Server{shared.server, shared.worker} {
		if s != nil {
			_ = s.Kill()
		}
	}
	if shared.rig != nil {
		shared.rig.Close()
	}
	os.Exit(code)
}

const connections = 10

func start() (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	if shared.rig, err = rig.Start(ctx, true); err != nil {
		return err
	}
	shared.rig.Environ = []string{"MEDICONNECT_DRAIN_TIMEOUT=2s"} // clients are seen out spread over that time
	url, err := shared.rig.NewDatabase(ctx)
	if err != nil {
		return err
	}
	if shared.server, err = shared.rig.Serve(ctx, url, connections); err != nil {
		return err
	}
	shared.worker, err = shared.rig.Work(ctx, url)
	return err
}

// server is the running program.
func server(t *testing.T) (*rig.Rig, *rig.Server) {
	t.Helper()
	shared.once.Do(func() { shared.err = start() })
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.rig, shared.server
}
