// Package devstack is the workshop beside the house: it finds, installs and runs a private PostgreSQL and a private
// Redis for `mediconnect dev` and for tests, and is no part of production.
package devstack

import (
	"errors"
	"fmt"
	"os"
)

// ErrMissing says that a server program isn't on this machine; Install may bring it.
var ErrMissing = errors.New("not installed")

// Problem is a trouble told in one sentence together with what the reader can do about it.
type Problem struct {
	Message string
	Remedy  string
	Cause   error
}

func (p *Problem) Error() string { return p.Message + ": " + p.Remedy }

func (p *Problem) Unwrap() error { return p.Cause }

// ownFolder creates dir (its parent must exist) as a 0700 folder of the account, or makes an existing one so.
func ownFolder(dir string, account Account) error {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("create folder: %w", err)
	}
	if err := os.Chown(dir, account.UID, account.GID); err != nil {
		return fmt.Errorf("hand folder to %s: %w", account.Name, err)
	}
	return os.Chmod(dir, 0o700)
}
