package resolvers_test

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/mediconnect/mediconnect/resolvers"
)

// Codes are part of the contract: the page that explains them has each of them, and no others.
func TestTheErrorsPageListsEveryCode(t *testing.T) {
	page := read(t, "../docs/errors.md")
	topLevel, changes := section(page, "## Top-level errors"), section(page, "## Failures of changes")
	declared := found(`(?m)^\s+\w+\s+Code = "([A-Z_]+)"`, read(t, "../graph/presenter/code.go"))
	if listed := found("(?m)^\\| `([A-Z_]+)` \\|", topLevel); !slices.Equal(listed, declared) {
		t.Errorf("top-level codes on the page:\n%v\nin the program:\n%v", listed, declared)
	}

	schema := resolvers.Schema(&resolvers.Resolver{}).Schema()
	var known []string
	for _, value := range schema.Types["UserErrorCode"].EnumValues {
		known = append(known, value.Name)
	}
	slices.Sort(known)
	listed := found("(?m)^\\| `([A-Z_]+)` \\|", changes)
	reserved := found("`([A-Z_]+)`", changes[strings.Index(changes, "`ELIGIBILITY_REQUIRED`"):strings.Index(changes, " is kept for what is still to come")])
	if both := slices.Sorted(slices.Values(append(slices.Clone(listed), reserved...))); !slices.Equal(both, known) {
		t.Errorf("codes of changes on the page:\n%v\nin the schema:\n%v", both, known)
	}

	members := map[string]bool{}
	for _, name := range found("`(\\w+Error)`", changes) {
		members[name] = true
	}
	told := map[string]bool{}
	for _, member := range schema.GetPossibleTypes(schema.Types["UserError"]) {
		told[member.Name] = true
	}
	if !maps.Equal(members, told) {
		t.Errorf("members on the page %v, in the schema %v", slices.Sorted(maps.Keys(members)), slices.Sorted(maps.Keys(told)))
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// section is a page's text under a heading, up to the next of its rank.
func section(page, heading string) string {
	_, text, _ := strings.Cut(page, "\n"+heading+"\n")
	text, _, _ = strings.Cut(text, "\n## ")
	return text
}

// found lists what a pattern's group matches, in order and once each.
func found(pattern, text string) (list []string) {
	for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		list = append(list, match[1])
	}
	slices.Sort(list)
	return slices.Compact(list)
}
