package postgres

import (
	"context"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

// briefColumns are those that a list shows, appointmentColumns all.
const briefColumns = `a.organization_id, a.id, a.version, a.status, a.provider_id, a.location_id, a.visit_kind_id,
	a.patient_id, a.modality, a.starts_at, a.ends_at, a.local_start, a.time_zone, a.updated_at`

const appointmentColumns = briefColumns + `, a.tzdb_version, a.reason, a.created_at, a.created_by, a.confirmed_at,
	a.reschedules, a.cancel_reason, a.cancel_note, a.cancelled_at, a.cancelled_by,
	a.cancel_fee_units, a.cancel_fee_currency, a.last_action, a.prior_status, a.prior_confirmed_at`

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
}

const selectAppointments = `
SELECT ` + appointmentColumns + ` FROM appointments a
JOIN unnest($1::uuid[], $2::uuid[]) r(organization, id) ON a.organization_id = r.organization AND a.id = r.id`

// Appointments implements appointment.Store.
func (s *AppointmentStore) Appointments(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref]appointment.Appointment, error) {
	found := make(map[clinic.Ref]appointment.Appointment, len(refs))
	for organization, own := range byTenant(refs) {
		err := s.db.tenant(organization).ask(ctx, func(rows pgx.Rows) error {
			list, err := pgx.CollectRows(rows, toAppointment())
			for _, ap := range list {
				found[ap.Ref()] = ap
			}
			return err
		}, selectAppointments, columnsOf(own)...)
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// columnsOf splits refs into two columns for unnest.
func columnsOf(refs []clinic.Ref) []any {
	organizations, ids := make([]uuid.UUID, len(refs)), make([]uuid.UUID, len(refs))
	for i, r := range refs {
		organizations[i], ids[i] = r.Organization, r.ID
	}
	return []any{organizations, ids}
}

func appointments(ctx context.Context, q querier, sql string, args ...any) ([]appointment.Appointment, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, toAppointment())
}

// toAppointment reads rows of appointmentColumns, or of briefColumns, one after the other. Lists of them are long and asked for often: finding the
// fields of each row by their names took an eighth of a page's time.
func toAppointment() pgx.RowToFunc[appointment.Appointment] {
	var r appointmentRow
	columns := r.columns()
	return func(row pgx.CollectableRow) (appointment.Appointment, error) {
		if err := row.Scan(columns[:len(row.FieldDescriptions())]...); err != nil {
			return appointment.Appointment{}, err
		}
		return r.appointment()
	}
}

// columns are where appointmentColumns go, in their order.
func (r *appointmentRow) columns() []any {
	return []any{
		&r.OrganizationID, &r.ID, &r.Version, &r.Status, &r.ProviderID, &r.LocationID, &r.VisitKindID,
		&r.PatientID, &r.Modality, &r.StartsAt, &r.EndsAt, &r.LocalStart, &r.TimeZone, &r.UpdatedAt,
		&r.TZDBVersion, &r.Reason, &r.CreatedAt, &r.CreatedBy, &r.ConfirmedAt, &r.Reschedules, &r.CancelReason, &r.CancelNote, &r.CancelledAt, &r.CancelledBy,
		&r.CancelFeeUnits, &r.CancelFeeCurrency, &r.LastAction, &r.PriorStatus, &r.PriorConfirmedAt,
	}
}

func (r appointmentRow) appointment() (appointment.Appointment, error) {
	reason, err := opened(r.Reason)
	if err != nil {
		return appointment.Appointment{}, err
	}
	note, err := opened(r.CancelNote)
	return appointment.Appointment{
		ID: r.ID, OrganizationID: r.OrganizationID, ProviderID: r.ProviderID, LocationID: r.LocationID,
		VisitKindID: r.VisitKindID, PatientID: r.PatientID, Version: r.Version, Status: r.Status, Modality: r.Modality,
		Start: r.StartsAt.UTC(), End: r.EndsAt.UTC(), LocalStart: civil.DateTimeOf(r.LocalStart), TimeZone: r.TimeZone,
		TZDB: r.TZDBVersion, Reason: reason, CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(), CreatedBy: r.CreatedBy,
		ConfirmedAt: utc(r.ConfirmedAt), Reschedules: r.Reschedules, Cancellation: r.cancellation(note),
		LastAction: or(r.LastAction), PriorStatus: or(r.PriorStatus), PriorConfirmedAt: utc(r.PriorConfirmedAt),
	}, err
}

func (r appointmentRow) cancellation(note *access.Private) *appointment.Cancellation {
	if r.CancelledAt == nil {
		return nil
	}
	c := &appointment.Cancellation{Reason: or(r.CancelReason), Note: note, At: r.CancelledAt.UTC(), By: or(r.CancelledBy)}
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

const selectIdentifiers = `
SELECT i.organization_id, i.appointment_id, i.system, i.value FROM appointment_identifiers i
JOIN unnest($1::uuid[], $2::uuid[]) r(organization, id) ON i.organization_id = r.organization AND i.appointment_id = r.id
ORDER BY i.system, i.token`

// Identifiers implements appointment.Store.
func (s *AppointmentStore) Identifiers(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref][]clinic.Identifier, error) {
	type row struct {
		OrganizationID, AppointmentID uuid.UUID
		System                        string
		Value                         []byte
	}
	found := make(map[clinic.Ref][]clinic.Identifier, len(refs))
	rows, err := listOf[row](ctx, s.db, refs, selectIdentifiers)
	for _, r := range rows {
		value, fault := open(r.Value)
		if fault != nil {
			return nil, fault
		}
		ref := clinic.Ref{Organization: r.OrganizationID, ID: r.AppointmentID}
		found[ref] = append(found[ref], clinic.Identifier{System: r.System, Value: value.Reveal()})
	}
	return found, err
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
