package devstack_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/mediconnect/mediconnect/internal/devstack"
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

func TestAFolderThatIsUsedForOtherThingsKeepsItsMode(t *testing.T) {
	dir := folder(t)
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	note := filepath.Join(dir, "note.txt")
	if err := os.WriteFile(note, []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	place := take(t, dir)
	startPostgresAt(t, place)
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("the folder's mode was changed to %v (%v)", info.Mode(), err)
	}
	place.Release()
	if err := place.Clear(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(note); err != nil {
		t.Errorf("what was in the folder before is gone: %v", err)
	}
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
	execute(t, server.URL(), "CREATE TABLE kept (n int)")
	stop(server)
	place.Release()

	again := take(t, dir)
	if again.Servers != place.Servers {
		t.Errorf("the second start looks for its data in %s, the first left them in %s", again.Servers, place.Servers)
	}
	execute(t, startPostgresAt(t, again).URL(), "INSERT INTO kept VALUES (1)")
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
	if err := os.MkdirAll(filepath.Join(dir, "postgres"), 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := devstack.TakePlace(dir)
	wantProblem(t, err, dir, "chmod o+x")
}

func TestAFileInPlaceOfTheFolderIsToldInOneSentence(t *testing.T) {
	dir := folder(t)
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := devstack.TakePlace(dir)
	wantProblem(t, err, dir, "--data")
}

func take(t *testing.T, dir string) *devstack.Place {
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
