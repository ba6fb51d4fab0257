package identity

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/form"
	"github.com/mediconnect/mediconnect/internal/patient"
)

// OpenIDProvider is somebody whose word an organisation takes for who a person is.
type OpenIDProvider struct {
	Organization uuid.UUID // zero: the platform
	Name         string
	Roles        []access.Role // of accounts that may sign in by it
	Domains      []string      // of e-mail addresses that it speaks for: accounts of those are linked by a verified address
	SecondFactor bool          // it asks for one itself, always
	RedirectURIs []string
}

// Providers are those that are set up.
type Providers interface {
	// Find answers an organisation's provider.
	Find(organization uuid.UUID, name string) (OpenIDProvider, bool)
	// Authorize is where somebody is sent to. It fails with errs.Busy while the provider can't be reached.
	Authorize(ctx context.Context, p OpenIDProvider, ask OpenIDAsk) (url string, err error)
	// Exchange asks who came back with a code, and verifies the answer. A code that came as another issuer's is sent to nobody. It fails
	// with errs.Busy, and with ErrNotProven whatever else is wrong.
	Exchange(ctx context.Context, p OpenIDProvider, came CompleteOpenID, ask OpenIDAsk) (Proven, error)
}

// ErrNotProven is of a code or an ID token that proves nothing.
var ErrNotProven = errors.New("the provider's answer proves nothing")

// OpenIDAsk is what binds what comes back to what was asked.
type OpenIDAsk struct {
	State, Nonce, Verifier access.Private // the verifier is RFC 7636's
	RedirectURI            string
}

// Proven is who somebody is with a provider.
type Proven struct {
	Subject      string
	Email        access.Private // empty: not told
	Verified     bool           // that the address is theirs
	SecondFactor bool           // they gave more than one thing
}

// SubjectHandle is what who somebody is with a provider is looked up by.
func SubjectHandle(provider, subject string) patient.Handle {
	return patient.Handle{Purpose: "openid subject", Value: access.Private(provider + "\x00" + subject)}
}

// OpenIDAttempt is somebody who was sent to a provider.
type OpenIDAttempt struct {
	Ticket
	Provider string
	OpenIDAsk
	Client  string
	Account uuid.UUID // who links themself; zero: who is linked signs in
	Expires time.Time
}

// OpenIDStore keeps attempts, and who is who with a provider. Any method may fail with errs.Busy.
type OpenIDStore interface {
	// KeepAttempt keeps an attempt.
	KeepAttempt(ctx context.Context, a OpenIDAttempt) error
	// TakeAttempt answers an attempt once. The state isn't kept.
	TakeAttempt(ctx context.Context, t Ticket, now time.Time) (OpenIDAttempt, bool, error)
	// Linked answers the account that somebody is; without a link, the one of the address if there is one. Of nobody it is zero.
	Linked(ctx context.Context, organization uuid.UUID, provider, subject string, address access.Private) (a Account, linked bool, err error)
	// Link says who an account is with a provider. False: they are somebody else there.
	Link(ctx context.Context, by clinic.Stamp, account clinic.Ref, provider, subject string) (bool, error)
}

// OpenID signs people in by providers.
type OpenID struct {
	people    *Service
	store     OpenIDStore
	providers Providers
}

// NewOpenID puts sign-in by providers beside sign-in by passwords.
func NewOpenID(people *Service, store OpenIDStore, providers Providers) *OpenID {
	return &OpenID{people, store, providers}
}

// BeginOpenID asks where to send somebody.
type BeginOpenID struct {
	Organization                  uuid.UUID
	Provider, RedirectURI, Client string
}

// Begun is where somebody is sent to.
type Begun struct {
	URL     string
	Expires time.Time
}

// CompleteOpenID is what came back.
type CompleteOpenID struct {
	State, Code access.Private
	Issuer      *string // as whose answer it came (RFC 9207); nil: that wasn't said
}

// AttemptLife is how long somebody may stay with the provider.
const AttemptLife = 10 * time.Minute

const (
	maxProvider = 100
	maxCode     = 4096
)

var errNoProvider = errs.Missing("provider", "provider")

// Begin sends somebody to a provider.
func (o *OpenID) Begin(ctx context.Context, a access.Actor, in BeginOpenID) (Begun, error) {
	var check form.Check
	in.Client = check.Line(in.Client, maxClient, "client")
	name := check.Line(in.Provider, maxProvider, "provider")
	if err := check.Err(); err != nil {
		return Begun{}, err
	}
	attempt := OpenIDAttempt{Provider: name, Client: in.Client, Expires: o.people.source.Clock.Now().Add(AttemptLife)}
	if a.Kind != access.Anonymous {
		if _, err := o.people.own(ctx, a); err != nil {
			return Begun{}, err
		}
		in.Organization, attempt.Account = a.Organization, a.ID
	}
	provider, known := o.providers.Find(in.Organization, name)
	switch {
	case !known:
		return Begun{}, errNoProvider
	case !slices.Contains(provider.RedirectURIs, in.RedirectURI):
		return Begun{}, errs.Invalid("Nobody is sent back there.", "redirectUri")
	}
	var err error
	if attempt.Ticket, attempt.OpenIDAsk, err = o.draw(in.Organization, in.RedirectURI); err != nil {
		return Begun{}, errs.Bug("draw an attempt", err)
	}
	url, err := o.providers.Authorize(ctx, provider, attempt.OpenIDAsk)
	if err != nil {
		return Begun{}, err
	}
	return Begun{URL: url, Expires: attempt.Expires}, o.store.KeepAttempt(ctx, attempt)
}

// draw makes what can't be guessed of an attempt.
func (o *OpenID) draw(organization uuid.UUID, redirect string) (t Ticket, ask OpenIDAsk, err error) {
	ask.RedirectURI = redirect
	if ask.State, t, err = newTicket(o.people.random, organization); err != nil {
		return t, ask, err
	}
	for _, secret := range []*access.Private{&ask.Nonce, &ask.Verifier} {
		var drawn [sha256.Size]byte
		if _, err := io.ReadFull(o.people.random, drawn[:]); err != nil {
			return t, ask, err
		}
		*secret = access.Private(base64.RawURLEncoding.EncodeToString(drawn[:]))
	}
	return t, ask, nil
}

// Complete signs in who came back. Whatever is wrong is SignInRefused; an attempt that is over, was completed, or links somebody else than the
// caller, errs.NotFound.
func (o *OpenID) Complete(ctx context.Context, a access.Actor, in CompleteOpenID) (SignedIn, error) {
	gone := errs.Missing("attempt", "state")
	ticket, ok := readTicket(in.State)
	if !ok {
		return SignedIn{}, gone
	}
	if in.Code == "" || len(in.Code) > maxCode {
		return SignedIn{}, errs.Invalid("This can't be a code.", "code")
	}
	attempt, ok, err := o.store.TakeAttempt(ctx, ticket, o.people.source.Clock.Now())
	if err != nil || !ok {
		return SignedIn{}, orElse(err, gone)
	}
	provider, known := o.providers.Find(ticket.Organization, attempt.Provider)
	if !known || !attempt.completedBy(a) {
		return SignedIn{}, gone
	}
	a.Client = attempt.Client
	by := o.people.source.Stamp(a)
	proven, err := o.providers.Exchange(ctx, provider, in, attempt.OpenIDAsk)
	if errors.Is(err, ErrNotProven) {
		return SignedIn{}, refused(o.people.store.Refuse(ctx, by, clinic.Ref{Organization: ticket.Organization, ID: attempt.Account}), "code")
	}
	if err != nil {
		return SignedIn{}, err
	}
	return o.enter(ctx, by, provider, attempt, proven)
}

// completedBy says whether who came back may go on: with a link only who began it and is signed in still. Else a session that has ended would
// link a stranger afterwards, or somebody would be linked to the account of whoever sent them to the provider.
func (t OpenIDAttempt) completedBy(a access.Actor) bool {
	return t.Account == uuid.Nil || a.Kind != access.Anonymous && a.Credential != uuid.Nil && a.ID == t.Account && a.Organization == t.Organization
}

// enter lets in who is linked, or may be.
func (o *OpenID) enter(ctx context.Context, by clinic.Stamp, p OpenIDProvider, attempt OpenIDAttempt, proven Proven) (SignedIn, error) {
	address := access.Private("")
	if p.speaksFor(proven) {
		address = proven.Email
	}
	account, linked, err := o.store.Linked(ctx, p.Organization, p.Name, proven.Subject, address)
	if err != nil {
		return SignedIn{}, err
	}
	if attempt.Account != uuid.Nil {
		account, linked, err = o.linking(ctx, account, linked, clinic.Ref{Organization: p.Organization, ID: attempt.Account})
		if err != nil {
			return SignedIn{}, err
		}
	}
	if account.ID == uuid.Nil || !account.SuspendedAt.IsZero() || !slices.Contains(p.Roles, account.Role) {
		return SignedIn{}, refused(o.people.store.Refuse(ctx, by, clinic.Ref{Organization: p.Organization, ID: account.ID}), "code")
	}
	if !linked {
		by := o.people.source.Stamp(account.Actor(by.Actor))
		if ok, err := o.store.Link(ctx, by, account.Ref(), p.Name, proven.Subject); err != nil || !ok {
			return SignedIn{}, orElse(err, SignInRefused{Path: []string{"code"}})
		}
	}
	admission := Admission{Account: account, Client: attempt.Client, Trusted: p.SecondFactor || proven.SecondFactor}
	return o.people.admit(ctx, by, admission, account.Email)
}

// linking is of who links themself: who they are with the provider must be nobody else here.
func (o *OpenID) linking(ctx context.Context, found Account, linked bool, self clinic.Ref) (Account, bool, error) {
	if linked && found.ID != self.ID {
		return Account{}, false, nil
	}
	known, err := o.people.store.Accounts(ctx, []clinic.Ref{self})
	return known[self], linked, err
}

// speaksFor says whether the provider's word is enough that an address is somebody's.
func (p OpenIDProvider) speaksFor(who Proven) bool {
	return who.Verified && slices.Contains(p.Domains, Domain(who.Email))
}

// SetProviders takes the word of other providers from now on. It is called before anybody signs in.
func (o *OpenID) SetProviders(p Providers) { o.providers = p }
