// Package planted breaks the program on purpose, a fault at a time, and wants the test, the fuzz target or the proof that is there
// for it to notice. `make prove` and `make prove-access` do it; a plain test only checks that the faults can still be planted.
package planted_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

var plant = flag.Bool("plant", false, "plant the faults; takes minutes")

const root = "../.."

// Without the flag it checks that the faults can still be planted, and that none is missing.
func TestEveryPlantedFaultIsNoticed(t *testing.T) {
	noticed(t, faults)
	noticed(t, signInFaults)
	for _, target := range fuzzTargets(t) {
		if !slices.ContainsFunc(faults, func(f fault) bool { return f.pkg+" "+f.test == target }) {
			t.Errorf("no fault is planted for %s", target)
		}
	}
}

// Messages arrive once, in time, and only where they may. Each of these is broken in turn.
func TestEveryFaultOfMessagesIsNoticed(t *testing.T) { noticed(t, messageFaults) }

// New rules keep out whom they should, nobody else, and hurt nobody while they are tried.
func TestEveryFaultOfConflictRulesIsNoticed(t *testing.T) { noticed(t, conflictFaults) }

// Each check that the table of rights stands on is taken away in turn.
func TestEveryCheckThatIsMissingIsNoticed(t *testing.T) { noticed(t, accessFaults) }

func noticed(t *testing.T, list []fault) {
	for _, f := range list {
		texts := planted(t, f)
		if *plant {
			t.Run(f.name, func(t *testing.T) { f.mustBeNoticed(t, overlayOf(t, texts)) })
		}
	}
}

func (f fault) mustBeNoticed(t *testing.T, overlay string) {
	t.Helper()
	began := time.Now()
	out, failed := f.run(t, overlay)
	switch {
	case !failed:
		t.Errorf("%s %s did not notice", f.pkg, f.test)
	case !strings.Contains(out, "--- FAIL: "):
		t.Errorf("%s %s did not run: %.2000s", f.pkg, f.test, out)
	case !strings.Contains(out, f.want):
		t.Errorf("%s %s noticed something else than %q: %.4000s", f.pkg, f.test, f.want, out)
	default:
		t.Logf("%s %s noticed after %.0f s", f.pkg, f.test, time.Since(began).Seconds())
	}
}

var fuzzTarget = regexp.MustCompile(`(?m)^func (Fuzz\w+)\(\w+ \*testing\.F\)`)

// fuzzTargets are all of the source, each as its package and name.
func fuzzTargets(t *testing.T) (found []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		folder, _ := filepath.Rel(root, filepath.Dir(path))
		for _, match := range fuzzTarget.FindAllSubmatch(text, -1) {
			found = append(found, "./"+filepath.ToSlash(folder)+" "+string(match[1]))
		}
		return err
	})
	if err != nil || len(found) == 0 {
		t.Fatalf("found %d fuzz targets: %v", len(found), err)
	}
	return found
}

// planted is the text of every file that a fault changes.
func planted(t *testing.T, f fault) map[string]string {
	t.Helper()
	texts := map[string]string{}
	for _, e := range f.edits {
		text, known := texts[e.file]
		if !known {
			content, err := os.ReadFile(filepath.Join(root, e.file))
			if err != nil {
				t.Fatal(err)
			}
			text = string(content)
		}
		if n := strings.Count(text, e.old); n != 1 {
			t.Errorf("%s: %s has %q %d times", f.name, e.file, e.old, n)
		}
		texts[e.file] = strings.Replace(text, e.old, e.new, 1)
	}
	return texts
}

// overlayOf has the go command read these texts instead of the files, which stay as they are.
func overlayOf(t *testing.T, texts map[string]string) string {
	t.Helper()
	folder := t.TempDir()
	replace := map[string]string{}
	for file, text := range texts {
		original, err := filepath.Abs(filepath.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		changed := filepath.Join(folder, strings.ReplaceAll(file, "/", "_"))
		if err := os.WriteFile(changed, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		replace[original] = changed
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	overlay := filepath.Join(folder, "overlay.json")
	if err := os.WriteFile(overlay, list, 0o600); err != nil {
		t.Fatal(err)
	}
	return overlay
}

// run runs the test under an overlay, which commands that the test runs have, too. A fuzz target runs in an empty folder, where
// it may leave what it found.
func (f fault) run(t *testing.T, overlay string) (out string, failed bool) {
	t.Helper()
	folder := t.TempDir()
	binary := filepath.Join(folder, "test")
	build := []string{"test", "-c", "-vet=off", "-o", binary}
	arguments := []string{"-test.run", f.test, "-test.v"}
	where := filepath.Join(root, f.pkg)
	if strings.HasPrefix(f.test, "Fuzz") {
		build = append(build, "-fuzz", f.test)
		arguments = []string{"-test.run", "^$", "-test.fuzz", "^" + f.test + "$", "-test.fuzztime", "2m", "-test.fuzzminimizetime", "1s", "-test.fuzzcachedir", filepath.Join(folder, "cache")}
		where = folder
	}
	if out, err := command(t, overlay, root, "go", append(build, f.pkg)...); err != nil {
		t.Fatalf("build: %v: %s", err, out)
	}
	out, err := command(t, overlay, where, binary, arguments...)
	return out, err != nil
}

func command(t *testing.T, overlay, where, name string, arguments ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, arguments...)
	var out bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = where, &out, &out
	cmd.Env = append(os.Environ(), "GOFLAGS=-overlay="+overlay)
	err := cmd.Run()
	return out.String(), err
}
