package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

// Snapshot implements availability.Store.
func (s *AvailabilityStore) Snapshot(ctx context.Context, read func(context.Context, availability.Snapshot) error) error {
	return s.db.snapshot(ctx, func(ctx context.Context, tx pgx.Tx) error { return read(ctx, moment{tx}) })
}

// moment is the database at one moment.
type moment struct{ tx pgx.Tx }

// Views implements availability.Snapshot.
func (m moment) Views(ctx context.Context, providers []clinic.Ref, p availability.Period) (map[clinic.Ref]availability.View, error) {
	return views(ctx, m.tx, providers, p)
}

const selectDesks = `
SELECT d.organization_id, d.provider_id, d.location_id, l.time_zone, %s AS metres
FROM desks d
JOIN locations l ON l.organization_id = d.organization_id AND l.id = d.location_id
JOIN providers p ON p.organization_id = d.organization_id AND p.id = d.provider_id
WHERE %s LIMIT %s`

// What narrows desks, each by a part of what is wanted.
const (
	withKind = `d.organization_id = %s AND EXISTS (SELECT FROM provider_visit_kinds k
    WHERE k.organization_id = d.organization_id AND k.provider_id = d.provider_id AND k.visit_kind_id = %s)`
	ofProviders  = `(d.organization_id, d.provider_id) IN (SELECT * FROM unnest(%s::uuid[], %s::uuid[]))`
	withLanguage = `EXISTS (SELECT FROM unnest(p.languages) spoken WHERE lower(spoken) || '-' ^@ %[1]s OR %[1]s ^@ (lower(spoken) || '-'))`
	withPlan     = `EXISTS (SELECT FROM insurance_plans wanted
    JOIN insurance_plans same ON same.carrier = wanted.carrier AND same.name = wanted.name
    JOIN provider_plans a ON a.organization_id = same.organization_id AND a.plan_id = same.id
    WHERE wanted.organization_id = %s AND wanted.id = %s AND a.organization_id = d.organization_id AND a.provider_id = d.provider_id)`
)

type deskRow struct {
	OrganizationID, ProviderID, LocationID uuid.UUID
	TimeZone                               string
	Metres                                 *int
}

// Desks implements availability.Snapshot.
func (m moment) Desks(ctx context.Context, w availability.Wanted, limit int) ([]availability.Desk, error) {
	query, args := desksQuery(w, limit)
	rows, err := all[deskRow](ctx, m.tx, query, args...)
	desks := make([]availability.Desk, len(rows))
	for i, r := range rows {
		desks[i] = availability.Desk{
			Provider: clinic.Ref{Organization: r.OrganizationID, ID: r.ProviderID}, Location: r.LocationID, TimeZone: r.TimeZone, Metres: r.Metres,
		}
	}
	return desks, err
}

// desksQuery has only conditions that narrow, so that each shape has a plan of its own.
func desksQuery(w availability.Wanted, limit int) (string, []any) {
	cond := &where{}
	at := cond.place(w.Area)
	narrowed := []string{at.holds}
	and := func(condition string, values ...any) {
		marks := make([]any, len(values))
		for i, v := range values {
			marks[i] = cond.mark(v)
		}
		narrowed = append(narrowed, fmt.Sprintf(condition, marks...))
	}
	if w.Organization != uuid.Nil {
		and("d.organization_id = %s", w.Organization)
	}
	if w.VisitKind != nil {
		and(withKind, w.VisitKind.Organization, w.VisitKind.ID)
	}
	if w.Specialty != nil {
		and(strings.TrimPrefix(withSpecialty, " AND "), w.Specialty.System, w.Specialty.Code)
	}
	if w.Providers != nil {
		organizations, ids := split(w.Providers)
		and(ofProviders, organizations, ids)
	}
	if w.StepFree {
		and("l.step_free_access")
	}
	if w.Language != "" {
		and(withLanguage, strings.ToLower(w.Language)+"-")
	}
	if w.Plan != nil {
		and(withPlan, w.Plan.Organization, w.Plan.ID)
	}
	return fmt.Sprintf(selectDesks, at.distance, strings.Join(narrowed, "\n    AND "), cond.mark(limit)), cond.args
}
