package postgres_test

import (
	"context"
	"slices"
	"testing"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

// away adds a location so many degrees north of the clinic's.
func (d *desk) away(degrees float64) clinic.Ref {
	at := clinic.Ref{Organization: d.Organization, ID: sample.NewID()}
	d.Set(`UPDATE locations SET latitude = 40, longitude = -74 WHERE organization_id = $1 AND id = $2`, d.Location)
	d.Set(`INSERT INTO locations (organization_id, id, identifier_system, identifier_value, name, time_zone, address_lines, latitude, longitude)
		VALUES ($1, $2::uuid, 'https://clinic.example/sites', ($2::uuid)::text, 'Away', $3, '{}', 40 + $4::float8, -74)`, at.ID, sample.Zone, degrees)
	return at
}

// without adds a provider who offers the kind of visit and has no hours anywhere.
func (d *desk) without() clinic.Ref {
	p := d.Provider(1)
	d.Set(`DELETE FROM schedules WHERE organization_id = $1 AND provider_id = $2`, p.ID)
	return p
}

// opens gives a provider a window on a date at a location; effect is OPEN or CLOSED.
func (d *desk) opens(p, at clinic.Ref, effect, date string) {
	d.Set(`INSERT INTO schedule_exceptions (organization_id, id, provider_id, location_id, local_from, local_to, effect, capacity)
		VALUES ($1, $2, $3, $4, $6::date + time '09:00', $6::date + time '12:00', $5, 1)`, sample.NewID(), p.ID, at.ID, effect, date)
}

func (d *desk) dated(p, at clinic.Ref, date string) {
	d.Set(`INSERT INTO date_hours VALUES ($1, $2, $3, $4::date, '[{"from": 540, "to": 720, "capacity": 1}]')`, p.ID, at.ID, date)
}

func TestNeighboursAreThereByHoursOfAnySort(t *testing.T) {
	d := newDesk(t)
	asked := d.Provider(1)
	here := clinic.Ref{Organization: d.Organization, ID: d.Location}
	one, two, three := d.away(1), d.away(2), d.away(3)
	weekly, dated, imported, far, both := d.Provider(1), d.without(), d.without(), d.without(), d.without()
	d.dated(dated, one, "2026-06-09")
	d.opens(imported, two, "OPEN", "2026-06-09")
	d.opens(far, three, "OPEN", "2026-06-09")
	d.opens(both, three, "OPEN", "2026-06-09")
	d.dated(both, here, "2026-06-09")
	over, shut, stranger := d.without(), d.without(), d.Provider(1)
	d.opens(over, here, "OPEN", "2026-05-01")
	d.dated(over, here, "2026-05-01")
	d.opens(shut, here, "CLOSED", "2026-06-09")
	d.Set(`DELETE FROM provider_visit_kinds WHERE organization_id = $1 AND provider_id = $2`, stranger.ID)

	store := postgres.NewAvailabilityStore(postgres.New(d.pool, nil))
	want := []clinic.Ref{weekly, both, dated, imported, far}
	for _, limit := range []int{10, 3} {
		got, err := store.Nearby(context.Background(), d.Slot(asked, 9, 0), limit)
		if err != nil || !slices.Equal(got, want[:min(limit, len(want))]) {
			t.Errorf("up to %d neighbours: %v (%v), want %v", limit, got, err, want)
		}
	}
}

func TestImportedWindowsAreOfferedAsAlternatives(t *testing.T) {
	d := newDesk(t)
	asked, imported := d.without(), d.without()
	at := d.away(1)
	d.opens(imported, at, "OPEN", "2026-06-09")
	found, err := d.openings.Alternatives(context.Background(), access.Nobody("r"), d.Slot(asked, 9, 0), availability.For{}, 10)
	if err != nil || len(found) != 6 || found[0].Provider != imported.ID || found[0].Location != at.ID {
		t.Errorf("alternatives %v (%v)", found, err)
	}
}
