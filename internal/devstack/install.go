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
	"time"
)

//go:embed install.sh
var installScript string

// installPatience bounds an installation; apt-get has shorter limits of its own for each download.
const installPatience = 20 * time.Minute

// Ensure sees to it that both servers' programs are here: what is missing is installed where apt-get can do that, and
// progress is told on out. Elsewhere the error is a Problem whose remedy is the line to type.
func Ensure(ctx context.Context, out io.Writer) error {
	missing, err := missingServers(ctx)
	if err == nil {
		return nil
	}
	if !errors.Is(err, ErrMissing) || len(missing) == 0 {
		return err
	}
	if _, lookErr := exec.LookPath("apt-get"); lookErr != nil {
		return err
	}
	if err := install(ctx, out, missing); err != nil {
		return err
	}
	_, err = missingServers(ctx)
	return err
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
			Message: "the servers could not be installed",
			Remedy:  installHint() + " and start again",
			Cause:   errors.Join(err, ctx.Err()),
		}
	}
	return nil
}
