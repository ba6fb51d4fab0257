package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/patient"
	"github.com/mediconnect/mediconnect/internal/retention"
	"github.com/mediconnect/mediconnect/internal/seal"
)

// Bookings and all else that points to a patient lock the row for key share: see patient_stands in the migrations.
const lockToErase = `SELECT erased_at FROM patients WHERE organization_id = $1 AND id = $2 FOR UPDATE`

// A visit that is under way is still to be had. What the waitlist holds keeps nobody: that is withdrawn first.
const selectKeepers = `
SELECT (SELECT id FROM legal_holds WHERE organization_id = $1 AND patient_id = $2 AND released_at IS NULL ORDER BY placed_at, id LIMIT 1) AS legal_hold,
    (SELECT id FROM appointments WHERE organization_id = $1 AND patient_id = $2 AND ends_at > $3
        AND status IN ('PENDING', 'BOOKED', 'ARRIVED', 'CHECKED_IN') ORDER BY starts_at, id LIMIT 1) AS appointment,
    (SELECT max(h.expires_at) FROM holds h WHERE h.organization_id = $1 AND h.patient_id = $2 AND h.state = 'ACTIVE' AND h.expires_at > $3 AND NOT EXISTS (
        SELECT FROM waitlist_offers o WHERE o.organization_id = $1 AND o.patient_id = $2 AND o.hold_id = h.id)) AS held_until,
    EXISTS (SELECT FROM waitlist_offers o WHERE o.organization_id = $1 AND o.patient_id = $2 AND o.state = 'OPEN' AND o.expires_at > $3) AS offered`

const (
	erasePatient = `
UPDATE patients SET erased_at = $3, identifier_token = NULL, identifier = NULL, given_name = NULL, family_name = NULL, birth_date = NULL,
    phone = NULL, email = NULL, language = NULL, time_zone = NULL
WHERE organization_id = $1 AND id = $2`
	eraseWords = `
UPDATE appointments SET reason = NULL, cancel_note = NULL
WHERE organization_id = $1 AND patient_id = $2 AND num_nonnulls(reason, cancel_note) > 0`
	eraseOverrides   = `UPDATE rule_overrides SET reason = NULL WHERE organization_id = $1 AND patient_id = $2 AND reason IS NOT NULL`
	eraseIdentifiers = `
DELETE FROM appointment_identifiers i USING appointments a
WHERE a.organization_id = $1 AND a.patient_id = $2 AND i.organization_id = $1 AND i.appointment_id = a.id`
	eraseMessages = `
UPDATE messages SET recipient = NULL, recipient_token = NULL,
    state = CASE WHEN state IN ('SCHEDULED', 'QUEUED') THEN 'SUPPRESSED' ELSE state END, due_at = NULL,
    cause = CASE WHEN state IN ('SCHEDULED', 'QUEUED') THEN 'PATIENT_ERASED' ELSE cause END,
    ended_at = CASE WHEN state IN ('SCHEDULED', 'QUEUED') THEN $3 ELSE ended_at END, overtaken_at = coalesce(overtaken_at, $3)
WHERE organization_id = $1 AND patient_id = $2 AND appointment_id IN (
    SELECT a.id FROM appointments a WHERE a.organization_id = $1 AND a.patient_id = $2
    UNION ALL SELECT o.id FROM waitlist_offers o WHERE o.organization_id = $1 AND o.patient_id = $2)`
	closeOffers = `
SELECT close_offer($1, o.id, 'WITHDRAWN', $3, NULL, 'LEFT') FROM waitlist_offers o WHERE o.organization_id = $1 AND o.patient_id = $2 AND o.state = 'OPEN'`
	eraseWishes = `
UPDATE waitlist_entries SET wanted = NULL, provider_ids = NULL, not_before = NULL, not_after = NULL, ended_at = coalesce(ended_at, $3),
    status = CASE WHEN ended_at IS NULL THEN 'LEFT' ELSE status END
WHERE organization_id = $1 AND patient_id = $2`
	endLinks               = `UPDATE account_links SET ended_at = $3, ended_by = $4 WHERE organization_id = $1 AND patient_id = $2 AND ended_at IS NULL`
	withdrawAllInvitations = `
UPDATE patient_invitations SET withdrawn_at = $3
WHERE organization_id = $1 AND patient_id = $2 AND accepted_at IS NULL AND withdrawn_at IS NULL`
)

// actionsOfErasing are what erasing is called in the audit trail, which has no room for words.
var actionsOfErasing = map[retention.Reason]string{
	retention.EnteredInError: "patient.erase.error", retention.Other: "patient.erase.other",
	retention.Requested: "patient.erase.requested", retention.RetentionOver: "patient.erase.retention",
}

// Erase is documented at retention.Store.
func (d *Directory) Erase(ctx context.Context, by clinic.Stamp, p clinic.Ref, why retention.Reason) (patient.Patient, error) {
	left := patient.Patient{ID: p.ID, OrganizationID: p.Organization, Erased: true}
	err := d.db.write(ctx, p.Organization, func(ctx context.Context, tx pgx.Tx) error {
		row, found, err := one[struct{ ErasedAt *time.Time }](ctx, tx, lockToErase, p.Organization, p.ID)
		if err != nil || !found {
			return first(err, errs.Missing("patient", "patientId"))
		}
		if left.ErasedAt = utc(row.ErasedAt); left.ErasedAt != nil {
			return nil
		}
		if err := unkept(ctx, tx, p, by.At); err != nil {
			return err
		}
		left.ErasedAt = &by.At
		if err := empty(ctx, tx, by, p); err != nil {
			return err
		}
		c := note(by, p.Organization, actionsOfErasing[why], patient.Kind, p.ID)
		c.Patient, c.Fields = p.ID, patientFields
		return record(ctx, tx, c)
	})
	return left, err
}

// unkept is retention.Kept when something keeps a patient whose row is locked.
func unkept(ctx context.Context, tx pgx.Tx, p clinic.Ref, now time.Time) error {
	row, _, err := one[struct {
		LegalHold, Appointment *uuid.UUID
		HeldUntil              *time.Time
		Offered                bool
	}](ctx, tx, selectKeepers, p.Organization, p.ID, now)
	if err != nil {
		return err
	}
	kept := retention.Kept{HeldUntil: utc(row.HeldUntil)}
	if row.LegalHold != nil {
		kept.LegalHold = clinic.Ref{Organization: p.Organization, ID: *row.LegalHold}
	}
	if row.Appointment != nil {
		kept.Appointment = clinic.Ref{Organization: p.Organization, ID: *row.Appointment}
	}
	if len(kept.By()) > 0 {
		return kept
	}
	if row.Offered {
		return retention.Offered{}
	}
	return nil
}

// empty takes away what is private of a patient, and all that leads to the patient. Words about emergencies stay, sealed with the
// key that is destroyed next.
func empty(ctx context.Context, tx pgx.Tx, by clinic.Stamp, p clinic.Ref) error {
	batch := &pgx.Batch{}
	batch.Queue(erasePatient, p.Organization, p.ID, by.At)
	batch.Queue(dropTokens, p.Organization, p.ID)
	batch.Queue(eraseWords, p.Organization, p.ID)
	batch.Queue(eraseOverrides, p.Organization, p.ID)
	batch.Queue(eraseIdentifiers, p.Organization, p.ID)
	batch.Queue(eraseMessages, p.Organization, p.ID, by.At)
	batch.Queue(closeOffers, p.Organization, p.ID, by.At)
	batch.Queue(eraseWishes, p.Organization, p.ID, by.At)
	batch.Queue(dropPreferences, p.Organization, p.ID)
	batch.Queue(endLinks, p.Organization, p.ID, by.At, by.Actor.ID)
	batch.Queue(withdrawAllInvitations, p.Organization, p.ID, by.At)
	return tx.SendBatch(ctx, batch).Close()
}

// Shred is documented at retention.Store.
func (d *Directory) Shred(ctx context.Context, p clinic.Ref) error {
	if err := d.db.keys.Destroy(ctx, seal.Subject{Organization: p.Organization, ID: p.ID}); err != nil {
		return errs.Bug("destroy the key of an erased patient", err)
	}
	return nil
}

type patientRef struct{ OrganizationID, PatientID uuid.UUID }

const selectErased = `
SELECT organization_id, id AS patient_id FROM patients WHERE erased_at IS NOT NULL AND (organization_id, id) > ($1, $2)
ORDER BY organization_id, id LIMIT $3`

// Unshredded is documented at retention.Store.
func (d *Directory) Unshredded(ctx context.Context, after clinic.Ref, limit int) (found []clinic.Ref, last clinic.Ref, err error) {
	rows, err := list[patientRef](ctx, d.db.job(sweeperRole), selectErased, after.Organization, after.ID, limit)
	if err != nil {
		return nil, last, err
	}
	erased := make([]seal.Subject, len(rows))
	for i, r := range rows {
		erased[i] = seal.Subject{Organization: r.OrganizationID, ID: r.PatientID}
	}
	left, err := d.db.keys.Undestroyed(ctx, erased)
	if err != nil {
		return nil, last, errs.Bug("look for keys of erased patients", err)
	}
	for _, s := range left {
		found = append(found, clinic.Ref{Organization: s.Organization, ID: s.ID})
	}
	if len(rows) == limit {
		last = clinic.Ref{Organization: rows[limit-1].OrganizationID, ID: rows[limit-1].PatientID}
	}
	return found, last, nil
}

// Appointments are few for each patient, and found by their index.
const selectOverdue = `
WITH page AS (
    SELECT organization_id, id FROM patients WHERE erased_at IS NULL AND (organization_id, id) > ($2, $3) ORDER BY organization_id, id LIMIT $4)
SELECT p.organization_id, p.id AS patient_id,
    EXISTS (SELECT FROM appointments a WHERE a.organization_id = p.organization_id AND a.patient_id = p.id)
    AND NOT EXISTS (SELECT FROM appointments a WHERE a.organization_id = p.organization_id AND a.patient_id = p.id AND a.ends_at > $1)
    AND NOT EXISTS (SELECT FROM waitlist_entries e WHERE e.organization_id = p.organization_id AND e.patient_id = p.id AND e.ended_at IS NULL AND e.joined_at > $1)
    AND NOT EXISTS (SELECT FROM legal_holds h WHERE h.organization_id = p.organization_id AND h.patient_id = p.id AND h.released_at IS NULL) AS due
FROM page p ORDER BY p.organization_id, p.id`

// Overdue is documented at retention.Store.
func (d *Directory) Overdue(ctx context.Context, ended time.Time, after clinic.Ref, limit int) (found []clinic.Ref, last clinic.Ref, err error) {
	type row struct {
		OrganizationID, PatientID uuid.UUID
		Due                       bool
	}
	rows, err := list[row](ctx, d.db.job(sweeperRole), selectOverdue, ended, after.Organization, after.ID, limit)
	for i, r := range rows {
		ref := clinic.Ref{Organization: r.OrganizationID, ID: r.PatientID}
		if r.Due {
			found = append(found, ref)
		}
		if i == limit-1 {
			last = ref
		}
	}
	return found, last, err
}
