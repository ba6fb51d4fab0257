package policy

import (
	"fmt"
	"slices"
	"strings"
)

// The marks between which docs/access.md shows the table.
const (
	Begin = "<!-- the table: made from graph/policy/policy.table by make generate -->"
	End   = "<!-- the end of the table -->"
)

// Rendered puts the table into a page in place of what stands between the marks.
func (t Table) Rendered(page string) (string, error) {
	before, rest, began := strings.Cut(page, Begin)
	_, after, ended := strings.Cut(rest, End)
	if !began || !ended {
		return page, fmt.Errorf("the page lacks %q or %q", Begin, End)
	}
	return before + Begin + "\n\n" + t.markdown() + "\n" + End + after, nil
}

// markdown writes a table a section. Fields of a type that follow each other and are the same to everybody share a line.
func (t Table) markdown() string {
	var b strings.Builder
	b.WriteString("The columns:\n\n")
	for i, c := range Columns {
		fmt.Fprintf(&b, "%d. %s\n", i+1, c.Title)
	}
	section := ""
	for i := 0; i < len(t.Rows); {
		r := t.Rows[i]
		if r.Section != section {
			section = r.Section
			fmt.Fprintf(&b, "\n### %s\n\n| field |%s\n| --- |%s\n", section, numbers(), strings.Repeat(" --- |", len(Columns)))
		}
		fields := []string{"`" + r.Coordinate() + "`"}
		for i++; i < len(t.Rows) && t.Rows[i].Section == section && t.Rows[i].Type == r.Type && slices.Equal(t.Rows[i].cells, r.cells); i++ {
			fields = append(fields, "`"+t.Rows[i].Field+"`")
		}
		fmt.Fprintf(&b, "| %s |", strings.Join(fields, ", "))
		for _, cell := range r.cells {
			fmt.Fprintf(&b, " %s |", cell)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func numbers() (line string) {
	for i := range Columns {
		line += fmt.Sprintf(" %d |", i+1)
	}
	return line
}
