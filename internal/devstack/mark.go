package devstack

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
)

// mark is the file that says that a server's folder is ours: we may take it over and delete it.
const mark = ".mediconnect"

func (p *Place) makeServersFolders() error {
	folders := []string{p.PostgresDir(), p.RedisDir()}
	for _, dir := range folders {
		if err := checkMarked(dir); err != nil {
			return FileProblem(dir, err)
		}
	}
	for _, dir := range folders {
		if err := takeFolder(dir, p.account); err != nil {
			return FileProblem(dir, err)
		}
	}
	return nil
}

// checkMarked refuses a server's folder with things in it that we didn't put there.
func checkMarked(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) || err == nil && (len(entries) == 0 || marked(dir) || markedOfOld(dir)) {
		return nil
	}
	if err != nil {
		return err
	}
	return notOurs(dir)
}

// takeFolder makes a server's folder with our mark in it, or takes one over that is ours.
func takeFolder(dir string, account Account) error {
	if err := ownFolder(dir, account); err != nil {
		return err
	}
	file, err := os.OpenFile(filepath.Join(dir, mark), os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return file.Close()
}

func marked(dir string) bool { return hasFiles(dir, mark) }

// markedOfOld knows the folders of before there was a mark: no other program keeps a password beside such files.
func markedOfOld(dir string) bool {
	return hasFiles(dir, passwordName, "data/PG_VERSION") || hasFiles(dir, passwordName, "redis.conf")
}

func hasFiles(dir string, names ...string) bool {
	return !slices.ContainsFunc(names, func(name string) bool {
		info, err := os.Lstat(filepath.Join(dir, name))
		return err != nil || !info.Mode().IsRegular()
	})
}

func notOurs(dir string) error {
	return &Problem{
		Message: "the folder " + dir + " has things in it that MediConnect didn't put there",
		Remedy:  "move it away, or choose another data folder with --data",
	}
}
