package app

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/audit"
)

// derivedKeys are chain keys that follow from one secret.
type derivedKeys struct{ secret []byte }

var _ audit.Keys = derivedKeys{}

// ChainKey implements audit.Keys.
func (k derivedKeys) ChainKey(ctx context.Context, organization uuid.UUID) (int, []byte, error) {
	key, err := k.ChainKeyOf(ctx, organization, 1)
	return 1, key, err
}

// ChainKeyOf implements audit.Keys.
func (k derivedKeys) ChainKeyOf(_ context.Context, organization uuid.UUID, id int) ([]byte, error) {
	if id != 1 {
		return nil, fmt.Errorf("there is no chain key %d", id)
	}
	h := hmac.New(sha256.New, k.secret)
	h.Write(organization[:])
	return h.Sum(nil), nil
}
