// Package partner is a room: the systems that call the API for themselves, by OAuth 2.0 client credentials (RFC 6749, section 4.4) or
// by an API key.
package partner

import (
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/form"
)

// Method is how a client proves to be itself.
type Method string

// The methods of the contract.
const (
	BySecret Method = "SECRET"      // client_secret_basic or client_secret_post
	ByKey    Method = "PRIVATE_KEY" // private_key_jwt
)

// Client is a system that gets access tokens for itself.
type Client struct {
	OrganizationID uuid.UUID
	ID             uuid.UUID
	Version        int
	Name           string
	Method         Method
	Secrets        []Secret // the newest first; of a client that proves itself by a secret
	Keys           []Key    // of one that signs
	Scopes         []string
	PerMinute      int // requests, by contract; 0: as everybody
	CreatedAt      time.Time
	CreatedBy      uuid.UUID
	LastUsedAt     *time.Time // to the minute
	LastUsedWith   uuid.UUID  // the secret or key
	RevokedAt      *time.Time
}

// Secret is what a client proves itself with. Its text is known to the client alone.
type Secret struct {
	ID        uuid.UUID
	Digest    Digest
	CreatedAt time.Time
	EndsAt    *time.Time // nil: when it is replaced
}

// The bounds of clients and keys.
const (
	MaxClients   = 50  // of an organisation that aren't revoked
	MaxAPIKeys   = 100 // that are good
	MaxPerMinute = 100_000
	MaxOverlap   = 7 * 24 * time.Hour // of a secret that was replaced
	MaxKeyLife   = 366 * 24 * time.Hour
	TokenLife    = 10 * time.Minute
	maxScopes    = 20 // in an input
)

// Ref names the client.
func (c Client) Ref() clinic.Ref { return clinic.Ref{Organization: c.OrganizationID, ID: c.ID} }

// ClientID is the client's client_id.
func (c Client) ClientID() string { return ClientID(c.Ref()) }

// RequestsPerMinute are those of its contract; nil: as everybody.
func (c Client) RequestsPerMinute() *int { return contract(c.PerMinute) }

func contract(perMinute int) *int {
	if perMinute == 0 {
		return nil
	}
	return &perMinute
}

// actor is the client as a caller who proved itself with a credential.
func (c Client) actor(credential uuid.UUID, scopes []string) access.Actor {
	return access.Actor{
		Kind: access.APIClient, ID: c.ID, Client: ClientID(c.Ref()), Credential: credential, Organization: c.OrganizationID,
		Role: access.Integrator, Scopes: scopes, PerMinute: c.PerMinute,
	}
}

func (s Secret) good(now time.Time) bool { return s.EndsAt == nil || now.Before(*s.EndsAt) }

// rotated is the client with a fresh secret. The one that is in use stays good for a while: the last used, else the newest. So an
// answer that was lost on its way, with a secret that nobody knows, takes the working one from nobody.
func (c Client) rotated(fresh Secret, overlap time.Duration, now time.Time) Client {
	var used *Secret
	for _, s := range c.Secrets { // the newest first
		if s.good(now) && (used == nil || s.ID == c.LastUsedWith) {
			used = &s
		}
	}
	c.Version++
	c.Secrets = []Secret{fresh}
	if used != nil && overlap > 0 {
		ends := now.Add(overlap)
		if used.EndsAt == nil || ends.Before(*used.EndsAt) {
			used.EndsAt = &ends
		}
		c.Secrets = append(c.Secrets, *used)
	}
	return c
}

// rekeyed is the client with other keys.
func (c Client) rekeyed(keys []Key) Client {
	c.Version++
	c.Keys = c.keyed(keys)
	return c
}

// revoked is the client when it is no more. It stays so from the first time on.
func (c Client) revoked(now time.Time) Client {
	if c.RevokedAt == nil {
		c.Version++
		c.RevokedAt = &now
	}
	return c
}

// credentials are what tokens of the client were got with.
func (c Client) credentials() []uuid.UUID {
	var ids []uuid.UUID
	for _, s := range c.Secrets {
		ids = append(ids, s.ID)
	}
	for _, k := range c.Keys {
		ids = append(ids, k.ID)
	}
	return ids
}

// lost are the credentials that the client had and has no longer; of one that is revoked all of them.
func lost(from, to Client) []uuid.UUID {
	if to.RevokedAt != nil {
		return from.credentials()
	}
	kept := to.credentials()
	return slices.DeleteFunc(from.credentials(), func(id uuid.UUID) bool { return slices.Contains(kept, id) })
}

// StaleClient reports that the client changed since the version that the caller saw.
type StaleClient struct{ Current Client }

func (StaleClient) Error() string { return "The client has changed since you read it." }

// StaleKey reports that the key changed since the version that the caller saw.
type StaleKey struct{ Current APIKey }

func (StaleKey) Error() string { return "The key has changed since you read it." }

// grantable reads scopes that a partner shall have from somebody: some of an integrator's that the giver has too, in one order.
func grantable(check *form.Check, giver access.Actor, asked []string, path ...string) []string {
	may := access.ScopesOf(access.Integrator)
	check.That(len(asked) > 0, "Name at least one scope.", path...)
	check.That(len(asked) <= maxScopes, "At most "+strconv.Itoa(maxScopes)+" scopes.", path...)
	for i, scope := range asked[:min(len(asked), maxScopes)] {
		known := slices.Contains(may, scope)
		check.That(known, "No partner may have this scope.", form.At(path, i)...)
		check.That(!known || giver.Has(scope), "Your token lacks this scope itself.", form.At(path, i)...)
	}
	return slices.DeleteFunc(may, func(s string) bool { return !slices.Contains(asked, s) })
}

// mayArm refuses a new secret or other keys for a client to who has fewer scopes than the client: they would call with them.
func mayArm(giver access.Actor, c Client) error {
	for _, scope := range c.Scopes {
		if !giver.Has(scope) {
			return errs.Denied("The client has the scope "+scope+", which your token lacks.", "apiClientId")
		}
	}
	return nil
}

// perMinute reads how many requests a contract allows.
func perMinute(check *form.Check, asked *int, path ...string) int {
	if asked == nil {
		return 0
	}
	check.That(*asked >= 1 && *asked <= MaxPerMinute, "From 1 to "+strconv.Itoa(MaxPerMinute)+" requests a minute.", path...)
	return *asked
}

// ErrManyClients and ErrManyKeys refuse one more than an organisation may have.
var (
	ErrManyClients = errs.Denied("There are " + strconv.Itoa(MaxClients) + " clients already. Revoke some of them first.")
	ErrManyKeys    = errs.Denied("There are " + strconv.Itoa(MaxAPIKeys) + " keys already. Revoke some of them first.")
)
