package identity

import (
	"context"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// holder is a caller's account, as long as they are signed in by a session.
func holder(a access.Actor) (clinic.Ref, error) {
	switch {
	case a.Kind == access.Anonymous:
		return clinic.Ref{}, errs.SignIn("Sign in to do this.")
	case a.Kind == access.APIClient || a.Credential == uuid.Nil:
		return clinic.Ref{}, errs.Denied("Your token belongs to no session.")
	}
	return clinic.Ref{Organization: a.Organization, ID: a.ID}, nil
}

// Current answers the caller's session; nil: their token belongs to none.
func (s *Sessions) Current(ctx context.Context, a access.Actor) (*Session, error) {
	if _, err := holder(a); err != nil {
		return nil, nil
	}
	found, err := s.standing(ctx, clinic.Ref{Organization: a.Organization, ID: a.Credential})
	if err != nil {
		return nil, err
	}
	return &found, nil
}

// List answers the open sessions of the caller's account, the newest first; none, if their token belongs to none.
func (s *Sessions) List(ctx context.Context, a access.Actor) (open []Session, err error) {
	of, err := holder(a)
	if err != nil {
		return nil, nil
	}
	now := s.Clock.Now()
	list, err := s.Store.ListSessions(ctx, of.Organization, of.ID, now, mostSessions)
	for _, one := range list {
		if one.LastUsedAt = s.uses.last(one.Ref(), one.LastUsedAt); one.Open(now, s.Limits) {
			open = append(open, one)
		}
	}
	return open, err
}

// SignOut ends the caller's session, or the one of a refresh token; nil: none is given. Like all that end sessions it returns once no process
// accepts it any more.
func (s *Sessions) SignOut(ctx context.Context, a access.Actor, refresh *access.Private) (struct{}, error) {
	if refresh != nil {
		return struct{}{}, s.signOutBy(ctx, a, *refresh)
	}
	of, err := holder(a)
	if err != nil {
		return struct{}{}, err
	}
	return struct{}{}, s.end(ctx, of.Organization, Ending{By: s.Stamp(a), Action: "session.signOut", Account: of.ID, Session: a.Credential})
}

// signOutBy ends the session of a refresh token, used or not: whoever has one may end it.
func (s *Sessions) signOutBy(ctx context.Context, a access.Actor, refresh access.Private) error {
	of, digest, ok := readRefresh(refresh.Reveal())
	if !ok {
		return nil
	}
	session, found, err := s.Store.FindRefreshed(ctx, of, digest)
	if err != nil || !found {
		return err
	}
	by := session.actor()
	by.RequestID = a.RequestID
	return s.end(ctx, of.Organization, Ending{By: s.Stamp(by), Action: "session.signOut", Account: session.AccountID, Session: of.ID})
}

// SignOutEverywhere ends all sessions of an account: the caller's own, or for an administrator with the scope
// accounts:manage another's of the organisation. nil: their own.
func (s *Sessions) SignOutEverywhere(ctx context.Context, a access.Actor, whose *clinic.Ref) (struct{}, error) {
	own := clinic.Ref{Organization: a.Organization, ID: a.ID}
	if whose == nil || *whose == own {
		if _, err := holder(a); err != nil {
			return struct{}{}, err
		}
		whose = &own
	} else if _, err := holder(a); err != nil && a.Role != access.Admin {
		return struct{}{}, err
	} else if err := administers(a, whose.Organization, "account", "accountId"); err != nil {
		return struct{}{}, err
	}
	return struct{}{}, s.end(ctx, whose.Organization, Ending{By: s.Stamp(a), Action: "session.signOutEverywhere", Account: whose.ID})
}

// RevokeSession ends a session of the caller's account, or for an administrator with the scope accounts:manage
// anybody's of the organisation.
func (s *Sessions) RevokeSession(ctx context.Context, a access.Actor, of clinic.Ref) (struct{}, error) {
	e := Ending{By: s.Stamp(a), Action: "session.revoke", Account: a.ID, Session: of.ID}
	if _, err := holder(a); err != nil && !endsOthers(a) {
		if a.Role == access.Admin {
			err = errNoScope
		}
		return struct{}{}, err
	}
	missing := errs.Missing("session", "sessionId")
	if of.Organization != a.Organization {
		return struct{}{}, missing
	}
	session, found, err := s.Store.FindSession(ctx, of)
	switch {
	case err != nil:
		return struct{}{}, err
	case !found, session.AccountID != a.ID && !endsOthers(a):
		return struct{}{}, missing
	}
	e.Account = session.AccountID
	return struct{}{}, s.end(ctx, of.Organization, e)
}

// endsOthers says whether the caller may end sessions of others of their organisation.
func endsOthers(a access.Actor) bool { return a.Role == access.Admin && a.Has(access.AccountsManage) }

// administers says whether the caller may end what isn't their own.
func administers(a access.Actor, organization uuid.UUID, what string, path ...string) error {
	switch {
	case a.Kind == access.Anonymous:
		return errs.SignIn("Sign in to do this.")
	case a.Role != access.Admin, organization != a.Organization:
		return errs.Missing(what, path...)
	case !endsOthers(a):
		return errNoScope
	}
	return nil
}

// EndAll is documented at Opener. Whoever calls it records why.
func (s *Sessions) EndAll(ctx context.Context, organization, account, but uuid.UUID) error {
	return s.end(ctx, organization, Ending{By: s.Stamp(access.Actor{}), Account: account, But: but})
}

func (s *Sessions) end(ctx context.Context, organization uuid.UUID, e Ending) error {
	ended, err := s.Store.EndSessions(ctx, organization, e)
	if err != nil {
		return err
	}
	return s.Guard.Settle(ctx, ended...)
}
