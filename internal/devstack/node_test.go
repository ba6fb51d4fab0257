package devstack_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/mediconnect/mediconnect/internal/devstack"
)

func TestAMissingNodeIsToldInOneSentence(t *testing.T) {
	t.Setenv("MEDICONNECT_NODE_BIN", t.TempDir())
	_, err := devstack.FindNode(t.Context())
	wantProblem(t, err, "Node.js", "MEDICONNECT_NODE_BIN", "install")
	if !errors.Is(err, devstack.ErrMissing) {
		t.Errorf("%v doesn't say that something is missing", err)
	}
	if err := devstack.EnsureForTests(t.Context(), t.Output()); !errors.Is(err, devstack.ErrMissing) {
		t.Errorf("what the environment points to can't be installed, got %v", err)
	}
}

func TestAnOldNodeIsFoundWithItsVersion(t *testing.T) {
	dir := t.TempDir()
	for name, says := range map[string]string{"node": "v18.20.4", "npm": "9.2.0"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\necho "+says+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("MEDICONNECT_NODE_BIN", dir)
	found, err := devstack.FindNode(t.Context())
	if err != nil || found.Major != 18 || found.NPM != filepath.Join(dir, "npm") {
		t.Errorf("found %+v, %v", found, err)
	}
}
