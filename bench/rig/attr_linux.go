package rig

import "syscall"

// childAttr has the kernel kill a server when the thread that started it ends, so that none is left behind.
func childAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
