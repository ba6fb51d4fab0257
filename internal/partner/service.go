package partner

import (
	"context"
	"io"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/form"
	"github.com/mediconnect/mediconnect/internal/paging"
)

// Service lets administrators of an organisation say which systems may call for it.
type Service struct {
	Store       Store
	Source      clinic.Source // of the machine's time: what a clock that stands still has ended would live on
	Random      io.Reader
	Revocations Revocations
	Live        bool // keys begin with mk_live_, else with mk_test_
}

// CreateClient asks for a client.
type CreateClient struct {
	Name      string
	KeySet    *string // public keys (RFC 7517); nil: it proves itself by a secret
	Scopes    []string
	PerMinute *int
	Key       string
}

// MadeClient is a client, and its new secret, this once.
type MadeClient struct {
	Client   Client
	Secret   *access.Private // nil: it signs, or the answer repeats an earlier one
	Replayed bool
}

// CreateClient makes a client. Failures: errs.KeyInUse, errs.KeyReused.
func (s *Service) CreateClient(ctx context.Context, a access.Actor, in CreateClient) (MadeClient, error) {
	organization, err := clinic.Allowed(a, uuid.Nil, access.ClientsManage)
	if err != nil {
		return MadeClient{}, err
	}
	once, err := clinic.NewOnce(in.Key, "createApiClient", in)
	if err != nil {
		return MadeClient{}, err
	}
	by := s.Source.Stamp(a)
	c := Client{OrganizationID: organization, ID: s.Source.NewID(), Version: 1, Method: BySecret, CreatedAt: by.At, CreatedBy: a.ID}
	var check form.Check
	c.Name = check.Line(in.Name, form.MaxName, "name")
	c.Scopes = grantable(&check, a, in.Scopes, "scopes")
	c.PerMinute = perMinute(&check, in.PerMinute, "requestsPerMinute")
	if in.KeySet != nil {
		c.Method, c.Keys = ByKey, c.keyed(readKeys(&check, *in.KeySet, "jwks"))
	}
	if err := check.Err(); err != nil {
		return MadeClient{}, err
	}
	var shown *access.Private
	if c.Method == BySecret {
		text, fresh, err := s.secret(by.At)
		if err != nil {
			return MadeClient{}, err
		}
		c.Secrets, shown = []Secret{fresh}, &text
	}
	was, replayed, err := s.Store.CreateClient(ctx, by, once, c)
	if replayed {
		shown = nil
	}
	return MadeClient{was, shown, replayed}, err
}

func (s *Service) secret(now time.Time) (access.Private, Secret, error) {
	text, digest, err := drawSecret(s.Random)
	return text, Secret{ID: s.Source.NewID(), Digest: digest, CreatedAt: now}, err
}

// RotateSecret asks for a new secret of a client.
type RotateSecret struct {
	Client          clinic.Ref
	Overlap         time.Duration // that the one in use stays good
	ExpectedVersion *int
}

// RotateSecret gives a client another secret. It returns once tokens are refused everywhere that were got with a secret that is no longer
// good. Failures: StaleClient; errs.Forbidden to who has fewer scopes than the client.
func (s *Service) RotateSecret(ctx context.Context, a access.Actor, in RotateSecret) (MadeClient, error) {
	if in.Overlap < 0 || in.Overlap > MaxOverlap {
		return MadeClient{}, errs.Invalid("From 0 to 7 days.", "overlap")
	}
	by := s.Source.Stamp(a)
	text, fresh, err := s.secret(by.At)
	if err != nil {
		return MadeClient{}, err
	}
	c, err := s.changeClient(ctx, a, in.Client, in.ExpectedVersion, by, "apiClient.rotate", func(c Client) (Client, error) {
		if c.Method != BySecret {
			return c, errs.Invalid("This client signs and has no secret.", "apiClientId")
		}
		return c.rotated(fresh, in.Overlap, by.At), mayArm(a, c)
	})
	return MadeClient{Client: c, Secret: &text}, err
}

// ReplaceKeys asks for other keys of a client.
type ReplaceKeys struct {
	Client          clinic.Ref
	KeySet          string
	ExpectedVersion *int
}

// ReplaceKeys gives a client that signs other public keys. It returns once tokens are refused everywhere that were got with a key that is
// no longer among them. Failures: StaleClient; errs.Forbidden to who has fewer scopes than the client.
func (s *Service) ReplaceKeys(ctx context.Context, a access.Actor, in ReplaceKeys) (Client, error) {
	var check form.Check
	keys := readKeys(&check, in.KeySet, "jwks")
	by := s.Source.Stamp(a)
	return s.changeClient(ctx, a, in.Client, in.ExpectedVersion, by, "apiClient.keys", func(c Client) (Client, error) {
		if c.Method != ByKey {
			return c, errs.Invalid("This client has a secret and doesn't sign.", "apiClientId")
		}
		if err := mayArm(a, c); err != nil {
			return c, err
		}
		return c.rekeyed(keys), check.Err()
	})
}

// Revoke asks for a client or a key to be no more.
type Revoke struct {
	Ref             clinic.Ref
	ExpectedVersion *int
}

// RevokeClient ends a client, and returns once its tokens are refused everywhere. Repeating it changes nothing. Failures: StaleClient.
func (s *Service) RevokeClient(ctx context.Context, a access.Actor, in Revoke) (Client, error) {
	by := s.Source.Stamp(a)
	return s.changeClient(ctx, a, in.Ref, in.ExpectedVersion, by, "apiClient.revoke", func(c Client) (Client, error) {
		return c.revoked(by.At), nil
	})
}

// attempts is how often a change is decided anew on what has changed meanwhile.
const attempts = 5

func (s *Service) changeClient(
	ctx context.Context, a access.Actor, ref clinic.Ref, expected *int, by clinic.Stamp, action string, decide func(Client) (Client, error),
) (Client, error) {
	if err := a.Need(access.ClientsManage, ref.Organization, "client", "apiClientId"); err != nil {
		return Client{}, err
	}
	for range attempts {
		found, err := s.Store.Clients(ctx, []clinic.Ref{ref})
		if err != nil {
			return Client{}, err
		}
		from, ok := found[ref]
		if !ok {
			return Client{}, errs.Missing("client", "apiClientId")
		}
		to, err := next(from, expected, decide)
		if err != nil {
			return Client{}, err
		}
		done := to.Version == from.Version
		if !done {
			done, err = s.Store.ChangeClient(ctx, by, action, from, to, lost(from, to))
		}
		if err != nil {
			return Client{}, err
		}
		if done {
			return to, s.Revocations.Settle(ctx, lost(from, to)...)
		}
	}
	return Client{}, errs.TryAgain(nil)
}

// next decides what becomes of a client as it is. Of one that is revoked nothing becomes any more.
func next(from Client, expected *int, decide func(Client) (Client, error)) (Client, error) {
	to, err := decide(from)
	switch {
	case err != nil:
		return to, err
	case to.Version != from.Version && expected != nil && *expected != from.Version:
		return to, StaleClient{Current: from}
	case to.Version != from.Version && from.RevokedAt != nil:
		return to, errs.Invalid("This client is revoked.", "apiClientId")
	}
	return to, nil
}

// Clients answers those that exist and that the caller may see.
func (s *Service) Clients(ctx context.Context, a access.Actor, refs []clinic.Ref) (map[clinic.Ref]Client, error) {
	if refs = seen(a, refs); len(refs) == 0 {
		return map[clinic.Ref]Client{}, nil
	}
	return s.Store.Clients(ctx, refs)
}

// seen are those of the refs that the caller may look up.
func seen(a access.Actor, refs []clinic.Ref) (own []clinic.Ref) {
	for _, ref := range refs {
		if a.Has(access.ClientsManage) && a.In(ref.Organization) {
			own = append(own, ref)
		}
	}
	return own
}

// ListClients pages the clients of the caller's organisation, the newest first.
func (s *Service) ListClients(ctx context.Context, a access.Actor, f Filter, w paging.Window) (paging.Page[Client], error) {
	f, err := f.allowed(a)
	if err != nil {
		return paging.Page[Client]{}, err
	}
	return s.Store.ListClients(ctx, f, w)
}

// CountClients counts what ListClients lists, up to paging.MaxCount.
func (s *Service) CountClients(ctx context.Context, a access.Actor, f Filter) (int, error) {
	f, err := f.allowed(a)
	if err != nil {
		return 0, err
	}
	return s.Store.CountClients(ctx, f)
}

func (f Filter) allowed(a access.Actor) (Filter, error) {
	organization, err := clinic.Allowed(a, uuid.Nil, access.ClientsManage)
	f.Organization = organization
	return f, err
}
