package postgres

import (
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/provider"
)

// rulesRows collects one provider's rules from a batch.
type rulesRows struct {
	provider    clinic.Ref
	from, until civil.Date

	heads      []providerHead
	kinds      []visitKindRow
	places     []placeRow
	schedules  []scheduleRow
	dates      []dateHoursRow
	exceptions []exceptionRow
}

const (
	selectHead = `
SELECT schedule_revision, max_daily_appointments FROM providers WHERE organization_id = $1 AND id = $2`

	selectOfferedKinds = `
SELECT ` + visitKindColumns + ` FROM visit_kinds
WHERE organization_id = $1 AND id IN (
    SELECT visit_kind_id FROM provider_visit_kinds WHERE organization_id = $1 AND provider_id = $2)
ORDER BY id`

	selectPlaces = `
SELECT id, time_zone FROM locations
WHERE organization_id = $1 AND id IN (
    SELECT location_id FROM schedules WHERE organization_id = $1 AND provider_id = $2
    UNION SELECT location_id FROM date_hours WHERE organization_id = $1 AND provider_id = $2
    UNION SELECT location_id FROM schedule_exceptions WHERE organization_id = $1 AND provider_id = $2 AND location_id IS NOT NULL)
ORDER BY id`

	selectSchedulesInForce = `
SELECT id, location_id, effective_from, effective_until, weekly FROM schedules
WHERE organization_id = $1 AND provider_id = $2 AND effective_from <= $4 AND (effective_until IS NULL OR effective_until >= $3)
ORDER BY id DESC`

	selectDateHours = `
SELECT location_id, local_date, hours FROM date_hours
WHERE organization_id = $1 AND provider_id = $2 AND local_date BETWEEN $3 AND $4`

	selectExceptionsInForce = `
SELECT id, provider_id, location_id, local_from, local_to, effect, capacity, max_appointments FROM schedule_exceptions
WHERE organization_id = $1 AND provider_id = $2 AND local_to > $3::date AND local_from < $4::date + 1
UNION ALL
SELECT id, provider_id, location_id, local_from, local_to, effect, capacity, max_appointments FROM schedule_exceptions
WHERE organization_id = $1 AND provider_id IS NULL AND local_to > $3::date AND local_from < $4::date + 1
  AND location_id IN (
    SELECT location_id FROM schedules WHERE organization_id = $1 AND provider_id = $2
    UNION SELECT location_id FROM date_hours WHERE organization_id = $1 AND provider_id = $2
    UNION SELECT location_id FROM schedule_exceptions WHERE organization_id = $1 AND provider_id = $2 AND location_id IS NOT NULL)
ORDER BY id`
)

type providerHead struct {
	ScheduleRevision     int64
	MaxDailyAppointments *int
}

type placeRow struct {
	ID       uuid.UUID
	TimeZone string
}

type scheduleRow struct {
	ID, LocationID uuid.UUID
	EffectiveFrom  time.Time
	EffectiveUntil *time.Time
	Weekly         []hoursJSON
}

type dateHoursRow struct {
	LocationID uuid.UUID
	LocalDate  time.Time
	Hours      []hoursJSON
}

type exceptionRow struct {
	ID                     uuid.UUID
	ProviderID, LocationID *uuid.UUID
	LocalFrom, LocalTo     time.Time
	Effect                 provider.Effect
	Capacity               int
	MaxAppointments        *int
}

func (r *rulesRows) queue(b *pgx.Batch) {
	org, id := r.provider.Organization, r.provider.ID
	from, until := r.from.In(time.UTC), r.until.In(time.UTC)
	collect(b.Queue(selectHead, org, id), &r.heads)
	collect(b.Queue(selectOfferedKinds, org, id), &r.kinds)
	collect(b.Queue(selectPlaces, org, id), &r.places)
	collect(b.Queue(selectSchedulesInForce, org, id, from, until), &r.schedules)
	collect(b.Queue(selectDateHours, org, id, from, until), &r.dates)
	collect(b.Queue(selectExceptionsInForce, org, id, from, until), &r.exceptions)
}

// collect gathers the rows of a queued query by column name.
func collect[T any](q *pgx.QueuedQuery, into *[]T) {
	q.Query(func(rows pgx.Rows) (err error) {
		*into, err = pgx.CollectRows(rows, pgx.RowToStructByName[T])
		return err
	})
}

func (r *rulesRows) rules() (availability.Rules, error) {
	if len(r.heads) == 0 {
		return availability.Rules{}, errs.Missing("provider")
	}
	rules := availability.Rules{
		Organization: r.provider.Organization, Provider: r.provider.ID, Revision: r.heads[0].ScheduleRevision,
		From: r.from, Until: r.until, MaxDaily: r.heads[0].MaxDailyAppointments,
	}
	for _, k := range r.kinds {
		rules.Kinds = append(rules.Kinds, k.visitKind())
	}
	for _, p := range r.places {
		place, err := r.place(p)
		if err != nil {
			return rules, err
		}
		rules.Places = append(rules.Places, place)
	}
	return rules, nil
}

func (r *rulesRows) place(p placeRow) (availability.Place, error) {
	zone, err := clock.Zone(p.TimeZone)
	place := availability.Place{Location: p.ID, TimeZone: p.TimeZone, Zone: zone, DateHours: map[civil.Date][]provider.Hours{}}
	for _, s := range r.schedules {
		if s.LocationID == p.ID {
			place.Schedules = append(place.Schedules, s.schedule())
		}
	}
	for _, d := range r.dates {
		if d.LocationID == p.ID {
			place.DateHours[civil.DateOf(d.LocalDate)] = hoursFromJSON(d.Hours)
		}
	}
	for _, e := range r.exceptions {
		if e.LocationID == nil || *e.LocationID == p.ID {
			place.Exceptions = append(place.Exceptions, e.exception(r.provider.Organization))
		}
	}
	return place, err
}

func (s scheduleRow) schedule() provider.Schedule {
	out := provider.Schedule{ID: s.ID, EffectiveFrom: civil.DateOf(s.EffectiveFrom), Weekly: weeklyFromJSON(s.Weekly)}
	if s.EffectiveUntil != nil {
		until := civil.DateOf(*s.EffectiveUntil)
		out.EffectiveUntil = &until
	}
	return out
}

func (e exceptionRow) exception(organization uuid.UUID) provider.Exception {
	out := provider.Exception{
		ID: e.ID, OrganizationID: organization, From: civil.DateTimeOf(e.LocalFrom), To: civil.DateTimeOf(e.LocalTo),
		Effect: e.Effect, Capacity: e.Capacity, MaxAppointments: e.MaxAppointments,
	}
	if e.ProviderID != nil {
		out.ProviderID = *e.ProviderID
	}
	if e.LocationID != nil {
		out.LocationID = *e.LocationID
	}
	return out
}
