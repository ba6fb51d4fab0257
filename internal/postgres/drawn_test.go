package postgres_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"testing"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clinic/clinictest"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/provider"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
)

// office writes drawn worlds through the rooms' services, one provider after the other in the same clinic.
type office struct {
	*desk
	db        *postgres.DB
	rooms     *clinic.Service
	providers *provider.Service
	admin     access.Actor
	count     int
}

func newOffice(t *testing.T) *office {
	d := newDesk(t)
	db := postgres.New(d.pool, keytest.Of(t, d.pool))
	directory := db.Directory()
	source := clinic.Source{Clock: d.clock, NewID: clinictest.NewID}
	rooms := clinic.NewService(directory, source)
	return &office{
		desk: d, db: db, rooms: rooms, providers: provider.NewService(directory, rooms, source),
		admin: clinictest.Actor(access.Admin, d.Organization),
	}
}

// drawn is a provider's world twice: in the database, and here as what was asked for.
type drawn struct {
	*rapid.T
	*office
	around   time.Time // where everything happens, close to a clock change
	provider clinic.Ref
	maxDaily *int
	kinds    []clinic.VisitKind
	places   []*place
	visits   []visit
	holders  []access.Actor
}

type place struct {
	clinic.Ref
	zone       *time.Location
	schedules  []provider.Schedule // latest first
	dates      map[civil.Date][]provider.Hours
	exceptions []provider.Exception // of the provider here, of the provider everywhere, of everybody here
}

// Zones with an instant at which their clocks change.
var clockChanges = map[string]time.Time{
	"America/New_York":    time.Date(2027, 3, 14, 7, 0, 0, 0, time.UTC),
	"Europe/Berlin":       time.Date(2027, 10, 31, 1, 0, 0, 0, time.UTC),
	"Australia/Lord_Howe": time.Date(2027, 4, 3, 15, 0, 0, 0, time.UTC),
}

func (o *office) draw(t *rapid.T) *drawn {
	names := slices.Sorted(maps.Keys(clockChanges))
	name := rapid.SampledFrom(names).Draw(t, "zone")
	d := &drawn{T: t, office: o, around: clockChanges[name]}
	o.clock.Set(d.around.AddDate(0, 0, -2))
	d.kinds = []clinic.VisitKind{d.putKind(), d.putKind()}
	d.places = []*place{d.putPlace(name)}
	if d.one(2, "second place") {
		d.places = append(d.places, d.putPlace(rapid.SampledFrom(names).Draw(t, "other zone")))
	}
	d.putProvider()
	for _, at := range d.places[rapid.IntRange(0, len(d.places)).Draw(t, "without weekly hours"):] {
		d.weekly(at, provider.SetSchedule{EffectiveFrom: d.date().AddDays(-30)})
	}
	for range rapid.IntRange(1, 8).Draw(t, "changes") {
		at := rapid.SampledFrom(d.places).Draw(t, "place")
		rapid.SampledFrom([]func(*place){d.setSchedule, d.setDate, d.setDate, d.except, d.except, d.open, d.takeBack}).Draw(t, "change")(at)
	}
	return d
}

func (d *drawn) one(in int, label string) bool { return rapid.IntRange(1, in).Draw(d.T, label) == 1 }

func (d *drawn) minutes(label string, choices ...int) *time.Duration {
	length := time.Duration(rapid.SampledFrom(choices).Draw(d.T, label)) * time.Minute
	return &length
}

func (d *drawn) number() int {
	d.office.count++
	return d.office.count
}

func must[T any](d *drawn) func(T, error) T {
	return func(v T, err error) T {
		if err != nil {
			d.Fatal(err)
		}
		return v
	}
}

func (d *drawn) putKind() clinic.VisitKind {
	in := clinictest.VisitKind(d.number())
	in.Duration = *d.minutes("duration", 15, 20, 30, 45, 90, 30, 600)
	in.BufferBefore, in.BufferAfter = d.minutes("before", 0, 0, 10, 600), d.minutes("after", 0, 0, 5, 30)
	in.SlotStep = d.minutes("step", 15, 20, 30, 50, 60)
	in.GridAnchor = new(rapid.SampledFrom([]clinic.GridAnchor{clinic.GridDay, clinic.GridWindow}).Draw(d.T, "anchor"))
	in.MinimumNotice, in.MaximumAdvance = d.minutes("notice", 0, 0, 60, 2*24*60), d.minutes("advance", 365*24*60, 365*24*60, 3*24*60)
	if d.one(3, "video") {
		in.Modalities = append(in.Modalities, clinic.Video)
	}
	return must[clinic.VisitKind](d)(d.rooms.PutVisitKind(context.Background(), d.admin, in))
}

func (d *drawn) putPlace(zone string) *place {
	in := clinictest.Location(d.number())
	in.TimeZone = zone
	l := must[clinic.Location](d)(d.rooms.PutLocation(context.Background(), d.admin, in))
	return &place{
		Ref: clinic.Ref{Organization: d.Organization, ID: l.ID}, zone: must[*time.Location](d)(clock.Zone(zone)), dates: map[civil.Date][]provider.Hours{},
	}
}

func (d *drawn) putProvider() {
	if d.one(3, "daily cap") {
		d.maxDaily = new(rapid.IntRange(1, 3).Draw(d.T, "a day"))
	}
	p := must[provider.Provider](d)(d.providers.PutProvider(context.Background(), d.admin, provider.PutProvider{
		Identifier: clinic.Identifier{System: "https://example.org/people", Value: strconv.Itoa(d.number())}, Name: "Dr Ada",
		VisitKinds: []clinic.Ref{d.ref(d.kinds[0].ID), d.ref(d.kinds[1].ID)}, MaxDailyAppointments: d.maxDaily,
	}))
	d.provider = d.ref(p.ID)
}

func (d *drawn) ref(id uuid.UUID) clinic.Ref { return clinic.Ref{Organization: d.Organization, ID: id} }

// date is a local date close to the change.
func (d *drawn) date() civil.Date {
	return civil.DateOf(d.around).AddDays(rapid.IntRange(-2, 2).Draw(d.T, "date"))
}

// Windows of a day in minutes; none overlaps another of its list or of the day after.
var windows = [][][2]int{
	{{0, 1440}}, {{540, 720}, {720, 1020}}, {{125, 700}}, {{1320, 1560}}, {{90, 180}, {480, 610}}, {{60, 150}, {150, 300}}, {{540, 720}}, {},
}

// hours draws windows as they are asked for and as they are meant.
func (d *drawn) hours() (asked []provider.Opening, meant []provider.Hours) {
	for _, w := range rapid.SampledFrom(windows).Draw(d.T, "windows") {
		h := provider.Hours{From: w[0], To: w[1], Capacity: rapid.IntRange(1, 3).Draw(d.T, "capacity")}
		o := provider.Opening{From: provider.At(0, w[0]), To: provider.At(0, w[1]), Capacity: h.Capacity}
		if w[1] > 1440 {
			o.To = provider.At(0, w[1]-1440)
		}
		if d.one(6, "one kind") {
			h.VisitKinds, o.VisitKinds = []uuid.UUID{d.kinds[0].ID}, []clinic.Ref{d.ref(d.kinds[0].ID)}
		}
		if d.one(6, "in person") {
			h.Modalities = []clinic.Modality{clinic.InPerson}
			o.Modalities = h.Modalities
		}
		asked, meant = append(asked, o), append(meant, h)
	}
	return asked, meant
}

func (d *drawn) setSchedule(at *place) {
	in := provider.SetSchedule{EffectiveFrom: d.date().AddDays(-rapid.SampledFrom([]int{0, 30}).Draw(d.T, "since"))}
	if d.one(2, "until") {
		in.EffectiveUntil = new(in.EffectiveFrom.AddDays(rapid.SampledFrom([]int{31, 29, 1, 0}).Draw(d.T, "for")))
	}
	d.weekly(at, in)
}

// weekly draws the hours of a schedule and sets it.
func (d *drawn) weekly(at *place, in provider.SetSchedule) {
	in.Provider, in.Location = d.provider, at.Ref
	asked, meant := d.hours()
	s := provider.Schedule{EffectiveFrom: in.EffectiveFrom, EffectiveUntil: in.EffectiveUntil}
	off := rapid.IntRange(1, 14).Draw(d.T, "day off")
	for weekday := provider.Weekday(1); weekday <= 7; weekday++ {
		for i := range asked {
			if int(weekday) != off {
				in.Hours = append(in.Hours, provider.WeeklyOpening{Weekday: weekday, Opening: asked[i]})
				s.Weekly = append(s.Weekly, provider.WeeklyHours{Weekday: weekday, Hours: meant[i]})
			}
		}
	}
	must[provider.Provider](d)(d.providers.SetSchedule(context.Background(), d.admin, in))
	at.schedules = append([]provider.Schedule{s}, at.schedules...)
}

func (d *drawn) setDate(at *place) {
	in := provider.SetDateHours{Provider: d.provider, Location: at.Ref, Date: d.date()}
	asked, meant := d.hours()
	in.Hours = append([]provider.Opening{}, asked...)
	at.dates[in.Date] = meant
	if d.one(5, "as each week") {
		in.Hours = nil
		delete(at.dates, in.Date)
	}
	must[provider.Provider](d)(d.providers.SetDateHours(context.Background(), d.admin, in))
}

func (d *drawn) except(at *place) {
	in := provider.AddException{Provider: &d.provider, Location: &at.Ref, Effect: provider.Closed, Key: key()}
	in.From, in.To = d.period()
	if d.one(2, "open") {
		in.Effect, in.Capacity = provider.Open, new(rapid.IntRange(1, 3).Draw(d.T, "capacity"))
		in.MaxAppointments = d.cap()
	}
	switch rapid.IntRange(0, 3).Draw(d.T, "whose") {
	case 0:
		in.Provider = nil
	case 1:
		in.Location = nil
	}
	at.exceptions = append(at.exceptions, d.added(in)...)
}

func (d *drawn) period() (from, to civil.DateTime) {
	start := d.date().In(time.UTC).Add(*d.minutes("from", 0, 90, 120, 150, 480, 540, 1320))
	return civil.DateTimeOf(start), civil.DateTimeOf(start.Add(*d.minutes("long", 30, 45, 180, 600, 3000)))
}

func (d *drawn) cap() *int {
	if n := rapid.IntRange(-2, 2).Draw(d.T, "cap"); n >= 0 {
		return &n
	}
	return nil
}

// open publishes a window as an import does.
func (d *drawn) open(at *place) {
	w := provider.OpenWindow{Key: key(), Capacity: rapid.IntRange(1, 3).Draw(d.T, "capacity"), MaxAppointments: d.cap()}
	w.From, w.To = d.period()
	must[int](d)(d.providers.PutOpenings(context.Background(), d.admin, d.provider, at.Ref, []provider.OpenWindow{w}))
	at.exceptions = append(at.exceptions, provider.Exception{
		ID: uuid.NewSHA1(d.provider.ID, append(at.ID[:], w.Key...)), OrganizationID: d.Organization, ProviderID: d.provider.ID, LocationID: at.ID,
		From: w.From, To: w.To, Effect: provider.Open, Capacity: w.Capacity, MaxAppointments: w.MaxAppointments,
	})
}

func (d *drawn) takeBack(at *place) {
	if len(at.exceptions) > 0 {
		at.exceptions = d.without(at.exceptions, 0)
	}
}

// rules are what was asked for, put together without the database.
func (d *drawn) rules() availability.Rules {
	r := availability.Rules{
		Organization: d.Organization, Provider: d.provider.ID, MaxDaily: d.maxDaily, Kinds: d.kinds,
		Revision: int64(d.desk.count(`SELECT schedule_revision FROM providers WHERE id = $1`, d.provider.ID)),
		From:     civil.Date{Year: 2020, Month: 1, Day: 1}, Until: civil.Date{Year: 2035, Month: 1, Day: 1},
	}
	for _, at := range d.places {
		ofProvider := func(e provider.Exception) bool { return e.ProviderID != uuid.Nil && e.LocationID == at.ID }
		if len(at.schedules) == 0 && len(at.dates) == 0 && !slices.ContainsFunc(at.exceptions, ofProvider) {
			continue
		}
		p := availability.Place{Location: at.ID, TimeZone: at.zone.String(), Zone: at.zone, Schedules: at.schedules, DateHours: at.dates}
		for _, other := range d.places {
			for _, e := range other.exceptions {
				if e.LocationID == uuid.Nil || e.LocationID == at.ID {
					p.Exceptions = append(p.Exceptions, e)
				}
			}
		}
		r.Places = append(r.Places, p)
	}
	return r
}

// taken is all that is in the tables about the provider, whenever it is.
func (d *drawn) taken() availability.Taken {
	t := availability.Taken{Days: map[civil.Date]availability.Day{}, Windows: map[uuid.UUID]int{}}
	rows, err := d.pool.Query(context.Background(), `SELECT c.lane, c.starts_at, c.ends_at, c.appointment_id, c.hold_id, coalesce(c.expires_at, 'epoch'),
		h.actor_id, h.patient_id, coalesce(c.counted_day, '0001-01-01'), c.counted_windows
		FROM claims c LEFT JOIN holds h ON h.id = c.hold_id WHERE c.party_id = $1 AND c.state = 'ACTIVE'`, d.provider.ID)
	for err == nil && rows.Next() {
		var c availability.Claim
		var day time.Time
		var appointment, hold, actor, patient *uuid.UUID
		err = rows.Scan(&c.Lane, &c.Start, &c.End, &appointment, &hold, &c.ExpiresAt, &actor, &patient, &day, &c.CountedWindows)
		c.Appointment, c.Hold, c.Holder = or(appointment), or(hold), availability.Holder{Actor: or(actor), Patient: or(patient)}
		c.CountedDay = civil.DateOf(day)
		t.Claims = append(t.Claims, c)
	}
	if err != nil {
		d.Fatal(err)
	}
	days, err := d.pool.Query(context.Background(), `SELECT day, revision, booked FROM party_days WHERE party_id = $1`, d.provider.ID)
	for err == nil && days.Next() {
		var day time.Time
		var of availability.Day
		err = days.Scan(&day, &of.Revision, &of.Booked)
		t.Days[civil.DateOf(day)] = of
	}
	if err != nil {
		d.Fatal(err)
	}
	windows, err := d.pool.Query(context.Background(), `SELECT exception_id, booked FROM window_counts WHERE provider_id = $1`, d.provider.ID)
	for err == nil && windows.Next() {
		var exception uuid.UUID
		var booked int
		err = windows.Scan(&exception, &booked)
		t.Windows[exception] = booked
	}
	if err != nil {
		d.Fatal(err)
	}
	return t
}

func or(id *uuid.UUID) uuid.UUID {
	if id == nil {
		return uuid.Nil
	}
	return *id
}

func shown(s availability.Slot) string {
	return fmt.Sprintf("%s %s at %.4s for %.4s %s (%v): %s, %d left, version %d", s.Start.Format(time.RFC3339), s.End.Format(time.RFC3339),
		s.Location, s.VisitKind, s.Modality, s.LocalStart, s.Status, s.Remaining, s.Version)
}
