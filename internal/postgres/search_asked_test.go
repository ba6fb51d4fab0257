package postgres_test

import (
	"time"

	"pgregory.net/rapid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/provider"
)

// asked is a question to a town.
type asked struct {
	*town
	by     access.Actor
	search availability.Search
	order  availability.Order
	origin *clinic.GeoPoint
	radius int
}

func (w *town) ask() asked {
	a := asked{town: w, by: access.Nobody("r"), order: availability.Soonest}
	a.search.Organization = w.Organization
	holders := []access.Actor{w.FrontDesk()}
	for _, p := range w.people {
		holders = append(holders, p.holders...)
	}
	if w.one(2, "signed in") {
		a.by = rapid.SampledFrom(holders).Draw(w.T, "by")
	}
	draw := func(one int, label string, set func()) {
		if w.one(one, label) {
			set()
		}
	}
	q := &a.search
	draw(2, "by kind", func() { q.VisitKind = new(w.ref(rapid.SampledFrom(w.kinds).Draw(w.T, "kind").ID)) })
	draw(4, "by specialty", func() {
		s := rapid.SampledFrom(townSpecialties).Draw(w.T, "specialty")
		q.Specialty = &provider.SpecialtyRef{Organization: w.Organization, System: s.System, Code: s.Code}
	})
	draw(5, "by provider", func() {
		for _, p := range some(w, "provider", w.people) {
			q.Providers = append(q.Providers, p.provider)
		}
	})
	draw(4, "by modality", func() { q.Modalities = []clinic.Modality{clinic.Video} })
	draw(4, "by language", func() {
		q.Language = new(rapid.SampledFrom([]string{"es", "ES-mx", "zh", "fr", "en-GB"}).Draw(w.T, "language"))
	})
	draw(4, "by plan", func() {
		p := rapid.SampledFrom(townPlans).Draw(w.T, "plan")
		q.Plan = new(clinic.PlanOf(w.Organization, p.Carrier, p.Name).Ref())
	})
	draw(5, "without steps", func() { q.StepFree = true })
	draw(2, "where", a.where)
	draw(2, "when", a.when)
	draw(3, "at times of day", a.times)
	draw(3, "in a zone", func() { q.TimeZone = new(rapid.SampledFrom(townZones).Draw(w.T, "asked zone")) })
	draw(3, "to move", a.moving)
	return a
}

func (a *asked) where() {
	at := &a.sites[rapid.IntRange(0, len(a.sites)-1).Draw(a.T, "around")]
	a.radius = rapid.SampledFrom([]int{100, 20_000, 60_000, 120_000, 200_000}).Draw(a.T, "radius")
	switch rapid.IntRange(0, 2).Draw(a.T, "place") {
	case 0:
		for _, s := range some(a.town, "named", a.sites) {
			a.search.Near = &clinic.Near{Locations: []clinic.Ref{s.Ref}}
		}
		return
	case 1:
		a.origin = &clinic.GeoPoint{Latitude: at.position.Latitude + a.degrees("off")/10, Longitude: at.position.Longitude}
		a.search.Near = &clinic.Near{Circle: &clinic.Circle{Center: *a.origin, Radius: a.radius}}
	default:
		at.anchor, a.origin = true, new(at.position)
		a.search.Near = &clinic.Near{Postal: &clinic.PostalArea{Code: at.code, Country: "US", Radius: a.radius}}
	}
	a.order = rapid.SampledFrom([]availability.Order{availability.Soonest, availability.Nearest, availability.Relevance}).Draw(a.T, "order")
}

func (a *asked) when() {
	if a.one(2, "from") {
		a.search.From = new(a.around.Add(time.Duration(rapid.IntRange(-96, 96).Draw(a.T, "from")) * 30 * time.Minute))
	}
	if a.one(2, "to") {
		from := a.clock.Now()
		if a.search.From != nil {
			from = *a.search.From
		}
		a.search.To = new(from.Add(*a.minutes("period", 6*60, 36*60, 5*24*60, 20*24*60, 92*24*60)))
	}
}

func (a *asked) times() {
	for range rapid.IntRange(1, 2).Draw(a.T, "ranges") {
		from := rapid.SampledFrom([]int{0, 60, 119, 120, 540, 720}).Draw(a.T, "range from")
		to := from + rapid.SampledFrom([]int{1, 60, 300}).Draw(a.T, "range long")
		a.search.TimesOfDay = append(a.search.TimesOfDay, availability.TimeRange{From: provider.At(0, from), To: provider.At(0, to)})
	}
}

func (a *asked) moving() {
	for _, p := range a.people {
		for _, v := range p.visits {
			a.search.Moving = new(v.Ref())
		}
	}
}
