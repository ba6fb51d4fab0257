package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/identity"
)

const administrators = `SELECT id FROM accounts WHERE organization_id = $1 AND role = 'ADMIN' AND suspended_at IS NULL LIMIT 1`

// withoutAdministrator says whether an organisation has no administrator who may sign in.
func withoutAdministrator(ctx context.Context, tx pgx.Tx, organization uuid.UUID) (bool, error) {
	found, err := ids(ctx, tx, administrators, organization)
	return len(found) == 0, err
}

// Of several who are invited as the first administrator one is; and whoever is mailed a code meanwhile stands in line, too.
const lockFirst = `SELECT pg_advisory_xact_lock(hashtextextended(concat_ws(':', 'first administrator', $1::uuid), 0))`

// firstIsWanted says whether an organisation wants its first administrator still, and keeps it so until the transaction is over.
func firstIsWanted(ctx context.Context, tx pgx.Tx, organization uuid.UUID) (bool, error) {
	if _, err := tx.Exec(ctx, lockFirst, organization); err != nil {
		return false, err
	}
	return withoutAdministrator(ctx, tx, organization)
}

// redeemable finds the note of a code that is good. That whoever made an invitation may make it stays so until the transaction is over; that
// the code is good doesn't: whoever uses it looks once more.
func redeemable(ctx context.Context, tx pgx.Tx, organization uuid.UUID, token []byte, k identity.NoteKind, now time.Time) (noteRow, bool, error) {
	row, found, err := one[noteRow](ctx, tx, selectRedeemable, organization, token, string(k), now)
	if err != nil || !found || k != identity.InviteNote {
		return row, found, err
	}
	if row.First {
		if vacant, err := firstIsWanted(ctx, tx, organization); err != nil || !vacant {
			return row, false, err
		}
	}
	stands, err := inviterStands(ctx, tx, row)
	return row, stands, err
}

const (
	asOrganization = `SELECT set_config('mediconnect.organization', $1::text, true)`
	lockInviter    = `SELECT role FROM accounts WHERE organization_id = $1 AND id = $2 AND suspended_at IS NULL FOR SHARE`
)

// inviterStands says whether who made an invitation may make it still. The platform's administrators are looked for where they are.
func inviterStands(ctx context.Context, tx pgx.Tx, row noteRow) (bool, error) {
	invitation := identity.Note{OrganizationID: row.OrganizationID, Role: row.Role, InvitedBy: or(row.InvitedBy), First: row.First}
	inviter, known := invitation.Inviter()
	if !known {
		return true, nil
	}
	if _, err := tx.Exec(ctx, asOrganization, inviter.Organization); err != nil {
		return false, err
	}
	found, stands, err := one[struct{ Role access.Role }](ctx, tx, lockInviter, inviter.Organization, inviter.ID)
	if err != nil {
		return false, err
	}
	if _, err := tx.Exec(ctx, asOrganization, row.OrganizationID); err != nil {
		return false, err
	}
	return stands && invitation.InvitableBy(found.Role), nil
}

const (
	dropFirsts = `
UPDATE account_notes SET dropped_at = $2, outcome = 'NOBODY'
WHERE organization_id = $1 AND first AND sent_at IS NULL AND dropped_at IS NULL`
	endFirstCodes = `
UPDATE account_codes c SET ended_at = $2 FROM account_notes n
WHERE c.organization_id = $1 AND n.organization_id = $1 AND n.id = c.asked_by AND n.first AND c.used_at IS NULL AND c.ended_at IS NULL`
)

// endFirsts ends what is left of the platform's invitations to an organisation that has an administrator now.
func endFirsts(ctx context.Context, tx pgx.Tx, organization uuid.UUID, at time.Time) error {
	if _, err := tx.Exec(ctx, dropFirsts, organization, at); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, endFirstCodes, organization, at)
	return err
}
