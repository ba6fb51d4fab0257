package clients_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/mediconnect/mediconnect/internal/testkit/nodetest"
)

// patience bounds an installation, and a suite.
const patience = nodetest.Patience

// node is the program that runs the suites, once all packages are there.
var node = sync.OnceValues(func() (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := nodetest.Install(ctx, "."); err != nil {
		return "", err
	}
	return nodetest.Program()
})

// runner is the node program. The suites' files are read here, by the test itself, so that a cached result of it is never
// older than they are.
func runner(t *testing.T) string {
	t.Helper()
	err := filepath.WalkDir("suites", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			_, err = os.ReadFile(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	program, err := node()
	if err != nil {
		t.Fatal(err)
	}
	return program
}
