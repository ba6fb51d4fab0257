package postgres

import (
	"context"
	"math"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

// Snapshot implements availability.Store.
func (s *AvailabilityStore) Snapshot(ctx context.Context, read func(context.Context, availability.Snapshot) error) error {
	return s.db.everybody().snapshot(ctx, func(ctx context.Context, tx pgx.Tx) error { return read(ctx, moment{tx}) })
}

// moment is the database at one moment.
type moment struct{ tx pgx.Tx }

// Views implements availability.Snapshot.
func (m moment) Views(ctx context.Context, providers []clinic.Ref, p availability.Period) (map[clinic.Ref]availability.View, error) {
	return views(ctx, m.tx, providers, p)
}

const selectDesks = `
SELECT d.organization_id, d.provider_id, d.location_id, l.time_zone, l.latitude, l.longitude
FROM desks d
JOIN locations l ON l.organization_id = d.organization_id AND l.id = d.location_id
JOIN providers p ON p.organization_id = d.organization_id AND p.id = d.provider_id
WHERE true`

// What narrows desks. Each stands for a part of what is wanted; $ marks where its values go.
const (
	deskOrganization = ` AND d.organization_id = $`
	deskKind         = ` AND EXISTS (SELECT FROM provider_visit_kinds k
    WHERE k.organization_id = d.organization_id AND k.provider_id = d.provider_id AND k.organization_id = $ AND k.visit_kind_id = $)`
	deskSpecialty = ` AND EXISTS (SELECT FROM provider_specialties s
    WHERE s.organization_id = d.organization_id AND s.provider_id = d.provider_id AND s.system = $ AND s.code = $)`
	deskProviders = ` AND (d.organization_id, d.provider_id) IN (SELECT * FROM unnest($::uuid[], $::uuid[]))`
	deskLocations = ` AND (l.organization_id, l.id) IN (SELECT * FROM unnest($::uuid[], $::uuid[]))`
	deskCircle    = ` AND l.point <@ cube_enlarge($::cube, $, 3) AND cube_distance(l.point, $::cube) <= $`
	deskStepFree  = ` AND l.step_free_access`
	deskLanguage  = ` AND EXISTS (SELECT FROM unnest(p.languages) spoken
    WHERE lower(spoken) || '-' ^@ $ OR $ ^@ (lower(spoken) || '-'))`
	deskPlan = ` AND EXISTS (SELECT FROM insurance_plans wanted
    JOIN insurance_plans plan ON plan.carrier = wanted.carrier AND plan.name = wanted.name
    JOIN provider_plans a ON a.organization_id = plan.organization_id AND a.plan_id = plan.id
    WHERE wanted.organization_id = $ AND wanted.id = $ AND a.organization_id = d.organization_id AND a.provider_id = d.provider_id)`
)

type deskRow struct {
	OrganizationID, ProviderID, LocationID uuid.UUID
	TimeZone                               string
	Latitude, Longitude                    *float64
}

// Desks implements availability.Snapshot.
func (m moment) Desks(ctx context.Context, w availability.Wanted, limit int) ([]availability.Desk, error) {
	query, args := desksQuery(w, limit)
	batch := &pgx.Batch{}
	if w.Providers != nil {
		batch.Queue(plannedOnce)
	}
	var rows []deskRow
	collect(batch.Queue(query, args...), &rows)
	batch.Queue(plannedAsIs)
	err := m.tx.SendBatch(ctx, batch).Close()
	desks := make([]availability.Desk, len(rows))
	for i, r := range rows {
		desks[i] = r.desk(w.Area)
	}
	return desks, err
}

func (r deskRow) desk(area *clinic.Area) availability.Desk {
	d := availability.Desk{
		Provider: clinic.Ref{Organization: r.OrganizationID, ID: r.ProviderID}, Location: r.LocationID, TimeZone: r.TimeZone,
	}
	if r.Latitude != nil && r.Longitude != nil {
		d.Metres = area.Distance(&clinic.GeoPoint{Latitude: *r.Latitude, Longitude: *r.Longitude})
	}
	return d
}

func desksQuery(w availability.Wanted, limit int) (string, []any) {
	n := narrowing{}
	if w.Organization != uuid.Nil {
		n.add(deskOrganization, w.Organization)
	}
	if w.VisitKind != nil {
		n.add(deskKind, w.VisitKind.Organization, w.VisitKind.ID)
	}
	if w.Specialty != nil {
		n.add(deskSpecialty, w.Specialty.System, w.Specialty.Code)
	}
	if w.Providers != nil {
		organizations, ids := split(w.Providers)
		n.add(deskProviders, organizations, ids)
	}
	if w.Area != nil {
		n.area(*w.Area)
	}
	if w.StepFree {
		n.add(deskStepFree)
	}
	if w.Language != "" {
		tag := strings.ToLower(w.Language) + "-"
		n.add(deskLanguage, tag, tag)
	}
	if w.Plan != nil {
		n.add(deskPlan, w.Plan.Organization, w.Plan.ID)
	}
	n.add(` LIMIT $`, limit)
	return selectDesks + n.sql.String(), n.args
}

// narrowing gathers conditions and the values of their marks.
type narrowing struct {
	sql  strings.Builder
	args []any
}

func (n *narrowing) add(condition string, values ...any) {
	for _, part := range strings.SplitAfter(condition, "$") {
		n.sql.WriteString(part)
		if strings.HasSuffix(part, "$") {
			n.args = append(n.args, values[0])
			values = values[1:]
			n.sql.WriteString(strconv.Itoa(len(n.args)))
		}
	}
}

// area narrows to the locations l in it.
func (n *narrowing) area(a clinic.Area) {
	if a.Circle == nil {
		organizations, ids := split(a.Locations)
		n.add(deskLocations, organizations, ids)
		return
	}
	center, chord := pointOf(a.Circle.Center), chordOf(a.Circle.Radius)
	n.add(deskCircle, center, chord, center, chord)
}

// The sphere that locations.point lies on.
const radius = 6371008.8

// pointOf is a point as locations.point holds it, as text.
func pointOf(p clinic.GeoPoint) string {
	lat, lon := p.Latitude*math.Pi/180, p.Longitude*math.Pi/180
	at := func(v float64) string { return strconv.FormatFloat(radius*v, 'g', -1, 64) }
	return "(" + at(math.Cos(lat)*math.Cos(lon)) + "," + at(math.Cos(lat)*math.Sin(lon)) + "," + at(math.Sin(lat)) + ")"
}

// chordOf is the straight line between the ends of a way over the ground.
func chordOf(metres int) float64 { return 2 * radius * math.Sin(float64(metres)/(2*radius)) }
