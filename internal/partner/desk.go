package partner

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// Desk is where clients prove to be themselves and get tokens.
type Desk struct {
	Uses     Uses
	Signer   Signer
	Source   clinic.Source // of the machine's time
	Audience []string      // that assertions may be for: the issuer, and the token endpoint
}

// MaxTries failures of a client from one network within TryWindow are counted and recorded; later ones are answered alike and write
// nothing. A right proof is taken meanwhile: else whoever knows a client_id, which is no secret, would shut out the client, or its neighbours
// in the network. It gives a guesser nothing, who finds none of 2^256 secrets.
const (
	MaxTries  = 5
	TryWindow = 15 * time.Minute
)

// Proof is what a client comes with to the token endpoint.
type Proof struct {
	ClientID  string // empty: the assertion names it
	Secret    string
	Assertion string // a JSON Web Token (RFC 7523); empty: there is none
	Network   string // that it comes from
	RequestID string
}

// Proved is a client that has proved to be itself.
type Proved struct {
	client     Client
	credential uuid.UUID
	ends       time.Time // no token is good for longer; zero: as long as any
	request    string
}

// Client is who it is: its id, and its client_id.
func (p Proved) Client() (uuid.UUID, string) { return p.client.ID, p.client.ClientID() }

// ErrNotProved is every failure of a proof, whatever is wrong with it: nobody is told more.
var ErrNotProved = errs.SignIn("The client isn't known, or hasn't proved to be it.")

// Prove finds out which client it is. It fails with ErrNotProved, or with errs.Busy.
func (d Desk) Prove(ctx context.Context, p Proof) (Proved, error) {
	ref, assertion, ok := p.read()
	if !ok {
		return Proved{}, ErrNotProved
	}
	by := d.Source.Stamp(access.Actor{
		Kind: access.APIClient, ID: ref.ID, Client: ClientID(ref), Organization: ref.Organization, Role: access.Integrator, RequestID: p.RequestID,
	})
	source, since := digestOf(ref.ID.String()+" "+p.Network), by.At.Add(-TryWindow)
	c, tries, found, err := d.Uses.Client(ctx, ref, source, since)
	switch {
	case err != nil:
		return Proved{}, err
	case !found:
		return Proved{}, ErrNotProved
	}
	proved, err := d.proved(ctx, c, p, assertion, by.At)
	if err != nil || proved.credential != uuid.Nil {
		return proved, err
	}
	if tries < MaxTries {
		err = d.Uses.Refused(ctx, by, ref, source, since)
	}
	return proved, cmp.Or(err, error(ErrNotProved))
}

// read finds out which client the proof is for.
func (p Proof) read() (ref clinic.Ref, assertion signed, ok bool) {
	if p.Assertion == "" {
		ref, ok = clientRef(p.ClientID)
		return ref, assertion, ok
	}
	if assertion, ok = readAssertion(p.Assertion); !ok || p.Secret != "" || p.ClientID != "" && p.ClientID != ClientID(assertion.client) {
		return ref, assertion, false
	}
	return assertion.client, assertion, true
}

// proved is the client with the credential that it came with, none if that proves nothing.
func (d Desk) proved(ctx context.Context, c Client, p Proof, a signed, now time.Time) (Proved, error) {
	proved := Proved{client: c, request: p.RequestID}
	switch {
	case c.RevokedAt != nil:
	case c.Method == BySecret && p.Assertion == "":
		for _, s := range c.Secrets {
			if s.Digest.of(p.Secret) && s.good(now) {
				proved.credential = s.ID
				if s.EndsAt != nil {
					proved.ends = *s.EndsAt
				}
			}
		}
	case c.Method == ByKey && p.Assertion != "":
		key, jti, until, ok := a.proves(c, d.Audience, now)
		if !ok {
			return proved, nil
		}
		fresh, err := d.Uses.Spend(ctx, c.Ref(), digestOf(jti), now, until)
		if err != nil {
			return proved, err
		}
		if fresh {
			proved.credential = key.ID
		}
	}
	return proved, nil
}

// Token is what a client gets.
type Token struct {
	Text   string
	Life   time.Duration
	Scopes []string
}

// ErrNoScope reports that none of the scopes asked for is the client's.
var ErrNoScope = errs.Denied("The client may have none of these scopes.")

// Grant gives a client a token with those of the scopes that it may have; with all of them if it asks for none (RFC 6749, section
// 3.3). It fails with ErrNoScope, or with errs.Busy.
func (d Desk) Grant(ctx context.Context, p Proved, asked []string) (Token, error) {
	scopes := p.client.Scopes
	if len(asked) > 0 {
		scopes = slices.DeleteFunc(slices.Clone(scopes), func(s string) bool { return !slices.Contains(asked, s) })
	}
	if len(scopes) == 0 {
		return Token{}, ErrNoScope
	}
	actor := p.client.actor(p.credential, scopes)
	actor.RequestID = p.request
	by := d.Source.Stamp(actor)
	life := TokenLife
	if !p.ends.IsZero() {
		life = min(life, p.ends.Sub(by.At))
	}
	text, expires, err := d.Signer.Sign(ctx, actor, life)
	if err != nil {
		return Token{}, err
	}
	if err := d.Uses.Granted(ctx, by, p.client.Ref()); err != nil {
		return Token{}, err
	}
	return Token{Text: text, Life: expires.Sub(by.At), Scopes: scopes}, nil
}
