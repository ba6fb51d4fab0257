package devstack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
)

const (
	lockName    = "lock"    // marks a data folder as ours, too
	serversLink = "servers" // leads to the servers' folders where they are elsewhere

	roomToStart = 400 << 20 // a fresh cluster, the demo data and the log that PostgreSQL writes ahead
	roomToGoOn  = 64 << 20
)

// Place is a data folder that this process holds: what the launcher keeps, and where the servers keep theirs.
type Place struct {
	Dir     string // the folder that was asked for
	Servers string // holds postgres/ and redis/: Dir, or a folder elsewhere if the servers' account couldn't enter Dir
	account Account
	fresh   bool // it was empty and is all ours
	locks   []*Lock
}

// Elsewhere tells whether the servers' folders are outside the data folder.
func (p *Place) Elsewhere() bool { return p.Servers != p.Dir }

// Release lets others have the folder.
func (p *Place) Release() {
	for _, lock := range p.locks {
		lock.Release()
	}
	p.locks = nil
}

// Path is the place of a file in the data folder.
func (p *Place) Path(name string) string { return filepath.Join(p.Dir, name) }

// ServersPath is the place of a file that goes with the servers' data.
func (p *Place) ServersPath(name string) string { return filepath.Join(p.Servers, name) }

// PostgresDir is the cluster's folder.
func (p *Place) PostgresDir() string { return p.ServersPath("postgres") }

// RedisDir is Redis's folder.
func (p *Place) RedisDir() string { return p.ServersPath("redis") }

// TakePlace makes dir a data folder (0700) where needed and locks it. A folder with other things in it is refused. Its errors
// are Problems where the reader can do something.
func TakePlace(dir string) (*Place, error) {
	if dir == "" {
		return nil, &Problem{Message: "the data folder has no name", Remedy: "name one with --data"}
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	place := &Place{Dir: dir, Servers: dir}
	if place.fresh, err = makeFolder(dir); err != nil {
		return nil, FileProblem(dir, err)
	}
	if err := place.lock(dir); err != nil {
		return nil, err
	}
	return place, nil
}

func (p *Place) lock(dir string) error {
	lock, err := LockFile(filepath.Join(dir, lockName))
	if errors.Is(err, ErrLocked) {
		return &Problem{
			Message: "another `mediconnect dev` runs on the data folder " + dir,
			Remedy:  "stop that one, or choose another folder with --data",
			Cause:   err,
		}
	}
	if err != nil {
		return FileProblem(dir, err)
	}
	p.locks = append(p.locks, lock)
	return nil
}

// makeFolder creates dir, and says whether it was empty and is all ours.
func makeFolder(dir string) (fresh bool, err error) {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return false, err
	}
	if err := os.Mkdir(dir, 0o700); !errors.Is(err, os.ErrExist) {
		return err == nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false, err
	}
	if len(entries) > 0 {
		return false, checkOurs(dir, entries)
	}
	uid, err := ownerOf(dir)
	if err != nil || uid != os.Geteuid() {
		return false, err
	}
	return true, os.Chmod(dir, 0o700)
}

// checkOurs refuses a folder that others use for other things: files there may have the names of ours.
func checkOurs(dir string, entries []os.DirEntry) error {
	if slices.ContainsFunc(entries, func(e os.DirEntry) bool { return e.Name() == lockName }) {
		return nil
	}
	return &Problem{
		Message: "the folder " + dir + " has other things in it, " + entries[0].Name() + " for one",
		Remedy:  "choose an empty or a new one with --data, such as " + filepath.Join(dir, "mediconnect"),
	}
}

// Settle decides where the servers keep their data, and as whom they run. Where root works for another account, a fresh
// folder is handed to that account so that it stays closed to everybody else.
func (p *Place) Settle() (err error) {
	if target, err := filepath.EvalSymlinks(p.Path(serversLink)); err == nil {
		if err := p.follow(target); err != nil {
			return err
		}
	}
	if p.account, err = serverAccountOf(p.PostgresDir()); err != nil {
		return err
	}
	if p.fresh && p.account.foreign() && p.account.CanEnter(filepath.Dir(p.Dir)) {
		if err := p.account.Hand(p.Dir); err != nil {
			return err
		}
	}
	if p.account.CanEnter(p.Servers) {
		return p.makeServersFolders()
	}
	if _, err := os.Lstat(p.PostgresDir()); err == nil || !p.account.foreign() {
		return &Problem{
			Message: fmt.Sprintf("the user %s, who runs PostgreSQL, can't enter the data folder %s", p.account.Name, p.Servers),
			Remedy:  "open the folders above it with chmod o+x, or choose another folder with --data",
		}
	}
	if err := p.goElsewhere(); err != nil {
		return err
	}
	return p.makeServersFolders()
}

// CheckSpace fails where the disk has too little room to begin with.
func (p *Place) CheckSpace() error {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(p.Servers, &disk); err != nil {
		return FileProblem(p.Servers, err)
	}
	free, needed := disk.Bavail*uint64(disk.Bsize), uint64(roomToStart)
	if _, err := os.Stat(filepath.Join(p.PostgresDir(), "data")); err == nil {
		needed = roomToGoOn
	}
	if free >= needed {
		return nil
	}
	return &Problem{
		Message: fmt.Sprintf("the disk of %s has only %d MB left, and MediConnect needs %d MB", p.Servers, free>>20, needed>>20),
		Remedy:  "free some space there or choose a folder on another disk with --data",
		Cause:   syscall.ENOSPC,
	}
}

// Clear ends what may still run there and deletes the servers' data and the named files that go with them; what isn't ours
// stays.
func (p *Place) Clear(ctx context.Context, files ...string) error {
	for _, dir := range []string{p.PostgresDir(), p.RedisDir()} {
		if !marked(dir) {
			return notOurs(dir)
		}
	}
	for _, left := range []leftover{leftoverPostgres(filepath.Join(p.PostgresDir(), "data")), leftoverRedis(p.RedisDir())} {
		if err := left.end(ctx); err != nil {
			return err
		}
	}
	paths := []string{p.PostgresDir(), p.RedisDir()}
	for _, name := range files {
		paths = append(paths, p.ServersPath(name))
	}
	for _, path := range paths {
		if err := os.RemoveAll(path); err != nil {
			return FileProblem(path, err)
		}
	}
	return p.makeServersFolders()
}

func ownerOf(path string) (int, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, errors.New("this system doesn't tell who owns a file")
	}
	return int(stat.Uid), nil
}

// FileProblem tells why a file or folder of the data folder can't be used.
func FileProblem(path string, err error) error {
	var problem *Problem
	switch {
	case errors.As(err, &problem):
		return err
	case errors.Is(err, os.ErrPermission), errors.Is(err, syscall.EROFS):
		message := "the folder " + path + " can't be written"
		if uid, ownerErr := ownerOf(path); ownerErr == nil && uid != os.Geteuid() {
			message += " by you: it belongs to user " + strconv.Itoa(uid)
		}
		return &Problem{Message: message, Remedy: "choose another data folder with --data", Cause: err}
	case errors.Is(err, syscall.ENOTDIR):
		return &Problem{Message: path + " is no folder", Remedy: "choose another one with --data", Cause: err}
	}
	return diskFull(err.Error(), path, fmt.Errorf("data folder: %w", err))
}
