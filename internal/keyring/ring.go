// Package keyring is a cellar: it keeps the keys of private texts in a folder outside the database, so that deleting a patient's
// key makes every copy of the database unreadable as far as that patient goes.
package keyring

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/mediconnect/mediconnect/internal/seal"
)

// MaxRemember is how long a process may remember an unwrapped key, at most: as long as a destroyed one can still be used.
const MaxRemember = time.Minute

// DefaultRemember is how long they do unless the folder was made for another time.
const DefaultRemember = 30 * time.Second

const (
	remembered = 50_000 // keys at once
	atOnce     = 8      // shards at once
)

// Ring is the keys of a folder. Any number of them, in any number of processes, may use the folder at the same time.
type Ring struct {
	dir      string
	remember time.Duration
	newest   *memory[seal.Subject, seal.Key]
	known    *memory[seal.KeyID, seal.Key]
	reading  sync.Mutex
	roots    roots // as last read
}

var _ seal.Keys = (*Ring)(nil)

// Open reads what there is in a folder that Create made. Its errors are sentences for the operator.
func Open(dir string) (*Ring, error) {
	if _, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("the folder of keys %s is missing or can't be entered: make one with `mediconnect keys create`", dir)
	}
	r := &Ring{dir: dir}
	now, err := r.rootsNow()
	if err != nil {
		return nil, err
	}
	r.remember = now.remember
	r.newest = newMemory[seal.Subject, seal.Key](remembered, r.remember)
	r.known = newMemory[seal.KeyID, seal.Key](remembered, r.remember)
	return r, nil
}

// Remember is how long processes that use the folder remember a key.
func (r *Ring) Remember() time.Duration { return r.remember }

// Current is documented at seal.Keys.
func (r *Ring) Current(ctx context.Context, about []seal.Subject) (map[seal.Subject]seal.Key, error) {
	found := make(map[seal.Subject]seal.Key, len(about))
	missing := map[place][]seal.Subject{}
	for _, s := range about {
		if key, ok := r.newest.Get(s); ok {
			found[s] = key
		} else if at := placeOf(s); !slices.Contains(missing[at], s) {
			missing[at] = append(missing[at], s)
		}
	}
	var mine sync.Mutex
	err := each(ctx, missing, func(ctx context.Context, at place, subjects []seal.Subject) error {
		keys, err := r.currentAt(ctx, at, subjects)
		mine.Lock()
		defer mine.Unlock()
		maps.Copy(found, keys)
		return err
	})
	return found, err
}

// currentAt finds or makes the newest keys of subjects of one shard.
func (r *Ring) currentAt(ctx context.Context, at place, subjects []seal.Subject) (map[seal.Subject]seal.Key, error) {
	records, err := r.read(at)
	if err != nil {
		return nil, err
	}
	latest := latestOf(records)
	if slices.ContainsFunc(subjects, func(s seal.Subject) bool { return latest[s.ID] == nil }) {
		if latest, err = r.add(ctx, at, subjects); err != nil {
			return nil, err
		}
	}
	found := make(map[seal.Subject]seal.Key, len(subjects))
	w := r.wrapping(at.organization, r.lastRead())
	for _, s := range subjects {
		record := latest[s.ID]
		if record.destroyed() {
			continue
		}
		if found[s], err = w.unwrap(*record); err != nil {
			return nil, err
		}
		r.newest.Add(s, found[s])
		r.known.Add(seal.KeyID{Subject: s, Generation: record.generation}, found[s])
	}
	return found, nil
}

// add makes keys for those who have none.
func (r *Ring) add(ctx context.Context, at place, subjects []seal.Subject) (map[uuid.UUID]*record, error) {
	var latest map[uuid.UUID]*record
	err := r.change(ctx, at, func(records []record, w *wrapping) ([]record, error) {
		latest = latestOf(records)
		for _, s := range subjects {
			if latest[s.ID] != nil {
				continue
			}
			fresh, err := w.make(s.ID, 1)
			if err != nil {
				return nil, err
			}
			records = append(records, fresh)
		}
		latest = latestOf(records)
		return records, nil
	})
	return latest, err
}

// Keys is documented at seal.Keys.
func (r *Ring) Keys(ctx context.Context, ids []seal.KeyID) (map[seal.KeyID]seal.Key, error) {
	found := make(map[seal.KeyID]seal.Key, len(ids))
	missing := map[place][]seal.KeyID{}
	for _, id := range ids {
		if key, ok := r.known.Get(id); ok {
			found[id] = key
		} else if at := placeOf(id.Subject); !slices.Contains(missing[at], id) {
			missing[at] = append(missing[at], id)
		}
	}
	var mine sync.Mutex
	err := each(ctx, missing, func(_ context.Context, at place, wanted []seal.KeyID) error {
		keys, err := r.keysAt(at, wanted)
		mine.Lock()
		defer mine.Unlock()
		maps.Copy(found, keys)
		return err
	})
	return found, err
}

func (r *Ring) keysAt(at place, wanted []seal.KeyID) (map[seal.KeyID]seal.Key, error) {
	records, err := r.read(at)
	if err != nil {
		return nil, err
	}
	type name struct {
		id         uuid.UUID
		generation uint16
	}
	there := make(map[name]record, len(records))
	for _, record := range records {
		there[name{record.id, record.generation}] = record
	}
	found, w := make(map[seal.KeyID]seal.Key, len(wanted)), r.wrapping(at.organization, r.lastRead())
	for _, id := range wanted {
		record, ok := there[name{id.ID, id.Generation}]
		if !ok {
			if _, destroyed := there[name{id.ID, destroyedGeneration}]; destroyed {
				continue
			}
			return nil, fmt.Errorf("a key of generation %d for %s is missing in %s", id.Generation, id.ID, r.path(at))
		}
		if found[id], err = w.unwrap(record); err != nil {
			return nil, err
		}
		r.known.Add(id, found[id])
	}
	return found, nil
}

// each does something with every shard that is asked for, some at once.
func each[T any](ctx context.Context, shards map[place][]T, do func(context.Context, place, []T) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	order := slices.SortedFunc(maps.Keys(shards), place.compare) // whoever goes through many goes the same way
	for _, at := range order {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return do(ctx, at, shards[at])
		})
	}
	return group.Wait()
}

func (p place) compare(o place) int {
	return cmp.Or(slices.Compare(p.organization[:], o.organization[:]), cmp.Compare(p.shard, o.shard))
}
