package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/identity"
	"github.com/mediconnect/mediconnect/internal/paging"
)

const accountsByRef = `SELECT ` + accountColumns + ` FROM accounts a
JOIN unnest($1::uuid[], $2::uuid[]) r(organization, thing) ON a.organization_id = r.organization AND a.id = r.thing`

var _ identity.Store = (*Accounts)(nil)

// Accounts is documented at identity.Store.
func (s *Accounts) Accounts(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref]identity.Account, error) {
	rows, err := listOf[accountRow](ctx, s.db, refs, accountsByRef)
	if err != nil {
		return nil, err
	}
	list, err := s.db.accounts(ctx, rows...)
	found := make(map[clinic.Ref]identity.Account, len(list))
	for _, a := range list {
		found[a.Ref()] = a
	}
	return found, err
}

// A second factor is set up by who has it, and only taken away here.
const changeAccount = `
UPDATE accounts SET version = $4, role = $5, provider_id = $6, suspended_at = $7,
    totp_secret = CASE WHEN $8 THEN totp_secret END, totp_enrolled_at = CASE WHEN $8 THEN totp_enrolled_at END
WHERE organization_id = $1 AND id = $2 AND version = $3`

// Change is documented at identity.Store. Nobody is left with a session of the account as it was, whatever becomes of the process.
func (s *Accounts) Change(ctx context.Context, by clinic.Stamp, action string, from, to identity.Account) (done bool, err error) {
	enrolled := !to.EnrolledAt.IsZero()
	err = s.db.write(ctx, to.OrganizationID, func(ctx context.Context, tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, changeAccount, to.OrganizationID, to.ID, from.Version, to.Version, to.Role, idOf(to.ProviderID), nonZero(to.SuspendedAt), enrolled)
		if done = err == nil && tag.RowsAffected() > 0; !done {
			return err
		}
		if !enrolled {
			if _, err := tx.Exec(ctx, dropRecovery, to.OrganizationID, to.ID); err != nil {
				return err
			}
		}
		if _, _, err := end(ctx, tx, to.OrganizationID, identity.Ending{By: by, Account: to.ID}); err != nil {
			return err
		}
		return record(ctx, tx, note(by, to.OrganizationID, action, identity.Kind, to.ID))
	})
	return done, broken(err)
}

var newestAccounts = order{column: "a.created_at", descending: true}

func (db *DB) filteredAccounts(ctx context.Context, f identity.Filter) (*where, error) {
	w := &where{}
	w.and("a.organization_id = $%d", f.Organization)
	if f.Role != nil {
		w.and("a.role = $%d", *f.Role)
	}
	if f.Suspended != nil {
		w.conditions = append(w.conditions, map[bool]string{true: "a.suspended_at IS NOT NULL", false: "a.suspended_at IS NULL"}[*f.Suspended])
	}
	if f.Email != nil {
		token, err := db.emailToken(ctx, f.Organization, *f.Email)
		if err != nil {
			return nil, err
		}
		w.and("a.email_token = $%d", token)
	}
	return w, nil
}

// List is documented at identity.Store.
func (s *Accounts) List(ctx context.Context, f identity.Filter, w paging.Window) (paging.Page[identity.Account], error) {
	cond, err := s.db.filteredAccounts(ctx, f)
	if err != nil {
		return paging.Page[identity.Account]{}, err
	}
	if err := cond.keyset(newestAccounts, w); err != nil {
		return paging.Page[identity.Account]{}, err
	}
	sql := fmt.Sprintf("SELECT %s FROM accounts a WHERE %s ORDER BY %s LIMIT %d", accountColumns, cond, newestAccounts.clause(w), w.Size+1)
	rows, err := list[accountRow](ctx, s.db.tenant(f.Organization), sql, cond.args...)
	if err != nil {
		return paging.Page[identity.Account]{}, err
	}
	accounts, err := s.db.accounts(ctx, rows...)
	return paging.Cut(accounts, w), err
}

// Count is documented at identity.Store.
func (s *Accounts) Count(ctx context.Context, f identity.Filter) (int, error) {
	cond, err := s.db.filteredAccounts(ctx, f)
	if err != nil {
		return 0, err
	}
	return count(ctx, s.db.tenant(f.Organization), kept, "SELECT FROM accounts a WHERE "+cond.String(), cond.args...)
}

// nonZero is an instant for a column that may be null.
func nonZero(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
