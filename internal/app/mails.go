package app

import (
	"context"
	"crypto/rand"
	"errors"
	"net/url"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/identity"
	"github.com/mediconnect/mediconnect/internal/mail"
	"github.com/mediconnect/mediconnect/internal/postgres"
)

// mails wires how people come to have accounts.
func (a *App) mails(source clinic.Source) *identity.Mailing {
	limits := identity.UsualMailLimits()
	if a.frame.MailLimits != nil {
		limits = *a.frame.MailLimits
	}
	return identity.NewMailing(postgres.NewNotes(a.db), source, rand.Reader, a.passwords(), a.opener(), limits)
}

// passwords hashes as OWASP's cheat sheet on password storage has it for argon2id.
func (a *App) passwords() *identity.Passwords {
	return identity.NewPasswords(identity.Cost{Memory: 19 * 1024, Iterations: 2, Parallelism: 1}, identity.Bulkhead{AtOnce: 2, Waiting: 100, Wait: 2 * time.Second})
}

// post is a folder of mails. Links in them lead to the API's own address: `dev` has no app.
func (d *dev) post() (identity.Post, error) {
	return mail.Open(mail.Config{
		URL: (&url.URL{Scheme: "file", Path: d.place.Path(devMails)}).String(), From: "MediConnect <no-reply@localhost>",
		App: &url.URL{Scheme: "http", Host: d.listener.Addr().String()}, Clock: d.clock(),
	})
}

// opener opens the sessions of those who have just made an account.
func (a *App) opener() identity.Opener { return noSessions{} }

// noSessions stands in where there are none.
type noSessions struct{}

var errNoSessions = errors.New("there are no sessions here")

// Open fails.
func (noSessions) Open(context.Context, identity.Start) (identity.Tokens, error) {
	return identity.Tokens{}, errs.TryAgain(errNoSessions)
}

// EndAll finds none.
func (noSessions) EndAll(context.Context, uuid.UUID, uuid.UUID, uuid.UUID) error { return nil }
