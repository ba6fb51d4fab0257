package devstack

import "syscall"

// procAttr runs a child as the account, in a process group of its own (a Ctrl-C on the terminal is for us alone), and
// has the kernel send it death when the thread that started it ends.
func procAttr(account Account, death syscall.Signal) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true, Pdeathsig: death}
	if account.foreign() {
		attr.Credential = &syscall.Credential{Uid: uint32(account.UID), Gid: uint32(account.GID)}
	}
	return attr
}
