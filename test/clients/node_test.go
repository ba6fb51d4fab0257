package clients_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/devstack"
)

// patience bounds an installation, and a suite.
const patience = 3 * time.Minute

// node is the program that runs the suites, once all packages are there.
var node = sync.OnceValues(func() (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	found, err := devstack.FindNode(ctx)
	if err != nil {
		return "", err
	}
	if err := install(ctx, found, "."); err != nil || found.Major >= devstack.OldestNode {
		return found.Program, err
	}
	if err := install(ctx, found, "node"); err != nil {
		return "", err
	}
	return carried()
})

// carried is the program that a package for this machine brings: only that one's package is installed.
func carried() (string, error) {
	programs, _ := filepath.Glob(filepath.Join("node", packages, "node-*", "bin", "node"))
	if len(programs) != 1 {
		return "", fmt.Errorf("Node.js is older than %d, and no package carries it for this machine: install it (https://nodejs.org/download)", devstack.OldestNode)
	}
	return filepath.Abs(programs[0])
}

const packages = "node_modules"

// install brings the packages that a folder's lock file names, unless they are there. No program of theirs is run.
func install(ctx context.Context, found devstack.Node, folder string) error {
	release, err := lock(filepath.Join(folder, "package-lock.json"))
	if err != nil {
		return err
	}
	defer release()
	wanted, err := digest(folder)
	if err != nil {
		return err
	}
	mark := filepath.Join(folder, packages, ".installed")
	if is, err := os.ReadFile(mark); err == nil && string(is) == wanted {
		return nil
	}
	cmd := exec.CommandContext(ctx, found.NPM, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
	cmd.Dir = folder
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci: %w: %s", errors.Join(err, ctx.Err()), out)
	}
	return os.WriteFile(mark, []byte(wanted), 0o600)
}

// lock keeps others who test the same checkout from installing at the same time.
func lock(path string) (release func(), err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != nil {
		file.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return func() { file.Close() }, nil
}

func digest(folder string) (string, error) {
	sum := sha256.New()
	for _, name := range []string{"package.json", "package-lock.json"} {
		text, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			return "", err
		}
		sum.Write(text)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// runner is the node program. The suites' files are read here, by the test itself, so that a cached result of it is never
// older than they are.
func runner(t *testing.T) string {
	t.Helper()
	err := filepath.WalkDir("suites", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			_, err = os.ReadFile(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	program, err := node()
	if err != nil {
		t.Fatal(err)
	}
	return program
}
