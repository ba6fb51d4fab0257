package app

import (
	"crypto/rand"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/identity"
	"github.com/mediconnect/mediconnect/internal/openid"
	"github.com/mediconnect/mediconnect/internal/postgres"
)

// greet wires who signs in. Codes of second factors follow the machine's clock, as those do who show them.
func (a *App) greet() {
	store := postgres.NewAccounts(a.db)
	a.hashing = a.frame.SignIn.passwords()
	a.people = identity.NewService(store, opening{a}, a.hashing, clinic.Source{Clock: clock.System{}, NewID: newID}, rand.Reader)
	a.vouching = openid.New(a.frame.SignIn.OpenIDProviders, clock.System{})
	a.openID = identity.NewOpenID(a.people, store, a.vouching)
}
