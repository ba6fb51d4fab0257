package keyring

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
)

// Status is what a folder holds.
type Status struct {
	Remember  time.Duration
	Roots     []Root // the newest last
	Tenants   int    // organisations with keys
	Subjects  int    // that have a key
	Keys      int    // of all generations
	Destroyed int    // subjects whose keys were destroyed
}

// Root is a root key, without its secret.
type Root struct {
	ID     uint32
	MadeAt time.Time
	Keys   int // wrapped with it
}

// Status counts what there is, and fails at the first file that is damaged.
func (r *Ring) Status(ctx context.Context) (Status, error) {
	now, err := r.rootsNow()
	if err != nil {
		return Status{}, err
	}
	organizations, err := r.organizations()
	if err != nil {
		return Status{}, err
	}
	s := Status{Remember: now.remember, Tenants: len(organizations)}
	wrapped := map[uint32]int{}
	for _, organization := range organizations {
		if err := r.count(ctx, organization, &s, wrapped); err != nil {
			return Status{}, err
		}
	}
	for _, k := range now.Keys {
		s.Roots = append(s.Roots, Root{ID: k.ID, MadeAt: k.MadeAt, Keys: wrapped[k.ID]})
	}
	return s, nil
}

func (r *Ring) count(ctx context.Context, organization uuid.UUID, s *Status, wrapped map[uint32]int) error {
	for n := range 256 {
		records, err := r.read(place{organization, byte(n)})
		if err := errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		for _, latest := range latestOf(records) {
			if latest.destroyed() {
				s.Destroyed++
			} else {
				s.Subjects++
			}
		}
		for _, record := range records {
			if !record.destroyed() {
				s.Keys++
				wrapped[record.root]++
			}
		}
	}
	return nil
}
