package devstack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// leftover is a server that a killed predecessor may have left running.
type leftover struct {
	dir      string // its working directory, where its data are
	pidFile  string
	programs []string // the process names it may have
	signals  []syscall.Signal
}

func leftoverPostgres(data string) leftover {
	return leftover{
		dir: data, pidFile: filepath.Join(data, "postmaster.pid"), programs: []string{"postgres"},
		signals: []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGKILL},
	}
}

func leftoverRedis(dir string) leftover {
	return leftover{
		dir: dir, pidFile: filepath.Join(dir, "redis.pid"), programs: []string{"redis-server", "valkey-server"},
		signals: []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL},
	}
}

// end ends the server, and removes a pid file whose process is gone: with small process ids (a container) another
// program soon has that number, and PostgreSQL would refuse to start. The caller must hold the lock of the servers' folder,
// so that nobody else runs this server on purpose.
func (l leftover) end(ctx context.Context) error {
	if pid := l.pid(); pid > 1 {
		works, known := l.worksHere(ctx, pid)
		if !known { // the pid file stays, and the server's own check of it decides
			waitUntil(ctx, 5*time.Second, func() bool { return syscall.Kill(pid, 0) != nil })
			return nil
		}
		if works {
			if err := endProcess(ctx, pid, l.signals...); err != nil {
				return err
			}
		}
	}
	if err := l.awaitNobody(ctx); err != nil {
		return err
	}
	if err := os.Remove(l.pidFile); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove stale pid file: %w", err)
	}
	return nil
}

// pid is the number in the pid file's first line, 0 if there is none.
func (l leftover) pid() int {
	text, err := os.ReadFile(l.pidFile)
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil {
		return 0
	}
	return pid
}

// worksHere tells whether process pid is this server: its working directory (Linux) or its command line says. In a
// bare chroot neither can be read.
func (l leftover) worksHere(ctx context.Context, pid int) (works, known bool) {
	if _, err := os.Stat("/proc/self/cwd"); err == nil {
		return slices.Contains(l.processes(), pid), true
	}
	if _, err := exec.LookPath("ps"); err != nil {
		return false, false
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "ps", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
	named := slices.ContainsFunc(l.programs, func(name string) bool { return strings.Contains(string(out), name) })
	return err == nil && named && strings.Contains(string(out), l.dir), true
}

// awaitNobody waits for processes that outlive their parent for a moment: a new server beside them would ruin the data,
// and with the pid file PostgreSQL's own guard goes.
func (l leftover) awaitNobody(ctx context.Context) error {
	if waitUntil(ctx, 10*time.Second, func() bool { return len(l.processes()) == 0 }) {
		return nil
	}
	return &Problem{
		Message: fmt.Sprintf("processes %v of an earlier run still use %s", l.processes(), l.dir),
		Remedy:  "end them with kill, then start again",
	}
}

// processes lists the server's processes, where the system tells (Linux).
func (l leftover) processes() []int {
	links, _ := filepath.Glob("/proc/[0-9]*/cwd")
	real := realPath(l.dir)
	var found []int
	for _, link := range links {
		cwd, err := os.Readlink(link)
		if err != nil || cwd != real {
			continue
		}
		name, err := os.ReadFile(filepath.Join(filepath.Dir(link), "comm"))
		if err == nil && slices.Contains(l.programs, strings.TrimSpace(string(name))) {
			found = append(found, numberIn(link))
		}
	}
	return found
}

// endProcess sends the signals in turn, waiting a while after each for the process to go.
func endProcess(ctx context.Context, pid int, signals ...syscall.Signal) error {
	for _, signal := range signals {
		if errors.Is(syscall.Kill(pid, signal), syscall.ESRCH) {
			return nil
		}
		if waitUntil(ctx, 5*time.Second, func() bool { return syscall.Kill(pid, 0) != nil }) {
			return nil
		}
	}
	return &Problem{
		Message: fmt.Sprintf("server process %d of an earlier run doesn't end", pid),
		Remedy:  fmt.Sprintf("end it with `kill -9 %d`, then start again", pid),
	}
}

func realPath(dir string) string {
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		return real
	}
	return dir
}

func waitUntil(ctx context.Context, limit time.Duration, done func() bool) bool {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
	return true
}
