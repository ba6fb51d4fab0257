package postgres

import (
	"slices"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

// A claim is at most clinic.MaxOccupied long, so a range of starts finds all that reach into the period. Most are plain visits
// and come as one row a provider. Holds that are counted for a window matter wherever they lie: a window may be much longer than
// the period.
const (
	ofParty  = ` WHERE c.organization_id = asked.organization_id AND c.party_id = asked.provider_id`
	inPeriod = ` AND c.starts_at >= $3 AND c.starts_at < $4 AND c.ends_at > $5`
	ofVisits = ` AND c.state IN ('ACTIVE', 'PAST') AND c.hold_id IS NULL`

	selectPlainClaims = `
SELECT n::integer, found.*` + eachProvider + `(
    SELECT array_agg(c.id) AS ids, array_agg(c.lane) AS lanes, array_agg(c.starts_at) AS starts, array_agg(c.ends_at) AS ends,
        array_agg(coalesce(c.counted_day - date '1970-01-01', -1)) AS counted_days
    FROM claims c` + ofParty + inPeriod + ofVisits + ` AND NOT c.capped) found
WHERE lanes IS NOT NULL`

	claimColumns = `c.id, c.lane, c.starts_at, c.ends_at, c.hold_id, c.expires_at, c.counted_day, c.counted_windows`

	selectOtherClaims = `
SELECT n::integer, found.*` + eachProvider + `(
    SELECT ` + claimColumns + ` FROM claims c` + ofParty + inPeriod + ofVisits + ` AND c.capped
    UNION ALL
    SELECT ` + claimColumns + ` FROM claims c` + ofParty + ` AND c.state = 'ACTIVE' AND c.hold_id IS NOT NULL
    AND (c.starts_at < $4 AND c.ends_at > $5 OR c.capped)) found
ORDER BY n, starts_at`

	// Found by the appointment, not by each provider in turn.
	selectMovedClaim = `
SELECT asked.n::integer, c.appointment_id, ` + claimColumns + `
FROM claims c JOIN unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY asked(organization_id, provider_id, n)
    ON asked.organization_id = c.organization_id AND asked.provider_id = c.party_id
WHERE c.organization_id = $3 AND c.appointment_id = ANY ($4) AND c.state IN ('ACTIVE', 'PAST')`

	selectDays = `
SELECT n::integer, found.*` + eachProvider + `(
    SELECT array_agg(d.day - date '1970-01-01') AS days, array_agg(d.revision) AS revisions, array_agg(d.booked) AS booked FROM party_days d
    WHERE d.organization_id = asked.organization_id AND d.party_id = asked.provider_id AND d.day BETWEEN $3 AND $4) found
WHERE days IS NOT NULL`

	selectWindows = `
SELECT n::integer, found.*` + eachProvider + `(
    SELECT c.exception_id, c.booked FROM window_counts c
    JOIN schedule_exceptions e ON e.organization_id = c.organization_id AND e.id = c.exception_id
    WHERE c.organization_id = asked.organization_id AND c.provider_id = asked.provider_id AND e.local_to > $3::date AND e.local_from < $4::date + 1
) found`

	// What follows is one tenant's, and is read as that tenant's program within the transaction of everybody's reading.
	becomeTenant = `SELECT set_config('role', '` + appRole + `', true), set_config('mediconnect.organization', $1, true)`
	becomePublic = `SELECT set_config('role', '` + publicRole + `', true), set_config('mediconnect.organization', '', true)`

	selectHolders = `
SELECT h.id, h.actor_id, h.patient_id FROM unnest($2::uuid[]) asked(provider_id)
JOIN claims c ON c.organization_id = $1 AND c.party_id = asked.provider_id AND c.state = 'ACTIVE' AND c.hold_id IS NOT NULL
JOIN holds h ON h.organization_id = $1 AND h.id = c.hold_id`

	selectOwnHolds = `SELECT id, actor_id, patient_id FROM holds WHERE organization_id = $1 AND actor_id = $2 AND state = 'ACTIVE'`

	selectPatientID = `SELECT id FROM patients WHERE organization_id = $1 AND id = $2`

	selectVisits = `
SELECT starts_at, ends_at, appointment_id FROM claims
WHERE organization_id = $1 AND party_id = $2 AND state = 'ACTIVE' AND starts_at >= $3 AND starts_at < $4`
)

// takenRows collects what is taken of some providers' time from a batch, and a patient's visits.
type takenRows struct {
	providers []clinic.Ref
	patient   clinic.Ref  // zero: nobody
	moving    clinic.Ref  // zero: no appointment
	beside    []uuid.UUID // moved with it
	holder    clinic.Ref  // zero: nobody
	holders   bool        // everybody
	reach     availability.Reach

	plain   []plainClaims
	others  []claimRow
	moved   []movedRow // may be among the others, and the plain ones
	held    []ownHold  // by the holder, or by everybody
	days    []daysRow
	windows []windowOf
	visits  []visitRow
	known   []knownRow
}

// plainClaims are a provider's visits, a column each.
type plainClaims struct {
	oneOf
	IDs          []uuid.UUID
	Lanes        []int
	Starts, Ends []time.Time
	CountedDays  []int // since 1970; below 0: none
}

type claimRow struct {
	oneOf
	ID               uuid.UUID
	Lane             int
	StartsAt, EndsAt time.Time
	HoldID           *uuid.UUID
	ExpiresAt        *time.Time
	CountedDay       *time.Time
	CountedWindows   []uuid.UUID
}

type movedRow struct {
	claimRow
	AppointmentID uuid.UUID
}

type ownHold struct {
	ID, ActorID uuid.UUID
	PatientID   *uuid.UUID
}

// daysRow are a provider's days, a column each.
type daysRow struct {
	oneOf
	Days      []int // since 1970
	Revisions []int64
	Booked    []int
}

type windowRow struct {
	ExceptionID uuid.UUID
	Booked      int
}

type windowOf struct {
	oneOf
	windowRow
}

type knownRow struct{ ID uuid.UUID }

type visitRow struct {
	StartsAt, EndsAt time.Time
	AppointmentID    *uuid.UUID
}

func (r *takenRows) queue(b *pgx.Batch) {
	organizations, ids := split(r.providers)
	from, until := r.reach.From.In(time.UTC), r.reach.Until.In(time.UTC)
	busy := r.reach.Busy
	early := busy.Start.Add(-clinic.MaxOccupied)
	collect(b.Queue(selectPlainClaims, organizations, ids, early, busy.End, busy.Start), &r.plain)
	collect(b.Queue(selectOtherClaims, organizations, ids, early, busy.End, busy.Start), &r.others)
	collect(b.Queue(selectDays, organizations, ids, from, until), &r.days)
	collect(b.Queue(selectWindows, organizations, ids, from, until), &r.windows)
	r.queueOwn(b, organizations, ids)
}

// queueOwn queues what only the tenant may read. It comes last.
func (r *takenRows) queueOwn(b *pgx.Batch, organizations, ids []uuid.UUID) {
	tenant := uuid.Nil
	for _, of := range []clinic.Ref{r.holder, r.moving, r.patient} {
		if of.ID != uuid.Nil {
			tenant = of.Organization
		}
	}
	if r.holders && len(r.providers) > 0 {
		tenant = r.providers[0].Organization
	}
	if tenant == uuid.Nil {
		return
	}
	b.Queue(becomeTenant, tenant.String())
	switch {
	case r.holders:
		collect(b.Queue(selectHolders, tenant, ids), &r.held)
	case r.holder.ID != uuid.Nil:
		collect(b.Queue(selectOwnHolds, r.holder.Organization, r.holder.ID), &r.held)
	}
	if r.moving.ID != uuid.Nil {
		collect(b.Queue(selectMovedClaim, organizations, ids, r.moving.Organization, append([]uuid.UUID{r.moving.ID}, r.beside...)), &r.moved)
	}
	if r.patient.ID != uuid.Nil {
		busy := r.reach.Busy
		collect(b.Queue(selectVisits, r.patient.Organization, r.patient.ID, busy.Start.Add(-clinic.MaxOccupied), busy.End), &r.visits)
		collect(b.Queue(selectPatientID, r.patient.Organization, r.patient.ID), &r.known)
	}
	b.Queue(becomePublic)
}

// strange says whether the patient asked about is not the organisation's.
func (r *takenRows) strange() bool { return r.patient.ID != uuid.Nil && len(r.known) == 0 }

// taken lists what was found, in the order of the providers.
func (r *takenRows) taken() []availability.Taken {
	all := make([]availability.Taken, len(r.providers))
	visits := r.patientVisits()
	for i := range all {
		all[i] = availability.Taken{Days: map[civil.Date]availability.Day{}, Windows: map[uuid.UUID]int{}, Patient: visits}
	}
	for _, p := range r.plain {
		all[p.place()].Claims = p.claims()
	}
	for _, c := range r.others {
		of := &all[c.place()]
		of.Claims = append(of.Claims, c.claim())
	}
	r.tellOwn(all)
	for _, d := range r.days {
		for i, day := range d.Days {
			all[d.place()].Days[dayOf(day)] = availability.Day{Revision: d.Revisions[i], Booked: d.Booked[i]}
		}
	}
	for _, w := range r.windows {
		all[w.place()].Windows[w.ExceptionID] = w.Booked
	}
	return all
}

// tellOwn names the holder of own holds, and the appointments that are being moved where their claims are.
func (r *takenRows) tellOwn(all []availability.Taken) {
	own := make(map[uuid.UUID]availability.Holder, len(r.held))
	for _, h := range r.held {
		own[h.ID] = availability.Holder{Actor: h.ActorID, Patient: or(h.PatientID)}
	}
	moved := make(map[uuid.UUID]bool, len(r.moved))
	for _, m := range r.moved {
		moved[m.ID] = true
	}
	for i := range all {
		claims := slices.DeleteFunc(all[i].Claims, func(c availability.Claim) bool { return moved[c.ID] })
		for j, c := range claims {
			claims[j].Holder = own[c.Hold]
		}
		all[i].Claims = claims
	}
	for _, m := range r.moved {
		c := m.claim()
		c.Appointment = m.AppointmentID
		all[m.place()].Claims = append(all[m.place()].Claims, c)
	}
}

func (r *takenRows) patientVisits() []availability.Visit {
	var visits []availability.Visit
	for _, v := range r.visits {
		visits = append(visits, availability.Visit{
			Span: availability.Span{Start: v.StartsAt.UTC(), End: v.EndsAt.UTC()}, Appointment: or(v.AppointmentID),
		})
	}
	return visits
}

func (p plainClaims) claims() []availability.Claim {
	list := make([]availability.Claim, len(p.Lanes))
	for i := range list {
		list[i] = availability.Claim{
			ID: p.IDs[i], Lane: p.Lanes[i], Start: p.Starts[i].UTC(), End: p.Ends[i].UTC(),
		}
		if p.CountedDays[i] >= 0 {
			list[i].CountedDay = dayOf(p.CountedDays[i])
		}
	}
	return list
}

// dayOf is the day so many days after the first of 1970.
func dayOf(n int) civil.Date { return civil.DateOf(time.Unix(int64(n)*24*60*60, 0).UTC()) }

func (c claimRow) claim() availability.Claim {
	out := availability.Claim{
		ID: c.ID, Lane: c.Lane, Start: c.StartsAt.UTC(), End: c.EndsAt.UTC(), Hold: or(c.HoldID), CountedWindows: c.CountedWindows,
	}
	if c.CountedDay != nil {
		out.CountedDay = civil.DateOf(*c.CountedDay)
	}
	if c.ExpiresAt != nil {
		out.ExpiresAt = c.ExpiresAt.UTC()
	}
	return out
}

// or is the value, or the zero value of its type.
func or[T any](p *T) T {
	var zero T
	if p == nil {
		return zero
	}
	return *p
}
