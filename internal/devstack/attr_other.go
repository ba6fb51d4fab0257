//go:build !linux

package devstack

import "syscall"

// procAttr runs a child as the account, in a process group of its own. There is no death signal here: after a kill -9
// the next start ends what is left over.
func procAttr(account Account, _ syscall.Signal) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true}
	if account.foreign() {
		attr.Credential = &syscall.Credential{Uid: uint32(account.UID), Gid: uint32(account.GID)}
	}
	return attr
}
