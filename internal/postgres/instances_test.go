package postgres_test

import (
	"testing"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
)

func TestInstancesCountWhoSaidLatelyThatTheyAreThere(t *testing.T) {
	url := pgtest.NewURL(t)
	pool := pgtest.Pool(t, pgtest.AdminURL(t, url))
	db, err := postgres.Open(t.Context(), postgres.Defaults(url))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	beat := func(i postgres.Instances, want int) {
		t.Helper()
		if got, err := i.Beat(t.Context()); err != nil || got != want {
			t.Errorf("%d instances (%v), want %d", got, err, want)
		}
	}
	ids := []uuid.UUID{uuid.New(), uuid.New(), uuid.New()}
	a, b, c := postgres.NewInstances(db, ids[0]), postgres.NewInstances(db, ids[1]), postgres.NewInstances(db, ids[2])
	beat(a, 1)
	beat(b, 2)
	beat(c, 3)
	beat(a, 3)
	if err := c.Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	beat(a, 2)
	silent := func(id uuid.UUID, seconds int) {
		t.Helper()
		if _, err := pool.Exec(t.Context(), `UPDATE instances SET seen_at = clock_timestamp() - make_interval(secs => $2) WHERE id = $1`, id, seconds); err != nil {
			t.Fatal(err)
		}
	}
	silent(ids[1], 10)
	beat(a, 2)
	silent(ids[1], 16)
	beat(a, 1)
	silent(ids[1], 3601)
	beat(a, 1)
	var rows int
	if err := pool.QueryRow(t.Context(), `SELECT count(*) FROM instances`).Scan(&rows); err != nil || rows != 1 {
		t.Errorf("%d rows are kept (%v)", rows, err)
	}
	beat(b, 2)
}
