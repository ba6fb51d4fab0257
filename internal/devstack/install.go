package devstack

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

//go:embed install.sh
var installScript string

// installPatience bounds an installation; apt-get has shorter limits of its own for each download.
const installPatience = 20 * time.Minute

// Ensure sees to it that both servers' programs are here: what is missing is installed where apt-get can do that, and
// progress is told on out. Elsewhere the error is a Problem whose remedy is the line to type.
func Ensure(ctx context.Context, out io.Writer) error {
	return ensure(ctx, out, missingServers)
}

// EnsureForTests is Ensure for all that the tests need: the servers, and Node.js with npm.
func EnsureForTests(ctx context.Context, out io.Writer) error {
	if err := Ensure(ctx, out); err != nil {
		return err
	}
	return ensure(ctx, out, missingNode)
}

func ensure(ctx context.Context, out io.Writer, missing func(context.Context) ([]string, error)) error {
	packages, problem := missing(ctx)
	if problem == nil || !errors.Is(problem, ErrMissing) || len(packages) == 0 {
		return problem
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return problem
	}
	if err := install(ctx, out, packages); err != nil {
		return err
	}
	_, problem = missing(ctx)
	return problem
}

// missingNode names the Debian packages that bring Node.js and npm.
func missingNode(ctx context.Context) (packages []string, problem error) {
	_, problem = FindNode(ctx)
	if problem == nil || os.Getenv("MEDICONNECT_NODE_BIN") != "" {
		return nil, problem
	}
	for _, of := range [][2]string{{"node", "nodejs"}, {"npm", "npm"}} {
		if _, err := exec.LookPath(of[0]); err != nil {
			packages = append(packages, of[1])
		}
	}
	return packages, problem
}

// missingServers names the Debian packages to install, and the problem of the first. Programs that the environment
// points to can't be brought by a package.
func missingServers(ctx context.Context) (packages []string, problem error) {
	if _, err := FindPostgres(ctx, 0); err != nil {
		problem = err
		if os.Getenv("MEDICONNECT_PG_BIN") == "" {
			packages = append(packages, "postgresql")
		}
	}
	if _, err := FindRedis(); err != nil {
		if problem == nil {
			problem = err
		}
		if os.Getenv("MEDICONNECT_REDIS_BIN") == "" {
			packages = append(packages, "redis-server")
		}
	}
	return packages, problem
}

// install runs the script in our own process group, since sudo may ask for a password on the terminal.
func install(ctx context.Context, out io.Writer, packages []string) error {
	folder, err := os.MkdirTemp("", "mediconnect-install-")
	if err != nil {
		return fmt.Errorf("prepare installation: %w", err)
	}
	defer os.RemoveAll(folder)
	script := filepath.Join(folder, "install.sh")
	if err := os.WriteFile(script, []byte(installScript), 0o600); err != nil {
		return diskFull(err.Error(), folder, fmt.Errorf("prepare installation: %w", err))
	}
	ctx, cancel := context.WithTimeout(ctx, installPatience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "/bin/sh", append([]string{script}, packages...)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, out, out
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = time.Minute
	if err := cmd.Run(); err != nil {
		return &Problem{
			Message: strings.Join(packages, " and ") + " could not be installed",
			Remedy:  "run `" + asRoot("apt-get") + "apt-get install " + strings.Join(packages, " ") + "` and start again",
			Cause:   errors.Join(err, ctx.Err()),
		}
	}
	return nil
}
