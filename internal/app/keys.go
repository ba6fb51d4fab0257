package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/keyring"
	"github.com/mediconnect/mediconnect/internal/postgres"
)

// RememberKeys is how long processes remember a key unless the folder is made for another time.
const RememberKeys = keyring.DefaultRemember

// CreateKeys is `mediconnect keys create`: it makes the folder that environ names. Processes will remember a key for so long.
func CreateKeys(environ []string, remember time.Duration, out io.Writer) error {
	settings, err := Load[KeySettings](environ)
	if err != nil {
		return err
	}
	if err := keyring.Create(settings.Folder, clock.System{}.Now(), remember); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "made %s: keep copies of it, apart from those of the database, and only for a short time\n", settings.Folder)
	return err
}

// KeysStatus is `mediconnect keys status`: what the folder holds, on out.
func KeysStatus(ctx context.Context, environ []string, out io.Writer) error {
	settings, err := Load[KeySettings](environ)
	if err != nil {
		return err
	}
	ring, err := keyring.Open(settings.Folder)
	if err != nil {
		return err
	}
	s, err := ring.Status(ctx)
	if err != nil {
		return err
	}
	for _, r := range s.Roots {
		fmt.Fprintf(out, "root key %d, made %s: %d keys\n", r.ID, r.MadeAt.Format(time.RFC3339), r.Keys)
	}
	_, err = fmt.Fprintf(out, "%d organisations, %d subjects, %d keys, %d subjects destroyed; keys are remembered for %s\n",
		s.Tenants, s.Subjects, s.Keys, s.Destroyed, s.Remember)
	return err
}

// RotateKeys is `mediconnect keys rotate`: a new root key, which all keys are wrapped with, and the older ones dropped. With data,
// every patient and organisation gets a new key, too, which all their data are sealed with, and the older ones are dropped.
func RotateKeys(ctx context.Context, environ []string, data bool, out io.Writer) error {
	if !data {
		settings, err := Load[KeySettings](environ)
		if err != nil {
			return err
		}
		ring, err := keyring.Open(settings.Folder)
		if err != nil {
			return err
		}
		return rotation{ring: ring, out: out, clock: clock.System{}}.run(ctx)
	}
	settings, err := Load[WorkSettings](environ)
	if err != nil {
		return err
	}
	ring, err := keyring.Open(settings.Keys.Folder)
	if err != nil {
		return err
	}
	config := settings.Database.config()
	config.Keys = ring
	db, err := postgres.Open(ctx, config)
	if err != nil {
		return err
	}
	defer db.Close()
	return inOneSentence(rotation{ring: ring, db: db, out: out, clock: clock.System{}}.run(ctx))
}

// rotation is one run of it. Wherever it stops, everything can be read, and another run brings it to its end.
type rotation struct {
	ring  *keyring.Ring
	db    *postgres.DB // nil: data stay sealed as they are
	out   io.Writer
	clock clock.Clock
}

func (r rotation) run(ctx context.Context) error {
	done, err := r.ring.Rotating(ctx)
	if errs.Of(err) == errs.Busy {
		return errors.New("somebody else is rotating these keys")
	}
	if err != nil {
		return err
	}
	defer done()
	if err := r.roots(ctx); err != nil || r.db == nil {
		return err
	}
	return r.data(ctx)
}

func (r rotation) roots(ctx context.Context) error {
	id, err := r.ring.AddRoot(ctx, r.clock.Now())
	if err != nil {
		return err
	}
	n, err := r.ring.Rewrap(ctx)
	if err != nil {
		return err
	}
	s, err := r.ring.Status(ctx)
	if err != nil {
		return err
	}
	for _, old := range s.Roots {
		if old.ID != id {
			if err := r.ring.DropRoot(ctx, old.ID); err != nil {
				return err
			}
		}
	}
	_, err = fmt.Fprintf(r.out, "root key %d wraps %d keys; the older ones are gone\n", id, n)
	return err
}

// A writer may have taken the key before from memory at the last moment, and have waited for its connection and written for as long
// as both may take.
const lastWrite = 2 * postgres.WriteBound

// data gives everybody a new key. What writers sealed with the key before, which they may have remembered, is sealed anew once they
// can't any more; then that key is dropped.
func (r rotation) data(ctx context.Context) error {
	organizations, err := r.db.AllOrganizations(ctx)
	if err != nil {
		return err
	}
	made, err := r.each(ctx, organizations, r.ring.NewGeneration)
	if err != nil {
		return err
	}
	changed, err := r.each(ctx, organizations, r.db.Reseal)
	if err != nil {
		return err
	}
	fmt.Fprintf(r.out, "%d new keys, %d rows sealed anew; waiting %s for what was under way\n", made, changed, r.ring.Remember()+lastWrite)
	if err := pause(ctx, r.ring.Remember()+lastWrite); err != nil {
		return err
	}
	late, err := r.stragglers(ctx, organizations)
	if err != nil {
		return err
	}
	dropped, err := r.each(ctx, organizations, r.ring.DropGenerations)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(r.out, "%d rows more were sealed anew; %d older keys are gone\n", late, dropped)
	return err
}

// stragglers seals anew until nothing is left, and lets those finish who have read what was.
func (r rotation) stragglers(ctx context.Context, organizations []uuid.UUID) (all int, err error) {
	for {
		n, err := r.each(ctx, organizations, r.db.Reseal)
		if all += n; err != nil || n == 0 {
			return all, err
		}
		if err := pause(ctx, postgres.WriteBound); err != nil {
			return all, err
		}
	}
}

func (r rotation) each(ctx context.Context, organizations []uuid.UUID, do func(context.Context, uuid.UUID) (int, error)) (all int, err error) {
	for _, organization := range organizations {
		n, err := do(ctx, organization)
		if all += n; err != nil {
			return all, err
		}
	}
	return all, nil
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
