package postgres_test

import (
	"testing"

	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

var everything = paging.Window{Size: 1000}

// onFresh is the cellar over a fresh database.
func onFresh(t *testing.T) *postgres.DB {
	t.Helper()
	pool := pgtest.New(t)
	return postgres.New(pool, keytest.Of(t, pool))
}
