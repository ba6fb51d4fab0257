package postgres

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/identity"
)

// TryCode is documented at identity.Store.
func (s *Accounts) TryCode(ctx context.Context, by clinic.Stamp, account clinic.Ref) (t identity.Tried, f identity.Factor, err error) {
	t.Organization = account.Organization
	err = s.db.signIn(ctx, account.Organization, func(ctx context.Context, tx pgx.Tx) error {
		row, found, err := one[provingRow](ctx, tx, accountByID, account.Organization, account.ID)
		if err != nil || !found {
			return err
		}
		keys, err := s.db.opener(ctx, []cell{row.secret()})
		if err != nil {
			return err
		}
		secret, err := keys.open(row.secret())
		if err != nil {
			return err
		}
		f = identity.Factor{Secret: or(secret), LastStep: row.TotpLastStep}
		t.Token = row.EmailToken
		return tryRow(ctx, tx, by, &t, row)
	})
	return t, f, err
}

// ReplaceCodes is documented at identity.Store. Whoever signs in by a recovery code at the same time stands in line for the account.
func (s *Accounts) ReplaceCodes(ctx context.Context, by clinic.Stamp, t identity.Tried, step int64, codes []access.Private) (done bool, err error) {
	ref := t.Account.Ref()
	err = s.db.signIn(ctx, ref.Organization, func(ctx context.Context, tx pgx.Tx) error {
		_, found, err := one[provingRow](ctx, tx, lockStanding, ref.Organization, ref.ID, t.Account.Version)
		if err != nil || !found {
			return first(err, errNoCode)
		}
		tag, err := tx.Exec(ctx, takeStep, ref.Organization, ref.ID, step)
		if err != nil || tag.RowsAffected() == 0 {
			return first(err, errNoCode)
		}
		if err := s.db.putRecovery(ctx, tx, ref.Organization, ref.ID, codes); err != nil {
			return err
		}
		if err := takeBack(ctx, tx, ref.Organization, t.Token, t.At); err != nil {
			return err
		}
		return record(ctx, tx, note(by, ref.Organization, "account.recoveryCodes", identity.Kind, ref.ID))
	})
	if errors.Is(err, errNoCode) {
		return false, nil
	}
	return err == nil, err
}

// putRecovery gives an account recovery codes in the place of those that it has.
func (db *DB) putRecovery(ctx context.Context, tx pgx.Tx, organization, account uuid.UUID, codes []access.Private) error {
	key, err := db.lookUp(ctx, organization)
	if err != nil {
		return err
	}
	digests := column(codes, func(code access.Private) []byte { return key.digest(identity.RecoveryHandle(account, code)) })
	if _, err := tx.Exec(ctx, dropRecovery, organization, account); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, addRecovery, organization, account, digests)
	return err
}
