package intake

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"cloud.google.com/go/civil"
)

// maxRefused bounds the refusals that a report lists; it counts all of them.
const maxRefused = 100

// Repair is what was wrong with something that is taken all the same.
type Repair string

// The repairs.
const (
	OffsetContradicts Repair = "the offset contradicts the zone on that date: wall clock kept"
	PhoneDropped      Repair = "not a whole phone number: dropped"
	PostalCodeDropped Repair = "not a ZIP code of its state: dropped"
	PostalCodePadded  Repair = "ZIP code without its leading zeros: restored"
	SecondsCut        Repair = "not on whole minutes: narrowed to them"
	ShownTwice        Repair = "the wall clock's second showing of a time: narrowed to what it shows once"
	SlotsJoined       Repair = "several slots of one period: joined into one window"
)

// Note counts one kind of repair and shows the first of it.
type Note struct {
	Kind  Repair
	Count int
	File  string
	Line  int
	From  string // as published
	To    string // as imported; empty when dropped
}

// Refusal is a line that was not taken.
type Refusal struct {
	File   string
	Line   int
	Reason string
}

// Report says what an import did.
type Report struct {
	Locations    int // put, new or not
	Providers    int
	Windows      int // open ones
	Changed      int // of them: new, or other than before
	Withdrawn    int // opened by an earlier import and no longer published, so closed
	Kept         int // opened by an earlier import, and perhaps in a line that was refused
	Busy         int // published as busy or full, so not opened
	Schedules    int // providers with weekly hours after the published period
	Visits       int // what the windows take altogether
	First, Last  civil.Date
	Shift        int // days that the publication was moved by
	Repairs      []Note
	Refused      []Refusal // the first ones
	RefusedTotal int
}

// repaired counts a repair.
func (r *Report) repaired(n Note) {
	at := slices.IndexFunc(r.Repairs, func(known Note) bool { return known.Kind == n.Kind })
	if at < 0 {
		r.Repairs = append(r.Repairs, n)
		at = len(r.Repairs) - 1
	}
	r.Repairs[at].Count++
}

func (r *Report) refuse(refused Refusal) {
	r.RefusedTotal++
	if len(r.Refused) < maxRefused {
		r.Refused = append(r.Refused, refused)
	}
}

// Repaired is how often a kind of repair was made.
func (r Report) Repaired(kind Repair) int {
	for _, n := range r.Repairs {
		if n.Kind == kind {
			return n.Count
		}
	}
	return 0
}

// String lays the report out for a terminal.
func (r Report) String() string {
	var out strings.Builder
	row := func(name string, count int, format string, args ...any) {
		fmt.Fprintf(&out, "%-10s %9s  %s\n", name, grouped(count), fmt.Sprintf(format, args...))
	}
	row("Locations", r.Locations, "")
	row("Providers", r.Providers, "")
	row("Windows", r.Windows, "open for %s visits: %s new or changed, %s as before",
		grouped(r.Visits), grouped(r.Changed), grouped(r.Windows-r.Changed))
	row("Busy", r.Busy, "windows that were published as full: not opened")
	if r.Withdrawn > 0 {
		row("Withdrawn", r.Withdrawn, "windows that are no longer published: closed")
	}
	if r.Kept > 0 {
		row("Kept", r.Kept, "windows of earlier imports that may be in refused lines: left open")
	}
	if r.Schedules > 0 {
		row("Weekly", r.Schedules, "schedules for the time after the published period")
	}
	if r.First.IsValid() {
		fmt.Fprintf(&out, "%-21s %s to %s%s\n", "Period", r.First, r.Last, r.moved())
	}
	row("Repaired", total(r.Repairs), "")
	slices.SortFunc(r.Repairs, func(a, b Note) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Kind, b.Kind)) })
	for _, n := range r.Repairs {
		row("", n.Count, "%s%s", n.Kind, n.example())
	}
	row("Refused", r.RefusedTotal, "")
	for _, f := range r.Refused {
		fmt.Fprintf(&out, "  %s line %d: %s\n", f.File, f.Line, f.Reason)
	}
	if more := r.RefusedTotal - len(r.Refused); more > 0 {
		fmt.Fprintf(&out, "  and %s more\n", grouped(more))
	}
	return trimLines(out.String())
}

func (r Report) moved() string {
	if r.Shift == 0 {
		return ""
	}
	return fmt.Sprintf(", moved by %+d days", r.Shift)
}

func (n Note) example() string {
	if n.From == "" {
		return ""
	}
	change := quoted(n.From)
	if n.To != "" {
		change += " → " + quoted(n.To)
	}
	return fmt.Sprintf("; first %s line %d: %s", n.File, n.Line, change)
}

func total(notes []Note) (sum int) {
	for _, n := range notes {
		sum += n.Count
	}
	return sum
}

// grouped writes a number with a comma before each thousand.
func grouped(n int) string {
	digits := fmt.Sprint(n)
	for at := len(digits) - 3; at > 0 && digits[at-1] != '-'; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}

func trimLines(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}
