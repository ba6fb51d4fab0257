package postgres_test

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/provider"
)

// What a search finds and a calendar counts is what going through every opening of every provider finds and counts.
func TestSearchesFindWhatABruteForceFinds(t *testing.T) {
	o := newOffice(t)
	fewer(t, "12", func(t *rapid.T) {
		w := o.found(t)
		for range 6 {
			a := w.ask()
			a.compareSearch()
			a.compareCalendar()
		}
		o.count = w.count
	})
}

// wantedMatch is what the brute force finds at one desk.
type wantedMatch struct {
	person *resident
	at     *site
	metres *int
	slots  []availability.Slot
}

// desks lists those that fit, whether or not they have openings.
func (a *asked) desks() (list []wantedMatch) {
	for _, p := range a.people {
		for _, at := range p.places {
			i := slices.IndexFunc(a.sites, func(s site) bool { return s.ID == at.ID })
			m := wantedMatch{person: p, at: &a.sites[i]}
			if a.origin != nil {
				m.metres = new(int(math.Round(overGround(*a.origin, m.at.position))))
			}
			if a.fits(p, m) {
				list = append(list, m)
			}
		}
	}
	return list
}

// overGround is the way on a sphere by the spherical law of cosines.
func overGround(a, b clinic.GeoPoint) float64 {
	rad := func(d float64) float64 { return d * math.Pi / 180 }
	c := math.Sin(rad(a.Latitude))*math.Sin(rad(b.Latitude)) +
		math.Cos(rad(a.Latitude))*math.Cos(rad(b.Latitude))*math.Cos(rad(a.Longitude-b.Longitude))
	if a == b {
		return 0
	}
	return 6371008.8 * math.Acos(min(c, 1))
}

func (a *asked) fits(p *resident, m wantedMatch) bool {
	q := a.search
	speaks := func(tag string) bool {
		asked, spoken := strings.Split(strings.ToLower(*q.Language), "-"), strings.Split(strings.ToLower(tag), "-")
		n := min(len(asked), len(spoken))
		return slices.Equal(asked[:n], spoken[:n])
	}
	offers := func(k clinic.VisitKind) bool { return q.VisitKind == nil || q.VisitKind.ID == k.ID }
	switch {
	case !slices.ContainsFunc(p.kinds, offers),
		q.Specialty != nil && !slices.ContainsFunc(p.specialties, func(c clinic.Coding) bool { return c.Code == q.Specialty.Code }),
		q.Providers != nil && !slices.Contains(q.Providers, p.provider),
		q.Language != nil && !slices.ContainsFunc(p.languages, speaks),
		q.StepFree && (m.at.stepFree == nil || !*m.at.stepFree),
		q.Near != nil && q.Near.Locations != nil && !slices.Contains(q.Near.Locations, m.at.Ref),
		a.origin != nil && *m.metres > a.radius:
		return false
	}
	return q.Plan == nil || slices.ContainsFunc(p.plans, func(plan provider.AcceptedPlan) bool {
		return clinic.PlanOf(a.Organization, plan.Carrier, plan.Name).Ref() == *q.Plan
	})
}

// slots lists those of a desk in a period that fit, in these states, in the order of the answer.
func (a *asked) slots(m wantedMatch, from, to time.Time, states []availability.Status) (list []availability.Slot) {
	rules, taken := m.person.rules(), m.person.taken()
	for _, k := range m.person.kinds {
		if a.search.VisitKind == nil || a.search.VisitKind.ID == k.ID {
			list = append(list, availability.Openings(rules, taken, availability.Query{
				VisitKind: k.ID, Location: m.at.ID, From: from, To: to, Now: a.clock.Now(), Asking: a.asking(taken), Statuses: states,
			})...)
		}
	}
	list = slices.DeleteFunc(list, func(s availability.Slot) bool {
		return len(a.search.Modalities) > 0 && !slices.Contains(a.search.Modalities, s.Modality) || !a.suits(s.Start, m)
	})
	slices.SortFunc(list, func(x, y availability.Slot) int {
		return cmp.Or(x.Start.Compare(y.Start), cmp.Compare(x.Modality, y.Modality), slices.Compare(x.VisitKind[:], y.VisitKind[:]))
	})
	return list
}

func (a *asked) asking(taken availability.Taken) availability.Asking {
	who := asking(a.by)
	if a.search.Moving != nil {
		who.Moving = &availability.Moving{Appointment: a.search.Moving.ID}
		for _, c := range taken.Claims {
			if c.Appointment == a.search.Moving.ID {
				who.Moving.Day, who.Moving.Windows = c.CountedDay, c.CountedWindows
			}
		}
	}
	return who
}

// zone is where days and times of day are read.
func (a *asked) zone(m wantedMatch) *time.Location {
	if a.search.TimeZone == nil {
		return m.at.zone
	}
	return must[*time.Location](a.drawn)(clock.Zone(*a.search.TimeZone))
}

func (a *asked) suits(start time.Time, m wantedMatch) bool {
	local := start.In(a.zone(m))
	at := provider.TimeOfDay(local.Hour()*3600 + local.Minute()*60 + local.Second())
	in := func(r availability.TimeRange) bool { return r.From <= at && at < r.To }
	return len(a.search.TimesOfDay) == 0 || slices.ContainsFunc(a.search.TimesOfDay, in)
}

// period is that of the search from now on.
func (a *asked) period() (from, to time.Time) {
	from = a.clock.Now()
	if a.search.From != nil {
		from = *a.search.From
	}
	to = from.AddDate(0, 0, 92)
	if a.search.To != nil {
		to = *a.search.To
	}
	if from.Before(a.clock.Now()) {
		from = a.clock.Now()
	}
	return from, to
}

func (a *asked) expected() (list []wantedMatch) {
	from, to := a.period()
	for _, m := range a.desks() {
		if m.slots = a.slots(m, from, to, nil); len(m.slots) > 0 {
			list = append(list, m)
		}
	}
	metres := func(m wantedMatch) int {
		if m.metres == nil {
			return 0
		}
		return *m.metres
	}
	first := func(m wantedMatch) int64 {
		switch a.order {
		case availability.Nearest:
			return 0
		case availability.Relevance:
			return m.slots[0].Start.Unix() + int64(metres(m))*86400/10000
		}
		return m.slots[0].Start.Unix()
	}
	slices.SortFunc(list, func(x, y wantedMatch) int {
		return cmp.Or(cmp.Compare(first(x), first(y)), cmp.Compare(metres(x), metres(y)),
			slices.Compare(x.person.provider.ID[:], y.person.provider.ID[:]), slices.Compare(x.at.ID[:], y.at.ID[:]))
	})
	return list
}

func (a *asked) compareSearch() {
	want := a.expected()
	size := rapid.IntRange(1, 4).Draw(a.T, "page")
	var got []availability.Match
	backward := a.one(3, "backward")
	w := paging.Window{Size: size, Backward: backward}
	for range len(want) + 1 {
		page, err := a.finder.Search(context.Background(), a.by, a.search, a.order, w)
		if err != nil {
			a.Fatalf("%+v: %v", a.search, err)
		}
		if backward {
			got = append(slices.Clone(page.Items), got...)
			if !page.HasPrevious {
				break
			}
			w.Before = page.Items[0].Key()
			continue
		}
		got = append(got, page.Items...)
		if !page.HasNext {
			break
		}
		w.After = page.Items[len(page.Items)-1].Key()
	}
	if len(got) != len(want) {
		a.Fatalf("%d matches, the brute force has %d", len(got), len(want))
	}
	for i := range want {
		a.compareMatch(got[i], want[i])
	}
	if n, err := a.finder.CountMatches(context.Background(), a.by, a.search); n != len(want) || err != nil {
		a.Fatalf("counted %d (%v), the brute force has %d", n, err, len(want))
	}
	a.compareAgain(got)
}

func (a *asked) compareMatch(got availability.Match, want wantedMatch) {
	upcoming, err := got.Upcoming(availability.MaxUpcoming)
	all := append([]availability.Slot{got.NextAvailable}, upcoming...)
	wanted := append([]availability.Slot{want.slots[0]}, want.slots[:min(len(want.slots), availability.MaxUpcoming)]...)
	if err != nil || got.Provider != want.person.provider || got.Location != want.at.ID || !slices.EqualFunc(all, wanted, same) {
		a.Fatalf("%v at %v with %s (%v), the brute force has %v at %v with %s", got.Provider, got.Location, list(all), err,
			want.person.provider, want.at.ID, list(wanted))
	}
	if got.OpeningCount() != min(len(want.slots), 1000) {
		a.Fatalf("%d openings, the brute force has %d", got.OpeningCount(), len(want.slots))
	}
	near := want.metres != nil && got.Metres != nil && *got.Metres-*want.metres <= 1 && *want.metres-*got.Metres <= 1
	if !near && (want.metres != nil || got.Metres != nil) {
		a.Fatalf("%v metres, the brute force has %v", got.Metres, want.metres)
	}
}

// A match is found again by its name.
func (a *asked) compareAgain(found []availability.Match) {
	var names []availability.MatchID
	for _, m := range found {
		names = append(names, m.Ref())
	}
	again, err := a.finder.Matches(context.Background(), a.by, names)
	if err != nil || len(again) != len(found) {
		a.Fatalf("%d of %d matches are found again (%v)", len(again), len(found), err)
	}
	for _, m := range found {
		if n := again[m.Ref()]; !same(n.NextAvailable, m.NextAvailable) || n.OpeningCount() != m.OpeningCount() || (n.Metres == nil) != (m.Metres == nil) {
			a.Fatalf("%s is found again as %s", shown(m.NextAvailable), shown(n.NextAvailable))
		}
	}
}

func same(a, b availability.Slot) bool { return shown(a) == shown(b) }

func list(slots []availability.Slot) string {
	var texts []string
	for _, s := range slots {
		texts = append(texts, shown(s))
	}
	return strings.Join(texts, "\n")
}
