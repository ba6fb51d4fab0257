package devstack_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/mediconnect/mediconnect/internal/devstack"
	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
)

func TestADataFolderIsClosedToOthersAndHeldByOne(t *testing.T) {
	dir := folder(t)
	place := take(t, dir)
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the data folder has mode %v (%v), want 0700", info.Mode(), err)
	}
	_, err = devstack.TakePlace(dir)
	wantProblem(t, err, dir, "--data")
	if !errors.Is(err, devstack.ErrLocked) {
		t.Errorf("a second holder was told %v", err)
	}
	place.Release()
	take(t, dir)
}

func TestAFolderThatIsUsedForOtherThingsIsLeftAlone(t *testing.T) {
	for name, files := range map[string][]string{
		"a note":           {"note.txt"},
		"others' servers'": {"postgres/notes.txt", "redis/dump.rdb"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := folder(t)
			put(t, dir, files...)
			if err := os.Chmod(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			_, err := devstack.TakePlace(dir)
			wantProblem(t, err, dir, "--data")
			wantOnly(t, dir, files...)
			if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o755 {
				t.Errorf("the folder's mode was changed to %v (%v)", info.Mode(), err)
			}
		})
	}
}

// Even in a data folder of ours, what others put in place of the servers' folders is theirs.
func TestServersFoldersOfOthersAreNeitherTakenNorDeleted(t *testing.T) {
	for _, theirs := range []string{"postgres/notes.txt", "redis/dump.rdb", "redis/password"} {
		t.Run(theirs, func(t *testing.T) {
			dir := folder(t)
			mustOwn(t, dir)
			put(t, dir, "lock", theirs)
			before := owner(t, filepath.Dir(filepath.Join(dir, theirs)))
			place := hold(t, dir)
			wantProblem(t, place.Settle(), filepath.Dir(theirs), "--data")
			wantProblem(t, place.Clear(t.Context()), "didn't put there")
			wantOnly(t, dir, "lock", theirs)
			if after := owner(t, filepath.Dir(filepath.Join(dir, theirs))); after != before {
				t.Errorf("the folder was given to user %d", after)
			}
		})
	}
}

func TestServersFoldersFromBeforeTheMarkAreKnown(t *testing.T) {
	dir := folder(t)
	mustOwn(t, dir)
	put(t, dir, "lock", "postgres/password", "postgres/data/PG_VERSION", "redis/password", "redis/redis.conf")
	place := take(t, dir)
	if err := place.Clear(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "redis", "redis.conf")); err == nil {
		t.Error("the old data are still there")
	}
}

func TestClearLeavesWhatIsNotOurs(t *testing.T) {
	dir := folder(t)
	place := take(t, dir)
	put(t, dir, "note.txt", "mark", "postgres/data.new/base")
	if err := place.Clear(t.Context(), "mark"); err != nil {
		t.Fatal(err)
	}
	wantOnly(t, dir, "lock", "note.txt", "postgres/.mediconnect", "redis/.mediconnect")
}

func TestADataFolderNeedsAName(t *testing.T) {
	_, err := devstack.TakePlace("")
	wantProblem(t, err, "--data")
}

// A checkout in root's home: PostgreSQL's user can't get there.
func TestServersGoElsewhereWhenTheirUserCannotEnter(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root works for another user")
	}
	closed := folder(t)
	if err := os.Mkdir(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(closed, "checkout", ".mediconnect")
	place := take(t, dir)
	if !place.Elsewhere() {
		t.Fatalf("the servers stay in %s, which their user can't enter", place.Servers)
	}
	t.Cleanup(func() { os.RemoveAll(place.Servers) })
	server := startPostgresAt(t, place)
	pgtest.Execute(t, server.URL(), "CREATE TABLE kept (n int)")
	stop(server)
	place.Release()

	again := take(t, dir)
	if again.Servers != place.Servers {
		t.Errorf("the second start looks for its data in %s, the first left them in %s", again.Servers, place.Servers)
	}
	pgtest.Execute(t, startPostgresAt(t, again).URL(), "INSERT INTO kept VALUES (1)")

	copied := filepath.Join(closed, "copy")
	put(t, copied, "lock")
	if err := os.Symlink(place.Servers, filepath.Join(copied, "servers")); err != nil {
		t.Fatal(err)
	}
	other := hold(t, copied)
	wantProblem(t, other.Settle(), "copied", "delete "+filepath.Join(copied, "servers"))
	if err := os.Remove(filepath.Join(copied, "servers")); err != nil {
		t.Fatal(err)
	}
	if err := other.Settle(); err != nil || other.Servers == place.Servers {
		t.Errorf("the copy's databases are in %s (%v)", other.Servers, err)
	}
	t.Cleanup(func() { os.RemoveAll(other.Servers) })
}

func TestServersElsewhereAreLockedToo(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root works for another user")
	}
	dir := filepath.Join(folder(t), "data")
	if err := os.Mkdir(filepath.Dir(dir), 0o700); err != nil {
		t.Fatal(err)
	}
	place := take(t, dir)
	t.Cleanup(func() { os.RemoveAll(place.Servers) })
	place.Release()
	held, err := devstack.LockFile(filepath.Join(place.Servers, "lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer held.Release()
	err = hold(t, dir).Settle()
	if wantProblem(t, err, place.Servers); !errors.Is(err, devstack.ErrLocked) {
		t.Errorf("got %v", err)
	}
}

// On a machine where PostgreSQL's own user came later, the folder goes on with the user it began with.
func TestAFolderGoesOnWithItsFirstUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root works for another user")
	}
	dir := folder(t)
	take(t, dir).Release()
	for _, name := range []string{"", "postgres", "redis"} {
		if err := os.Chown(filepath.Join(dir, name), nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Dir(dir), 0o711); err != nil {
		t.Fatal(err)
	}
	place := take(t, dir)
	if err := place.Clear(t.Context()); err != nil {
		t.Fatal(err)
	}
	startPostgresAt(t, place)
	startRedis(t, place.RedisDir())
}

const nobody = 65534

func TestDataThatCannotBeReachedAreNotReplaced(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root works for another user")
	}
	closed := folder(t)
	dir := filepath.Join(closed, "data")
	put(t, dir, "lock", "postgres/password", "postgres/data/PG_VERSION")
	if err := os.Chmod(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	wantProblem(t, hold(t, dir).Settle(), dir, "chmod o+x")
}

func TestAFileInPlaceOfTheFolderIsToldInOneSentence(t *testing.T) {
	dir := folder(t)
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := devstack.TakePlace(dir)
	wantProblem(t, err, dir, "--data")
}

// put makes empty files, and the folders that they need.
func put(t *testing.T, dir string, names ...string) {
	t.Helper()
	for _, name := range names {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// wantOnly asserts that these files and no others are in dir.
func wantOnly(t *testing.T, dir string, names ...string) {
	t.Helper()
	var found []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			name, _ := filepath.Rel(dir, path)
			found = append(found, name)
		}
		return err
	})
	slices.Sort(names)
	slices.Sort(found)
	if err != nil || !slices.Equal(found, names) {
		t.Errorf("%s has %q (%v), want %q", dir, found, err, names)
	}
}

func owner(t *testing.T, path string) uint32 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Sys().(*syscall.Stat_t).Uid
}

func take(t *testing.T, dir string) *devstack.Place {
	t.Helper()
	place := hold(t, dir)
	if err := place.Settle(); err != nil {
		t.Fatal(err)
	}
	return place
}

func hold(t *testing.T, dir string) *devstack.Place {
	t.Helper()
	place, err := devstack.TakePlace(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(place.Release)
	return place
}

func startPostgresAt(t *testing.T, place *devstack.Place) *devstack.Postgres {
	t.Helper()
	return startPostgres(t, place.PostgresDir())
}
