// Package identity is a room: the people who sign in, how they prove who they are, and the sessions that they then have.
package identity

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

// Account is somebody who can sign in to one organisation, in one role. Accounts of the platform's administrators belong to no
// organisation: theirs is zero.
type Account struct {
	OrganizationID uuid.UUID
	ID             uuid.UUID
	Version        int
	Role           access.Role
	ProviderID     uuid.UUID      // the provider that a PROVIDER is; zero: none
	Email          access.Private // as it was confirmed
	Locale         string         // BCP 47, that mails are written in
	CreatedAt      time.Time
	SuspendedAt    time.Time // zero: they may sign in
	EnrolledAt     time.Time // when a second factor was set up; zero: there is none
	LastSignInAt   time.Time // zero: never yet
}

// Start asks for a session of somebody who has proved who they are.
type Start struct {
	Account Account
	Client  string // the app that they signed in with
}

// Tokens are what the holder of a session gets, each shown once.
type Tokens struct {
	OrganizationID uuid.UUID
	SessionID      uuid.UUID
	Access         access.Private // a JSON Web Token, for Authorization: Bearer
	AccessExpires  time.Time
	Refresh        access.Private // good for one refresh
	SessionExpires time.Time      // nothing keeps the session longer
}

// Opener opens and ends sessions. Any method may fail with errs.Busy.
type Opener interface {
	// Open begins a session.
	Open(ctx context.Context, s Start) (Tokens, error)
	// EndAll ends all sessions of an account but one (zero: all). It returns once no process accepts them any more.
	EndAll(ctx context.Context, organization, account, but uuid.UUID) error
}

// Ref names the account.
func (a Account) Ref() clinic.Ref { return clinic.Ref{Organization: a.OrganizationID, ID: a.ID} }

// Kind is what accounts are called in the record of who saw and did what.
const Kind = "Account"

// NeedsSecondFactor says whether a role can't sign in by a password alone: all that see others' data.
func NeedsSecondFactor(r access.Role) bool { return r != access.PatientRole && r != access.Caregiver }

// SignsIn says whether people can have a role. Programs have credentials of their own.
func SignsIn(r access.Role) bool { return len(access.ScopesOf(r)) > 0 && r != access.Integrator }

// Actor is the account as whoever acts: of a change that it makes before it has a session.
func (a Account) Actor(from access.Actor) access.Actor {
	from.Kind, _ = access.KindOf(a.Role)
	from.ID, from.Organization, from.Role, from.ProviderID = a.ID, a.OrganizationID, a.Role, a.ProviderID
	return from
}
