package availability_test

import (
	"encoding/binary"
	"hash/fnv"
	"slices"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/provider"
)

// world is one question: what a provider's openings follow from, and who asks for which.
type world struct {
	rules availability.Rules
	taken availability.Taken
	query availability.Query
}

var (
	zoneNames  = clock.ZoneNames()
	actors     = ids("actor", 2)
	patients   = append(ids("patient", 2), uuid.Nil)
	kindIDs    = ids("kind", 2)
	places     = ids("place", 2)
	exceptions = ids("exception", 6)
	moved      = id("moved")
	clinicID   = id("clinic")
	doctorID   = id("doctor")
)

func id(name string) uuid.UUID { return uuid.NewSHA1(uuid.NameSpaceURL, []byte(name)) }

func ids(name string, n int) []uuid.UUID {
	var all []uuid.UUID
	for i := range n {
		all = append(all, id(name+string(rune('a'+i))))
	}
	return all
}

// drawer draws a world around an instant at which a zone's clock changes, if it does.
type drawer struct {
	*rapid.T
	around time.Time
	zone   *time.Location
}

func drawWorld(t *rapid.T) world {
	d := drawer{T: t, zone: drawZone(t, "zone")}
	d.around = d.change()
	var w world
	w.rules = availability.Rules{
		Organization: clinicID, Provider: doctorID, Revision: 1000,
		MaxDaily: d.maybe("maxDaily", 3), Kinds: []clinic.VisitKind{d.kind(kindIDs[0]), d.kind(kindIDs[1])},
	}
	w.rules.Places = append(w.rules.Places, d.place(places[0], d.zone))
	if d.chance("second place", 4) {
		w.rules.Places = append(w.rules.Places, d.place(places[1], drawZone(t, "other zone")))
	}
	w.query = d.query()
	w.taken = d.taken()
	w.count()
	reach := availability.ReachOf(w.query.From, w.query.To)
	w.rules.From, w.rules.Until = reach.From, reach.Until
	return w
}

// count adds what the holds and the moving appointment stand for to the counters, as the store does.
func (w world) count() {
	add := func(day civil.Date, windows []uuid.UUID) {
		counted := w.taken.Days[day]
		counted.Booked++
		w.taken.Days[day] = counted
		for _, window := range windows {
			w.taken.Windows[window]++
		}
	}
	for _, c := range w.taken.Claims {
		if c.Hold != uuid.Nil {
			add(c.CountedDay, c.CountedWindows)
		}
	}
	if m := w.query.Asking.Moving; m != nil {
		add(m.Day, m.Windows)
	}
}

func drawZone(t *rapid.T, label string) *time.Location {
	h := fnv.New64() // spreads what rapid draws, mostly small numbers, over all zones
	_ = binary.Write(h, binary.LittleEndian, rapid.Uint64().Draw(t, label))
	name := zoneNames[h.Sum64()%uint64(len(zoneNames))]
	if rapid.IntRange(0, 9).Draw(t, "odd "+label) == 0 {
		name = rapid.SampledFrom([]string{"Australia/Lord_Howe", "Pacific/Apia", "America/Toronto", "Antarctica/Troll"}).Draw(t, label)
	}
	loc, err := clock.Zone(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// change finds the clock changes of a year by looking at the clock every hour, and draws one.
func (d drawer) change() time.Time {
	year := rapid.IntRange(1972, 2045).Draw(d.T, "year")
	if d.chance("long ago", 40) {
		year = rapid.IntRange(1890, 1940).Draw(d.T, "old year")
	}
	if d.zone.String() == "Pacific/Apia" && !d.chance("a kept day", 4) {
		return time.Date(2011, 12, 30, 10, 0, 0, 0, time.UTC)
	}
	first := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
	found := []time.Time{first.AddDate(0, 0, 364)}
	for day := first; day.Year() == year; day = day.AddDate(0, 0, 1) {
		if d.offset(day) == d.offset(day.AddDate(0, 0, 1)) {
			continue
		}
		for at := day; at.Before(day.AddDate(0, 0, 1)); at = at.Add(time.Hour) {
			if d.offset(at) != d.offset(at.Add(time.Hour)) {
				found = append(found, at)
			}
		}
	}
	return rapid.SampledFrom(found).Draw(d.T, "change")
}

func (d drawer) offset(at time.Time) int {
	_, offset := at.In(d.zone).Zone()
	return offset
}

func (d drawer) chance(label string, one int) bool {
	return rapid.IntRange(1, one).Draw(d.T, label) == 1
}

func (d drawer) maybe(label string, most int) *int {
	if n := rapid.IntRange(-most-1, most).Draw(d.T, label); n >= 0 {
		return &n
	}
	return nil
}

func minutes(d drawer, label string, choices ...int) time.Duration {
	return time.Duration(rapid.SampledFrom(choices).Draw(d.T, label)) * time.Minute
}

func (d drawer) kind(id uuid.UUID) clinic.VisitKind {
	k := clinic.VisitKind{
		ID: id, OrganizationID: clinicID,
		Duration:     minutes(d, "duration", 1, 10, 15, 20, 30, 30, 45, 60, 90, 150, 600),
		BufferBefore: minutes(d, "before", 0, 0, 0, 5, 10, 60),
		BufferAfter:  minutes(d, "after", 0, 0, 0, 5, 15, 90),
		SlotStep:     minutes(d, "step", 5, 10, 15, 15, 20, 30, 45, 50, 60, 7, 420),
		GridAnchor:   rapid.SampledFrom([]clinic.GridAnchor{clinic.GridDay, clinic.GridWindow}).Draw(d.T, "anchor"),
		Modalities:   []clinic.Modality{clinic.InPerson},
		Policy: clinic.Policy{
			MinimumNotice:  minutes(d, "notice", 0, 0, 30, 60, 24*60),
			MaximumAdvance: minutes(d, "advance", 365*24*60, 365*24*60, 365*24*60, 12*60, 60),
		},
	}
	if d.chance("video too", 3) {
		k.Modalities = append(k.Modalities, clinic.Video)
	}
	return k
}

func (d drawer) place(id uuid.UUID, zone *time.Location) availability.Place {
	p := availability.Place{Location: id, TimeZone: zone.String(), Zone: zone, DateHours: map[civil.Date][]provider.Hours{}}
	first := d.date(zone)
	for i := range rapid.IntRange(1, 2).Draw(d.T, "schedules") {
		s := provider.Schedule{EffectiveFrom: first.AddDays(-100)}
		if i == 0 && d.chance("from then on", 3) {
			s.EffectiveFrom = d.date(zone).AddDays(-rapid.SampledFrom([]int{0, 5, 6, 7, 8}).Draw(d.T, "days before"))
		}
		if i == 0 && d.chance("until then", 3) {
			until := d.date(zone)
			s.EffectiveUntil = &until
		}
		hours, daysOff := d.hours("weekly", 3), d.chance("days off", 2)
		if d.chance("round the clock", 6) {
			hours = []provider.Hours{{From: 0, To: 1440, Capacity: 1}}
		}
		for weekday := range 7 {
			for _, h := range hours {
				if !daysOff || !d.chance("day off", 4) {
					s.Weekly = append(s.Weekly, provider.WeeklyHours{Weekday: provider.Weekday(weekday + 1), Hours: h})
				}
			}
		}
		p.Schedules = append(p.Schedules, s)
	}
	for range rapid.IntRange(0, 2).Draw(d.T, "own dates") {
		p.DateHours[d.date(zone)] = d.hours("own", 2)
	}
	for i := range rapid.IntRange(0, 3).Draw(d.T, "exceptions") {
		p.Exceptions = append(p.Exceptions, d.exception(exceptions[i]))
	}
	return p
}

// date draws a local date close to the change.
func (d drawer) date(zone *time.Location) civil.Date {
	return civil.DateOf(d.around.In(zone)).AddDays(rapid.IntRange(-3, 2).Draw(d.T, "date"))
}

// Minutes of the day that meet often, so that windows touch, overlap and begin or end in gaps and folds.
var times = []int{0, 0, 60, 90, 115, 120, 135, 150, 180, 210, 480, 540, 720, 720, 840, 1020, 1320, 1410, 1439}

func (d drawer) hours(label string, most int) []provider.Hours {
	var all []provider.Hours
	for range rapid.IntRange(0, most).Draw(d.T, label) {
		h := provider.Hours{
			From:     rapid.SampledFrom(times).Draw(d.T, "from"),
			Capacity: rapid.SampledFrom([]int{1, 1, 1, 2, 3}).Draw(d.T, "capacity"),
		}
		h.To = rapid.SampledFrom(append([]int{1440}, times...)).Draw(d.T, "to")
		if h.To <= h.From {
			h.To += 1440
		}
		if d.chance("one kind", 8) {
			h.VisitKinds = kindIDs[:1]
		}
		if d.chance("video only", 8) {
			h.Modalities = []clinic.Modality{clinic.Video}
		}
		all = append(all, h)
	}
	return all
}

func (d drawer) exception(id uuid.UUID) provider.Exception {
	from := minuteOf(d.date(d.zone), rapid.SampledFrom(times).Draw(d.T, "from"))
	e := provider.Exception{
		ID: id, ProviderID: doctorID, From: from,
		To:     civil.DateTimeOf(from.In(time.UTC).Add(minutes(d, "long", 30, 45, 60, 180, 600, 1440, 3000))),
		Effect: provider.Closed, Capacity: 1,
	}
	if d.chance("open", 2) {
		e.Effect, e.Capacity = provider.Open, rapid.IntRange(1, 3).Draw(d.T, "capacity")
		e.MaxAppointments = d.maybe("cap", 3)
	}
	switch rapid.IntRange(0, 5).Draw(d.T, "whose") {
	case 0:
		e.ProviderID, e.LocationID = uuid.Nil, places[0]
	case 1:
		e.LocationID = places[1]
	case 2:
		e.ProviderID = actors[0] // somebody else
	}
	return e
}

func (d drawer) query() availability.Query {
	q := availability.Query{
		VisitKind:  kindIDs[0],
		From:       d.moment("from", 36*60),
		Asking:     availability.Asking{Holder: d.holder()},
		Modalities: []clinic.Modality{clinic.InPerson, clinic.Video},
	}
	q.To = q.From.Add(minutes(d, "period", 60, 24*60, 36*60, 50*60))
	q.Now = q.From.Add(-minutes(d, "now", 600, 60, 0, -300))
	q.Statuses = []availability.Status{availability.Free}
	if d.chance("all states", 2) {
		q.Statuses = []availability.Status{availability.Free, availability.Held, availability.Booked, availability.Blocked}
	}
	if d.chance("move", 3) {
		q.Asking.Moving = &availability.Moving{Appointment: moved, Day: d.date(d.zone), Windows: exceptions[:2]}
	}
	return q
}

// moment draws a whole minute within so many minutes before or after the change.
func (d drawer) moment(label string, within int) time.Time {
	return d.around.Add(time.Duration(rapid.IntRange(-within/15, within/15).Draw(d.T, label)) * 15 * time.Minute)
}

func (d drawer) holder() availability.Holder {
	return availability.Holder{
		Actor:   rapid.SampledFrom(append([]uuid.UUID{uuid.Nil}, actors...)).Draw(d.T, "actor"),
		Patient: rapid.SampledFrom(patients).Draw(d.T, "patient"),
	}
}

func (d drawer) taken() availability.Taken {
	t := availability.Taken{Days: map[civil.Date]availability.Day{}, Windows: map[uuid.UUID]int{}}
	for range rapid.IntRange(0, 10).Draw(d.T, "claims") {
		t.Claims = append(t.Claims, d.claim())
	}
	for range rapid.IntRange(0, 3).Draw(d.T, "days") {
		t.Days[d.date(d.zone)] = availability.Day{
			Revision: int64(rapid.IntRange(0, 9).Draw(d.T, "revision")), Booked: rapid.IntRange(0, 3).Draw(d.T, "booked"),
		}
	}
	for range rapid.IntRange(0, 3).Draw(d.T, "windows") {
		t.Windows[rapid.SampledFrom(exceptions).Draw(d.T, "window")] = rapid.IntRange(0, 3).Draw(d.T, "booked")
	}
	for range rapid.IntRange(0, 2).Draw(d.T, "visits") {
		start := d.moment("visit", 48*60)
		t.Patient = append(t.Patient, availability.Visit{
			Span:        availability.Span{Start: start, End: start.Add(minutes(d, "long", 15, 60, 300))},
			Appointment: rapid.SampledFrom([]uuid.UUID{moved, id("other")}).Draw(d.T, "appointment"),
		})
	}
	return t
}

func (d drawer) claim() availability.Claim {
	c := availability.Claim{
		Lane:        rapid.SampledFrom([]int{0, 0, 0, 1, 1, 2, 5, -1}).Draw(d.T, "lane"),
		Start:       d.moment("start", 48*60),
		Appointment: rapid.SampledFrom([]uuid.UUID{moved, id("other")}).Draw(d.T, "appointment"),
	}
	c.End = c.Start.Add(minutes(d, "long", 0, 5, 30, 60, 240, 900))
	if d.chance("hold", 2) {
		c.Appointment, c.Hold, c.Holder = uuid.Nil, id("hold"), d.holder()
		c.ExpiresAt = d.moment("expires", 48*60)
		c.CountedDay = d.date(d.zone)
		c.CountedWindows = slices.Clone(exceptions[:rapid.IntRange(0, 3).Draw(d.T, "counted")])
	}
	return c
}
