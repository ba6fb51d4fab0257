package keyring

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/mediconnect/mediconnect/internal/errs"
)

const (
	lockSuffix  = ".lock"
	freshSuffix = ".new" // what will take the file's place
	wornSuffix  = ".old" // what it took the place of, until that is overwritten
)

// change rewrites a shard under its lock. What do answers takes the place of what there is, and is kept for good when change
// returns; the file before is overwritten. If it answers what there is, nothing is written.
func (r *Ring) change(ctx context.Context, at place, do func([]record, *wrapping) ([]record, error)) error {
	path := r.path(at)
	if err := makeFolder(filepath.Dir(path)); err != nil {
		return err
	}
	unlock, err := lock(ctx, path+lockSuffix, syscall.LOCK_EX, lockPatience)
	if err != nil {
		return err
	}
	defer unlock()
	// No root key is made meanwhile: whoever rewraps for one later finds what is wrapped here.
	settled, err := lock(ctx, r.rootLock(), syscall.LOCK_SH, lockPatience)
	if err != nil {
		return err
	}
	defer settled()
	now, err := r.rootsNow()
	if err != nil {
		return err
	}
	old, err := r.read(at)
	if err != nil {
		return err
	}
	fresh, err := do(old, r.wrapping(at.organization, now))
	if err != nil || slices.Equal(old, fresh) {
		return errors.Join(err, tidy(path))
	}
	return replace(path, encode(at, fresh))
}

// replace puts a text in the place of a file in one step, which is on the disk when it returns, and overwrites what was there.
// Whoever calls it holds the file's lock.
func replace(path string, text []byte) error {
	if err := tidy(path); err != nil {
		return err
	}
	if err := write(path+freshSuffix, text); err != nil {
		return err
	}
	if err := os.Link(path, path+wornSuffix); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("keep the keys before: %w", err)
	}
	if err := os.Rename(path+freshSuffix, path); err != nil {
		return fmt.Errorf("replace keys: %w", err)
	}
	if err := syncFolder(filepath.Dir(path)); err != nil {
		return err
	}
	return tidy(path)
}

func write(path string, text []byte) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("write keys: %w", err)
	}
	_, err = file.Write(text)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("write keys: %w", err)
	}
	return nil
}

// tidy overwrites and removes what a replacement leaves, its own or one that was killed in the middle.
func tidy(path string) error {
	for _, left := range []string{path + freshSuffix, path + wornSuffix} {
		if err := shred(path, left); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("overwrite old keys: %w", err)
		}
	}
	return nil
}

// shred overwrites a file and removes it. One that is still the file in use under another name, because a replacement was killed
// before it took its place, is only removed.
func shred(inUse, left string) error {
	info, err := os.Stat(left)
	if err != nil {
		return err
	}
	if current, err := os.Stat(inUse); err == nil && os.SameFile(current, info) {
		return os.Remove(left)
	}
	file, err := os.OpenFile(left, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = io.CopyN(file, zeros{}, info.Size())
	return errors.Join(err, file.Sync(), file.Close(), os.Remove(left))
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// makeFolder makes a folder that is still there after a power failure.
func makeFolder(dir string) error {
	switch err := os.Mkdir(dir, 0o700); {
	case errors.Is(err, os.ErrExist):
		return nil
	case err != nil:
		return fmt.Errorf("make folder of keys: %w", err)
	}
	return syncFolder(filepath.Dir(dir))
}

func syncFolder(dir string) error {
	folder, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync folder of keys: %w", err)
	}
	if err := errors.Join(folder.Sync(), folder.Close()); err != nil {
		return fmt.Errorf("sync folder of keys: %w", err)
	}
	return nil
}

const (
	lockPatience = 5 * time.Second
	rootPatience = time.Minute // for all who write to let go at once
	lockPause    = 2 * time.Millisecond
)

// lock waits for a file's lock, shared or not, which ends with the process that holds it.
func lock(ctx context.Context, path string, kind int, patience time.Duration) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock keys: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := syscall.Flock(int(file.Fd()), kind|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = file.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return nil, errors.Join(fmt.Errorf("lock keys: %w", err), file.Close())
		}
		if err := wait(ctx, lockPause); err != nil {
			return nil, errors.Join(errs.TryAgain(err), file.Close())
		}
	}
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
