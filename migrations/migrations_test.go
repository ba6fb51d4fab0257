package migrations_test

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"

	"github.com/mediconnect/mediconnect/migrations"
)

func files(t *testing.T) []string {
	t.Helper()
	names, err := fs.Glob(migrations.FS, "*.sql")
	if err != nil || len(names) == 0 {
		t.Fatalf("no migrations are embedded: %v", err)
	}
	return names
}

func TestEveryStepHasANumberOfItsOwn(t *testing.T) {
	form := regexp.MustCompile(`^(\d{5})_[a-z0-9_]+\.sql$`)
	seen := map[string]string{}
	for _, name := range files(t) {
		parts := form.FindStringSubmatch(name)
		if parts == nil {
			t.Errorf("%s isn't named NNNNN_words_in_lower_case.sql", name)
			continue
		}
		if other, taken := seen[parts[1]]; taken {
			t.Errorf("%s and %s have the same number", name, other)
		}
		seen[parts[1]] = name
	}
	if int(migrations.Latest()) < len(seen) {
		t.Errorf("the latest of %d steps is said to be %d", len(seen), migrations.Latest())
	}
}

func TestEveryStepHasAWayBack(t *testing.T) {
	for _, name := range files(t) {
		text, err := migrations.FS.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		up, down, found := strings.Cut(string(text), "-- +goose Down")
		if !strings.Contains(up, "-- +goose Up") || !found || !saysSomething(down) {
			t.Errorf("%s needs an up part and a down part that does something", name)
		}
		if migrations.Rollback(name) == "" {
			t.Errorf("%s needs the line `-- rollback: safe` or `-- rollback: blocked(reason)`", name)
		}
	}
}

func saysSomething(sql string) bool {
	for line := range strings.Lines(sql) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "--") {
			return true
		}
	}
	return false
}
