package identity

import (
	"context"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/form"
	"github.com/mediconnect/mediconnect/internal/paging"
)

// ChangeAccount names an account that an administrator changes.
type ChangeAccount struct {
	Account         clinic.Ref
	ExpectedVersion *int // nil: whichever it has
}

// ChangeRole gives somebody another role.
type ChangeRole struct {
	ChangeAccount
	Role     access.Role
	Provider *clinic.Ref // whom a PROVIDER is
}

// StaleVersion reports that an account changed since the caller saw it.
type StaleVersion struct{ Current Account }

func (StaleVersion) Error() string { return "The account has changed." }

// Suspend keeps somebody from signing in, and ends their sessions. Repeating it changes nothing. Failures: StaleVersion.
func (s *Service) Suspend(ctx context.Context, a access.Actor, in ChangeAccount) (Account, error) {
	return s.change(ctx, a, in, "account.suspend", func(to Account, now time.Time) (Account, error) {
		if to.SuspendedAt.IsZero() {
			to.SuspendedAt = now
		}
		return to, nil
	})
}

// Reinstate lets somebody sign in again. Repeating it changes nothing. Failures: StaleVersion.
func (s *Service) Reinstate(ctx context.Context, a access.Actor, in ChangeAccount) (Account, error) {
	return s.change(ctx, a, in, "account.reinstate", func(to Account, _ time.Time) (Account, error) {
		to.SuspendedAt = time.Time{}
		return to, nil
	})
}

// ResetFactor forgets somebody's second factor and recovery codes, and ends their sessions. Failures: StaleVersion.
func (s *Service) ResetFactor(ctx context.Context, a access.Actor, in ChangeAccount) (Account, error) {
	return s.change(ctx, a, in, "account.secondFactor.reset", func(to Account, _ time.Time) (Account, error) {
		to.EnrolledAt = time.Time{}
		return to, nil
	})
}

// ChangeRole gives somebody another role, and ends their sessions. Failures: StaleVersion.
func (s *Service) ChangeRole(ctx context.Context, a access.Actor, in ChangeRole) (Account, error) {
	return s.change(ctx, a, in.ChangeAccount, "account.role", func(to Account, _ time.Time) (Account, error) {
		to.Role, to.ProviderID = in.Role, uuid.Nil
		if in.Provider != nil {
			to.ProviderID = in.Provider.ID
		}
		return to, fits(to, in.Provider)
	})
}

// fits says whether an account may have its role.
func fits(a Account, provider *clinic.Ref) error {
	switch {
	case !SignsIn(a.Role) || (a.Role == access.PlatformAdmin) != (a.OrganizationID == uuid.Nil):
		return errs.Invalid("Nobody of this organisation signs in as "+string(a.Role)+".", "role")
	case provider != nil && a.Role != access.Provider:
		return errs.Invalid("Only a PROVIDER is a provider.", "providerId")
	case provider != nil && provider.Organization != a.OrganizationID:
		return errs.Missing("provider", "providerId")
	}
	return nil
}

// attempts is how often a change is decided anew on what has changed meanwhile.
const attempts = 5

// change changes somebody else's account, and ends the sessions that it had.
func (s *Service) change(
	ctx context.Context, a access.Actor, in ChangeAccount, action string, decide func(Account, time.Time) (Account, error),
) (Account, error) {
	if err := manages(a, in.Account.Organization); err != nil {
		return Account{}, err
	}
	if in.Account.ID == a.ID {
		return Account{}, errs.Denied("Somebody else has to do this with your account.", "accountId")
	}
	by := s.source.Stamp(a)
	for range attempts {
		found, err := s.store.Accounts(ctx, []clinic.Ref{in.Account})
		if err != nil {
			return Account{}, err
		}
		from, ok := found[in.Account]
		if !ok {
			return Account{}, errs.Missing("account", "accountId")
		}
		to, err := decide(from, by.At)
		switch {
		case err != nil:
			return Account{}, err
		case to == from: // the sessions may still be there: whoever asked before may have been told that the service is busy
			return from, s.opener.EndAll(ctx, from.OrganizationID, from.ID, uuid.Nil)
		case in.ExpectedVersion != nil && *in.ExpectedVersion != from.Version:
			return Account{}, StaleVersion{Current: from}
		}
		to.Version++
		done, err := s.store.Change(ctx, by, action, from, to)
		if err != nil {
			return Account{}, err
		}
		if done {
			a.Trail.Changed(Kind, to.ID)
			return to, s.opener.EndAll(context.WithoutCancel(ctx), to.OrganizationID, to.ID, uuid.Nil)
		}
	}
	return Account{}, errs.TryAgain(nil)
}

var errNoScope = errs.Denied("Your token lacks the scope " + access.AccountsManage + ".")

// manages refuses whoever doesn't manage the accounts of an organisation. Administrators of the platform manage each other only.
func manages(a access.Actor, organization uuid.UUID) error {
	switch {
	case a.Kind == access.Anonymous:
		return errs.SignIn("Sign in to do this.")
	case a.Organization != organization:
		return errs.Missing("account", "accountId")
	case !a.Has(access.AccountsManage):
		return errNoScope
	}
	return nil
}

// Filter narrows a list of accounts.
type Filter struct {
	Organization uuid.UUID // the caller's
	Role         *access.Role
	Suspended    *bool
	Email        *access.Private // of exactly this address
}

// KeyParts is how many values the key of an account in a list has: when it was made, then the id.
const KeyParts = 2

// Key is the key of an account in a list.
func Key(a Account) []string {
	return []string{strconv.FormatInt(a.CreatedAt.UnixMicro(), 10), a.ID.String()}
}

// List pages the accounts of the caller's organisation, the newest first.
func (s *Service) List(ctx context.Context, a access.Actor, f Filter, w paging.Window) (paging.Page[Account], error) {
	f, err := f.allowed(a)
	if err != nil {
		return paging.Page[Account]{}, err
	}
	page, err := s.store.List(ctx, f, w)
	saw(a, page.Items...)
	return page, err
}

// Count counts what List lists, up to paging.MaxCount.
func (s *Service) Count(ctx context.Context, a access.Actor, f Filter) (int, error) {
	f, err := f.allowed(a)
	if err != nil {
		return 0, err
	}
	return s.store.Count(ctx, f)
}

func (f Filter) allowed(a access.Actor) (Filter, error) {
	f.Organization = a.Organization
	if err := manages(a, a.Organization); err != nil {
		return f, err
	}
	var check form.Check
	if f.Email != nil {
		address := Address(&check, *f.Email, "where", "email")
		f.Email = &address
	}
	return f, check.Err()
}

// Accounts answers those that exist and that the caller manages.
func (s *Service) Accounts(ctx context.Context, a access.Actor, refs []clinic.Ref) (map[clinic.Ref]Account, error) {
	var managed []clinic.Ref
	for _, ref := range refs {
		if manages(a, ref.Organization) == nil {
			managed = append(managed, ref)
		}
	}
	if len(managed) == 0 {
		return map[clinic.Ref]Account{}, nil
	}
	found, err := s.store.Accounts(ctx, managed)
	for _, account := range found {
		saw(a, account)
	}
	return found, err
}

// saw notes that the caller is told of accounts.
func saw(a access.Actor, list ...Account) {
	for _, account := range list {
		a.Trail.Saw(access.Sight{Organization: account.OrganizationID, Kind: Kind, ID: account.ID})
	}
}
