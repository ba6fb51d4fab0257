package devstack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"time"
)

// Account is the operating-system user that the servers run as: PostgreSQL refuses to be root.
type Account struct {
	Name     string
	UID, GID int
}

// ServerAccount is the current user, or for root the first of postgres and nobody that exists.
func ServerAccount() (Account, error) {
	if os.Geteuid() != 0 {
		return Account{Name: "uid " + strconv.Itoa(os.Geteuid()), UID: os.Geteuid(), GID: os.Getegid()}, nil
	}
	for _, name := range []string{"postgres", "_postgres", "nobody"} {
		if account, err := lookUp(name); err == nil {
			return account, nil
		}
	}
	return Account{}, &Problem{
		Message: "PostgreSQL refuses to run as root and this machine has neither a user postgres nor nobody",
		Remedy:  "create one with `useradd --system postgres`, or start as an ordinary user",
	}
}

// serverAccountOf is the account for a server's folder: root lets an existing one go on as the user who owns it, also
// when a better account has since been made.
func serverAccountOf(dir string) (Account, error) {
	uid, err := ownerOf(dir)
	if os.Geteuid() != 0 || err != nil || uid == 0 {
		return ServerAccount()
	}
	account := Account{Name: "uid " + strconv.Itoa(uid), UID: uid, GID: uid}
	if found, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return lookUp(found.Username)
	}
	return account, nil
}

func lookUp(name string) (Account, error) {
	found, err := user.Lookup(name)
	if err != nil {
		return Account{}, err
	}
	uid, errUID := strconv.Atoi(found.Uid)
	gid, errGID := strconv.Atoi(found.Gid)
	return Account{Name: name, UID: uid, GID: gid}, errors.Join(errUID, errGID)
}

// foreign tells whether child processes must change to the account.
func (a Account) foreign() bool { return a.UID != os.Geteuid() }

// CanEnter tells whether the account may enter dir. It tries, since modes alone don't tell (ACLs, mounts).
func (a Account) CanEnter(dir string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", `cd -- "$1"`, "sh", dir)
	cmd.Dir = "/"
	cmd.SysProcAttr = procAttr(a, 0)
	return cmd.Run() == nil
}

// Hand gives a file or folder to the account.
func (a Account) Hand(path string) error {
	if !a.foreign() {
		return nil
	}
	if err := os.Chown(path, a.UID, a.GID); err != nil {
		return fmt.Errorf("hand %s to %s: %w", path, a.Name, err)
	}
	return nil
}
