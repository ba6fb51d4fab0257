package intake

import (
	"fmt"

	"cloud.google.com/go/civil"
)

// Report says what an import did.
type Report struct {
	Locations   int // put, new or not
	Providers   int
	Windows     int // open ones
	Changed     int // of them: new, or other than before
	Withdrawn   int // opened by an earlier import and no longer published, so closed
	Kept        int // opened by an earlier import, and perhaps in a line that was refused
	Busy        int // published as busy or full, so not opened
	Schedules   int // providers with weekly hours after the published period
	Visits      int // what the windows take altogether
	First, Last civil.Date
	Shift       int // days that the publication was moved by
	Findings
}

// String lays the report out for a terminal.
func (r Report) String() string {
	var out table
	out.row("Locations", r.Locations, "")
	out.row("Providers", r.Providers, "")
	out.row("Windows", r.Windows, "open for %s visits: %s new or changed, %s as before",
		grouped(r.Visits), grouped(r.Changed), grouped(r.Windows-r.Changed))
	out.row("Busy", r.Busy, "windows that were published as full: not opened")
	if r.Withdrawn > 0 {
		out.row("Withdrawn", r.Withdrawn, "windows that are no longer published: closed")
	}
	if r.Kept > 0 {
		out.row("Kept", r.Kept, "windows of earlier imports that may be in refused lines: left open")
	}
	if r.Schedules > 0 {
		out.row("Weekly", r.Schedules, "schedules for the time after the published period")
	}
	if r.First.IsValid() {
		fmt.Fprintf(&out, "%-21s %s to %s%s\n", "Period", r.First, r.Last, r.moved())
	}
	r.tell(&out)
	return out.String()
}

func (r Report) moved() string {
	if r.Shift == 0 {
		return ""
	}
	return fmt.Sprintf(", moved by %+d days", r.Shift)
}
