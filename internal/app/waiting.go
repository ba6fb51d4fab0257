package app

import (
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/closure"
	"github.com/mediconnect/mediconnect/internal/flags"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/waitlist"
)

// closing makes the room of closures.
func (a *App) closing(source clinic.Source) *closure.Service {
	return &closure.Service{
		Store: postgres.NewClosureStore(a.db), Visits: a.appointments, Openings: a.finder, Offers: a.waitlist, Clinic: a.clinic, Providers: a.provider, Source: source,
	}
}

// waiting makes the waitlist.
func (a *App) waiting(source clinic.Source) *waitlist.Service {
	return &waitlist.Service{
		Store: postgres.NewWaitlistStore(a.db), Visits: a.appointments, Openings: a.finder, Contacts: a.db.Directory(), Source: source,
		Flag: func(organization uuid.UUID, by access.Actor) access.Feature {
			return a.flags.Decide(flags.AutoOffer, flags.Subject{Organization: organization}, by)
		},
	}
}
