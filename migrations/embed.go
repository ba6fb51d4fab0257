// Package migrations is the cellar's history: the numbered steps that make the database's schema. Steps are only ever
// added.
package migrations

import (
	"embed"
	"io/fs"
	"regexp"
	"strconv"
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
