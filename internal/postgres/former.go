package postgres

import (
	"context"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/provider"
)

// changing is a change of rules: when, and on which local days openings may differ by it.
type changing struct {
	at   time.Time
	days provider.Days
}

// formerReach is how many days back hours are kept: a grid may count from a window of the twelve days before.
const formerReach = 14

// never is a day after any that hours are for.
var never = civil.Date{Year: 9000, Month: 1, Day: 1}

// span is what former rules are kept for: days on which openings may differ, but for what is over.
func (c changing) span() (from, until civil.Date) {
	from, until = c.earliest(), never
	if c.days.From != nil && c.days.From.After(from) {
		from = *c.days.From
	}
	if c.days.Until != nil {
		until = *c.days.Until
	}
	return from, until
}

// earliest is the first local day of which anything may still be open.
func (c changing) earliest() civil.Date { return civil.DateOf(c.at).AddDays(-2) }

// of are the arguments of saveFormer.
func (c changing) of(organization, provider uuid.UUID) []any {
	from, until := c.span()
	return []any{organization, provider, c.at, midnight(from), midnight(until)}
}

// A provider's rules as they stand, as a change is about to find them.
const saveFormer = `
INSERT INTO former_rules (organization_id, provider_id, revision, at, rules)
SELECT p.organization_id, p.id, p.schedule_revision, $3, jsonb_build_object(
    'from', $4::date, 'until', $5::date, 'max_daily', p.max_daily_appointments,
    'kinds', (SELECT coalesce(jsonb_agg(to_jsonb(k) - 'instructions'), '[]')
        FROM provider_visit_kinds o JOIN visit_kinds k ON k.organization_id = o.organization_id AND k.id = o.visit_kind_id
        WHERE o.organization_id = $1 AND o.provider_id = $2),
    'places', (SELECT coalesce(jsonb_agg(jsonb_build_object('id', l.id, 'time_zone', l.time_zone)), '[]')
        FROM desks d JOIN locations l ON l.organization_id = d.organization_id AND l.id = d.location_id
        WHERE d.organization_id = $1 AND d.provider_id = $2 AND coalesce(
            (SELECT true FROM schedules` + ofThisDesk + `, (SELECT true FROM date_hours` + ofThisDesk + `, (SELECT true FROM schedule_exceptions` + ofThisDesk + `)),
    'schedules', (SELECT coalesce(jsonb_agg(jsonb_build_object('id', id, 'location_id', location_id, 'effective_from', effective_from,
        'effective_until', effective_until, 'weekly', weekly)), '[]')
        FROM schedules WHERE organization_id = $1 AND provider_id = $2 AND effective_from <= $5::date + 4 AND (effective_until IS NULL OR effective_until >= $4::date - 14)),
    'dates', (SELECT coalesce(jsonb_agg(jsonb_build_object('location_id', location_id, 'local_date', local_date, 'hours', hours)), '[]')
        FROM date_hours WHERE organization_id = $1 AND provider_id = $2 AND local_date BETWEEN $4::date - 14 AND $5::date + 4),
    'exceptions', (SELECT coalesce(jsonb_agg(jsonb_build_object('id', id, 'provider_id', provider_id, 'location_id', location_id,
        'local_from', local_from, 'local_to', local_to, 'effect', effect, 'capacity', capacity, 'max_appointments', max_appointments)), '[]')
        FROM (
            ` + exceptionColumns + ` FROM schedule_exceptions e WHERE e.organization_id = $1 AND e.provider_id = $2 AND e.local_to > $4::date - 3 AND e.local_from < $5::date + 4
            UNION ALL
            ` + exceptionColumns + ` FROM desks d JOIN schedule_exceptions e ON e.organization_id = d.organization_id AND e.location_id = d.location_id
            WHERE d.organization_id = $1 AND d.provider_id = $2 AND e.provider_id IS NULL AND e.local_to > $4::date - 3 AND e.local_from < $5::date + 4) in_force))
FROM providers p WHERE p.organization_id = $1 AND p.id = $2
ON CONFLICT DO NOTHING`

// What follows reads as rules.go does, n being the place of the former rules among those found.
const (
	eachFormer = ` FROM (SELECT row_number() OVER (ORDER BY revision) AS n, revision, at, rules FROM former_rules
    WHERE organization_id = $1 AND provider_id = $2 AND revision >= $3 ORDER BY revision LIMIT $4) former `

	selectFormerHeads = `
SELECT n::integer, revision AS schedule_revision, (rules->>'max_daily')::integer AS max_daily_appointments,
    false AS travels, ARRAY(SELECT (k->>'id')::uuid FROM jsonb_array_elements(rules->'kinds') k ORDER BY 1) AS visit_kind_ids,
    (rules->>'from')::date AS first, (rules->>'until')::date AS last` + eachFormer + `ORDER BY n`

	selectFormerKinds = `
SELECT n::integer, ` + visitKindColumns + eachFormer + `CROSS JOIN LATERAL jsonb_populate_recordset(NULL::visit_kinds, rules->'kinds')`

	selectFormerPlaces = `
SELECT n::integer, id, time_zone` + eachFormer + `CROSS JOIN LATERAL jsonb_to_recordset(rules->'places') AS p(id uuid, time_zone text) ORDER BY n, id`

	selectFormerSchedules = `
SELECT n::integer, id, location_id, effective_from, effective_until, weekly` + eachFormer + `CROSS JOIN LATERAL
    jsonb_to_recordset(rules->'schedules') AS s(id uuid, location_id uuid, effective_from date, effective_until date, weekly jsonb) ORDER BY n, id DESC`

	selectFormerDates = `
SELECT n::integer, location_id, local_date, hours` + eachFormer + `CROSS JOIN LATERAL
    jsonb_to_recordset(rules->'dates') AS d(location_id uuid, local_date date, hours jsonb)`

	selectFormerExceptions = `
SELECT n::integer, id, provider_id, location_id, local_from, local_to, effect, capacity, max_appointments` + eachFormer + `CROSS JOIN LATERAL
    jsonb_to_recordset(rules->'exceptions') AS e(id uuid, provider_id uuid, location_id uuid, local_from timestamp, local_to timestamp,
        effect text, capacity integer, max_appointments integer) ORDER BY n, id`
)

type formerHead struct {
	headRow
	First, Last time.Time // local days
}

type formerKind struct {
	oneOf
	visitKindRow
}

// Former implements live.Openings.
func (s *AvailabilityStore) Former(ctx context.Context, provider clinic.Ref, revision int64, limit int) ([]availability.Former, error) {
	var heads []formerHead
	var kinds []formerKind
	var rows rulesRows
	err := s.db.everybody().snapshot(ctx, func(ctx context.Context, tx pgx.Tx) error {
		batch := &pgx.Batch{}
		of := []any{provider.Organization, provider.ID, revision, limit}
		collect(batch.Queue(selectFormerHeads, of...), &heads)
		collect(batch.Queue(selectFormerKinds, of...), &kinds)
		collect(batch.Queue(selectFormerPlaces, of...), &rows.places)
		collect(batch.Queue(selectFormerSchedules, of...), &rows.schedules)
		collect(batch.Queue(selectFormerDates, of...), &rows.dates)
		collect(batch.Queue(selectFormerExceptions, of...), &rows.exceptions)
		return tx.SendBatch(ctx, batch).Close()
	})
	if err != nil {
		return nil, err
	}
	for range heads {
		rows.providers = append(rows.providers, provider)
	}
	list := make([]availability.Former, len(heads))
	for i, h := range heads {
		first, last := civil.DateOf(h.First), civil.DateOf(h.Last)
		rows.heads, rows.kinds, rows.from, rows.until = []headRow{h.headRow}, nil, first.AddDays(-formerReach), last.AddDays(4)
		for _, k := range kinds {
			if k.N == h.N {
				rows.kinds = append(rows.kinds, k.visitKindRow)
			}
		}
		one, err := rows.list()
		if err != nil {
			return nil, err
		}
		list[i] = availability.Former{Rules: one[0], From: first, Until: last}
	}
	return list, nil
}
