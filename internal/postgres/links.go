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

// All that the sign-in role may read.
const selectLinks = `
SELECT patient_id AS patient, relation FROM account_links WHERE organization_id = $1 AND account_id = $2 AND ended_at IS NULL
ORDER BY relation = 'SELF' DESC, patient_id LIMIT $3`

// Links is documented at access.Bonds. It is found out as the sign-in role, which sees ids only.
func (d *Directory) Links(ctx context.Context, organization, account uuid.UUID) ([]access.Link, error) {
	return list[access.Link](ctx, d.db.job(signInRole), selectLinks, organization, account, access.MaxLinks)
}

const selectLinkedAccounts = `
SELECT l.* FROM unnest($1::uuid[], $2::uuid[]) p(organization, patient) CROSS JOIN LATERAL (
    SELECT organization_id, patient_id, account_id, relation, linked_at FROM account_links
    WHERE organization_id = p.organization AND patient_id = p.patient AND ended_at IS NULL ORDER BY linked_at, id LIMIT $3) l
ORDER BY l.linked_at, l.account_id`

// LinkedAccounts is documented at patient.LinkStore.
func (d *Directory) LinkedAccounts(ctx context.Context, patients []clinic.Ref) (map[clinic.Ref][]patient.LinkedAccount, error) {
	type row struct {
		OrganizationID, PatientID, AccountID uuid.UUID
		Relation                             access.Relation
		LinkedAt                             time.Time
	}
	found := make(map[clinic.Ref][]patient.LinkedAccount, len(patients))
	for organization, own := range byTenant(patients) {
		organizations, wanted := split(own)
		rows, err := list[row](ctx, d.db.tenant(organization), selectLinkedAccounts, organizations, wanted, patient.MaxAccounts)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			ref := clinic.Ref{Organization: r.OrganizationID, ID: r.PatientID}
			found[ref] = append(found[ref], patient.LinkedAccount{
				OrganizationID: r.OrganizationID, AccountID: r.AccountID, Relation: r.Relation, Since: r.LinkedAt.UTC(),
			})
		}
	}
	return found, nil
}

const endLink = `
UPDATE account_links SET ended_at = $4, ended_by = $5
WHERE organization_id = $1 AND account_id = $2 AND patient_id = $3 AND ended_at IS NULL RETURNING id`

const selectEndedLink = `SELECT id FROM account_links WHERE organization_id = $1 AND account_id = $2 AND patient_id = $3 LIMIT 1`

// Unlink is documented at patient.LinkStore.
func (d *Directory) Unlink(ctx context.Context, by clinic.Stamp, p clinic.Ref, account uuid.UUID) error {
	about := note(by, p.Organization, "patient.unlink", "PatientLink", uuid.Nil)
	about.Patient = p.ID
	return d.db.write(ctx, p.Organization, func(ctx context.Context, tx pgx.Tx) error {
		ended, err := ids(ctx, tx, endLink, p.Organization, account, p.ID, by.At, by.Actor.ID)
		if err != nil {
			return err
		}
		if len(ended) > 0 {
			about.EntityID = ended[0]
			return record(ctx, tx, about)
		}
		before, err := ids(ctx, tx, selectEndedLink, p.Organization, account, p.ID)
		if err == nil && len(before) == 0 {
			err = errs.Missing("patient", "patientId")
		}
		return err
	})
}
