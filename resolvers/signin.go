package resolvers

import (
	"errors"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/graph/model"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/identity"
)

func signIn(read *ids, in model.SignInInput) identity.SignIn {
	return identity.SignIn{
		Organization: read.organization(in.OrganizationID, "organizationId"), Email: access.Private(in.Email), Password: access.Private(in.Password), Client: in.Client,
	}
}

func answerChallenge(_ *ids, in model.AnswerSignInChallengeInput) identity.AnswerChallenge {
	return identity.AnswerChallenge{Challenge: access.Private(in.Challenge), Code: access.Private(in.Code)}
}

func setUpSecondFactor(_ *ids, in model.SetUpSecondFactorInput) identity.SetUp {
	return identity.SetUp{Current: access.Private(in.CurrentPassword)}
}

func replaceRecoveryCodes(_ *ids, in model.ReplaceRecoveryCodesInput) identity.ReplaceCodes {
	return identity.ReplaceCodes{Code: access.Private(in.Code)}
}

func changePassword(_ *ids, in model.ChangePasswordInput) identity.ChangePassword {
	return identity.ChangePassword{Current: access.Private(in.CurrentPassword), New: access.Private(in.NewPassword)}
}

func suspendAccount(read *ids, in model.SuspendAccountInput) identity.ChangeAccount {
	return changeAccount(read, in.AccountID, in.ExpectedVersion)
}

func reinstateAccount(read *ids, in model.ReinstateAccountInput) identity.ChangeAccount {
	return changeAccount(read, in.AccountID, in.ExpectedVersion)
}

func resetSecondFactor(read *ids, in model.ResetSecondFactorInput) identity.ChangeAccount {
	return changeAccount(read, in.AccountID, in.ExpectedVersion)
}

func changeAccountRole(read *ids, in model.ChangeAccountRoleInput) identity.ChangeRole {
	return identity.ChangeRole{
		ChangeAccount: changeAccount(read, in.AccountID, in.ExpectedVersion), Role: in.Role,
		Provider: read.optional(globalid.Provider, in.ProviderID, "providerId"),
	}
}

func changeAccount(read *ids, id string, version *int) identity.ChangeAccount {
	return identity.ChangeAccount{Account: read.ref(globalid.Account, id, "accountId"), ExpectedVersion: version}
}

func beginOpenID(read *ids, in model.BeginOpenIDSignInInput) identity.BeginOpenID {
	return identity.BeginOpenID{
		Organization: read.organization(in.OrganizationID, "organizationId"), Provider: in.Provider, RedirectURI: in.RedirectURI, Client: in.Client,
	}
}

func completeOpenID(_ *ids, in model.CompleteOpenIDSignInInput) identity.CompleteOpenID {
	return identity.CompleteOpenID{State: access.Private(in.State), Code: access.Private(in.Code), Issuer: in.Issuer}
}

func accountFilter(in *model.AccountFilterInput) identity.Filter {
	if in == nil {
		return identity.Filter{}
	}
	return identity.Filter{Role: in.Role, Suspended: in.Suspended, Email: private(in.Email)}
}

// signedIn is what somebody gets who has proved something.
func signedIn(in *identity.SignedIn) (*model.SessionTokens, *identity.Challenge) {
	switch {
	case in == nil:
		return nil, nil
	case in.Tokens == nil:
		return nil, in.Challenge
	}
	return sessionTokens(*in.Tokens), nil
}

// revealed are texts for whom they are meant.
func revealed(list []access.Private) []string {
	var texts []string
	for _, text := range list {
		texts = append(texts, text.Reveal())
	}
	return texts
}

// peopleMembers are of accounts and signing in.
func peopleMembers(err error) []any {
	if e, ok := errors.AsType[identity.SignInRefused](err); ok {
		return []any{&model.GenericError{Code: model.UserErrorCodeSignInRefused, Message: e.Error(), Path: append([]string{"input"}, e.Path...)}}
	}
	if e, ok := errors.AsType[identity.LockedOut](err); ok {
		return []any{&model.TooManyTriesError{
			Code: model.UserErrorCodeTooManyTries, Message: e.Error(), Path: []string{"input"}, Retryable: true, RetryAt: e.Until,
		}}
	}
	if e, ok := errors.AsType[identity.StaleVersion](err); ok {
		return []any{&model.StaleAccountError{
			Code: model.UserErrorCodeStaleVersion, Message: e.Error(), Path: input("expectedVersion"), Current: &e.Current,
		}}
	}
	return nil
}
