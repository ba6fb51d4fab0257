package partner

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/form"
	"github.com/mediconnect/mediconnect/internal/paging"
)

// CreateKey asks for an API key.
type CreateKey struct {
	Name      string
	Scopes    []string
	ExpiresAt time.Time
	PerMinute *int
	Key       string // the caller's, of idempotency
}

// MadeKey is an API key, and its text, this once.
type MadeKey struct {
	Key      APIKey
	Text     *access.Private // nil: the answer repeats an earlier one
	Replayed bool
}

// CreateKey makes an API key. Failures: errs.KeyInUse, errs.KeyReused.
func (s *Service) CreateKey(ctx context.Context, a access.Actor, in CreateKey) (MadeKey, error) {
	organization, err := clinic.Allowed(a, uuid.Nil, access.ClientsManage)
	if err != nil {
		return MadeKey{}, err
	}
	once, err := clinic.NewOnce(in.Key, "createApiKey", in)
	if err != nil {
		return MadeKey{}, err
	}
	by := s.Source.Stamp(a)
	k := APIKey{OrganizationID: organization, ID: s.Source.NewID(), Version: 1, CreatedAt: by.At, CreatedBy: a.ID, ExpiresAt: in.ExpiresAt}
	var check form.Check
	k.Name = check.Line(in.Name, form.MaxName, "name")
	k.Scopes = grantable(&check, a, in.Scopes, "scopes")
	k.PerMinute = perMinute(&check, in.PerMinute, "requestsPerMinute")
	check.That(in.ExpiresAt.After(by.At) && !in.ExpiresAt.After(by.At.Add(MaxKeyLife)), "Within a year from now.", "expiresAt")
	if err := check.Err(); err != nil {
		return MadeKey{}, err
	}
	text, prefix, digest, err := drawKey(s.Random, s.Live, k.Ref())
	if err != nil {
		return MadeKey{}, err
	}
	k.Prefix, k.Digest = prefix, digest
	was, replayed, err := s.Store.CreateKey(ctx, by, once, k)
	if replayed {
		return MadeKey{Key: was, Replayed: true}, err
	}
	return MadeKey{Key: was, Text: &text}, err
}

// RevokeKey ends a key, and returns once it is refused everywhere. Repeating it changes nothing. Failures: StaleKey.
func (s *Service) RevokeKey(ctx context.Context, a access.Actor, in Revoke) (APIKey, error) {
	if err := a.Need(access.ClientsManage, in.Ref.Organization, "key", "apiKeyId"); err != nil {
		return APIKey{}, err
	}
	by := s.Source.Stamp(a)
	for range attempts {
		found, err := s.Store.Keys(ctx, []clinic.Ref{in.Ref})
		if err != nil {
			return APIKey{}, err
		}
		from, ok := found[in.Ref]
		if !ok {
			return APIKey{}, errs.Missing("key", "apiKeyId")
		}
		to := from.revoked(by.At)
		done := to.Version == from.Version
		if !done && in.ExpectedVersion != nil && *in.ExpectedVersion != from.Version {
			return APIKey{}, StaleKey{Current: from}
		}
		if !done {
			done, err = s.Store.ChangeKey(ctx, by, "apiKey.revoke", from, to)
		}
		if err != nil {
			return APIKey{}, err
		}
		if done {
			return to, s.Revocations.Settle(ctx, to.ID)
		}
	}
	return APIKey{}, errs.TryAgain(nil)
}

// Keys answers those that exist and that the caller may see.
func (s *Service) Keys(ctx context.Context, a access.Actor, refs []clinic.Ref) (map[clinic.Ref]APIKey, error) {
	if refs = seen(a, refs); len(refs) == 0 {
		return map[clinic.Ref]APIKey{}, nil
	}
	return s.Store.Keys(ctx, refs)
}

// ListKeys pages the keys of the caller's organisation, the newest first.
func (s *Service) ListKeys(ctx context.Context, a access.Actor, f Filter, w paging.Window) (paging.Page[APIKey], error) {
	f, err := f.allowed(a)
	if err != nil {
		return paging.Page[APIKey]{}, err
	}
	return s.Store.ListKeys(ctx, f, w)
}

// CountKeys counts what ListKeys lists, up to paging.MaxCount.
func (s *Service) CountKeys(ctx context.Context, a access.Actor, f Filter) (int, error) {
	f, err := f.allowed(a)
	if err != nil {
		return 0, err
	}
	return s.Store.CountKeys(ctx, f)
}
