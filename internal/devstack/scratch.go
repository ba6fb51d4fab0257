package devstack

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// ScratchFolder is a temporary folder of the servers' account, removed in the end; if that end was a kill -9, a later
// process removes it.
type ScratchFolder struct {
	path string
	lock *Lock
}

// NewScratchFolder creates one whose name begins with prefix, where the servers' account can enter.
func NewScratchFolder(prefix string) (*ScratchFolder, error) {
	account, err := ServerAccount()
	if err != nil {
		return nil, err
	}
	parent, err := scratchParent(account)
	if err != nil {
		return nil, err
	}
	return newScratchIn(parent, prefix, account)
}

// memory is a folder in memory, where Linux has it, and how much there must be to spare in it and in the machine.
const (
	memory       = "/dev/shm"
	memoryTmpfs  = 0x01021994 // linux/magic.h
	memoryNeeded = 4 << 30
)

// NewMemoryFolder creates one in memory, for a volatile server and for keys in tests: to copy a database makes hundreds of files, which takes
// a disk ten times as long, and to wait until a key is on it takes milliseconds. Where memory is short or there is no folder in it, it is a
// NewScratchFolder. Programs may not be allowed to run from there.
func NewMemoryFolder(prefix string) (*ScratchFolder, error) {
	account, err := ServerAccount()
	if err != nil {
		return nil, err
	}
	if !memoryIsOpen() || !memoryToSpare() {
		return NewScratchFolder(prefix)
	}
	return newScratchIn(memory, prefix, account)
}

// memoryIsOpen is asked once a process: to try it takes a process of its own.
var memoryIsOpen = sync.OnceValue(func() bool {
	account, err := ServerAccount()
	return err == nil && account.CanEnter(memory)
})

func memoryToSpare() bool {
	var folder syscall.Statfs_t
	if err := syscall.Statfs(memory, &folder); err != nil || folder.Type != memoryTmpfs || folder.Bavail*uint64(folder.Bsize) < memoryNeeded {
		return false
	}
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(text), "MemAvailable:")
	var kB uint64
	_, err = fmt.Sscan(rest, &kB)
	return err == nil && kB<<10 >= memoryNeeded
}

func newScratchIn(parent, prefix string, account Account) (*ScratchFolder, error) {
	sweep(filepath.Join(parent, prefix+"*"))
	path, err := os.MkdirTemp(parent, prefix)
	if err != nil {
		return nil, diskFull(err.Error(), parent, fmt.Errorf("create scratch folder: %w", err))
	}
	lock, err := LockFile(filepath.Join(path, "lock"))
	if err == nil {
		err = account.Hand(path)
	}
	if err != nil {
		_ = os.RemoveAll(path)
		return nil, err
	}
	return &ScratchFolder{path: path, lock: lock}, nil
}

// Join is the path of a name in the folder.
func (f *ScratchFolder) Join(name string) string { return filepath.Join(f.path, name) }

// Remove deletes the folder and all in it.
func (f *ScratchFolder) Remove() {
	_ = os.RemoveAll(f.path)
	f.lock.Release()
}

func scratchParent(account Account) (string, error) {
	for _, parent := range []string{os.TempDir(), "/tmp", "/var/tmp"} {
		if account.CanEnter(parent) {
			return parent, nil
		}
	}
	return "", &Problem{
		Message: fmt.Sprintf("%s can't enter %s, /tmp or /var/tmp", account.Name, os.TempDir()),
		Remedy:  "set TMPDIR to a folder that all users may enter",
	}
}

// sweep removes the folders of killed processes: those whose lock nobody holds. A young one may just not be locked yet.
func sweep(pattern string) {
	folders, _ := filepath.Glob(pattern)
	for _, folder := range folders {
		info, err := os.Lstat(folder)
		if err != nil || !info.IsDir() || time.Since(info.ModTime()) < time.Minute {
			continue
		}
		if lock, err := LockFile(filepath.Join(folder, "lock")); err == nil {
			_ = os.RemoveAll(folder)
			lock.Release()
		}
	}
}
