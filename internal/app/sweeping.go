package app

import (
	"context"
	"errors"

	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/postgres"
)

// sweeping takes what is over out of the way, each thing by the clock that it goes by.
type sweeping struct {
	*appointment.Service
	db *postgres.DB
}

// Tidy is documented at workers.Sweeper.
func (s sweeping) Tidy(ctx context.Context, limit int) (int, error) {
	booked, err := s.Service.Tidy(ctx, limit)
	signedIn, failed := s.db.TidySignIn(ctx, clock.System{}.Now(), limit)
	return booked + signedIn, errors.Join(err, failed)
}
