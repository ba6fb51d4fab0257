package identity

import (
	"context"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/form"
)

// Create asks for an account with a password, as who runs the platform does.
type Create struct {
	Organization    uuid.UUID // zero: the platform
	Role            access.Role
	Email, Password access.Private
	Locale          string
}

// Create makes an account.
func (s *Service) Create(ctx context.Context, a access.Actor, in Create) (Account, error) {
	var check form.Check
	by := s.source.Stamp(a)
	account := Account{
		OrganizationID: in.Organization, ID: s.source.NewID(), Version: 1, Role: in.Role, Email: Address(&check, in.Email, "email"),
		Locale: check.Language(in.Locale, "locale"), CreatedAt: by.At,
	}
	check.Keep(fits(account, nil))
	password, err := s.passwords.Read(ctx, &check, in.Role, in.Email, in.Password, "password")
	if err = orElse(err, check.Err()); err != nil {
		return Account{}, err
	}
	hash, err := s.passwords.Hash(ctx, password)
	if err != nil {
		return Account{}, err
	}
	added, err := s.store.Create(ctx, by, account, hash)
	if err == nil && !added {
		err = errs.Invalid("There is no such organisation, or it has an account of this address.", "email")
	}
	return account, err
}
