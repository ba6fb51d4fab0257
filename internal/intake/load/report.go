package load

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"
)

// Report says what a load has made, and what it has found.
type Report struct {
	Organization                 uuid.UUID
	Today                        civil.Date
	Locations, VisitKinds, Plans int // of the crowd, made now or before
	Made
	Found  Made // loaded before, as then asked for
	NoRoom int  // appointments that fit nowhere
	Took   time.Duration
}

// Made counts what was made in batches.
type Made struct{ Providers, Patients, Appointments, Batches int }

func (r *Report) add(b Batch, s span, quota int, saved bool) {
	if !saved {
		r.Found.Providers += s.to - s.from
		r.Found.Appointments += quota
		r.Found.Batches++
		return
	}
	r.Providers += len(b.Staff)
	r.Patients += len(b.People)
	r.Appointments += len(b.Visits)
	r.Batches++
}

// String is the report as the command prints it.
func (r Report) String() string {
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 8, 2, ' ', 0)
	fmt.Fprintf(table, "First day\t%s\n", r.Today)
	fmt.Fprintf(table, "Locations\t%d, %d kinds of visit, %d insurance plans\n", r.Locations, r.VisitKinds, r.Plans)
	if r.Found.Batches > 0 {
		fmt.Fprintf(table, "Found\t%d providers with %d appointments, loaded before\n", r.Found.Providers, r.Found.Appointments)
	}
	fmt.Fprintf(table, "Loaded\t%d providers, %d patients, %d appointments in %s\n", r.Providers, r.Patients, r.Appointments, r.Took.Round(100*time.Millisecond))
	if r.NoRoom > 0 {
		fmt.Fprintf(table, "No room\tfor %d appointments: ask for fewer, or for more days\n", r.NoRoom)
	}
	_ = table.Flush() // a strings.Builder doesn't fail
	return text.String()
}
