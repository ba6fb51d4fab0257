package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/clinic"
)

type travelRow struct {
	OrganizationID      uuid.UUID
	Patients, Providers bool
	Speed, Margin       int
	Routes              []routeJSON
}

const (
	travelOf = `SELECT organization_id, patients, providers, speed, margin, routes FROM travel_rules WHERE organization_id = $1`
	putRules = `
INSERT INTO travel_rules (organization_id, patients, providers, speed, margin, routes) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (organization_id) DO UPDATE SET patients = $2, providers = $3, speed = $4, margin = $5, routes = $6`
)

// SetTravelRules is documented at clinic.TravelStore.
func (d *Directory) SetTravelRules(ctx context.Context, by clinic.Stamp, t clinic.TravelRules) error {
	return d.settle(ctx, t.Organization, func(ctx context.Context, tx pgx.Tx) error {
		row, found, err := one[travelRow](ctx, tx, travelOf, t.Organization)
		if err != nil || found && row.rules().Same(t) {
			return err
		}
		if _, err := tx.Exec(ctx, putRules, t.Organization, t.Patients, t.Providers, t.Speed, seconds(t.Margin), routesOf(t)); err != nil {
			return err
		}
		return record(ctx, tx, note(by, t.Organization, "travelRules.set", "Organization", t.Organization))
	})
}

func routesOf(t clinic.TravelRules) []routeJSON {
	list := make([]routeJSON, len(t.Routes))
	for i, r := range t.Routes {
		list[i] = routeJSON{From: r.From, To: r.To, Seconds: seconds(r.Takes)}
	}
	return list
}

func (r travelRow) rules() clinic.TravelRules {
	t := clinic.TravelRules{Organization: r.OrganizationID, Patients: r.Patients, Providers: r.Providers, Speed: r.Speed, Margin: lasting(r.Margin)}
	for _, way := range r.Routes {
		t.Routes = append(t.Routes, clinic.Route{From: way.From, To: way.To, Takes: lasting(way.Seconds)})
	}
	return t
}

// TravelRules is documented at clinic.TravelStore.
func (d *Directory) TravelRules(ctx context.Context, organizations []uuid.UUID) (map[uuid.UUID]clinic.TravelRules, error) {
	found := map[uuid.UUID]clinic.TravelRules{}
	for _, o := range organizations { // a caller's own, and that is one
		rows, err := list[travelRow](ctx, d.db.tenant(o), travelOf, o)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			found[o] = r.rules()
		}
	}
	return found, nil
}
