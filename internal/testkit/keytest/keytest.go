// Package keytest gives every test database keys of its own, in a folder that goes with the test.
package keytest

import (
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mediconnect/mediconnect/internal/devstack"
	"github.com/mediconnect/mediconnect/internal/keyring"
)

var (
	mu    sync.Mutex
	rings = map[string]*keyring.Ring{} // by the name of the database
)

// Of are the keys of a test's database: whoever asks for them again while the test runs gets the same ones.
func Of(t testing.TB, pool *pgxpool.Pool) *keyring.Ring {
	t.Helper()
	return For(t, pool.Config().ConnConfig.Database)
}

// For is Of by the database's name.
func For(t testing.TB, name string) *keyring.Ring {
	t.Helper()
	mu.Lock()
	defer mu.Unlock()
	if rings[name] == nil {
		rings[name] = New(t)
		t.Cleanup(func() {
			mu.Lock()
			defer mu.Unlock()
			delete(rings, name)
		})
	}
	return rings[name]
}

// New are keys that are remembered for a second.
func New(t testing.TB) *keyring.Ring {
	t.Helper()
	return Open(t, NewFolder(t))
}

// Open are the keys of a folder, as one more process sees them.
func Open(t testing.TB, dir string) *keyring.Ring {
	t.Helper()
	ring, err := keyring.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

// NewFolder is a folder of keys, in memory where there is room: a key is on the disk before it is used, and a disk takes milliseconds.
func NewFolder(t testing.TB) string {
	t.Helper()
	folder, err := devstack.NewMemoryFolder("mediconnect-test-keys-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(folder.Remove)
	dir := folder.Join("keys")
	if err := keyring.Create(dir, time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC), time.Second); err != nil {
		t.Fatal(err)
	}
	return dir
}
