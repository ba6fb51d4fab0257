package resolvers

import (
	"context"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/graph/model"
	"github.com/mediconnect/mediconnect/graph/viewer"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/identity"
)

// signUp reads an input, with the address that the request came from.
func signUp(ctx context.Context) func(*ids, model.SignUpInput) identity.SignUp {
	return func(read *ids, in model.SignUpInput) identity.SignUp {
		return identity.SignUp{
			Organization: read.ref(globalid.Organization, in.OrganizationID, "organizationId").Organization, Email: access.Private(in.Email),
			Locale: in.Locale, Address: viewer.Of(ctx).Address,
		}
	}
}

// requestReset reads an input, with the address that the request came from.
func requestReset(ctx context.Context) func(*ids, model.RequestPasswordResetInput) identity.RequestReset {
	return func(read *ids, in model.RequestPasswordResetInput) identity.RequestReset {
		return identity.RequestReset{Organization: read.organization(in.OrganizationID, "organizationId"), Email: access.Private(in.Email), Address: viewer.Of(ctx).Address}
	}
}

func verifyEmail(_ *ids, in model.VerifyEmailInput) identity.Redeem {
	return identity.Redeem{Code: access.Private(in.Code), Password: access.Private(in.Password), Client: in.Client}
}

func acceptAccount(_ *ids, in model.AcceptAccountInvitationInput) identity.Redeem {
	return identity.Redeem{Code: access.Private(in.Code), Password: access.Private(in.Password), Client: in.Client}
}

func resetPassword(_ *ids, in model.ResetPasswordInput) identity.Reset {
	return identity.Reset{Code: access.Private(in.Code), Password: access.Private(in.NewPassword)}
}

func inviteAccount(read *ids, in model.InviteAccountInput) identity.InviteAccount {
	return identity.InviteAccount{
		Organization: read.organization(in.OrganizationID, "organizationId"), Email: access.Private(in.Email), Role: in.Role,
		Provider: read.optional(globalid.Provider, in.ProviderID, "providerId"), Locale: in.Locale, Key: in.IdempotencyKey,
	}
}

// entered are the tokens of whoever has made an account, if it has a session.
func entered(done *identity.Entered) *model.SessionTokens {
	if done == nil || done.Tokens == nil {
		return nil
	}
	return sessionTokens(*done.Tokens)
}
