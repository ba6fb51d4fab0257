package app

import (
	"context"
	"errors"
	"time"

	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/closure"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/waitlist"
)

// sweeping takes what is over out of the way, each thing by the clock that it goes by.
type sweeping struct {
	*appointment.Service
	clinic       *clinic.Service
	waitlist     *waitlist.Service
	closure      *closure.Service
	db           *postgres.DB
	keepMessages time.Duration
}

func (a *App) sweeping() sweeping {
	return sweeping{a.appointments, a.clinic, a.waitlist, a.closure, a.db, a.frame.messagesKept()}
}

// Match is documented at workers.Sweeper.
func (s sweeping) Match(ctx context.Context, limit int) (int, error) {
	return s.waitlist.Match(ctx, limit)
}

// Rebook is documented at workers.Sweeper.
func (s sweeping) Rebook(ctx context.Context, limit int) (int, error) {
	return s.closure.Rebook(ctx, limit)
}

// Equip is documented at workers.Sweeper.
func (s sweeping) Equip(ctx context.Context, turns int) (int, error) {
	return s.clinic.Equip(ctx, turns)
}

// Tidy is documented at workers.Sweeper.
func (s sweeping) Tidy(ctx context.Context, limit int) (int, error) {
	booked, err := s.Service.Tidy(ctx, limit)
	signedIn, failed := s.db.TidySignIn(ctx, clock.System{}.Now(), limit)
	told, untold := s.db.TidyMessages(ctx, s.Clock.Now(), s.keepMessages, limit)
	return booked + signedIn + told, errors.Join(err, failed, untold)
}
