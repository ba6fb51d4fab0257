package app

import (
	"context"
	"crypto/rand"
	"net/url"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
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
	return identity.NewMailing(postgres.NewNotes(a.db), source, rand.Reader, a.hashing, opening{a}, limits)
}

// post is a folder of mails. Links in them lead to the API's own address: `dev` has no app.
func (d *dev) post() (identity.Post, error) {
	return mail.Open(mail.Config{
		URL: (&url.URL{Scheme: "file", Path: d.place.Path(devMails)}).String(), From: "MediConnect <no-reply@localhost>",
		App: &url.URL{Scheme: "http", Host: d.listener.Addr().String()}, Clock: d.clock(),
	})
}

// opening opens and ends sessions of the app as it is by then: what they are read through is wired last.
type opening struct{ app *App }

// Open is documented at identity.Opener.
func (o opening) Open(ctx context.Context, s identity.Start) (identity.Tokens, error) {
	return o.app.sessions.Open(ctx, s)
}

// EndAll is documented at identity.Opener.
func (o opening) EndAll(ctx context.Context, organization, account, but uuid.UUID) error {
	return o.app.sessions.EndAll(ctx, organization, account, but)
}
