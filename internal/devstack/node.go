package devstack

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// OldestNode is the oldest major version of Node.js that today's GraphQL clients run on.
const OldestNode = 20

// Node is Node.js with its npm. The tests of other people's clients need it; the program doesn't.
type Node struct {
	Program string
	NPM     string
	Major   int // may be older than OldestNode: npm can bring a newer one
}

// FindNode finds node and npm: in MEDICONNECT_NODE_BIN if that is set, else on PATH and where Homebrew has them.
// The error wraps ErrMissing if one of them isn't there.
func FindNode(ctx context.Context) (Node, error) {
	for _, dir := range nodeFolders() {
		if found, err := nodeIn(ctx, dir); err == nil {
			return found, nil
		}
	}
	message := "Node.js with npm, which the tests of other people's clients need, was not found"
	if dir := os.Getenv("MEDICONNECT_NODE_BIN"); dir != "" {
		message += " in MEDICONNECT_NODE_BIN (" + dir + ")"
	}
	return Node{}, &Problem{Message: message, Remedy: nodeHint(), Cause: ErrMissing}
}

func nodeFolders() []string {
	if dir := os.Getenv("MEDICONNECT_NODE_BIN"); dir != "" {
		return []string{dir}
	}
	dirs := filepath.SplitList(os.Getenv("PATH"))
	return append(dirs, "/opt/homebrew/bin", "/usr/local/bin")
}

// nodeIn takes node from one folder, and npm from there or from wherever PATH has it.
func nodeIn(ctx context.Context, dir string) (found Node, err error) {
	if found.Program, err = exec.LookPath(filepath.Join(dir, "node")); err != nil {
		return found, err
	}
	if found.NPM, err = exec.LookPath(filepath.Join(dir, "npm")); err != nil {
		if found.NPM, err = exec.LookPath("npm"); err != nil {
			return found, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, found.Program, "--version").Output() // "v20.20.2"
	if err != nil {
		return found, fmt.Errorf("ask for Node's version: %w", err)
	}
	found.Major = numberIn(string(out))
	return found, nil
}

func nodeHint() string {
	return hint("install Node.js with npm and put them on PATH", []way{
		{"apt-get", "apt-get install nodejs npm"},
		{"brew", "brew install node"},
		{"dnf", "dnf install nodejs nodejs-npm"},
		{"apk", "apk add nodejs npm"},
	})
}
