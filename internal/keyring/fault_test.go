package keyring_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/keyring"
	"github.com/mediconnect/mediconnect/internal/seal"
)

func shardFile(dir string, s seal.Subject) string {
	sum := sha256.Sum256(s.ID[:])
	return filepath.Join(dir, "tenants", s.Organization.String(), hex.EncodeToString(sum[:1]))
}

func TestWhatIsWrongWithAFolderIsSaidInASentence(t *testing.T) {
	about := people(1)[0]
	for what, spoil := range map[string]func(dir string) error{
		"is missing or can't be entered: make one with": func(dir string) error { return os.Rename(dir, dir+"2") },
		"are missing or can't be read: restore":         func(dir string) error { return os.Remove(filepath.Join(dir, "root.json")) },
		"are open to others: chmod 600":                 func(dir string) error { return os.Chmod(filepath.Join(dir, "root.json"), 0o640) },
		"root keys * are damaged":                       func(dir string) error { return os.WriteFile(filepath.Join(dir, "root.json"), []byte("{}"), 0o600) },
		"the keys in * are damaged": func(dir string) error {
			path := shardFile(dir, about)
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			text[len(text)/2] ^= 1
			return os.WriteFile(path, text, 0o600)
		},
		"root key 1, which patients' keys are wrapped with, is not in root.json": func(dir string) error {
			path := filepath.Join(dir, "root.json")
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			return os.WriteFile(path, []byte(strings.Replace(string(text), `"id": 1`, `"id": 2`, 1)), 0o600)
		},
		"a key of generation 1 for * is missing": func(dir string) error { return os.Remove(shardFile(dir, about)) },
	} {
		dir := folder(t, time.Minute)
		keys := current(t, open(t, dir), about)
		must(t, spoil(dir))
		ring, err := keyring.Open(dir)
		if err == nil {
			_, err = ring.Keys(t.Context(), ids(keys))
		}
		parts := strings.Split(what, " * ")
		if err == nil || !strings.Contains(err.Error(), parts[0]) || !strings.Contains(err.Error(), parts[len(parts)-1]) {
			t.Errorf("it should say that something %s: %v", what, err)
		}
	}
}

func TestAFolderIsMadeOnce(t *testing.T) {
	dir := folder(t, time.Minute)
	if err := keyring.Create(dir, then, time.Minute); err == nil {
		t.Error("a folder that is in use is made anew")
	}
	if err := keyring.Create(filepath.Join(t.TempDir(), "x"), then, 2*time.Minute); err == nil {
		t.Error("keys may be remembered for longer than a minute")
	}
	for _, path := range []string{dir, filepath.Join(dir, "root.json")} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is open to others: %v", path, err)
		}
	}
}

// A writer that is killed leaves one of these behind.
func TestAnInterruptedReplacementChangesNothing(t *testing.T) {
	for name, leave := range map[string]func(path string) error{
		"before the new file has its name": func(path string) error { return os.WriteFile(path+".new", []byte("half"), 0o600) },
		"once the old one has two names":   func(path string) error { return os.Link(path, path+".old") },
		"before the old one is overwritten": func(path string) error {
			return os.WriteFile(path+".old", []byte("what was there before"), 0o600)
		},
	} {
		dir := folder(t, time.Minute)
		about := people(1)[0]
		keys := current(t, open(t, dir), about)
		path := shardFile(dir, about)
		must(t, leave(path))
		left, err := os.Open(path + ".old")
		if err == nil {
			defer left.Close()
		}
		opens(t, open(t, dir), keys)
		ring := open(t, dir)
		if _, err := ring.NewGeneration(t.Context(), about.Organization); err != nil {
			t.Fatalf("killed %s, nothing can be written: %v", name, err)
		}
		opens(t, ring, keys)
		if leftovers, _ := filepath.Glob(path + ".[no]*"); len(leftovers) > 0 {
			t.Errorf("killed %s, the next leaves %v", name, leftovers)
		}
		text := make([]byte, 4)
		if left != nil {
			if _, err := left.ReadAt(text, 0); err != nil || string(text) != "\x00\x00\x00\x00" {
				t.Errorf("killed %s, the old file can still be read: %q", name, text)
			}
		}
	}
}

// child makes keys in another process until it is killed, and tells each that it was given.
func TestMain(m *testing.M) {
	if dir := os.Getenv("KEYRING_CHILD"); dir != "" {
		child(dir, uuid.MustParse(os.Getenv("KEYRING_ORGANIZATION")))
	}
	os.Exit(m.Run())
}

func child(dir string, organization uuid.UUID) {
	ring, err := keyring.Open(dir)
	for err == nil {
		about := seal.Subject{Organization: organization, ID: uuid.New()}
		var keys map[seal.Subject]seal.Key
		if keys, err = ring.Current(context.Background(), []seal.Subject{about}); err == nil {
			secret := keys[about].Secret
			_, err = fmt.Fprintln(os.Stdout, about.ID, hex.EncodeToString(secret[:]))
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// Whatever a process was given before it was killed is there, and other processes have it, too.
func TestProcessesShareAFolderAndMayBeKilled(t *testing.T) {
	dir := folder(t, time.Minute)
	organization := uuid.New()
	ring, given := open(t, dir), map[seal.Subject]seal.Key{}
	for round := range 4 {
		var running []*bufio.Scanner
		var processes []*exec.Cmd
		for range 2 {
			c := exec.CommandContext(t.Context(), os.Args[0])
			c.Env = append(os.Environ(), "KEYRING_CHILD="+dir, "KEYRING_ORGANIZATION="+organization.String())
			out, err := c.StdoutPipe()
			must(t, err)
			must(t, c.Start())
			running, processes = append(running, bufio.NewScanner(out)), append(processes, c)
		}
		for range 25 * (round + 1) {
			for _, lines := range running {
				if !lines.Scan() {
					t.Fatal("a process ended by itself")
				}
				take(t, organization, lines.Text(), given)
			}
			if _, err := ring.NewGeneration(t.Context(), uuid.New()); err != nil {
				t.Fatal(err)
			}
		}
		for i, c := range processes {
			must(t, c.Process.Kill())
			for running[i].Scan() {
				take(t, organization, running[i].Text(), given)
			}
			_ = c.Wait()
		}
		opens(t, ring, given)
	}
	if _, err := ring.Rewrap(t.Context()); err != nil {
		t.Fatal(err)
	}
	opens(t, open(t, dir), given)
}

func take(t *testing.T, organization uuid.UUID, line string, given map[seal.Subject]seal.Key) {
	t.Helper()
	id, text, whole := strings.Cut(line, " ")
	secret, err := hex.DecodeString(text)
	if !whole || err != nil || len(secret) != 32 {
		return // killed while it was telling
	}
	given[seal.Subject{Organization: organization, ID: uuid.MustParse(id)}] = seal.Key{Generation: 1, Secret: [32]byte(secret)}
}
