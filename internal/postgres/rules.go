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

// A query after this finds something of each provider that is asked about, n being its place among them.
const eachProvider = ` FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY asked(organization_id, provider_id, n) CROSS JOIN LATERAL `

const (
	ofProvider = ` WHERE organization_id = asked.organization_id AND provider_id = asked.provider_id`

	selectHeads = `
SELECT n::integer, found.*` + eachProvider + `(SELECT schedule_revision, max_daily_appointments,
    (SELECT count(*) > 1 FROM desks` + ofProvider + `) AS travels,
    ARRAY(SELECT visit_kind_id FROM provider_visit_kinds` + ofProvider + ` ORDER BY 1) AS visit_kind_ids
    FROM providers WHERE organization_id = asked.organization_id AND id = asked.provider_id) found`

	selectOfferedKinds = `
SELECT kind.* FROM (
    SELECT DISTINCT offered.*` + eachProvider + `(SELECT organization_id, visit_kind_id FROM provider_visit_kinds` + ofProvider + `) offered
) offered CROSS JOIN LATERAL (
    SELECT ` + visitKindColumns + ` FROM visit_kinds WHERE organization_id = offered.organization_id AND id = offered.visit_kind_id LIMIT 1) kind`

	// A desk whose hours were taken back is no place: what is open to everybody there isn't open to who has left. LIMIT has each
	// looked up by itself.
	ofThisDesk   = ` WHERE organization_id = d.organization_id AND provider_id = d.provider_id AND location_id = d.location_id LIMIT 1)`
	selectPlaces = `
SELECT n::integer, place.*` + eachProvider + `(SELECT location_id FROM desks d` + ofProvider + ` AND coalesce(
    (SELECT true FROM schedules` + ofThisDesk + `, (SELECT true FROM date_hours` + ofThisDesk + `, (SELECT true FROM schedule_exceptions` + ofThisDesk + `)) desk
CROSS JOIN LATERAL (SELECT id, time_zone FROM locations WHERE organization_id = asked.organization_id AND id = desk.location_id LIMIT 1) place
ORDER BY n, id`

	selectSchedulesInForce = `
SELECT n::integer, found.*` + eachProvider + `(SELECT id, location_id, effective_from, effective_until, weekly FROM schedules` + ofProvider + `
    AND effective_from <= $4 AND (effective_until IS NULL OR effective_until >= $3)) found
ORDER BY n, id DESC`

	selectDateHours = `
SELECT n::integer, found.*` + eachProvider + `(SELECT location_id, local_date, hours FROM date_hours` + ofProvider + `
    AND local_date BETWEEN $3 AND $4) found`

	exceptionColumns = `SELECT e.id, e.provider_id, e.location_id, e.local_from, e.local_to, e.effect, e.capacity, e.max_appointments`
	exceptionInForce = ` AND e.local_to > $3::date AND e.local_from < $4::date + 1`

	selectExceptionsInForce = `
SELECT n::integer, found.*` + eachProvider + `(
    ` + exceptionColumns + ` FROM schedule_exceptions e` + ofProvider + exceptionInForce + `
    UNION ALL
    ` + exceptionColumns + ` FROM desks d JOIN schedule_exceptions e ON e.organization_id = d.organization_id AND e.location_id = d.location_id
    WHERE d.organization_id = asked.organization_id AND d.provider_id = asked.provider_id AND e.provider_id IS NULL` + exceptionInForce + `) found
ORDER BY n, id`
)

// rulesRows collects the rules of some providers from a batch.
type rulesRows struct {
	providers   []clinic.Ref
	from, until civil.Date

	heads      []headRow
	kinds      []visitKindRow
	places     []placeOf
	schedules  []scheduleOf
	dates      []dateHoursOf
	exceptions []exceptionOf
}

// oneOf is whose a row is: the place of the provider among those asked about, from 1.
type oneOf struct{ N int }

func (o oneOf) place() int { return o.N - 1 }

type headRow struct {
	oneOf
	ScheduleRevision     int64
	MaxDailyAppointments *int
	Travels              bool
	VisitKindIDs         []uuid.UUID
}

type (
	placeOf struct {
		oneOf
		placeRow
	}
	scheduleOf struct {
		oneOf
		scheduleRow
	}
	dateHoursOf struct {
		oneOf
		dateHoursRow
	}
	exceptionOf struct {
		oneOf
		exceptionRow
	}
)

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
	organizations, ids := split(r.providers)
	from, until := r.from.In(time.UTC), r.until.In(time.UTC)
	collect(b.Queue(selectHeads, organizations, ids), &r.heads)
	collect(b.Queue(selectOfferedKinds, organizations, ids), &r.kinds)
	collect(b.Queue(selectPlaces, organizations, ids), &r.places)
	collect(b.Queue(selectSchedulesInForce, organizations, ids, from, until), &r.schedules)
	collect(b.Queue(selectDateHours, organizations, ids, from, until), &r.dates)
	collect(b.Queue(selectExceptionsInForce, organizations, ids, from, until), &r.exceptions)
}

// collect gathers the rows of a queued query by column name.
func collect[T any](q *pgx.QueuedQuery, into *[]T) {
	q.Query(func(rows pgx.Rows) (err error) {
		*into, err = pgx.CollectRows(rows, pgx.RowToStructByName[T])
		return err
	})
}

// rules are those of the providers that exist.
func (r *rulesRows) rules() (map[clinic.Ref]availability.Rules, error) {
	found := make(map[clinic.Ref]availability.Rules, len(r.heads))
	list, err := r.list()
	for i, h := range r.heads {
		if err == nil {
			found[r.providers[h.place()]] = list[i]
		}
	}
	return found, err
}

// list is one for each head.
func (r *rulesRows) list() ([]availability.Rules, error) {
	kinds := make(map[clinic.Ref]clinic.VisitKind, len(r.kinds))
	for _, k := range r.kinds {
		kinds[clinic.Ref{Organization: k.OrganizationID, ID: k.ID}] = k.visitKind()
	}
	hours := r.parts()
	list := make([]availability.Rules, len(r.heads))
	for i, h := range r.heads {
		of := r.providers[h.place()]
		rules := availability.Rules{
			Organization: of.Organization, Provider: of.ID, Revision: h.ScheduleRevision,
			From: r.from, Until: r.until, MaxDaily: h.MaxDailyAppointments, Travels: h.Travels,
		}
		for _, id := range h.VisitKindIDs {
			rules.Kinds = append(rules.Kinds, kinds[clinic.Ref{Organization: of.Organization, ID: id}])
		}
		for _, p := range hours[h.place()].places {
			place, err := hours[h.place()].at(p.placeRow, of.Organization)
			if err != nil {
				return nil, err
			}
			rules.Places = append(rules.Places, place)
		}
		list[i] = rules
	}
	return list, nil
}

// only answers the rules of the one provider that was asked about.
func (r *rulesRows) only() (availability.Rules, error) {
	found, err := r.rules()
	if err != nil {
		return availability.Rules{}, err
	}
	rules, ok := found[r.providers[0]]
	if !ok {
		return rules, errs.Missing("provider")
	}
	return rules, nil
}

// hoursRows are one provider's part of what was read.
type hoursRows struct {
	places     []placeOf
	schedules  []scheduleOf
	dates      []dateHoursOf
	exceptions []exceptionOf
}

func (r *rulesRows) parts() []hoursRows {
	parts := make([]hoursRows, len(r.providers))
	for _, p := range r.places {
		part := &parts[p.place()]
		part.places = append(part.places, p)
	}
	for _, s := range r.schedules {
		part := &parts[s.place()]
		part.schedules = append(part.schedules, s)
	}
	for _, d := range r.dates {
		part := &parts[d.place()]
		part.dates = append(part.dates, d)
	}
	for _, e := range r.exceptions {
		part := &parts[e.place()]
		part.exceptions = append(part.exceptions, e)
	}
	return parts
}

func (r hoursRows) at(p placeRow, organization uuid.UUID) (availability.Place, error) {
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
			place.Exceptions = append(place.Exceptions, e.exception(organization))
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
