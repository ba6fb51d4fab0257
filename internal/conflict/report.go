package conflict

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/form"
)

// How far a report may reach: that of one organisation, and that of all.
const (
	LongestReport      = 92 * 24 * time.Hour
	LongestReportOfAll = 7 * 24 * time.Hour
)

// What a report lists at the most.
const (
	MaxListedFallbacks     = 100
	MaxListedDisagreements = 100
)

// ReportQuery is what a report is about.
type ReportQuery struct {
	Organization uuid.UUID // zero: the caller's own, or of one who runs the platform, all
	From, To     time.Time // widened to whole hours
}

// Report is how the full detection compares to the basic one.
type Report struct {
	From, To      time.Time
	Total         Compared
	Modes         []Compared // of each mode there were cases of
	Operations    []Compared // of each operation, likewise, in all modes
	Fallback      *Fallback  // of the process that answers; nil: its detection is on as far as the flag says
	Fallbacks     []Fallback // of all processes, those of the period and those that stand: the newest first
	Disagreements []OrganizationDisagreement
}

// OrganizationDisagreement is a disagreement with its organisation.
type OrganizationDisagreement struct {
	Organization uuid.UUID
	Disagreement
}

// Compared are cases, by how the detections compare about them.
type Compared struct {
	Mode      Mode      // empty: all
	Operation Operation // empty: all
	Counts    map[Verdict]int64
	Rules     []ComparedRule // those that were broken, by name
	Latencies *Latencies     // of the full detection; nil: it hasn't run
}

// ComparedRule is how often a rule was broken.
type ComparedRule struct {
	Rule                  availability.Rule
	Basic, Full, OnlyFull int64 // by the basic detection, by the full one, and by the full one in cases that it alone would keep out
}

// Cases are all of them.
func (c Compared) Cases() (n int64) {
	for _, of := range c.Counts {
		n += of
	}
	return n
}

// AgreedAllowed are the cases that both let be.
func (c Compared) AgreedAllowed() int64 { return c.Counts[AgreedAllowed] }

// AgreedRefused are the cases that both keep out.
func (c Compared) AgreedRefused() int64 { return c.Counts[AgreedRefused] }

// OnlyFull are the cases that the full detection alone keeps out.
func (c Compared) OnlyFull() int64 { return c.Counts[OnlyFull] }

// OnlyBasic are the cases that the basic detection alone keeps out.
func (c Compared) OnlyBasic() int64 { return c.Counts[OnlyBasic] }

// Failed are the cases that the full detection failed in.
func (c Compared) Failed() int64 { return c.Counts[Failed] }

// Skipped are the cases that it wasn't run in to its end.
func (c Compared) Skipped() int64 { return c.Counts[Skipped] }

// Agreement is the share of the cases that both detections had a verdict on in which it was the same; nil: there are none.
func (c Compared) Agreement() *float64 {
	same := c.Counts[AgreedAllowed] + c.Counts[AgreedRefused]
	all := same + c.Counts[OnlyFull] + c.Counts[OnlyBasic]
	if all == 0 {
		return nil
	}
	share := float64(same) / float64(all)
	return &share
}

// ReportStore reads what was tallied.
type ReportStore interface {
	// Tallied answers the counts of the hours that begin in [from, to), summed up, each with the hour left out, and the newest
	// disagreements of them, at most MaxListedDisagreements; of all organisations for zero. Together with them the fallbacks.
	Tallied(ctx context.Context, organization uuid.UUID, from, to time.Time) (Tallied, error)
	// Rearm ends the fallbacks that stand and began by then, or for nil all, with the platform's audit row if there are any, and answers how
	// many there were.
	Rearm(ctx context.Context, by clinic.Stamp, until *time.Time) (int, error)
}

// Tallied is what a report is made of.
type Tallied struct {
	Counts        map[Counted]int64
	Disagreements []OrganizationDisagreement
	Fallbacks     []Fallback
}

// Reports tell how the full detection does.
type Reports struct {
	store  ReportStore
	guard  *Guard
	source clinic.Source
}

// NewReports puts the service over its store, in a process with a guard.
func NewReports(store ReportStore, guard *Guard, source clinic.Source) *Reports {
	return &Reports{store: store, guard: guard, source: source}
}

// Report tells how the detections compared over a period.
func (s *Reports) Report(ctx context.Context, a access.Actor, q ReportQuery) (Report, error) {
	organization, err := s.allowed(a, q.Organization)
	if err != nil {
		return Report{}, err
	}
	r := Report{From: q.From.UTC().Truncate(time.Hour), To: q.To.UTC().Add(time.Hour - 1).Truncate(time.Hour)}
	longest, words := LongestReport, "Ask for 92 days at most."
	if organization == uuid.Nil {
		longest, words = LongestReportOfAll, "Ask for 7 days of all organisations at most, or name one."
	}
	var check form.Check
	check.That(q.From.Before(q.To), "The period ends before it starts.", "to")
	check.That(r.To.Sub(r.From) <= longest, words, "to")
	if check.Err() != nil {
		return Report{}, check.Err()
	}
	found, err := s.store.Tallied(ctx, organization, r.From, r.To)
	if err != nil {
		return Report{}, err
	}
	r.fill(found.Counts)
	r.Fallback, r.Fallbacks, r.Disagreements = s.guard.Fallback(), found.Fallbacks, found.Disagreements
	return r, nil
}

func (s *Reports) allowed(a access.Actor, asked uuid.UUID) (uuid.UUID, error) {
	if a.Role == access.PlatformAdmin && asked == uuid.Nil {
		if !a.Has(access.ConflictsRead) {
			return asked, errs.Denied("Your token lacks the scope " + access.ConflictsRead + ".")
		}
		return asked, nil
	}
	return clinic.Allowed(a, asked, access.ConflictsRead)
}

// Rearm asks for the full detection to be on again wherever it fell back.
type Rearm struct{ Until *time.Time } // only where it did so by then; nil: everywhere

// Rearmed is how many fallbacks were ended.
type Rearmed struct{ Fallbacks int }

// Rearm has all processes go as far again as the flag says, each within LookEvery. Done again, it changes nothing.
func (s *Reports) Rearm(ctx context.Context, a access.Actor, in Rearm) (Rearmed, error) {
	if a.Kind == access.Anonymous {
		return Rearmed{}, errs.SignIn("Sign in to do this.")
	}
	if !a.Has(access.PlatformAdminAll) {
		return Rearmed{}, errs.Denied("Your token lacks the scope " + access.PlatformAdminAll + ".")
	}
	n, err := s.store.Rearm(ctx, s.source.Stamp(a), in.Until)
	s.guard.poke()
	return Rearmed{n}, err
}
