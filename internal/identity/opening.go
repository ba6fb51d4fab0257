package identity

import (
	"context"

	"github.com/mediconnect/mediconnect/internal/clinic"
)

// Standing knows which accounts may sign in. It may fail with errs.Busy.
type Standing interface {
	// Stands says whether an account may sign in and is still of a version.
	Stands(ctx context.Context, account clinic.Ref, version int) (bool, error)
}

// begin begins the session of somebody who has proved who they are. An account that changed while it began gets none: whoever changed
// it has ended all sessions that they could see.
func begin(ctx context.Context, sessions Opener, standing Standing, a Account, client string) (Tokens, error) {
	tokens, err := sessions.Open(ctx, Start{Account: a, Client: client})
	if err != nil {
		return Tokens{}, err
	}
	switch stands, err := standing.Stands(ctx, a.Ref(), a.Version); {
	case err != nil:
		return Tokens{}, err
	case !stands:
		return Tokens{}, SignInRefused{}
	}
	return tokens, nil
}
