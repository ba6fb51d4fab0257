package devstack

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

const (
	lockName    = "lock"    // marks a folder as ours, too
	serversLink = "servers" // leads to the servers' folders where they are elsewhere
	elsewhere   = "/var/lib/mediconnect-dev"

	roomToStart = 400 << 20 // a fresh cluster, the demo data and the log that PostgreSQL writes ahead
	roomToGoOn  = 64 << 20
)

// Place is a data folder that this process holds: what the launcher keeps, and where the servers keep theirs.
type Place struct {
	Dir     string // the folder that was asked for
	Servers string // holds postgres/ and redis/: Dir, or a folder elsewhere if the servers' account couldn't enter Dir
	account Account
	lock    *Lock
}

// Elsewhere tells whether the servers' folders are outside the data folder.
func (p *Place) Elsewhere() bool { return p.Servers != p.Dir }

// Release lets others have the folder.
func (p *Place) Release() { p.lock.Release() }

// Path is the place of a file in the data folder.
func (p *Place) Path(name string) string { return filepath.Join(p.Dir, name) }

// PostgresDir is the cluster's folder.
func (p *Place) PostgresDir() string { return filepath.Join(p.Servers, "postgres") }

// RedisDir is Redis's folder.
func (p *Place) RedisDir() string { return filepath.Join(p.Servers, "redis") }

// TakePlace makes dir a data folder (0700) where needed and locks it. A folder that others use for other things keeps
// its owner and mode. Its errors are Problems where the reader can do something.
func TakePlace(dir string) (*Place, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	fresh, err := makeFolder(dir)
	if err != nil {
		return nil, FileProblem(dir, err)
	}
	lock, err := LockFile(filepath.Join(dir, lockName))
	if errors.Is(err, ErrLocked) {
		return nil, &Problem{
			Message: "another `mediconnect dev` runs on the data folder " + dir,
			Remedy:  "stop that one, or choose another folder with --data",
			Cause:   err,
		}
	}
	if err != nil {
		return nil, FileProblem(dir, err)
	}
	place := &Place{Dir: dir, lock: lock}
	if err := place.settle(fresh); err != nil {
		lock.Release()
		return nil, err
	}
	return place, nil
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
	if err != nil || len(entries) > 0 {
		return false, err
	}
	uid, err := ownerOf(dir)
	if err != nil || uid != os.Geteuid() {
		return false, err
	}
	return true, os.Chmod(dir, 0o700)
}

// settle decides where the servers keep their data, and as whom they run. Where root works for another account, a fresh
// folder is handed to that account so that it stays closed to everybody else.
func (p *Place) settle(fresh bool) (err error) {
	p.Servers = p.Dir
	if target, err := filepath.EvalSymlinks(p.Path(serversLink)); err == nil {
		p.Servers = target
	}
	if p.account, err = serverAccountOf(p.PostgresDir()); err != nil {
		return err
	}
	if fresh && p.account.foreign() && p.account.CanEnter(filepath.Dir(p.Dir)) {
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
	if p.Servers, err = serversElsewhere(p.Dir, p.account); err != nil {
		return err
	}
	return p.makeServersFolders()
}

func (p *Place) makeServersFolders() error {
	for _, dir := range []string{p.PostgresDir(), p.RedisDir()} {
		if err := ownFolder(dir, p.account); err != nil {
			return FileProblem(dir, err)
		}
	}
	return nil
}

// serversElsewhere makes a folder for the servers in the system's place for data and leaves a link to it. What a data
// folder of the same name left there before it was deleted is deleted too.
func serversElsewhere(dir string, account Account) (string, error) {
	name := sha256.Sum256([]byte(dir))
	target := filepath.Join(elsewhere, hex.EncodeToString(name[:8]))
	if err := os.MkdirAll(elsewhere, 0o711); err != nil {
		return "", FileProblem(elsewhere, err)
	}
	if err := os.RemoveAll(target); err != nil {
		return "", FileProblem(target, err)
	}
	if err := ownFolder(target, account); err != nil {
		return "", FileProblem(target, err)
	}
	link := filepath.Join(dir, serversLink)
	if err := os.Remove(link); err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", FileProblem(link, err)
	}
	if err := os.Symlink(target, link); err != nil {
		return "", FileProblem(dir, err)
	}
	return target, nil
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

// Clear ends what may still run there and deletes the servers' data and the named files; what isn't ours in the folder
// stays.
func (p *Place) Clear(ctx context.Context, files ...string) error {
	for _, left := range []leftover{leftoverPostgres(filepath.Join(p.PostgresDir(), "data")), leftoverRedis(p.RedisDir())} {
		if err := left.end(ctx); err != nil {
			return err
		}
	}
	paths := []string{p.PostgresDir(), p.RedisDir()}
	for _, name := range files {
		paths = append(paths, p.Path(name))
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
	switch {
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
