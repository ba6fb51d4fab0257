package resolvers_test

import (
	"context"
	"time"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/identity"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/resolvers"
)

// peopleRoom is of who signs in.
type peopleRoom struct {
	resolvers.People
	*rooms
}

func (r *rooms) account() identity.Account {
	return identity.Account{
		OrganizationID: r.organization.ID, ID: id(17), Version: 1, Role: access.FrontDesk, Email: "desk@example.org", CreatedAt: start, SuspendedAt: time.Time{},
	}
}

func (a *api) accountID() string { return a.globalID(globalid.Account, id(17)) }

func (r peopleRoom) SignIn(_ context.Context, _ access.Actor, in identity.SignIn) (identity.SignedIn, error) {
	r.note("SignIn", in)
	return identity.SignedIn{Tokens: &identity.Tokens{OrganizationID: r.organization.ID, Access: "a", Refresh: "r"}}, r.fail
}

func (r peopleRoom) Suspend(_ context.Context, _ access.Actor, in identity.ChangeAccount) (identity.Account, error) {
	r.note("Suspend", in)
	return r.account(), r.fail
}

func (r peopleRoom) Reinstate(_ context.Context, _ access.Actor, in identity.ChangeAccount) (identity.Account, error) {
	r.note("Reinstate", in)
	return r.account(), r.fail
}

func (r peopleRoom) ChangeRole(_ context.Context, _ access.Actor, in identity.ChangeRole) (identity.Account, error) {
	r.note("ChangeRole", in)
	return r.account(), r.fail
}

func (r peopleRoom) ResetFactor(_ context.Context, _ access.Actor, in identity.ChangeAccount) (identity.Account, error) {
	r.note("ResetFactor", in)
	return r.account(), r.fail
}

func (r peopleRoom) List(_ context.Context, _ access.Actor, f identity.Filter, _ paging.Window) (paging.Page[identity.Account], error) {
	r.note("ListAccounts", f)
	return pageOf(r.account()), r.fail
}

func (r peopleRoom) Count(context.Context, access.Actor, identity.Filter) (int, error) {
	return 1, r.fail
}

func (r peopleRoom) Accounts(context.Context, access.Actor, []clinic.Ref) (map[clinic.Ref]identity.Account, error) {
	return nil, nil
}
