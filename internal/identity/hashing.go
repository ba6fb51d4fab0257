package identity

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/alexedwards/argon2id"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// Cost is what one hash of a password takes (argon2id, RFC 9106).
type Cost struct {
	Memory      uint32 // KiB
	Iterations  uint32
	Parallelism uint8
}

// Bulkhead bounds the hashes of a process: each fills a core and its memory.
type Bulkhead struct {
	AtOnce  int           // hashes
	Waiting int           // who may stand in line for one
	Wait    time.Duration // for so long
}

// Passwords hashes passwords, a few at a time.
type Passwords struct {
	cost     argon2id.Params
	bulkhead Bulkhead
	turns    chan struct{}
	waiting  atomic.Int64
	turned   atomic.Int64
	nobodys  string // a hash that no password has
	compare  func(password, hash string) (bool, *argon2id.Params, error)
}

// As RFC 9106, section 3.1 recommends.
const (
	saltBytes = 16
	hashBytes = 32
)

// NewPasswords hashes at a cost, within a bulkhead.
func NewPasswords(c Cost, b Bulkhead) *Passwords {
	p := &Passwords{
		cost:     argon2id.Params{Memory: c.Memory, Iterations: c.Iterations, Parallelism: c.Parallelism, SaltLength: saltBytes, KeyLength: hashBytes},
		bulkhead: b, turns: make(chan struct{}, b.AtOnce), compare: argon2id.CheckHash,
	}
	p.nobodys = fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s", c.Memory, c.Iterations, c.Parallelism,
		base64.RawStdEncoding.EncodeToString(make([]byte, saltBytes)), base64.RawStdEncoding.EncodeToString(make([]byte, hashBytes)))
	return p
}

// Counted is p, telling of each password that is compared.
func (p *Passwords) Counted(tell func()) *Passwords {
	compare := p.compare
	p.compare = func(password, hash string) (bool, *argon2id.Params, error) {
		tell()
		return compare(password, hash)
	}
	return p
}

// Turned is how many hashes were refused because too many were asked for at once.
func (p *Passwords) Turned() int64 { return p.turned.Load() }

var errLine = errors.New("too many passwords at once")

// turn waits for a place; leave gives it back. It fails with errs.Busy.
func (p *Passwords) turn(ctx context.Context) (leave func(), err error) {
	leave = func() { <-p.turns }
	select {
	case p.turns <- struct{}{}:
		return leave, nil
	default:
	}
	defer p.waiting.Add(-1)
	if p.waiting.Add(1) > int64(p.bulkhead.Waiting) {
		p.turned.Add(1)
		return nil, errs.TryAgain(errLine)
	}
	ctx, cancel := context.WithTimeout(ctx, p.bulkhead.Wait)
	defer cancel()
	select {
	case p.turns <- struct{}{}:
		return leave, nil
	case <-ctx.Done():
		p.turned.Add(1)
		return nil, errs.TryAgain(ctx.Err())
	}
}

// Hash makes what is kept of a password, in PHC's string format. It fails with errs.Busy.
func (p *Passwords) Hash(ctx context.Context, password access.Private) (string, error) {
	leave, err := p.turn(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	return argon2id.CreateHash(password.Reveal(), &p.cost)
}

// Verify says whether a password is the hashed one, and whether its hash cost something else than hashes do now. Without a hash
// the work is the same, and in vain. It fails with errs.Busy.
func (p *Passwords) Verify(ctx context.Context, password access.Private, hash string) (right, stale bool, err error) {
	leave, err := p.turn(ctx)
	if err != nil {
		return false, false, err
	}
	defer leave()
	same, cost, err := p.compare(Normal(password).Reveal(), cmp.Or(hash, p.nobodys))
	if err != nil {
		return false, false, errs.Bug("compare a password", err)
	}
	return same && hash != "", *cost != p.cost, nil
}
