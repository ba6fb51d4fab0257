package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/patient"
)

// One account's tries stand in line here.
const lockTries = `
INSERT INTO invitation_tries (organization_id, account_id, since, tries) VALUES ($1, $2, $3, 0)
ON CONFLICT (organization_id, account_id) DO UPDATE SET tries = invitation_tries.tries RETURNING tries, since`

const saveTries = `UPDATE invitation_tries SET tries = $3, since = $4 WHERE organization_id = $1 AND account_id = $2`

const lockInvitation = `
SELECT id, patient_id, relation, expires_at, withdrawn_at IS NOT NULL AS withdrawn,
    coalesce(accepted_by, '00000000-0000-0000-0000-000000000000') AS accepted_by, tries
FROM patient_invitations WHERE organization_id = $1 AND code_token = $2 FOR NO KEY UPDATE`

// Of an invitation that isn't there the ids are zero, and nothing agrees with them.
const selectAttempt = `
SELECT EXISTS (SELECT FROM patient_tokens WHERE organization_id = $1 AND patient_id = $3 AND token = $5) AS same_date,
    EXISTS (SELECT FROM account_links WHERE organization_id = $1 AND account_id = $2 AND invitation_id = $4 AND ended_at IS NULL) AS still_bound,
    (SELECT count(*) FROM account_links WHERE organization_id = $1 AND account_id = $2 AND patient_id <> $3 AND ended_at IS NULL) AS links`

// What a refusal writes, too, so that it takes as long whatever is wrong.
const settleInvitation = `
UPDATE patient_invitations SET tries = tries + $3, accepted_at = coalesce(accepted_at, $4), accepted_by = coalesce(accepted_by, $5)
WHERE organization_id = $1 AND id = $2`

const insertLink = `
INSERT INTO account_links (organization_id, id, account_id, patient_id, relation, invitation_id, linked_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`

type invitedRow struct {
	ID, PatientID uuid.UUID
	Relation      access.Relation
	ExpiresAt     time.Time
	Withdrawn     bool
	AcceptedBy    uuid.UUID
	Tries         int
}

// Accept is documented at patient.LinkStore.
func (d *Directory) Accept(ctx context.Context, by clinic.Stamp, a patient.Attempt) (done patient.Accepted, err error) {
	err = d.db.write(ctx, a.Organization, func(ctx context.Context, tx pgx.Tx) error {
		try, row, err := d.db.attempted(ctx, tx, by, a)
		if err != nil {
			return err
		}
		done = patient.Accepted{Verdict: try.Verdict(), Tries: try.After()}
		if err := settleAttempt(ctx, tx, by, a, try, row, done); err != nil {
			return err
		}
		if done.Verdict == patient.Linked || done.Verdict == patient.LinkedBefore {
			done.Patient, done.Relation = clinic.Ref{Organization: a.Organization, ID: row.PatientID}, row.Relation
		}
		c := note(by, a.Organization, actionsOfTries[done.Verdict], "PatientInvitation", row.ID)
		c.Patient = row.PatientID
		return record(ctx, tx, c)
	})
	return done, err
}

// actionsOfTries are what a try is called in the audit trail.
var actionsOfTries = map[patient.Verdict]string{
	patient.Linked: "patient.link", patient.LinkedBefore: "patient.link.again", patient.Wrong: "patient.link.wrong",
	patient.TooOften: "patient.link.locked", patient.FullCircle: "patient.link.full",
}

func (db *DB) attempted(ctx context.Context, tx pgx.Tx, by clinic.Stamp, a patient.Attempt) (try patient.Try, row invitedRow, err error) {
	tries, _, err := one[struct {
		Tries int
		Since time.Time
	}](ctx, tx, lockTries, a.Organization, a.Account, by.At)
	if err != nil {
		return try, row, err
	}
	key, err := db.lookUp(ctx, a.Organization)
	if err != nil {
		return try, row, err
	}
	row, known, err := one[invitedRow](ctx, tx, lockInvitation, a.Organization, key.digest(a.Code))
	if err != nil {
		return try, row, err
	}
	more, _, err := one[struct {
		SameDate, StillBound bool
		Links                int
	}](ctx, tx, selectAttempt, a.Organization, a.Account, row.PatientID, row.ID, key.digest(a.BirthDate))
	return patient.Try{
		Account: a.Account, Now: by.At, Tries: patient.Tries{Count: tries.Tries, Since: tries.Since.UTC()},
		Invited: patient.Invited{
			Known: known, ExpiresAt: row.ExpiresAt, Withdrawn: row.Withdrawn, AcceptedBy: row.AcceptedBy, WrongDates: row.Tries,
		},
		SameDate: more.SameDate, StillBound: more.StillBound, Links: more.Links,
	}, row, err
}

func settleAttempt(
	ctx context.Context, tx pgx.Tx, by clinic.Stamp, a patient.Attempt, try patient.Try, row invitedRow, done patient.Accepted,
) error {
	if _, err := tx.Exec(ctx, saveTries, a.Organization, a.Account, done.Tries.Count, done.Tries.Since); err != nil {
		return err
	}
	wrong := 0
	if try.WrongDate() {
		wrong = 1
	}
	var at *time.Time
	var account *uuid.UUID
	if done.Verdict == patient.Linked {
		at, account = &by.At, &a.Account
	}
	if _, err := tx.Exec(ctx, settleInvitation, a.Organization, row.ID, wrong, at, account); err != nil {
		return err
	}
	if done.Verdict != patient.Linked {
		return nil
	}
	if _, err := tx.Exec(ctx, endLink, a.Organization, a.Account, row.PatientID, by.At, by.Actor.ID); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, insertLink, a.Organization, a.Link, a.Account, row.PatientID, row.Relation, row.ID, by.At)
	return err
}
