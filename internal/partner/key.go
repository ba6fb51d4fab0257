package partner

import (
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

// APIKey is a text that lets a system in until it expires.
type APIKey struct {
	OrganizationID uuid.UUID
	ID             uuid.UUID
	Version        int
	Name           string
	Prefix         string // what the text begins with
	Digest         Digest
	Scopes         []string
	PerMinute      int // requests, by contract; 0: as everybody
	CreatedAt      time.Time
	CreatedBy      uuid.UUID
	ExpiresAt      time.Time
	LastUsedAt     *time.Time // to the minute
	RevokedAt      *time.Time
}

// Ref names the key.
func (k APIKey) Ref() clinic.Ref { return clinic.Ref{Organization: k.OrganizationID, ID: k.ID} }

// RequestsPerMinute are those of its contract; nil: as everybody.
func (k APIKey) RequestsPerMinute() *int { return contract(k.PerMinute) }

func (k APIKey) actor() access.Actor {
	return access.Actor{
		Kind: access.APIClient, ID: k.ID, Client: k.Prefix, Credential: k.ID, Organization: k.OrganizationID, Role: access.Integrator,
		Scopes: k.Scopes, PerMinute: k.PerMinute,
	}
}

// revoked is the key when it is no more. It stays so from the first time on.
func (k APIKey) revoked(now time.Time) APIKey {
	if k.RevokedAt == nil {
		k.Version++
		k.RevokedAt = &now
	}
	return k
}

// The kinds of thing in the record of who did what.
const (
	ClientKind = "ApiClient"
	KeyKind    = "ApiKey"
)

// KeyParts is how many values the key of a client or an API key in a list has: when it was made, then the id.
const KeyParts = 2

// ClientCursor is the key of a client in a list.
func ClientCursor(c Client) []string { return cursor(c.CreatedAt, c.ID) }

// APIKeyCursor is the key of an API key in a list.
func APIKeyCursor(k APIKey) []string { return cursor(k.CreatedAt, k.ID) }

func cursor(at time.Time, id uuid.UUID) []string {
	return []string{strconv.FormatInt(at.UnixMicro(), 10), id.String()}
}
