package identity

import (
	"context"
	"io"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/form"
)

// Service signs people in.
type Service struct {
	store     Store
	opener    Opener
	passwords *Passwords
	source    clinic.Source
	random    io.Reader
}

// NewService puts the service over its store. Secrets are drawn from random.
func NewService(store Store, opener Opener, passwords *Passwords, source clinic.Source, random io.Reader) *Service {
	return &Service{store: store, opener: opener, passwords: passwords, source: source, random: random}
}

// SignIn asks for a session by a password.
type SignIn struct {
	Organization    uuid.UUID // zero: the platform's
	Email, Password access.Private
	Client          string
}

// SignedIn is a session, or what is still owed for one.
type SignedIn struct {
	Tokens        *Tokens
	Challenge     *Challenge
	RecoveryCodes []access.Private // of somebody who has set up a second factor, shown once
}

// maxClient is the longest name of an app, in characters.
const maxClient = 100

// SignIn compares a password. Whatever is wrong, the answer is the same SignInRefused and takes the same work; LockedOut after too many of
// them, whether anybody has the address or not.
func (s *Service) SignIn(ctx context.Context, a access.Actor, in SignIn) (SignedIn, error) {
	var check form.Check
	address := Address(&check, in.Email, "email")
	check.That(written(in.Password), "This can't be a password.", "password")
	by := s.by(&check, a, in.Client)
	if err := check.Err(); err != nil {
		return SignedIn{}, err
	}
	tried, err := s.store.Try(ctx, by, in.Organization, address)
	if err != nil {
		return SignedIn{}, err
	}
	right, stale, err := s.compare(ctx, tried, in.Password)
	if err != nil {
		return SignedIn{}, err
	}
	if !right || !tried.known() || !tried.Account.SuspendedAt.IsZero() {
		ref := clinic.Ref{Organization: in.Organization, ID: tried.Account.ID}
		return SignedIn{}, refused(s.store.Refuse(ctx, by, ref))
	}
	admission := Admission{Account: tried.Account, Tried: tried.At, Client: by.Actor.Client}
	if stale { // a hash that can't be made now is made another time
		admission.Hash, _ = s.passwords.Hash(ctx, Normal(in.Password))
	}
	return s.admit(ctx, by, admission, address)
}

// by marks what is done by somebody who isn't signed in yet, with an app.
func (s *Service) by(check *form.Check, a access.Actor, client string) clinic.Stamp {
	a.Client = check.Line(client, maxClient, "client")
	return s.source.Stamp(a)
}

func refused(err error, path ...string) error {
	if err != nil {
		return err
	}
	return SignInRefused{Path: path}
}

// compare compares the password of a try that was counted. One that couldn't be compared is none.
func (s *Service) compare(ctx context.Context, t Tried, password access.Private) (right, stale bool, err error) {
	if !t.LockedUntil.IsZero() {
		return false, false, LockedOut{Until: t.LockedUntil}
	}
	right, stale, err = s.passwords.Verify(ctx, password, t.Hash)
	if errs.Of(err) == errs.Busy {
		if err := s.store.TakeBack(context.WithoutCancel(ctx), t); err != nil {
			return false, false, err
		}
	}
	return right, stale, err
}

// admit lets somebody in who has proved one thing, or asks for another.
func (s *Service) admit(ctx context.Context, by clinic.Stamp, in Admission, address access.Private) (SignedIn, error) {
	var asked *Challenge
	if enrolled := !in.Account.EnrolledAt.IsZero(); !in.Trusted && (enrolled || NeedsSecondFactor(in.Account.Role)) {
		kind := Enroll
		if enrolled {
			kind = Totp
		}
		var err error
		if asked, in.Challenge, err = s.challenge(in.Account, kind, address); err != nil {
			return SignedIn{}, err
		}
	}
	by.Actor = in.Account.Actor(by.Actor)
	account, ok, err := s.store.Admit(ctx, by, in)
	switch {
	case err != nil:
		return SignedIn{}, err
	case !ok:
		return SignedIn{}, errs.TryAgain(nil)
	case asked != nil:
		return SignedIn{Challenge: asked}, nil
	}
	return s.open(ctx, account, in.Client)
}

// challenge draws one, as it is asked and as it is kept.
func (s *Service) challenge(a Account, kind ChallengeKind, address access.Private) (*Challenge, *Owe, error) {
	token, ticket, err := newTicket(s.random, a.OrganizationID)
	if err != nil {
		return nil, nil, errs.Bug("draw a challenge", err)
	}
	owe := &Owe{ID: s.source.NewID(), Ticket: ticket, Kind: kind, Expires: s.source.Clock.Now().Add(ChallengeLife)}
	asked := &Challenge{Kind: kind, Token: token, Expires: owe.Expires}
	if kind == Enroll {
		secret, uri, err := newFactor(s.random, address)
		if err != nil {
			return nil, nil, errs.Bug("draw a second factor", err)
		}
		owe.Secret, asked.Secret, asked.URI = secret, &secret, &uri
	}
	return asked, owe, nil
}

// open begins a session.
func (s *Service) open(ctx context.Context, a Account, client string) (SignedIn, error) {
	tokens, err := begin(ctx, s.opener, s.store, a, client)
	if err != nil {
		return SignedIn{}, err
	}
	return SignedIn{Tokens: &tokens}, nil
}
