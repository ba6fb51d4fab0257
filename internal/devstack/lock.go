package devstack

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// ErrLocked says that another running program holds the folder.
var ErrLocked = errors.New("in use by another program")

// Lock is held on a folder until it is released or the process ends, however it ends.
type Lock struct{ file *os.File }

// LockFile takes the lock in the file at path, creating it. It doesn't wait: ErrLocked.
func LockFile(path string) (*Lock, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open lock: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = file.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, ErrLocked
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return &Lock{file: file}, nil
}

// Release gives the lock back. The file stays: removing it would let two programs hold a lock of the same name.
func (l *Lock) Release() { _ = l.file.Close() }
