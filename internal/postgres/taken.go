package postgres

import (
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

// takenRows collects what is taken of one provider's time from a batch.
type takenRows struct {
	provider clinic.Ref
	patient  uuid.UUID // zero: nobody
	reach    availability.Reach

	claims  []claimRow
	days    []dayRow
	windows []windowRow
	visits  []visitRow
	known   []knownRow
}

// A claim is at most clinic.MaxOccupied long, so a range of starts finds all that reach into the period. Holds that are counted
// for a window matter wherever they lie: a window may be much longer than the period.
const (
	claimColumns = `
SELECT c.id, c.lane, c.starts_at, c.ends_at, c.appointment_id, c.hold_id, c.expires_at, h.actor_id, h.patient_id,
    c.counted_day, c.counted_windows
FROM claims c LEFT JOIN holds h ON h.organization_id = c.organization_id AND h.id = c.hold_id
WHERE c.organization_id = $1 AND c.party_id = $2`

	selectClaims = claimColumns + ` AND c.state IN ('ACTIVE', 'PAST') AND c.starts_at >= $3 AND c.starts_at < $4
UNION ALL ` + claimColumns + ` AND c.state = 'ACTIVE' AND c.hold_id IS NOT NULL AND c.counted_windows <> '{}'
    AND NOT (c.starts_at >= $3 AND c.starts_at < $4)
ORDER BY starts_at`

	selectDays = `
SELECT day, revision, booked FROM party_days WHERE organization_id = $1 AND party_id = $2 AND day BETWEEN $3 AND $4`

	selectWindows = `
SELECT n.exception_id, n.booked FROM window_counts n
JOIN schedule_exceptions e ON e.organization_id = n.organization_id AND e.id = n.exception_id
WHERE n.organization_id = $1 AND n.provider_id = $2 AND e.local_to > $3::date AND e.local_from < $4::date + 1`

	selectPatientID = `SELECT id FROM patients WHERE organization_id = $1 AND id = $2`

	selectVisits = `
SELECT starts_at, ends_at, appointment_id FROM claims
WHERE organization_id = $1 AND party_id = $2 AND state = 'ACTIVE' AND starts_at >= $3 AND starts_at < $4`
)

type claimRow struct {
	ID                    uuid.UUID
	Lane                  int
	StartsAt, EndsAt      time.Time
	AppointmentID, HoldID *uuid.UUID
	ExpiresAt             *time.Time
	ActorID, PatientID    *uuid.UUID
	CountedDay            *time.Time
	CountedWindows        []uuid.UUID
}

type dayRow struct {
	Day      time.Time
	Revision int64
	Booked   int
}

type windowRow struct {
	ExceptionID uuid.UUID
	Booked      int
}

type knownRow struct{ ID uuid.UUID }

type visitRow struct {
	StartsAt, EndsAt time.Time
	AppointmentID    *uuid.UUID
}

func (r *takenRows) queue(b *pgx.Batch) {
	org, id := r.provider.Organization, r.provider.ID
	from, until := r.reach.From.In(time.UTC), r.reach.Until.In(time.UTC)
	early, late := r.reach.Busy.Start.Add(-clinic.MaxOccupied), r.reach.Busy.End
	collect(b.Queue(selectClaims, org, id, early, late), &r.claims)
	collect(b.Queue(selectDays, org, id, from, until), &r.days)
	collect(b.Queue(selectWindows, org, id, from, until), &r.windows)
	if r.patient != uuid.Nil {
		collect(b.Queue(selectVisits, org, r.patient, early, late), &r.visits)
		collect(b.Queue(selectPatientID, org, r.patient), &r.known)
	}
}

// strange says whether the patient asked about is not the organisation's.
func (r *takenRows) strange() bool { return r.patient != uuid.Nil && len(r.known) == 0 }

func (r *takenRows) taken() availability.Taken {
	t := availability.Taken{Days: map[civil.Date]availability.Day{}, Windows: map[uuid.UUID]int{}}
	for _, c := range r.claims {
		t.Claims = append(t.Claims, c.claim())
	}
	for _, d := range r.days {
		t.Days[civil.DateOf(d.Day)] = availability.Day{Revision: d.Revision, Booked: d.Booked}
	}
	for _, w := range r.windows {
		t.Windows[w.ExceptionID] = w.Booked
	}
	for _, v := range r.visits {
		t.Patient = append(t.Patient, availability.Visit{
			Span: availability.Span{Start: v.StartsAt.UTC(), End: v.EndsAt.UTC()}, Appointment: or(v.AppointmentID),
		})
	}
	return t
}

func (c claimRow) claim() availability.Claim {
	out := availability.Claim{
		ID: c.ID, Lane: c.Lane, Start: c.StartsAt.UTC(), End: c.EndsAt.UTC(), Appointment: or(c.AppointmentID), Hold: or(c.HoldID),
		Holder: availability.Holder{Actor: or(c.ActorID), Patient: or(c.PatientID)}, CountedWindows: c.CountedWindows,
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
