package clients_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// What docs/transports.md says that clients were tested with is what is installed.
func TestTheDocumentedVersionsAreThoseThatAreTested(t *testing.T) {
	page, err := os.ReadFile("../../docs/transports.md")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("package.json")
	if err != nil {
		t.Fatal(err)
	}
	var wanted struct{ DevDependencies map[string]string }
	if err := json.Unmarshal(text, &wanted); err != nil {
		t.Fatal(err)
	}
	for name, version := range wanted.DevDependencies {
		if tool := map[string]bool{"eslint": true, "graphql": true, "rxjs": true, "ws": true}[name]; tool {
			continue // needed by the others
		}
		row, sentence := "| `"+name+"` | "+version+" |", "`"+name+"` "+version
		if !strings.Contains(string(page), row) && !strings.Contains(string(page), sentence) {
			t.Errorf("docs/transports.md doesn't say that %s %s was tested with", name, version)
		}
	}
}

// A lock file names packages by their digests. Where they come from is up to the settings of who installs them, and none may run
// a program of its own then.
func TestLockFilesNameDigestsAndNoAddresses(t *testing.T) {
	for _, path := range []string{"package-lock.json", "node/package-lock.json"} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var lock struct {
			Packages map[string]struct {
				Resolved, Integrity string
				HasInstallScript    bool
			}
		}
		if err := json.Unmarshal(text, &lock); err != nil || len(lock.Packages) < 2 {
			t.Fatalf("%s: %d packages, %v", path, len(lock.Packages), err)
		}
		for name, p := range lock.Packages {
			if name != "" && (p.Resolved != "" || p.Integrity == "" || p.HasInstallScript) {
				t.Errorf("%s: %s is %+v", path, name, p)
			}
		}
	}
}
