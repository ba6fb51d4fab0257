package intake

import "fmt"

// Tally counts what a list has of something, new or not, and how much of it is new or other than before.
type Tally struct{ All, Changed int }

func (t *Tally) add(changed bool) {
	t.All++
	if changed {
		t.Changed++
	}
}

// Ignored is something that was read and is of no use here: a column, a type of resource.
type Ignored struct {
	What  string
	Count int
}

// RosterReport says what an import of locations or of a directory did.
type RosterReport struct {
	Locations, Providers, VisitKinds, Schedules, Closures Tally
	Ignored                                               []Ignored
	Findings
}

// ignored tells of something of no use, if there was any.
func (r *RosterReport) ignored(what string, count int) {
	if count > 0 {
		r.Ignored = append(r.Ignored, Ignored{What: what, Count: count})
	}
}

// Changed counts everything that is new or other than before.
func (r RosterReport) Changed() int {
	return r.Locations.Changed + r.Providers.Changed + r.VisitKinds.Changed + r.Schedules.Changed + r.Closures.Changed
}

// String lays the report out for a terminal.
func (r RosterReport) String() string {
	var out table
	for _, line := range []struct {
		name, of string
		Tally
	}{
		{"Locations", "", r.Locations}, {"Providers", "", r.Providers}, {"Kinds", "of visit: ", r.VisitKinds},
		{"Hours", "weeks of a provider at a location: ", r.Schedules}, {"Closed", "periods in which a provider is away: ", r.Closures},
	} {
		if line.name != "Closed" || line.All > 0 {
			out.row(line.name, line.All, "%s%s new or changed, %s as before", line.of, grouped(line.Changed), grouped(line.All-line.Changed))
		}
	}
	for _, i := range r.Ignored {
		out.row("Ignored", i.Count, "%s", i.What)
	}
	r.tell(&out)
	if r.Changed() == 0 {
		fmt.Fprintln(&out, "Nothing changed")
	}
	return out.String()
}
