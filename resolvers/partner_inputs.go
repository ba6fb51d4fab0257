package resolvers

import (
	"errors"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/graph/model"
	"github.com/mediconnect/mediconnect/internal/partner"
)

func createClient(_ *ids, in model.CreateAPIClientInput) partner.CreateClient {
	return partner.CreateClient{
		Name: in.Name, KeySet: in.Jwks, Scopes: in.Scopes, PerMinute: in.RequestsPerMinute, Key: in.IdempotencyKey,
	}
}

func rotateSecret(read *ids, in model.RotateAPIClientSecretInput) partner.RotateSecret {
	return partner.RotateSecret{
		Client: read.ref(globalid.APIClient, in.APIClientID, "apiClientId"), Overlap: in.Overlap, ExpectedVersion: in.ExpectedVersion,
	}
}

func replaceKeys(read *ids, in model.ReplaceAPIClientKeysInput) partner.ReplaceKeys {
	return partner.ReplaceKeys{
		Client: read.ref(globalid.APIClient, in.APIClientID, "apiClientId"), KeySet: in.Jwks, ExpectedVersion: in.ExpectedVersion,
	}
}

func revokeClient(read *ids, in model.RevokeAPIClientInput) partner.Revoke {
	return partner.Revoke{Ref: read.ref(globalid.APIClient, in.APIClientID, "apiClientId"), ExpectedVersion: in.ExpectedVersion}
}

func createKey(_ *ids, in model.CreateAPIKeyInput) partner.CreateKey {
	return partner.CreateKey{
		Name: in.Name, Scopes: in.Scopes, ExpiresAt: in.ExpiresAt, PerMinute: in.RequestsPerMinute, Key: in.IdempotencyKey,
	}
}

func revokeKey(read *ids, in model.RevokeAPIKeyInput) partner.Revoke {
	return partner.Revoke{Ref: read.ref(globalid.APIKey, in.APIKeyID, "apiKeyId"), ExpectedVersion: in.ExpectedVersion}
}

// partnerMembers are of clients and keys.
func partnerMembers(err error) []any {
	if e, ok := errors.AsType[partner.StaleClient](err); ok {
		return []any{&model.StaleAPIClientError{
			Code: model.UserErrorCodeStaleVersion, Message: e.Error(), Path: input("expectedVersion"), Current: &e.Current,
		}}
	}
	if e, ok := errors.AsType[partner.StaleKey](err); ok {
		return []any{&model.StaleAPIKeyError{
			Code: model.UserErrorCodeStaleVersion, Message: e.Error(), Path: input("expectedVersion"), Current: &e.Current,
		}}
	}
	return nil
}
