package keyring

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/seal"
)

// Rotating holds everybody else off who would rotate keys of this folder. Failing with errs.Busy means that somebody does.
func (r *Ring) Rotating(ctx context.Context) (done func(), err error) {
	return lock(ctx, filepath.Join(r.dir, "rotation"+lockSuffix), syscall.LOCK_EX, lockPause)
}

// AddRoot makes a root key that keys are wrapped with from now on, in every process, and answers its id.
func (r *Ring) AddRoot(ctx context.Context, now time.Time) (uint32, error) {
	var id uint32
	err := r.changeRoot(ctx, func(f *rootFile) error {
		id = f.Keys[len(f.Keys)-1].ID + 1
		f.Keys = append(f.Keys, rootKey{ID: id, MadeAt: now.UTC(), Secret: secret()})
		return nil
	})
	return id, err
}

// DropRoot forgets a root key for good. It refuses to while a key is wrapped with it, and to drop the newest.
func (r *Ring) DropRoot(ctx context.Context, id uint32) error {
	now, err := r.rootsNow()
	if err != nil {
		return err
	}
	if _, ok := now.find(id); !ok || now.newest().ID == id {
		return fmt.Errorf("root key %d is the newest or not there: it can't be dropped", id)
	}
	var needed atomic.Int64 // since there is a newer root, there will be no more of them
	err = r.everywhere(ctx, func(_ context.Context, at place) error {
		records, err := r.read(at)
		for _, record := range records {
			if record.root == id {
				needed.Add(1)
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	if n := needed.Load(); n > 0 {
		return fmt.Errorf("%d keys are wrapped with root key %d: rewrap them before it is dropped", n, id)
	}
	return r.changeRoot(ctx, func(f *rootFile) error {
		f.Keys = slices.DeleteFunc(f.Keys, func(k rootKey) bool { return k.ID == id })
		return nil
	})
}

func (r *Ring) changeRoot(ctx context.Context, do func(*rootFile) error) error {
	unlock, err := lock(ctx, r.rootLock(), syscall.LOCK_EX, rootPatience)
	if err != nil {
		return err
	}
	defer unlock()
	now, err := r.rootsNow()
	if err != nil {
		return err
	}
	file := now.rootFile
	file.Keys = slices.Clone(file.Keys)
	if err := do(&file); err != nil {
		return err
	}
	if err := saveRoot(r.dir, file); err != nil {
		return err
	}
	_, err = r.rootsNow()
	return err
}

func (r *Ring) rootLock() string { return filepath.Join(r.dir, rootName+lockSuffix) }

// Rewrap wraps every key with the newest root, and answers how many were wrapped with another. The keys stay what they are.
func (r *Ring) Rewrap(ctx context.Context) (int, error) {
	var moved atomic.Int64
	err := r.everywhere(ctx, func(ctx context.Context, at place) error {
		return r.change(ctx, at, func(records []record, w *wrapping) ([]record, error) {
			fresh := slices.Clone(records)
			for i, record := range fresh {
				if record.destroyed() || record.root == w.roots.newest().ID {
					continue
				}
				key, err := w.unwrap(record)
				if err != nil {
					return nil, err
				}
				if fresh[i], err = w.wrap(record.id, key); err != nil {
					return nil, err
				}
				moved.Add(1)
			}
			return fresh, nil
		})
	})
	return int(moved.Load()), err
}

// NewGeneration makes a new key for every subject of an organisation that has one. What is sealed from then on is sealed with it,
// in other processes once they have forgotten the one before, after Remember; what was sealed before opens as before.
func (r *Ring) NewGeneration(ctx context.Context, organization uuid.UUID) (int, error) {
	var made atomic.Int64
	err := r.throughout(ctx, organization, func(ctx context.Context, at place) error {
		return r.change(ctx, at, func(records []record, w *wrapping) ([]record, error) {
			fresh := slices.Clone(records)
			for id, latest := range latestOf(records) {
				if latest.destroyed() {
					continue
				}
				if latest.generation == math.MaxUint16 {
					return nil, fmt.Errorf("%s has had all keys that it can have", id)
				}
				record, err := w.make(id, latest.generation+1)
				if err != nil {
					return nil, err
				}
				fresh = append(fresh, record)
				made.Add(1)
			}
			return fresh, nil
		})
	})
	r.forget()
	return int(made.Load()), err
}

// DropGenerations forgets all keys of an organisation's subjects but their newest, for good, and answers how many those were.
// Nothing that is sealed with one of them opens again.
func (r *Ring) DropGenerations(ctx context.Context, organization uuid.UUID) (int, error) {
	var dropped atomic.Int64
	err := r.throughout(ctx, organization, func(ctx context.Context, at place) error {
		return r.change(ctx, at, func(records []record, _ *wrapping) ([]record, error) {
			latest := latestOf(records)
			fresh := slices.DeleteFunc(slices.Clone(records), func(r record) bool { return r.generation != latest[r.id].generation })
			dropped.Add(int64(len(records) - len(fresh)))
			return fresh, nil
		})
	})
	r.forget()
	return int(dropped.Load()), err
}

// Destroy deletes all keys of a subject for good and remembers that they were: nothing about the subject opens again, in no copy
// of the database. Other processes may remember a key for Remember.
func (r *Ring) Destroy(ctx context.Context, about seal.Subject) error {
	err := r.change(ctx, placeOf(about), func(records []record, _ *wrapping) ([]record, error) {
		fresh := slices.DeleteFunc(slices.Clone(records), func(r record) bool { return r.id == about.ID })
		return append(fresh, record{id: about.ID, generation: destroyedGeneration}), nil
	})
	r.forget()
	return err
}

// Undestroyed is documented at seal.Keys. It looks into the folder, not at what is remembered.
func (r *Ring) Undestroyed(ctx context.Context, about []seal.Subject) ([]seal.Subject, error) {
	shards := map[place][]seal.Subject{}
	for _, s := range about {
		shards[placeOf(s)] = append(shards[placeOf(s)], s)
	}
	var mine sync.Mutex
	var found []seal.Subject
	err := each(ctx, shards, func(_ context.Context, at place, subjects []seal.Subject) error {
		records, err := r.read(at)
		latest := latestOf(records)
		mine.Lock()
		defer mine.Unlock()
		for _, s := range subjects {
			if err == nil && (latest[s.ID] == nil || !latest[s.ID].destroyed()) {
				found = append(found, s)
			}
		}
		return err
	})
	return found, err
}

// forget makes this process look again.
func (r *Ring) forget() {
	r.newest.Purge()
	r.known.Purge()
}

// throughout does something with every shard of an organisation, some at once.
func (r *Ring) throughout(ctx context.Context, organization uuid.UUID, do func(context.Context, place) error) error {
	shards := map[place][]struct{}{}
	for n := range 256 {
		at := place{organization, byte(n)}
		if _, err := os.Stat(r.path(at)); err == nil {
			shards[at] = nil
		}
	}
	return each(ctx, shards, func(ctx context.Context, at place, _ []struct{}) error { return do(ctx, at) })
}

// everywhere does it for every organisation.
func (r *Ring) everywhere(ctx context.Context, do func(context.Context, place) error) error {
	organizations, err := r.organizations()
	if err != nil {
		return err
	}
	for _, organization := range organizations {
		if err := r.throughout(ctx, organization, do); err != nil {
			return err
		}
	}
	return nil
}

func (r *Ring) organizations() ([]uuid.UUID, error) {
	entries, err := os.ReadDir(filepath.Join(r.dir, tenants))
	if err != nil {
		return nil, errs.Bug("list folders of keys", err)
	}
	var list []uuid.UUID
	for _, entry := range entries {
		if id, err := uuid.Parse(entry.Name()); err == nil && entry.IsDir() {
			list = append(list, id)
		}
	}
	return list, nil
}
