package postgres

import (
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// PoolState is how the connections of a pool are used. What only grows does so since the process began.
type PoolState struct {
	InUse, Idle, Most int
	Acquired          int64 // connections that were handed out
	Waited            int64 // of those, after a wait, as all were in use or had to be opened
	GivenUp           int64 // waits that ended without one
	Waiting           time.Duration
}

// Pools are the database's, by what they are for.
func (db *DB) Pools() map[string]PoolState {
	found := map[string]PoolState{}
	for name, pool := range map[string]*pgxpool.Pool{"tenants": db.tenants, "public": db.public, "probing": db.probing} {
		s := pool.Stat()
		found[name] = PoolState{
			InUse: int(s.AcquiredConns()), Idle: int(s.IdleConns()), Most: int(s.MaxConns()), Acquired: s.AcquireCount(),
			Waited: s.EmptyAcquireCount(), GivenUp: s.CanceledAcquireCount(), Waiting: s.EmptyAcquireWaitTime(),
		}
	}
	return found
}
