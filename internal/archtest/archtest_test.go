package archtest_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mediconnect/mediconnect/internal/archtest"
)

// project reads every Go file. The files are opened here, by the test itself, so that a cached result of it is never older
// than they are.
func project(t *testing.T) []archtest.File {
	t.Helper()
	root := filepath.Join("..", "..")
	var files []archtest.File
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := entry.Name(); entry.IsDir() && path != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "node_modules") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		text, err := os.ReadFile(path)
		relative, _ := filepath.Rel(root, path)
		files = append(files, archtest.File{Path: filepath.ToSlash(relative), Text: text})
		return err
	})
	if err != nil || len(files) < 100 {
		t.Fatalf("read %d files of the project: %v", len(files), err)
	}
	return files
}

func TestTheHouseIsAsPlanned(t *testing.T) {
	for _, fault := range archtest.Check(project(t)) {
		t.Error(fault)
	}
}
