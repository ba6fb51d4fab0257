package devstack

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// Loopback is the only address anything in a development stack listens on.
const Loopback = "127.0.0.1"

// choosePort returns the port asked for if it is free, and any free one for 0.
func choosePort(asked int, what string) (int, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(Loopback, strconv.Itoa(asked)))
	if err != nil {
		return 0, PortProblem(asked, what, err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	return port, l.Close()
}

// FreeAddress is one on loopback that nobody listens at.
func FreeAddress() (string, error) {
	port, err := choosePort(0, "a server")
	return net.JoinHostPort(Loopback, strconv.Itoa(port)), err
}

// onSomePort calls start with the port asked for, or with free ones until nobody else has taken the port between our
// look and the server's.
func onSomePort(asked int, what string, start func(port int) error) error {
	var err error
	for range 5 {
		var port int
		if port, err = choosePort(asked, what); err != nil {
			return err
		}
		if err = start(port); !errors.Is(err, syscall.EADDRINUSE) {
			return err
		}
	}
	return err
}

// errStillInUse says that processes of an earlier run are about to end, but haven't yet.
var errStillInUse = errors.New("an earlier run's processes haven't ended yet")

// serverFailure makes an error of a server's last words.
func serverFailure(what, said, dir, log string) error {
	err := fmt.Errorf("%s has ended: %s (%s)", what, lastLine(said), log)
	switch lower := strings.ToLower(said); {
	case strings.Contains(lower, "address already in use"):
		return fmt.Errorf("%w: %w", err, syscall.EADDRINUSE)
	case strings.Contains(lower, "is still in use"):
		return fmt.Errorf("%w: %w", err, errStillInUse)
	case strings.Contains(lower, `lock file "postmaster.pid" already exists`):
		return &Problem{
			Message: "PostgreSQL takes another program for one of its own that runs in " + dir,
			Remedy:  "end that one, or delete data/postmaster.pid there if it is none",
			Cause:   err,
		}
	}
	return diskFull(said, dir, err)
}

// PortProblem tells why what can't listen on a port of loopback.
func PortProblem(port int, what string, cause error) error {
	problem := &Problem{
		Message: fmt.Sprintf("port %d on %s is taken, so %s can't listen there", port, Loopback, what),
		Remedy:  "stop the program that uses it or choose another port with --port",
		Cause:   cause,
	}
	switch {
	case errors.Is(cause, syscall.EADDRINUSE):
		return problem
	case errors.Is(cause, os.ErrPermission):
		problem.Message = fmt.Sprintf("you may not use port %d for %s", port, what)
		problem.Remedy = "choose a port above 1023 with --port"
		return problem
	}
	return fmt.Errorf("find a port for %s: %w", what, cause)
}
