package conflict

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/availability"
)

// with adds to what was read for a case what follows from the visits that change together with it. Whom one person would accompany to both
// isn't asked.
func (f Facts) with(c Case) Facts {
	if f.Here == nil {
		f.Here = c.Here
	}
	for _, p := range c.Together {
		if c.OnSite() && p.onSite() && p.Plan.Location != c.Plan.Location {
			f = f.elsewhere(c, p)
		}
		if c.Patient != uuid.Nil && p.Patient == c.Patient {
			f = f.same(c, p)
		}
	}
	return f
}

func (p Part) onSite() bool { return Case{Plan: p.Plan}.OnSite() }

// elsewhere adds a visit in person at another location, if patient or provider are there, too.
func (f Facts) elsewhere(c Case, p Part) Facts {
	if c.Patient != uuid.Nil && p.Patient == c.Patient {
		f.PatientElsewhere = append(slices.Clone(f.PatientElsewhere), Elsewhere{p.Plan.Location, p.At, p.Plan.Visit()})
	}
	if c.Travels && p.Plan.Provider == c.Plan.Provider {
		f.ProviderElsewhere = append(slices.Clone(f.ProviderElsewhere), Elsewhere{p.Plan.Location, p.At, p.Plan.Occupied})
	}
	return f
}

// same adds a visit of the same patient's.
func (f Facts) same(c Case, p Part) Facts {
	if p.Plan.VisitKind == c.Plan.VisitKind {
		f.Alike = append(slices.Clone(f.Alike), p.Plan.Start)
	}
	if p.Plan.Start.Before(c.Plan.Start) && p.Plan.Start.After(c.NewSince()) {
		f.Established = true
	}
	for _, r := range c.Kind.Requires.Prerequisites {
		if r.VisitKind == p.Plan.VisitKind && before(p.Plan.Visit(), c.Plan.Start, r.Within) {
			f.Before = append(slices.Clone(f.Before), r.VisitKind)
		}
	}
	return f
}

// before says whether a visit is over by an instant, and began within so long before it.
func before(visit availability.Span, at time.Time, within time.Duration) bool {
	return !visit.End.After(at) && !visit.Start.Before(at.Add(-within))
}
