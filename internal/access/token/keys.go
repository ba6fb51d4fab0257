package token

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// SigningKey is a key that tokens are signed with for a time, and verified with for longer.
type SigningKey struct {
	ID             string // what Thumbprint says
	Public         ed25519.PublicKey
	Private        ed25519.PrivateKey // nil: this process can't sign with it
	CreatedAt      time.Time
	SignsFrom      time.Time
	SignsUntil     time.Time
	PublishedUntil time.Time // after its last token has expired
}

// StoredKeys are the signing keys that are published at an instant.
type StoredKeys struct {
	Keys   []SigningKey     // by when they begin to sign
	Closed map[string]error // why those can't be opened whose ids these are; they are none of Keys
	Newest string           // the id of the one that begins to sign last, closed or not; "": there is none
}

// KeyStore keeps signing keys for all processes. Any method may fail with errs.Busy.
type KeyStore interface {
	SigningKeys(ctx context.Context, now time.Time) (StoredKeys, error)
	// AddSigningKey keeps a key that follows the newest, "" for the first. It doesn't if another process has done so: then it is false.
	AddSigningKey(ctx context.Context, k SigningKey, after string, now time.Time) (bool, error)
}

// Keys are the platform's signing keys as this process knows them. A new one is published well before it signs.
type Keys struct {
	Store KeyStore
	Clock clock.Clock   // the machine's
	Life  time.Duration // that a key signs for

	mu     sync.Mutex
	loaded []SigningKey
	looked time.Time // the last look
	failed error     // what it failed with

	looking sync.Mutex // one look at a time
}

const (
	// published is how long a key is known before it signs, unless there is none that does.
	publishedBefore = time.Hour
	// published for so long after it signs no more: the last token's life, and for clocks that differ.
	publishedAfter = MaxLife + time.Hour
	// a new one is made so long before it is needed.
	madeBefore = 2 * publishedBefore
	// lookAgain is the time between looks for a key that a token names and nobody here knows.
	lookAgain = 5 * time.Second
)

// Refresh reads the keys anew and makes the next one when it is time. It is called once a minute. It fails, too, when some keys can't be
// opened, though the others are in use then.
func (k *Keys) Refresh(ctx context.Context) error {
	k.looking.Lock()
	defer k.looking.Unlock()
	closed, err := k.refresh(ctx)
	if err != nil {
		return err
	}
	var faults []error
	for _, id := range slices.Sorted(maps.Keys(closed)) {
		faults = append(faults, closed[id])
	}
	return errors.Join(faults...)
}

// refresh answers which keys can't be opened.
func (k *Keys) refresh(ctx context.Context) (closed map[string]error, err error) {
	now := k.Clock.Now()
	stored, err := k.stored(ctx, now)
	if err == nil {
		if next, wanted := k.next(stored.Keys, now); wanted {
			if _, err = k.Store.AddSigningKey(ctx, next, stored.Newest, now); err == nil {
				stored, err = k.stored(ctx, now)
			}
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.looked, k.failed = now, err
	if err == nil {
		k.loaded = stored.Keys
	}
	return stored.Closed, err
}

// stored reads the keys. One that can't be opened now and was opened before is as it was then.
func (k *Keys) stored(ctx context.Context, now time.Time) (StoredKeys, error) {
	stored, err := k.Store.SigningKeys(ctx, now)
	if err != nil {
		return stored, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, had := range k.loaded {
		if _, closed := stored.Closed[had.ID]; closed {
			stored.Keys = append(stored.Keys, had)
		}
	}
	slices.SortStableFunc(stored.Keys, func(a, b SigningKey) int {
		return cmp.Or(a.SignsFrom.Compare(b.SignsFrom), cmp.Compare(a.ID, b.ID))
	})
	return stored, nil
}

// next is the key that follows those there are, if one has to be made now.
func (k *Keys) next(list []SigningKey, now time.Time) (next SigningKey, wanted bool) {
	from := now
	if len(list) > 0 {
		newest := list[len(list)-1]
		if now.Before(newest.SignsUntil.Add(-madeBefore)) {
			return SigningKey{}, false
		}
		if now.Before(newest.SignsUntil) {
			from = later(now.Add(publishedBefore), newest.SignsUntil)
		}
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err) // the machine's randomness never fails
	}
	until := from.Add(k.Life)
	return SigningKey{
		ID: Thumbprint(public), Public: public, Private: private, CreatedAt: now,
		SignsFrom: from, SignsUntil: until, PublishedUntil: until.Add(publishedAfter),
	}, true
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// Published are the keys that tokens are verified with now, and those that will be. It fails with errs.Busy while none are known.
func (k *Keys) Published(ctx context.Context) ([]SigningKey, error) {
	if err := k.known(ctx); err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.Clock.Now()
	return slices.DeleteFunc(slices.Clone(k.loaded), func(s SigningKey) bool { return !now.Before(s.PublishedUntil) }), nil
}

// signing is the key to sign with now: of those that may, the newest.
func (k *Keys) signing(ctx context.Context) (SigningKey, error) {
	if err := k.known(ctx); err != nil {
		return SigningKey{}, err
	}
	now := k.Clock.Now()
	for range 2 {
		if key, ok := k.signer(now); ok {
			return key, nil
		}
		if err := k.lookFor(ctx); err != nil {
			return SigningKey{}, err
		}
	}
	return SigningKey{}, errs.TryAgain(nil)
}

func (k *Keys) signer(now time.Time) (SigningKey, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, s := range slices.Backward(k.loaded) {
		if s.Private != nil && !now.Before(s.SignsFrom) && now.Before(s.SignsUntil) {
			return s, true
		}
	}
	return SigningKey{}, false
}

// public is the key of an id. One that isn't known is looked for, but not more often than every few seconds, whoever asks.
func (k *Keys) public(ctx context.Context, id string) (key []byte, err error) {
	if !wellFormed(id) {
		return nil, invalid()
	}
	for range 2 {
		if key, ok := k.find(id); ok {
			return key, nil
		}
		if err := k.lookFor(ctx); err != nil {
			return nil, err
		}
	}
	return nil, invalid()
}

func (k *Keys) find(id string) ([]byte, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	at := slices.IndexFunc(k.loaded, func(s SigningKey) bool { return s.ID == id })
	if at < 0 || !k.Clock.Now().Before(k.loaded[at].PublishedUntil) {
		return nil, false
	}
	return k.loaded[at].Public, true
}

// known reads the keys if that has never been done.
func (k *Keys) known(ctx context.Context) error {
	k.mu.Lock()
	known := k.loaded != nil
	k.mu.Unlock()
	if known {
		return nil
	}
	return k.lookFor(ctx)
}

// lookFor reads the keys anew, unless that was done just now: then it answers what came of it.
func (k *Keys) lookFor(ctx context.Context) error {
	if err, done := k.lately(); done {
		return err
	}
	k.looking.Lock()
	defer k.looking.Unlock()
	if err, done := k.lately(); done { // by whoever was here before
		return err
	}
	if _, err := k.refresh(context.WithoutCancel(ctx)); err != nil { // others get the same answer: who goes away fails it for nobody
		return errs.TryAgain(err)
	}
	return nil
}

func (k *Keys) lately() (err error, done bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !clock.Fresh(k.looked, k.Clock.Now(), lookAgain) {
		return nil, false
	}
	if k.failed != nil {
		return errs.TryAgain(k.failed), true
	}
	return nil, true
}

// idLength is that of a SHA-256 in base64url.
const idLength = 43

// wellFormed says whether a text may be a key's id at all: nothing else is looked for.
func wellFormed(id string) bool {
	if len(id) != idLength {
		return false
	}
	_, err := base64.RawURLEncoding.Strict().DecodeString(id)
	return err == nil
}

// Thumbprint names a public key (RFC 7638; RFC 8037, appendix A.3).
func Thumbprint(key ed25519.PublicKey) string {
	sum := sha256.Sum256([]byte(`{"crv":"Ed25519","kty":"OKP","x":"` + base64.RawURLEncoding.EncodeToString(key) + `"}`))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// JWK is a public key as others read it (RFC 7517; RFC 8037, section 2).
type JWK struct {
	Type      string `json:"kty"`
	Curve     string `json:"crv"`
	X         string `json:"x"`
	ID        string `json:"kid"`
	Use       string `json:"use"`
	Algorithm string `json:"alg"`
}

// JWK is the key's public part.
func (s SigningKey) JWK() JWK {
	return JWK{Type: "OKP", Curve: "Ed25519", X: base64.RawURLEncoding.EncodeToString(s.Public), ID: s.ID, Use: "sig", Algorithm: "EdDSA"}
}
