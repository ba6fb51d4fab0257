package prove_test

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"syscall"
	"time"
)

// stamped has the kernel note when the bytes of a listener's connections come (socket(7), SO_TIMESTAMPNS), which inherit it.
func stamped(_, _ string, c syscall.RawConn) error {
	var failed error
	err := c.Control(func(fd uintptr) {
		failed = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_TIMESTAMPNS, 1)
	})
	return errors.Join(err, failed)
}

// stampedRead reads, and answers when the kernel had the bytes; zero: it doesn't say.
func stampedRead(c *net.TCPConn, p []byte) (n int, at time.Time, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, at, err
	}
	var failed error
	err = raw.Read(func(fd uintptr) bool {
		beside := make([]byte, 256)
		var size int
		n, size, _, _, failed = syscall.Recvmsg(int(fd), p, beside, 0)
		if failed == syscall.EAGAIN {
			return false
		}
		messages, _ := syscall.ParseSocketControlMessage(beside[:max(size, 0)])
		for _, m := range messages {
			if m.Header.Level == syscall.SOL_SOCKET && m.Header.Type == syscall.SCM_TIMESTAMPNS && len(m.Data) == 16 { // seconds and nanoseconds, of a 64-bit kernel
				at = time.Unix(int64(binary.NativeEndian.Uint64(m.Data)), int64(binary.NativeEndian.Uint64(m.Data[8:])))
			}
		}
		return true
	})
	switch {
	case err != nil:
		return 0, at, err
	case failed != nil:
		return 0, at, failed
	case n == 0:
		return 0, at, io.EOF
	}
	return n, at, nil
}
