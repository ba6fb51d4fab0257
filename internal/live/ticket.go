package live

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"slices"
	"time"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/form"
)

// The bounds of tickets.
const (
	TicketLife  = 30 * time.Second
	MostTickets = 10 // open ones of an account: one more takes the place of the oldest
	ticketBytes = 32
	mostScopes  = 20 // in an input
)

// Ticket is who opens a stream with it, once.
type Ticket struct {
	Holder  access.Actor
	Until   time.Time // the stream that it opens ends then, as the token does that it was issued for
	Expires time.Time // it opens nothing from then on
}

// TicketDigest is what a ticket is kept as: whoever reads the database can't use one.
type TicketDigest [sha256.Size]byte

// TicketStore keeps tickets until they are used. Any method may fail with errs.Busy.
type TicketStore interface {
	// KeepTicket keeps one, and no more than so many of its holder's: the oldest give way.
	KeepTicket(ctx context.Context, digest TicketDigest, t Ticket, most int) error
	// TakeTicket answers a ticket and forgets it: of those who come with the same, one is answered.
	TakeTicket(ctx context.Context, digest TicketDigest) (t Ticket, ok bool, err error)
}

// Tickets lets a client open a stream that can't send its token, as a browser's EventSource can't: a ticket may stand in a URL,
// since it is worth nothing once it has been used, or after half a minute.
type Tickets struct {
	Store  TicketStore
	Clock  clock.Clock // that tokens expire by
	Random io.Reader
}

// IssueTicket asks for a ticket.
type IssueTicket struct {
	Scopes []string  // that the stream shall have, of the caller's; nil: all of them
	Until  time.Time // the caller's token is good before then; zero: for ever
}

// Issued is a ticket as its holder gets it, this once.
type Issued struct {
	Ticket  access.Private
	Expires time.Time
}

// Issue makes a ticket, for whoever is signed in.
func (s Tickets) Issue(ctx context.Context, a access.Actor, in IssueTicket) (Issued, error) {
	if a.Kind == access.Anonymous {
		return Issued{}, errs.SignIn("Sign in to do this.")
	}
	if in.Scopes != nil {
		var check form.Check
		check.That(len(in.Scopes) <= mostScopes, "At most 20 scopes.", "scopes")
		for i, scope := range in.Scopes[:min(len(in.Scopes), mostScopes)] {
			check.That(slices.Contains(a.Effective(), scope), "Your token lacks this scope.", form.At([]string{"scopes"}, i)...)
		}
		if err := check.Err(); err != nil {
			return Issued{}, err
		}
		a.Scopes = in.Scopes
	}
	secret := make([]byte, ticketBytes)
	if _, err := io.ReadFull(s.Random, secret); err != nil {
		return Issued{}, errs.Bug("draw a ticket", err)
	}
	expires := s.Clock.Now().Add(TicketLife)
	if !in.Until.IsZero() && in.Until.Before(expires) {
		expires = in.Until
	}
	text := base64.RawURLEncoding.EncodeToString(secret)
	a.Circle, a.Trail, a.RequestID = nil, nil, ""
	err := s.Store.KeepTicket(ctx, digestOf(text), Ticket{Holder: a, Until: in.Until, Expires: expires}, MostTickets)
	return Issued{access.Private(text), expires}, err
}

// Redeem answers whose a ticket is, and when the stream has to end that it opens; zero: never. It can be redeemed once. A ticket that
// is unknown, used or too old fails with errs.Unauthenticated, each alike; it may fail with errs.Busy, which leaves the ticket as it is.
func (s Tickets) Redeem(ctx context.Context, ticket string) (access.Actor, time.Time, error) {
	no := errs.SignIn("The ticket is not valid. Each opens one stream, within half a minute.")
	if len(ticket) != base64.RawURLEncoding.EncodedLen(ticketBytes) {
		return access.Actor{}, time.Time{}, no
	}
	t, ok, err := s.Store.TakeTicket(ctx, digestOf(ticket))
	switch {
	case err != nil:
		return access.Actor{}, time.Time{}, err
	case !ok, !s.Clock.Now().Before(t.Expires):
		return access.Actor{}, time.Time{}, no
	}
	return t.Holder, t.Until, nil
}

func digestOf(ticket string) TicketDigest { return sha256.Sum256([]byte(ticket)) }
