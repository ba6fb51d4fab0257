package identity

import (
	"context"
	"slices"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/mediconnect/mediconnect/internal/clinic"
)

const (
	rememberedUses = 100_000
	waitingUses    = 50_000
	usesAtOnce     = 1_000
)

// uses are what this process knows of when sessions were used, and what of it others don't know yet.
type uses struct {
	mu      sync.Mutex
	noted   *lru.Cache[clinic.Ref, time.Time] // of the last note
	waiting map[clinic.Ref]time.Time
}

func newUses() *uses {
	noted, err := lru.New[clinic.Ref, time.Time](rememberedUses)
	if err != nil {
		panic(err) // only a size below 1 fails
	}
	return &uses{noted: noted, waiting: map[clinic.Ref]time.Time{}}
}

// last is when a session was used last, as far as this process knows, if that is later than what it is given.
func (u *uses) last(of clinic.Ref, known time.Time) time.Time {
	if noted, ok := u.noted.Get(of); ok && noted.After(known) {
		return noted
	}
	return known
}

// note notes a use, unless one was noted within the last minute. Where too many wait, the next use is noted instead.
func (u *uses) note(of clinic.Ref, known, now time.Time) {
	if now.Sub(u.last(of, known)) < noteEvery {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if _, waits := u.waiting[of]; waits || len(u.waiting) < waitingUses {
		u.waiting[of] = now
		u.noted.Add(of, now)
	}
}

// flush keeps what waits. What can't be kept waits on.
func (u *uses) flush(ctx context.Context, keep func(context.Context, []Use) error) error {
	u.mu.Lock()
	var list []Use
	for of, at := range u.waiting {
		list = append(list, Use{of, at})
	}
	clear(u.waiting)
	u.mu.Unlock()
	for part := range slices.Chunk(list, usesAtOnce) {
		if err := keep(ctx, part); err != nil {
			u.back(list)
			return err
		}
	}
	return nil
}

// back has uses wait again, as far as nothing later does. Keeping one twice changes nothing.
func (u *uses) back(list []Use) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, use := range list {
		if _, later := u.waiting[use.Session]; !later && len(u.waiting) < waitingUses {
			u.waiting[use.Session] = use.At
		}
	}
}
