// Package nodetest finds Node.js for tests, and brings packages of npm.
package nodetest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/mediconnect/mediconnect/internal/devstack"
)

// Patience bounds an installation.
const Patience = 3 * time.Minute

const packages = "node_modules"

// Program is Node.js that is no older than devstack.OldestNode: this machine's, else one that a package carries, whose lock file is in test/clients/node.
var Program = sync.OnceValues(func() (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	found, err := devstack.FindNode(ctx)
	if err != nil || found.Major >= devstack.OldestNode {
		return found.Program, err
	}
	folder, err := inModule("test", "clients", "node")
	if err != nil {
		return "", err
	}
	if err := Install(ctx, folder); err != nil {
		return "", err
	}
	return carried(folder)
})

// carried is the program that a package for this machine brings: only that one's package is installed.
func carried(folder string) (string, error) {
	programs, _ := filepath.Glob(filepath.Join(folder, packages, "node-*", "bin", "node"))
	if len(programs) != 1 {
		return "", fmt.Errorf("this machine's Node.js is older than %d, and no package carries it for this machine: install it (https://nodejs.org/download)", devstack.OldestNode)
	}
	return filepath.Abs(programs[0])
}

// inModule is a folder below the module's own, wherever in it the test runs.
func inModule(below ...string) (string, error) {
	here, err := os.Getwd()
	for ; err == nil; here = filepath.Dir(here) {
		if _, missing := os.Stat(filepath.Join(here, "go.mod")); missing == nil {
			return filepath.Join(append([]string{here}, below...)...), nil
		}
		if here == filepath.Dir(here) {
			return "", errors.New("the module's folder was not found")
		}
	}
	return "", err
}

// Install brings the packages that a folder's lock file names, unless they are there. No program of theirs is run.
func Install(ctx context.Context, folder string) error {
	found, err := devstack.FindNode(ctx)
	if err != nil {
		return err
	}
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
		return &devstack.Problem{
			Message: fmt.Sprintf("packages of npm that the tests need could not be installed: %s", out),
			Remedy:  "run `npm ci --ignore-scripts` in " + folder + " where npm's registry can be reached",
			Cause:   errors.Join(err, ctx.Err()),
		}
	}
	return os.WriteFile(mark, []byte(wanted), 0o600)
}

// lock keeps others who test from installing at the same time.
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
