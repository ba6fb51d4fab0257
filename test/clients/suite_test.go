package clients_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// result is a line of suites/report.mjs.
type result struct {
	Name    string
	Failure string
	Skipped any
}

// suite runs a file of tests in a world, each of its tests as a subtest, and answers how many there were.
func suite(t *testing.T, file string, world any) (count int) {
	t.Helper()
	program := runner(t)
	told, err := json.Marshal(world)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "--test-reporter=./suites/report.mjs", filepath.Join("suites", file))
	cmd.Env = append(os.Environ(), "NODE_OPTIONS=")
	cmd.Stdin = bytes.NewReader(told)
	var faults bytes.Buffer
	cmd.Stderr = &faults
	lines, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	failed := false
	for scanner := lineByLine(lines); scanner.Scan(); {
		var r result
		if err := json.Unmarshal(scanner.Bytes(), &r); err != nil {
			t.Logf("%s", scanner.Bytes()) // what a client says
			continue
		}
		count++
		failed = failed || r.Failure != ""
		t.Run(r.Name, func(t *testing.T) { tell(t, r) })
	}
	if err := cmd.Wait(); err != nil && !failed {
		t.Errorf("%s ended with %v after %d tests: %s", file, err, count, faults.Bytes())
	}
	return count
}

const longestLine = 1 << 20

func lineByLine(r interface{ Read([]byte) (int, error) }) *bufio.Scanner {
	scanner := bufio.NewScanner(r)
	scanner.Buffer(nil, longestLine)
	return scanner
}

func tell(t *testing.T, r result) {
	if r.Failure != "" {
		t.Error(r.Failure)
	}
	if r.Skipped != nil {
		t.Errorf("is passed over: %v", r.Skipped)
	}
}
