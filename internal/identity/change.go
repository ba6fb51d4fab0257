package identity

import (
	"context"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/form"
)

// ChangePassword asks for another password for the caller.
type ChangePassword struct{ Current, New access.Private }

// ChangePassword gives the caller another password and ends their other sessions. It fails with SignInRefused when the current one is
// another, and with LockedOut: guesses are tries to sign in.
func (s *Service) ChangePassword(ctx context.Context, a access.Actor, in ChangePassword) (Account, error) {
	var check form.Check
	check.That(written(in.Current), "This can't be a password.", "currentPassword")
	if err := check.Err(); err != nil {
		return Account{}, err
	}
	ref := clinic.Ref{Organization: a.Organization, ID: a.ID}
	by := s.source.Stamp(a)
	account, err := s.own(ctx, a)
	if err != nil {
		return Account{}, err
	}
	password, err := s.passwords.Read(ctx, &check, account.Role, account.Email, in.New, "newPassword")
	if err = orElse(err, check.Err()); err != nil {
		return Account{}, err
	}
	tried, err := s.store.TryAgain(ctx, by, ref)
	if err != nil {
		return Account{}, err
	}
	right, _, err := s.compare(ctx, tried, in.Current)
	if err != nil {
		return Account{}, err
	}
	if !right {
		return Account{}, refused(s.store.Refuse(ctx, by, ref), "currentPassword")
	}
	account.Version = tried.Account.Version
	account, err = s.setPassword(ctx, by, account, password, a.Credential)
	if errs.Of(err) == errs.Busy { // asked again, it is the right one again
		_ = s.store.TakeBack(context.WithoutCancel(ctx), tried)
	}
	return account, err
}

// SetUp asks for a second factor of the caller's account, with an app.
type SetUp struct{ Current access.Private }

// SetUp begins to set up a second factor for the caller's account. It fails as ChangePassword does.
func (s *Service) SetUp(ctx context.Context, a access.Actor, in SetUp) (*Challenge, error) {
	if !written(in.Current) {
		return nil, errs.Invalid("This can't be a password.", "currentPassword")
	}
	account, err := s.own(ctx, a)
	switch {
	case err != nil:
		return nil, err
	case !account.EnrolledAt.IsZero():
		return nil, errs.Denied("There is a second factor. Have it reset first.")
	}
	by := s.source.Stamp(a)
	tried, err := s.store.TryAgain(ctx, by, account.Ref())
	if err != nil {
		return nil, err
	}
	right, _, err := s.compare(ctx, tried, in.Current)
	if err != nil {
		return nil, err
	}
	if !right {
		return nil, refused(s.store.Refuse(ctx, by, account.Ref()), "currentPassword")
	}
	asked, owe, err := s.challenge(account, Enroll, account.Email)
	if err != nil {
		return nil, err
	}
	_, ok, err := s.store.Admit(ctx, by, Admission{Account: account, Tried: tried.At, Challenge: owe, Client: a.Client})
	if err == nil && !ok {
		err = errs.TryAgain(nil)
	}
	return asked, err
}

// own is the caller's account. Tokens of an issuer outside have none.
func (s *Service) own(ctx context.Context, a access.Actor) (Account, error) {
	if a.Kind == access.Anonymous {
		return Account{}, errs.SignIn("Sign in to do this.")
	}
	ref := clinic.Ref{Organization: a.Organization, ID: a.ID}
	found, err := s.store.Accounts(ctx, []clinic.Ref{ref})
	account, ok := found[ref]
	switch {
	case err != nil:
		return account, err
	case !ok || a.Credential == uuid.Nil:
		return account, errs.Denied("This is for who has signed in here.")
	}
	return account, nil
}

// SetPassword gives an account that somebody has proved to hold another password, which Passwords.Read has read, and ends all its
// sessions.
func (s *Service) SetPassword(ctx context.Context, a access.Actor, account Account, password access.Private) (Account, error) {
	return s.setPassword(ctx, s.source.Stamp(a), account, password, uuid.Nil)
}

func (s *Service) setPassword(ctx context.Context, by clinic.Stamp, account Account, password access.Private, but uuid.UUID) (Account, error) {
	hash, err := s.passwords.Hash(ctx, password)
	if err != nil {
		return Account{}, err
	}
	// Sessions end before, too: whoever hears of a failure asks again, and once the password is set they are told that it is wrong.
	if err := s.opener.EndAll(ctx, account.OrganizationID, account.ID, but); err != nil {
		return Account{}, err
	}
	done, err := s.store.SetPassword(ctx, by, account, hash)
	switch {
	case err != nil:
		return Account{}, err
	case !done:
		return Account{}, errs.TryAgain(nil)
	}
	account.Version++
	return account, s.opener.EndAll(context.WithoutCancel(ctx), account.OrganizationID, account.ID, but)
}
