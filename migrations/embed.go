// Package migrations is the cellar's history: the numbered steps that make the database's schema. Steps are only ever
// added.
package migrations

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"regexp"
	"strconv"
	"strings"
)

// FS holds the steps: NNNNN_name.sql, each with an up part, a down part and a line that says whether the release before
// can run on its result: `-- rollback: safe` or `-- rollback: blocked(reason)`.
//
//go:embed *.sql
var FS embed.FS

var (
	number   = regexp.MustCompile(`^(\d+)_`)
	rollback = regexp.MustCompile(`(?m)^-- rollback: (safe|blocked\([^()\n]+\))$`)
)

// Latest is the number of the newest step.
func Latest() int64 {
	var latest int64
	files, _ := fs.Glob(FS, "*.sql")
	for _, file := range files {
		if found := number.FindStringSubmatch(file); found != nil {
			n, _ := strconv.ParseInt(found[1], 10, 64)
			latest = max(latest, n)
		}
	}
	return latest
}

// Rollback is what a step says about rolling the program back: "safe", "blocked(reason)", or "" if it says nothing.
func Rollback(file string) string {
	text, _ := FS.ReadFile(file)
	if found := rollback.FindSubmatch(text); found != nil {
		return string(found[1])
	}
	return ""
}

// Digest tells apart what texts of a step do to a database: it is that of the up part without its comments and spacing.
func Digest(file string) string {
	text, _ := FS.ReadFile(file)
	up, _, _ := strings.Cut(string(text), "-- +goose Down")
	sum := sha256.New()
	for line := range strings.Lines(up) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "--") {
			sum.Write([]byte(line + "\n"))
		}
	}
	return hex.EncodeToString(sum.Sum(nil)[:8])
}
