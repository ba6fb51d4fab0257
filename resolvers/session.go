package resolvers

import (
	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/graph/model"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/identity"
)

// sessionTokens are what the holder of a session is shown, this once.
func sessionTokens(t identity.Tokens) *model.SessionTokens {
	return &model.SessionTokens{
		AccessToken: t.Access.Reveal(), ExpiresAt: t.AccessExpires, RefreshToken: t.Refresh.Reveal(), SessionExpiresAt: t.SessionExpires,
		SessionID: globalid.Of(globalid.Account, clinic.Ref{ID: t.SessionID}),
	}
}
