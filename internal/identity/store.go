package identity

import (
	"context"

	"github.com/mediconnect/mediconnect/internal/clinic"
)

// Store keeps accounts. A change commits together with its audit row. Any method may fail with errs.Busy.
type Store interface {
	// Create keeps a new account with a password's hash (empty: none), unless the organisation has one of this address.
	Create(ctx context.Context, by clinic.Stamp, a Account, hash string) (added bool, err error)
}
