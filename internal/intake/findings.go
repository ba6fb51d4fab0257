package intake

import (
	"cmp"
	"fmt"
	"slices"
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
	ZoneContradicts   Repair = "the coordinates are in a zone that keeps another time: the one that is named kept"
	ZoneFromPoint     Repair = "no time zone is named: the one that the coordinates are in"
	ZoneUnknown       Repair = "not a time zone: the one that the coordinates are in"
	PersonJoined      Repair = "several practitioners of one identifier: joined into one provider, named as the first"
	VersionReplaced   Repair = "a resource is there twice: the one that was updated later kept"
	HoursMissing      Repair = "no hours are given by a role, its services or its location: closed, or as they were"
	LanguageDropped   Repair = "not a BCP 47 language: dropped"
	SpecialtyDropped  Repair = "a specialty without a code and its system: dropped"
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

// Findings are what an import mended, and what it did not take.
type Findings struct {
	Repairs      []Note
	Refused      []Refusal // the first ones
	RefusedTotal int
}

// repaired counts a repair.
func (f *Findings) repaired(n Note) {
	at := slices.IndexFunc(f.Repairs, func(known Note) bool { return known.Kind == n.Kind })
	if at < 0 {
		f.Repairs = append(f.Repairs, n)
		at = len(f.Repairs) - 1
	}
	f.Repairs[at].Count++
}

func (f *Findings) refuse(refused Refusal) {
	f.RefusedTotal++
	if len(f.Refused) < maxRefused {
		f.Refused = append(f.Refused, refused)
	}
}

// inOrder sorts refusals that were found several at a time, all but some first ones, by their files and lines.
func (f *Findings) inOrder(first int) {
	slices.SortStableFunc(f.Refused[first:], func(a, b Refusal) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Reason, b.Reason))
	})
}

// Repaired is how often a kind of repair was made.
func (f Findings) Repaired(kind Repair) int {
	for _, n := range f.Repairs {
		if n.Kind == kind {
			return n.Count
		}
	}
	return 0
}

// tell adds the findings to the end of a report.
func (f Findings) tell(out *table) {
	out.row("Repaired", total(f.Repairs), "")
	slices.SortFunc(f.Repairs, func(a, b Note) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Kind, b.Kind)) })
	for _, n := range f.Repairs {
		out.row("", n.Count, "%s%s", n.Kind, n.example())
	}
	out.row("Refused", f.RefusedTotal, "")
	for _, r := range f.Refused {
		fmt.Fprintf(out, "  %s line %d: %s\n", r.File, r.Line, r.Reason)
	}
	if more := f.RefusedTotal - len(f.Refused); more > 0 {
		fmt.Fprintf(out, "  and %s more\n", grouped(more))
	}
}

func (n Note) example() string {
	if n.From == "" && n.To == "" {
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
