package devstack

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

const elsewhere = "/var/lib/mediconnect-dev"

// follow takes the servers' folder that the link leads to. A copied data folder has a link to the original's.
func (p *Place) follow(target string) error {
	if target != realPath(p.ownElsewhere()) {
		return &Problem{
			Message: fmt.Sprintf("the databases in %s belong to another data folder: %s was copied or moved", target, p.Dir),
			Remedy:  "move it back, or delete " + p.Path(serversLink) + " to begin with new ones",
		}
	}
	if err := p.lock(target); err != nil {
		return err
	}
	p.Servers = target
	return nil
}

// ownElsewhere is named after the data folder, so that each has its own.
func (p *Place) ownElsewhere() string {
	name := sha256.Sum256([]byte(realPath(p.Dir)))
	return filepath.Join(elsewhere, hex.EncodeToString(name[:8]))
}

// goElsewhere makes a folder for the servers in the system's place for data and leaves a link to it. What a data folder of
// the same name left there before it was deleted is deleted too.
func (p *Place) goElsewhere() error {
	target := p.ownElsewhere()
	if err := os.MkdirAll(elsewhere, 0o711); err != nil {
		return FileProblem(elsewhere, err)
	}
	if _, err := os.Stat(target); err == nil {
		if err := p.lock(target); err != nil {
			return err
		}
	}
	if err := os.RemoveAll(target); err != nil {
		return FileProblem(target, err)
	}
	if err := ownFolder(target, p.account); err != nil {
		return FileProblem(target, err)
	}
	if err := p.lock(target); err != nil {
		return err
	}
	link := p.Path(serversLink)
	if err := os.Remove(link); err != nil && !errors.Is(err, os.ErrNotExist) {
		return FileProblem(link, err)
	}
	if err := os.Symlink(target, link); err != nil {
		return FileProblem(p.Dir, err)
	}
	p.Servers = target
	return nil
}
