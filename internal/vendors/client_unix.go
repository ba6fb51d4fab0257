//go:build unix

package vendors

import (
	"net"
	"syscall"
)

// deserted says that a connection's client has closed it, as the kernel knows before any goroutine is told.
func deserted(c net.Conn) (is bool) {
	socket, ok := c.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return false
	}
	err = raw.Control(func(fd uintptr) {
		n, _, err := syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK)
		is = n == 0 && err == nil || err == syscall.ECONNRESET
	})
	return is || err != nil // closed on our side
}
