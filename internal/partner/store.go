package partner

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/paging"
)

// Store keeps clients and keys. A change commits together with its audit row. Any method may fail with errs.Busy.
type Store interface {
	// CreateClient keeps a client. For a key that was used it answers the client that it made. It fails with ErrManyClients, errs.KeyInUse and
	// errs.KeyReused.
	CreateClient(ctx context.Context, by clinic.Stamp, once clinic.Once, c Client) (was Client, replayed bool, err error)
	// ChangeClient keeps a client as changed, and that some of its credentials are revoked, unless the client is no longer as it was read; then it
	// answers false.
	ChangeClient(ctx context.Context, by clinic.Stamp, action string, from, to Client, revoked []uuid.UUID) (bool, error)
	// Clients answers those that exist.
	Clients(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref]Client, error)
	// ListClients pages clients, the newest first. It fails with errs.InvalidInput at "after" or "before".
	ListClients(ctx context.Context, f Filter, w paging.Window) (paging.Page[Client], error)
	// CountClients stops at paging.MaxCount.
	CountClients(ctx context.Context, f Filter) (int, error)

	// CreateKey is CreateClient for keys. It fails with ErrManyKeys.
	CreateKey(ctx context.Context, by clinic.Stamp, once clinic.Once, k APIKey) (was APIKey, replayed bool, err error)
	// ChangeKey is ChangeClient for keys.
	ChangeKey(ctx context.Context, by clinic.Stamp, action string, from, to APIKey) (bool, error)
	// Keys answers those that exist.
	Keys(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref]APIKey, error)
	// ListKeys pages keys, the newest first.
	ListKeys(ctx context.Context, f Filter, w paging.Window) (paging.Page[APIKey], error)
	// CountKeys stops at paging.MaxCount.
	CountKeys(ctx context.Context, f Filter) (int, error)
}

// Filter narrows a list.
type Filter struct {
	Organization uuid.UUID
	Revoked      bool // also those that are
}

// Uses are what is kept of how clients and keys are used. Any method may fail with errs.Busy.
type Uses interface {
	// Client answers a client, and how often somebody failed to prove to be it from a source since an instant.
	Client(ctx context.Context, ref clinic.Ref, source Digest, since time.Time) (c Client, tries int, found bool, err error)
	// Refused counts a failure, and writes an audit row, unless there are MaxTries already.
	Refused(ctx context.Context, by clinic.Stamp, c clinic.Ref, source Digest, since time.Time) error
	// Spend notes that a client has used an assertion that is good until an instant, and answers false if it had before.
	Spend(ctx context.Context, c clinic.Ref, assertion Digest, now, until time.Time) (bool, error)
	// Granted notes that a client got a token, with an audit row, unless it was noted within a minute.
	Granted(ctx context.Context, by clinic.Stamp, c clinic.Ref) error
	// Key answers a key that exists.
	Key(ctx context.Context, ref clinic.Ref) (APIKey, bool, error)
	// KeyUsed notes that a key is used, unless it was noted within a minute.
	KeyUsed(ctx context.Context, k clinic.Ref, at time.Time) error
}

// Revocations make every process refuse what was good.
type Revocations interface {
	// Settle returns once no process accepts credentials any more whose revocation is kept. It may fail with errs.Busy.
	Settle(ctx context.Context, credentials ...uuid.UUID) error
}

// Signer signs access tokens.
type Signer interface {
	// Sign makes the token of a caller that is good for so long at most, and says until when. It may fail with errs.Busy.
	Sign(ctx context.Context, a access.Actor, life time.Duration) (token string, expires time.Time, err error)
}

// Keeper reads keys through a memory that may be a few minutes old.
type Keeper interface {
	// Get answers what is kept under a text, else what load answers, and fails as load does: a failure isn't kept. It may fail with errs.Busy.
	Get(ctx context.Context, text string, load func(context.Context) (APIKey, error)) (APIKey, error)
}
