package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/patient"
)

const selectInvitation = `
SELECT organization_id, id, patient_id, relation, created_at, expires_at FROM patient_invitations WHERE organization_id = $1 AND id = $2`

const selectLinkable = `SELECT birth_date IS NOT NULL AS dated FROM patients WHERE organization_id = $1 AND id = $2 AND erased_at IS NULL FOR KEY SHARE`

const withdrawInvitations = `
UPDATE patient_invitations SET withdrawn_at = $4
WHERE organization_id = $1 AND patient_id = $2 AND relation = $3 AND accepted_at IS NULL AND withdrawn_at IS NULL`

const insertInvitation = `
INSERT INTO patient_invitations (organization_id, id, patient_id, relation, code_token, created_at, created_by, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`

// Two invitations at once for the same patient and relation withdraw each other's, one after the other.
const lockInvitations = `SELECT pg_advisory_xact_lock(hashtextextended(concat_ws(':', 'invitations', $1::uuid, $2::uuid), 0))`

// Invite is documented at patient.LinkStore.
func (d *Directory) Invite(ctx context.Context, by clinic.Stamp, once clinic.Once, in patient.Invitation) (made patient.Invitation, err error) {
	err = d.db.write(ctx, in.OrganizationID, func(ctx context.Context, tx pgx.Tx) error {
		first, replayed, err := d.db.keyBegin(ctx, tx, in.OrganizationID, by, once)
		if err != nil {
			return err
		}
		if replayed {
			made, err = invitation(ctx, tx, clinic.Ref{Organization: in.OrganizationID, ID: first})
			return err
		}
		made = in
		if err := d.db.addInvitation(ctx, tx, by, in); err != nil {
			return err
		}
		if err := d.db.keyEnd(ctx, tx, in.OrganizationID, by, once, in.ID); err != nil {
			return err
		}
		c := note(by, in.OrganizationID, "patient.invite", "PatientInvitation", in.ID)
		c.Patient = in.PatientID
		return record(ctx, tx, c)
	})
	return made, err
}

func (db *DB) addInvitation(ctx context.Context, tx pgx.Tx, by clinic.Stamp, in patient.Invitation) error {
	if _, err := tx.Exec(ctx, lockInvitations, in.OrganizationID, in.PatientID); err != nil {
		return err
	}
	who, found, err := one[struct{ Dated bool }](ctx, tx, selectLinkable, in.OrganizationID, in.PatientID)
	switch {
	case err != nil:
		return err
	case !found:
		return errs.Missing("patient", "patientId")
	case !who.Dated:
		return errs.Invalid("The patient's birth date isn't known. Register it first.", "patientId")
	}
	if _, err := tx.Exec(ctx, withdrawInvitations, in.OrganizationID, in.PatientID, in.Relation, by.At); err != nil {
		return err
	}
	key, err := db.lookUp(ctx, in.OrganizationID)
	if err != nil {
		return err
	}
	token := key.digest(patient.CodeHandle(*in.Code))
	_, err = tx.Exec(ctx, insertInvitation, in.OrganizationID, in.ID, in.PatientID, in.Relation, token, in.CreatedAt, by.Actor.ID, in.ExpiresAt)
	return err
}

func invitation(ctx context.Context, tx pgx.Tx, ref clinic.Ref) (patient.Invitation, error) {
	type row struct {
		OrganizationID, ID, PatientID uuid.UUID
		Relation                      access.Relation
		CreatedAt, ExpiresAt          time.Time
	}
	r, found, err := one[row](ctx, tx, selectInvitation, ref.Organization, ref.ID)
	if err == nil && !found { // swept since
		err = errs.Missing("invitation", "idempotencyKey")
	}
	return patient.Invitation{
		ID: r.ID, OrganizationID: r.OrganizationID, PatientID: r.PatientID, Relation: r.Relation,
		CreatedAt: r.CreatedAt.UTC(), ExpiresAt: r.ExpiresAt.UTC(),
	}, err
}
