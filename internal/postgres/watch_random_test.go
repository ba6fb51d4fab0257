package postgres_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"cloud.google.com/go/civil"
	"pgregory.net/rapid"

	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clinic/clinictest"
	"github.com/mediconnect/mediconnect/internal/provider"
)

// Whoever follows slots knows what a query would list, whatever happens, and wherever they come back from.
func TestWhoFollowsSlotsKnowsWhatAQueryLists(t *testing.T) {
	o := newOffice(t)
	fewer(t, "9", func(t *rapid.T) {
		w := o.found(t)
		defer func() { o.count = w.count }()
		f := w.newFeed(o.db, w.rooms)
		list := w.watchers(f)
		for _, one := range list {
			one.begin()
			defer func() { one.stream.Close() }()
		}
		for range rapid.IntRange(3, 10).Draw(t, "steps") {
			after := w.happen()
			for _, one := range list {
				switch rapid.IntRange(0, 5).Draw(t, "meanwhile") {
				case 0:
					continue // isn't looking now
				case 1:
					one.comeBack()
				}
				one.compare(after)
			}
		}
		for _, one := range list {
			one.compare("all")
		}
	})
}

// happen has something happen in town, and says what.
func (w *town) happen() string {
	p := w.people[rapid.IntRange(0, len(w.people)-1).Draw(w.T, "whose")]
	at := p.places[rapid.IntRange(0, len(p.places)-1).Draw(w.T, "where")]
	switch what := rapid.SampledFrom([]string{
		"visit", "visit", "visit", "visit", "cancel", "cancel", "time", "time", "lapse", "schedule", "date", "exception", "window", "take back", "kind", "person", "site", "newcomer",
	}).Draw(w.T, "what"); what {
	case "visit":
		w.somewhere(p)
		return what
	case "cancel":
		w.cancel(p)
		return what
	case "time":
		w.clock.Advance(*w.minutes("by", 1, 5, 30, 60, 11*60, 24*60))
		w.sweep()
		return what
	case "lapse":
		w.clock.Advance(5 * time.Minute)
		w.sweep()
		return what
	case "schedule":
		p.setSchedule(at)
		return what
	case "date":
		p.setDate(at)
		return what
	case "exception":
		w.close(p, at)
		return what
	case "window":
		p.open(at)
		return what
	case "take back":
		w.takeBack(p, at)
		return what
	case "site":
		w.rebuild()
		return what
	case "newcomer":
		w.welcome(p)
		return what
	case "kind":
		w.change()
		return what
	default:
		w.reemploy(p)
		return what
	}
}

func (w *town) sweep() {
	if _, err := w.Sweep(context.Background(), 100); err != nil {
		w.Fatal(err)
	}
}

// somewhere tries to have any slot of the next days, free or not.
func (w *town) somewhere(p *resident) {
	var list []availability.Slot
	for _, k := range p.kinds {
		list = append(list, availability.Openings(p.rules(), p.taken(), availability.Query{
			VisitKind: k.ID, From: w.clock.Now(), To: w.clock.Now().AddDate(0, 0, 4), Now: w.clock.Now(), Statuses: allStates,
		})...)
	}
	if len(list) > 0 {
		p.step(rapid.SampledFrom(list).Draw(w.T, "slot").SlotID)
	}
}

func (w *town) cancel(p *resident) {
	if len(p.visits) == 0 {
		return
	}
	v := p.visits[0]
	p.visits = p.visits[1:]
	if !w.clock.Now().Before(v.Start) {
		return
	}
	if _, err := w.Cancel(context.Background(), v.by, appointment.CancelVisit{Appointment: v.Ref(), Reason: appointment.Other}); err != nil {
		w.Fatal(err)
	}
}

// close adds an exception: of one provider, here or everywhere, or of everybody here.
func (w *town) close(p *resident, at *place) {
	in := provider.AddException{Provider: &p.provider, Location: &at.Ref, Effect: provider.Closed, Key: key()}
	in.From, in.To = p.period()
	if w.one(2, "open") {
		in.Effect, in.Capacity = provider.Open, new(rapid.IntRange(1, 3).Draw(w.T, "capacity"))
		in.MaxAppointments = p.cap()
	}
	whose := rapid.IntRange(0, 3).Draw(w.T, "whose")
	switch whose {
	case 0:
		in.Provider = nil
	case 1:
		in.Location = nil
	}
	made := p.added(in)
	if whose != 0 {
		at.exceptions = append(at.exceptions, made...)
		return
	}
	for i := range w.sites {
		if s := &w.sites[i]; s.ID == at.ID {
			s.exceptions = append(s.exceptions, made...)
		}
	}
	for _, other := range w.people {
		for _, there := range other.places {
			if there.ID == at.ID {
				there.exceptions = append(there.exceptions, made...)
			}
		}
	}
}

// rebuild moves a site, unless somebody searches around it, and changes how it is reached.
func (w *town) rebuild() {
	s := &w.sites[rapid.IntRange(0, len(w.sites)-1).Draw(w.T, "site")]
	if !s.anchor && w.one(2, "moves") {
		s.position = clinic.GeoPoint{Latitude: 40 + w.degrees("north"), Longitude: -100 + w.degrees("east")}
	}
	w.put(s)
}

// welcome has a provider come to a site for a day: what is open there to all is open with them.
func (w *town) welcome(p *resident) {
	for _, s := range w.sites {
		if !slices.ContainsFunc(p.places, func(at *place) bool { return at.ID == s.ID }) {
			at := &place{Ref: s.Ref, zone: s.zone, dates: map[civil.Date][]provider.Hours{}, exceptions: slices.Clone(s.exceptions)}
			p.places = append(p.places, at)
			p.setDate(at)
			return
		}
	}
}

func (w *town) takeBack(p *resident, at *place) {
	own := func(e provider.Exception) bool { return e.ProviderID == p.provider.ID }
	i := slices.IndexFunc(at.exceptions, own)
	if i >= 0 {
		at.exceptions = p.without(at.exceptions, i)
	}
}

// change changes a kind of visit for everybody who offers it.
func (w *town) change() {
	i := rapid.IntRange(0, len(w.kinds)-1).Draw(w.T, "changed")
	old := w.kinds[i]
	in := clinictest.VisitKind(0)
	in.Key, in.Name, in.Modalities, in.Duration = old.Key, old.Name, old.Modalities, old.Duration
	in.BufferBefore, in.BufferAfter, in.SlotStep, in.GridAnchor = &old.BufferBefore, &old.BufferAfter, &old.SlotStep, &old.GridAnchor
	in.MinimumNotice, in.MaximumAdvance = &old.Policy.MinimumNotice, &old.Policy.MaximumAdvance
	switch rapid.IntRange(0, 3).Draw(w.T, "how") {
	case 0:
		in.Duration = *w.minutes("duration", 15, 20, 30, 45, 90)
	case 1:
		in.BufferBefore, in.BufferAfter = w.minutes("before", 0, 10, 60), w.minutes("after", 0, 5, 30)
	case 2:
		in.SlotStep = w.minutes("step", 15, 20, 30, 50, 60)
	default:
		in.MinimumNotice, in.MaximumAdvance = w.minutes("notice", 0, 60, 2*24*60), w.minutes("advance", 365*24*60, 3*24*60)
	}
	made := must[clinic.VisitKind](w.drawn)(w.rooms.PutVisitKind(context.Background(), w.admin, in))
	w.kinds[i] = made
	for _, p := range w.people {
		p.kinds = slices.Clone(p.kinds)
		for j, k := range p.kinds {
			if k.ID == made.ID {
				p.kinds[j] = made
			}
		}
	}
}

// reemploy changes what a provider offers, speaks and accepts, and the daily cap.
func (w *town) reemploy(p *resident) {
	p.languages, p.specialties, p.plans = some(w, "language", townLanguages), some(w, "specialty", townSpecialties), some(w, "plan", townPlans)
	if w.one(2, "other kinds") {
		if p.kinds = some(w, "kind", w.kinds); len(p.kinds) == 0 {
			p.kinds = w.kinds[:1]
		}
	}
	if w.one(2, "other cap") {
		p.maxDaily = nil
		if w.one(2, "daily cap") {
			p.maxDaily = new(rapid.IntRange(1, 3).Draw(p.T, "a day"))
		}
	}
	var kinds []clinic.Ref
	for _, k := range p.kinds {
		kinds = append(kinds, p.ref(k.ID))
	}
	must[provider.Provider](p.drawn)(p.providers.PutProvider(context.Background(), p.admin, provider.PutProvider{
		Identifier: p.identifier, Name: "Dr Ada", VisitKinds: kinds, MaxDailyAppointments: p.maxDaily,
		Languages: p.languages, Specialties: p.specialties, AcceptedPlans: p.plans,
	}))
}
