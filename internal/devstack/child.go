package devstack

import (
	"context"
	"fmt"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// child is a server process that can't outlive this one on Linux.
type child struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  error // why it ended; read after done
}

// startChild starts cmd from a thread that lives as long as the child does: the kernel sends the death signal when the
// *thread* that forked ends, not the process, and Go ends threads as it likes.
func startChild(cmd *exec.Cmd, account Account, death syscall.Signal) (*child, error) {
	cmd.SysProcAttr = procAttr(account, death)
	cmd.WaitDelay = time.Second
	c := &child{cmd: cmd, done: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			c.err = cmd.Wait()
			close(c.done)
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	return c, nil
}

// end stops a child whose start failed, whether or not its context has ended.
func (c *child) end(signal syscall.Signal) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	c.stop(ctx, signal)
}

// stop sends the signals one after the other, giving the child until ctx ends for the first and a few seconds for each
// that follows, and returns once it is gone.
func (c *child) stop(ctx context.Context, signals ...syscall.Signal) {
	for _, signal := range append(signals, syscall.SIGKILL) {
		_ = c.cmd.Process.Signal(signal)
		select {
		case <-c.done:
			return
		case <-ctx.Done():
		}
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
	}
	<-c.done
}
