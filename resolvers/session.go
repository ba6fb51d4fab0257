package resolvers

import (
	"context"
	"errors"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/graph/model"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/identity"
)

// sessionMembers are of sessions that are over.
func sessionMembers(err error) []any {
	if e, ok := errors.AsType[identity.SessionEnded](err); ok {
		return []any{&model.SessionEndedError{Code: model.UserErrorCodeSessionEnded, Message: e.Error(), Path: input("refreshToken")}}
	}
	return nil
}

// sessionTokens are what the holder of a session is shown, this once.
func sessionTokens(t identity.Tokens) *model.SessionTokens {
	return &model.SessionTokens{
		AccessToken: t.Access.Reveal(), ExpiresAt: t.AccessExpires, RefreshToken: t.Refresh.Reveal(), SessionExpiresAt: t.SessionExpires,
		SessionID: globalid.Of(globalid.Session, clinic.Ref{Organization: t.OrganizationID, ID: t.SessionID}),
	}
}

func refresh(_ *ids, in model.RefreshSessionInput) access.Private {
	return access.Private(in.RefreshToken)
}

// refreshed has a token refreshed by whoever presents it, not by who is asking.
func (r *Resolver) refreshed(ctx context.Context, by access.Actor, token access.Private) (identity.Tokens, error) {
	return r.Services.Sessions.Refresh(ctx, token, by.RequestID)
}

func signOut(_ *ids, in model.SignOutInput) *access.Private {
	return (*access.Private)(in.RefreshToken)
}

func signOutEverywhere(read *ids, in model.SignOutEverywhereInput) *clinic.Ref {
	return read.optional(globalid.Account, in.AccountID, "accountId")
}

func revokeSession(read *ids, in model.RevokeSessionInput) clinic.Ref {
	return read.ref(globalid.Session, in.SessionID, "sessionId")
}
