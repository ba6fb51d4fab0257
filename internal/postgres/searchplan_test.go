package postgres_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clinic/clinictest"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/provider"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
)

// 100 organisations with 100 locations each on a grid over North America, and a provider at each: every name has a word of its own,
// every tenth provider is a cardiologist.
const country = `
WITH o AS (INSERT INTO organizations SELECT gen_random_uuid(), 'Clinic ' || n, 'epoch' FROM generate_series(1, 100) n RETURNING id),
things AS MATERIALIZED (SELECT id AS organization, gen_random_uuid() AS id, n::text AS key, (row_number() OVER ())::int AS r,
	'Dr ' || translate(left(md5(id::text || n), 12), '0123456789', 'ghijklmnop') AS name FROM o, generate_series(1, 100) n),
l AS (INSERT INTO locations (organization_id, id, identifier_system, identifier_value, name, time_zone, address_lines, latitude, longitude, country, postal_code)
	SELECT organization, id, 'urn:test', key, name, 'UTC', '{}', 25 + r % 50 * 0.5, -125 + r / 50 * 0.3, 'US', to_char(r * 9, 'FM00000') FROM things),
p AS (INSERT INTO providers (organization_id, id, identifier_system, identifier_value, name, languages, search_text)
	SELECT organization, id, 'urn:test', key, name, '{}', search_text(ARRAY[name, CASE r % 10 WHEN 0 THEN 'Cardiology' ELSE 'Dermatology' END]) FROM things)
INSERT INTO desks SELECT organization, id, id FROM things`

func TestSearchesUseTheirIndexes(t *testing.T) {
	pool := pgtest.New(t)
	for _, sql := range []string{country, "ANALYZE"} {
		if _, err := pool.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	var word string
	var organization uuid.UUID
	if err := pool.QueryRow(t.Context(), "SELECT organization_id, split_part(name, ' ', 2) FROM providers LIMIT 1").Scan(&organization, &word); err != nil {
		t.Fatal(err)
	}
	sent := &lastQuery{}
	d := sent.directory(t, pool)
	area := &clinic.Area{Circle: clinictest.Round(40, -74, 100_000).Circle}
	page := paging.Window{Size: 25}
	search := func(s provider.Search, of uuid.UUID) func() (int, error) {
		return func() (int, error) {
			found, err := d.ListProviders(t.Context(), of, s, page)
			return len(found.Items), err
		}
	}
	everybodys := uuid.Nil
	for name, c := range map[string]struct {
		find  func() (int, error)
		index string
	}{
		"locations in a circle": {func() (int, error) {
			found, err := d.ListLocations(t.Context(), everybodys, area, page)
			return len(found.Items), err
		}, "locations_by_point"},
		"how many there are": {func() (int, error) { return d.CountLocations(t.Context(), everybodys, area) }, "locations_by_point"},
		"a postal code": {func() (int, error) {
			_, found, err := d.PostalCenter(t.Context(), "US", "001981234")
			return map[bool]int{true: 1}[found], err
		}, "locations_by_postal_key"},
		"providers in a circle":    {search(provider.Search{Area: area}, everybodys), "locations_by_point"},
		"those of an organisation": {search(provider.Search{Area: &clinic.Area{Circle: clinictest.Round(40, -95, 200_000).Circle}}, organization), ""},
		"a word":                   {search(provider.Search{Words: []string{word}}, everybodys), "providers_by_text"},
		"a part of a word":         {search(provider.Search{Words: []string{word[5:10]}}, everybodys), "providers_by_text"},
		"a word without a letter":  {search(provider.Search{Words: []string{"dr", word[:6] + word[7:]}}, everybodys), "providers_by_text"},
		"a word and a place":       {search(provider.Search{Words: []string{"cardiolgy"}, Area: area}, everybodys), "locations_by_point"},
		"a word that many have":    {search(provider.Search{Words: []string{"cardiology"}}, everybodys), "providers_by_text"},
	} {
		n, err := c.find()
		if err != nil || n == 0 && c.index != "" {
			t.Errorf("%s: %d found (%v)", name, n, err)
		}
		plan := sent.plan(t, pool)
		if !strings.Contains(plan, c.index) || strings.Contains(plan, "Seq Scan on locations") || strings.Contains(plan, "Seq Scan on providers") {
			t.Errorf("%s:\n%s\n%s", name, sent.sql, plan)
		}
	}
}

// A plan that is kept fits the values of some other search.
func TestListsArePlannedForTheirValues(t *testing.T) {
	config := pgtest.New(t).Config()
	config.MaxConns = 1
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	d := postgres.New(pool, keytest.Of(t, pool)).Directory()
	search := provider.Search{Words: []string{"rivera"}}
	if _, err := d.ListProviders(t.Context(), uuid.Nil, search, paging.Window{Size: 1}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.CountProviders(t.Context(), uuid.Nil, search); err != nil {
		t.Fatal(err)
	}
	var kept int
	if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%search_text%LIKE%'").Scan(&kept); err != nil || kept != 1 {
		t.Errorf("%d prepared statements, this one included (%v)", kept, err)
	}
}
