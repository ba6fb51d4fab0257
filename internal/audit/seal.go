package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clock"
)

// Sealer links what was recorded to the clinics' chains, tells their heads outside the database, and drops what has been kept
// long enough. Several processes may do so at once.
type Sealer struct {
	store   Chains
	keys    Keys
	anchors Anchors
	clock   clock.Clock

	mu       sync.Mutex
	epoch    string              // the life of the log that the rest is about
	sealed   int64               // everything up to here is in chains; below 0: not known
	anchored map[uuid.UUID]int64 // the ordinals that this process has told
	since    int                 // links since then
}

// NewSealer makes a sealer.
func NewSealer(store Chains, keys Keys, anchors Anchors, c clock.Clock) *Sealer {
	return &Sealer{store: store, keys: keys, anchors: anchors, clock: c, sealed: -1, anchored: map[uuid.UUID]int64{}}
}

// anchorAfter is so many links that they are told at once.
const anchorAfter = 10_000

// Seal links everything that was recorded, limit events at a time, and answers how many. A clinic whose key can't be had
// doesn't keep the others from theirs.
func (s *Sealer) Seal(ctx context.Context, limit int) (int, error) {
	epoch, released, err := s.store.Released(ctx)
	if err != nil {
		return 0, err
	}
	after := s.resume(epoch, released)
	if released <= after {
		return 0, nil
	}
	organizations, err := s.store.Unsealed(ctx, after, released)
	if err != nil {
		return 0, err
	}
	total := 0
	var failed error
	for _, organization := range organizations {
		n, err := s.sealOne(ctx, organization, released, limit)
		total += n
		failed = errors.Join(failed, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.since += total; failed == nil {
		s.sealed = max(s.sealed, released)
	}
	return total, failed
}

// resume is up to where everything is sealed. In a database that was put back to an earlier state nothing is known to be.
func (s *Sealer) resume(epoch string, released int64) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if epoch != s.epoch || released < s.sealed {
		s.epoch, s.sealed = epoch, -1
		clear(s.anchored)
	}
	return s.sealed
}

func (s *Sealer) sealOne(ctx context.Context, organization uuid.UUID, upTo int64, limit int) (int, error) {
	id, secret, err := s.keys.ChainKey(ctx, organization)
	if err != nil {
		return 0, err
	}
	total := 0
	for {
		n, err := s.store.Seal(ctx, organization, Key{ID: id, Secret: secret}, upTo, limit)
		total += n
		if err != nil || n < limit {
			return total, err
		}
	}
}

// Due says whether so much was sealed since the last anchors that the next shall not wait.
func (s *Sealer) Due() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.since >= anchorAfter
}

// Anchor tells where the chains stand that have grown since this process told it last.
func (s *Sealer) Anchor(ctx context.Context) error {
	epoch, _, err := s.store.Released(ctx)
	if err != nil {
		return err
	}
	heads, err := s.store.Heads(ctx)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var grown []Anchor
	for organization, ordinal := range heads {
		if ordinal <= s.anchored[organization] {
			continue
		}
		found, err := s.store.LinksAt(ctx, organization, []int64{ordinal})
		if err != nil {
			return err
		}
		if l, ok := found[ordinal]; ok {
			grown = append(grown, l.anchor(organization, s.clock.Now(), epoch))
		}
	}
	if len(grown) == 0 {
		return nil
	}
	if err := s.anchors.Append(ctx, grown); err != nil {
		return err
	}
	for _, a := range grown {
		s.anchored[a.Organization] = a.Ordinal
	}
	s.since = 0
	return nil
}

func (l Link) anchor(organization uuid.UUID, at time.Time, epoch string) Anchor {
	return Anchor{Organization: organization, Ordinal: l.Ordinal, Position: l.Position, Event: l.Event, Hash: l.Hash, At: at, Epoch: epoch}
}

// Prune drops the beginnings of chains, at most limit links of each, whose events are older than they have to be kept. What isn't as
// it was sealed stays, with everything after it: it is evidence, and its time is not to be trusted. It doesn't keep others from theirs.
func (s *Sealer) Prune(ctx context.Context, keep time.Duration, limit int) (int, error) {
	heads, err := s.store.Heads(ctx)
	if err != nil {
		return 0, err
	}
	epoch, _, err := s.store.Released(ctx)
	if err != nil {
		return 0, err
	}
	now, dropped := s.clock.Now(), 0
	var failed error
	for organization := range heads {
		n, err := s.pruneOne(ctx, Anchor{Organization: organization, At: now, Epoch: epoch, Pruned: true}, now.Add(-keep), limit)
		dropped += n
		failed = errors.Join(failed, err)
	}
	return dropped, failed
}

// pruneOne cuts a chain. Where it is cut is told outside the database before anything is dropped.
func (s *Sealer) pruneOne(ctx context.Context, told Anchor, before time.Time, limit int) (int, error) {
	from, err := s.store.Pruned(ctx, told.Organization)
	if err != nil {
		return 0, err
	}
	cut, err := s.store.Ripe(ctx, told.Organization, before, limit)
	if err != nil || cut.Ordinal <= from.Ordinal {
		return 0, err
	}
	if err := s.sound(ctx, told.Organization, from, cut); err != nil {
		return 0, err
	}
	told.Ordinal, told.Position, told.Hash = cut.Ordinal, cut.Position, cut.Hash
	if err := s.anchors.Append(ctx, []Anchor{told}); err != nil {
		return 0, err
	}
	return int(cut.Ordinal - from.Ordinal), s.store.Prune(ctx, told.Organization, cut, told.At)
}

// sound fails if a chain between two heads, or an event of it, isn't as it was sealed.
func (s *Sealer) sound(ctx context.Context, organization uuid.UUID, from, to Head) error {
	var found Finding
	w := newWalker(s.store, s.keys, organization, from, &found)
	w.last = to.Ordinal
	for more := true; more && found.Fault == nil; {
		var err error
		if more, err = w.page(ctx); err != nil {
			return err
		}
	}
	if found.Fault != nil || w.head.Ordinal != to.Ordinal || !bytes.Equal(w.head.Hash, to.Hash) {
		return fmt.Errorf("the record of organisation %s isn't as it was written, so nothing of it is dropped: run `mediconnect audit verify`", organization)
	}
	return nil
}
