package postgres

import (
	"context"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

// briefColumns are those that a list shows, appointmentColumns all.
const briefColumns = `a.organization_id, a.id, a.version, a.status, a.provider_id, a.location_id, a.visit_kind_id,
	a.patient_id, a.modality, a.starts_at, a.ends_at, a.local_start, a.time_zone, a.updated_at, a.approval_due_at`

const appointmentColumns = briefColumns + `, a.tzdb_version, a.reason, a.created_at, a.created_by, a.confirmed_at,
	a.reschedules, a.cancel_reason, a.cancel_note, a.cancelled_at, a.cancelled_by,
	a.cancel_fee_units, a.cancel_fee_currency, a.last_action, a.prior_status, a.prior_confirmed_at, a.awaits_doctor,
	a.series_id, a.series_index`

type appointmentRow struct {
	OrganizationID, ID                             uuid.UUID
	Version                                        int
	Status                                         appointment.Status
	ProviderID, LocationID, VisitKindID, PatientID uuid.UUID
	Modality                                       clinic.Modality
	StartsAt, EndsAt, LocalStart                   time.Time
	TimeZone                                       string
	TZDBVersion                                    string
	Reason                                         []byte
	CreatedAt                                      time.Time
	CreatedBy                                      uuid.UUID
	UpdatedAt                                      time.Time
	ApprovalDueAt                                  *time.Time
	ConfirmedAt                                    *time.Time
	Reschedules                                    int
	CancelReason                                   *appointment.CancellationReason
	CancelNote                                     []byte
	CancelledAt                                    *time.Time
	CancelledBy                                    *appointment.Side
	CancelFeeUnits                                 *int
	CancelFeeCurrency                              *string
	LastAction                                     *appointment.Action
	PriorStatus                                    *appointment.Status
	PriorConfirmedAt                               *time.Time
	AwaitsDoctor                                   bool
	SeriesID                                       *uuid.UUID
	SeriesIndex                                    *int
}

const selectAppointments = `
SELECT ` + appointmentColumns + ` FROM appointments a
JOIN unnest($1::uuid[], $2::uuid[]) r(organization, id) ON a.organization_id = r.organization AND a.id = r.id`

// Appointments implements appointment.Store.
func (s *AppointmentStore) Appointments(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref]appointment.Appointment, error) {
	found := make(map[clinic.Ref]appointment.Appointment, len(refs))
	var visits visitRows
	for organization, own := range byTenant(refs) {
		err := s.db.tenant(organization).ask(ctx, visits.read, selectAppointments, columnsOf(own)...)
		if err != nil {
			return nil, err
		}
	}
	list, err := visits.open(ctx, s.db)
	for _, ap := range list {
		found[ap.Ref()] = ap
	}
	return found, err
}

// columnsOf splits refs into two columns for unnest.
func columnsOf(refs []clinic.Ref) []any {
	organizations, ids := make([]uuid.UUID, len(refs)), make([]uuid.UUID, len(refs))
	for i, r := range refs {
		organizations[i], ids[i] = r.Organization, r.ID
	}
	return []any{organizations, ids}
}

// visitRows are appointments as they were read, and what is still sealed of them.
type visitRows struct {
	list  []appointment.Appointment
	count int
	cells []visitCells
}

type visitCells struct {
	visit        int
	reason, note cell
}

// read takes rows of appointmentColumns, or of briefColumns, one after the other. Lists of them are long and asked for often: finding
// the fields of each row by their names took an eighth of a page's time.
func (v *visitRows) read(rows pgx.Rows) (err error) {
	var r appointmentRow
	columns := r.columns()
	v.list, err = pgx.AppendRows(v.list, rows, func(row pgx.CollectableRow) (appointment.Appointment, error) {
		if err := row.Scan(columns[:len(row.FieldDescriptions())]...); err != nil {
			return appointment.Appointment{}, err
		}
		if r.Reason != nil || r.CancelNote != nil {
			v.cells = append(v.cells, visitCells{v.count, r.cell("reason", r.Reason), r.cell("cancel_note", r.CancelNote)})
		}
		v.count++
		return r.appointment(), nil
	})
	return err
}

func (r *appointmentRow) cell(column string, value []byte) cell {
	return cellOf("appointments", column, r.OrganizationID, r.ID, r.PatientID, value)
}

// open finishes them, with one look for all keys: none, where no private column was asked for or is filled.
func (v *visitRows) open(ctx context.Context, db *DB) ([]appointment.Appointment, error) {
	cells := make([]cell, 0, 2*len(v.cells))
	for _, c := range v.cells {
		cells = append(cells, c.reason, c.note)
	}
	keys, err := db.opener(ctx, cells)
	if err != nil {
		return nil, err
	}
	for _, c := range v.cells {
		ap := &v.list[c.visit]
		if ap.Reason, err = keys.open(c.reason); err != nil {
			return nil, err
		}
		note, err := keys.open(c.note)
		if err != nil {
			return nil, err
		}
		if ap.Cancellation != nil {
			ap.Cancellation.Note = note
		}
	}
	return v.list, nil
}

// columns are where appointmentColumns go, in their order.
func (r *appointmentRow) columns() []any {
	return []any{
		&r.OrganizationID, &r.ID, &r.Version, &r.Status, &r.ProviderID, &r.LocationID, &r.VisitKindID,
		&r.PatientID, &r.Modality, &r.StartsAt, &r.EndsAt, &r.LocalStart, &r.TimeZone, &r.UpdatedAt, &r.ApprovalDueAt,
		&r.TZDBVersion, &r.Reason, &r.CreatedAt, &r.CreatedBy, &r.ConfirmedAt, &r.Reschedules, &r.CancelReason, &r.CancelNote, &r.CancelledAt, &r.CancelledBy,
		&r.CancelFeeUnits, &r.CancelFeeCurrency, &r.LastAction, &r.PriorStatus, &r.PriorConfirmedAt, &r.AwaitsDoctor,
		&r.SeriesID, &r.SeriesIndex,
	}
}

// appointment is the row without what is private.
func (r *appointmentRow) appointment() appointment.Appointment {
	return appointment.Appointment{
		ID: r.ID, OrganizationID: r.OrganizationID, ProviderID: r.ProviderID, LocationID: r.LocationID,
		VisitKindID: r.VisitKindID, PatientID: r.PatientID, Version: r.Version, Status: r.Status, Modality: r.Modality,
		Start: r.StartsAt.UTC(), End: r.EndsAt.UTC(), LocalStart: civil.DateTimeOf(r.LocalStart), TimeZone: r.TimeZone,
		TZDB: r.TZDBVersion, CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(), CreatedBy: r.CreatedBy,
		ConfirmedAt: utc(r.ConfirmedAt), Reschedules: r.Reschedules, Cancellation: r.cancellation(),
		LastAction: or(r.LastAction), PriorStatus: or(r.PriorStatus), PriorConfirmedAt: utc(r.PriorConfirmedAt),
		AwaitsDoctor: r.AwaitsDoctor, ApprovalDueAt: utc(r.ApprovalDueAt), SeriesID: or(r.SeriesID), SeriesAt: or(r.SeriesIndex),
	}
}

func (r *appointmentRow) cancellation() *appointment.Cancellation {
	if r.CancelledAt == nil {
		return nil
	}
	c := &appointment.Cancellation{Reason: or(r.CancelReason), At: r.CancelledAt.UTC(), By: or(r.CancelledBy)}
	if r.CancelFeeUnits != nil {
		c.Fee = &clinic.Money{MinorUnits: *r.CancelFeeUnits, Currency: or(r.CancelFeeCurrency)}
	}
	return c
}

func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC()
	return &u
}

const selectHolds = `
SELECT h.organization_id, h.id, h.provider_id, h.location_id, h.visit_kind_id, h.modality, h.starts_at, h.actor_id,
	h.patient_id, h.moving_appointment_id, h.expires_at, h.extended, h.state, h.ended_at
FROM holds h
JOIN unnest($1::uuid[], $2::uuid[]) r(organization, id) ON h.organization_id = r.organization AND h.id = r.id`

type holdRow struct {
	OrganizationID, ID, ProviderID, LocationID, VisitKindID uuid.UUID
	Modality                                                clinic.Modality
	StartsAt                                                time.Time
	ActorID                                                 uuid.UUID
	PatientID, MovingAppointmentID                          *uuid.UUID
	ExpiresAt                                               time.Time
	Extended                                                bool
	State                                                   appointment.HoldState
	EndedAt                                                 *time.Time
}

// Holds implements appointment.Store.
func (s *AppointmentStore) Holds(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref]appointment.Hold, error) {
	found := make(map[clinic.Ref]appointment.Hold, len(refs))
	rows, err := listOf[holdRow](ctx, s.db, refs, selectHolds)
	for _, r := range rows {
		found[clinic.Ref{Organization: r.OrganizationID, ID: r.ID}] = r.hold()
	}
	return found, err
}

func (r holdRow) hold() appointment.Hold {
	h := appointment.Hold{
		ID: r.ID, OrganizationID: r.OrganizationID, Actor: r.ActorID, Patient: or(r.PatientID), Moving: or(r.MovingAppointmentID),
		ExpiresAt: r.ExpiresAt.UTC(), Extended: r.Extended, State: r.State, EndedAt: utc(r.EndedAt),
	}
	h.Slot.Organization, h.Slot.Provider, h.Slot.Location = r.OrganizationID, r.ProviderID, r.LocationID
	h.Slot.VisitKind, h.Slot.Modality, h.Slot.Start = r.VisitKindID, r.Modality, r.StartsAt.UTC()
	return h
}
