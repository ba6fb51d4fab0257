package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// keysFolder is the setting that names a new folder of keys.
func keysFolder(t *testing.T) string {
	t.Helper()
	setting := "MEDICONNECT_KEYS=" + filepath.Join(t.TempDir(), "keys")
	p := start(t, []string{setting}, "keys", "create")
	if code := p.wait(t); code != 0 || !strings.Contains(p.output.String(), "made ") {
		t.Fatalf("keys create ended with %d and said %s", code, p.output)
	}
	return setting
}

func TestKeysAreMadeRotatedAndCounted(t *testing.T) {
	setting := keysFolder(t)
	fails(t, []string{setting}, []string{"keys", "create"}, "has something in it already")
	for _, step := range []struct {
		arguments []string
		want      string
	}{
		{[]string{"keys", "status"}, "root key 1, made "}, {[]string{"keys", "rotate"}, "root key 2 wraps 0 keys; the older ones are gone"},
		{[]string{"keys", "status"}, "root key 2, made "},
	} {
		p := start(t, []string{setting}, step.arguments...)
		if code := p.wait(t); code != 0 || !strings.Contains(p.output.String(), step.want) {
			t.Errorf("%v ended with %d and said %s, want %q", step.arguments, code, p.output, step.want)
		}
	}
	_, folder, _ := strings.Cut(setting, "=")
	if err := os.Chmod(filepath.Join(folder, "root.json"), 0o644); err != nil {
		t.Fatal(err)
	}
	fails(t, []string{setting}, []string{"keys", "status"}, "open to others: chmod 600")
	for variable, arguments := range map[string][]string{"KEYS": {"keys", "status"}, "DATABASE_URL": {"keys", "rotate", "--data"}} {
		p := start(t, nil, arguments...)
		if code := p.wait(t); code != 1 || !strings.Contains(p.output.String(), "MEDICONNECT_"+variable+" must be set") {
			t.Errorf("%v ended with %d and said %s", arguments, code, p.output)
		}
	}
	fails(t, []string{"MEDICONNECT_KEYS=/nowhere"}, []string{"keys", "rotate"}, "is missing or can't be entered")
}
