package provider

import (
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
)

func ptr[T any](v T) *T { return &v }

func date(y int, m time.Month, d int) civil.Date { return civil.Date{Year: y, Month: m, Day: d} }

func at(day civil.Date, hour, minute int) civil.DateTime {
	return civil.DateTime{Date: day, Time: civil.Time{Hour: hour, Minute: minute}}
}

func goodProvider() PutProvider {
	return PutProvider{Organization: home, Identifier: clinic.Identifier{System: "urn:oid:1.2", Value: "7"}, Name: "Dr. Who"}
}

func TestBadProvidersAreRefusedWithTheirPath(t *testing.T) {
	coding := clinic.Coding{System: "http://snomed.info/sct", Code: "394814009"}
	plan := AcceptedPlan{"Horizon", "Gold"}
	for _, bad := range []struct {
		path  string
		spoil func(*PutProvider)
	}{
		{"identifier system", func(in *PutProvider) { in.Identifier.System = "" }},
		{"name", func(in *PutProvider) { in.Name = strings.Repeat("x", 201) }},
		{"specialties 0 system", func(in *PutProvider) { in.Specialties = []clinic.Coding{{Code: "x"}} }},
		{"specialties 0 code", func(in *PutProvider) { in.Specialties = []clinic.Coding{{System: coding.System}} }},
		{"specialties 1", func(in *PutProvider) { in.Specialties = []clinic.Coding{coding, coding} }},
		{"specialties", func(in *PutProvider) { in.Specialties = make([]clinic.Coding, 51) }},
		{"languages 1", func(in *PutProvider) { in.Languages = []string{"en", "e"} }},
		{"languages 1", func(in *PutProvider) { in.Languages = []string{"en-US", "EN-us"} }},
		{"acceptedPlans 1 carrier", func(in *PutProvider) { in.AcceptedPlans = []AcceptedPlan{plan, {Name: "Gold"}} }},
		{"acceptedPlans 0 carrier", func(in *PutProvider) { in.AcceptedPlans = []AcceptedPlan{{"a\nb", "Gold"}} }},
		{"acceptedPlans 0 name", func(in *PutProvider) { in.AcceptedPlans = []AcceptedPlan{{"Horizon", strings.Repeat("x", 201)}} }},
		{"acceptedPlans 1", func(in *PutProvider) { in.AcceptedPlans = []AcceptedPlan{plan, {" Horizon ", "Gold"}} }},
		{"acceptedPlans", func(in *PutProvider) { in.AcceptedPlans = manyPlans(201) }},
		{"visitKindIds 1", func(in *PutProvider) { in.VisitKinds = []clinic.Ref{kindA, kindA} }},
		{"maxDailyAppointments", func(in *PutProvider) { in.MaxDailyAppointments = ptr(0) }},
		{"maxDailyAppointments", func(in *PutProvider) { in.MaxDailyAppointments = ptr(10_001) }},
	} {
		in := goodProvider()
		bad.spoil(&in)
		_, _, err := in.provider()
		refused(t, bad.path, err, errs.InvalidInput, bad.path)
	}
	in := goodProvider()
	in.VisitKinds = []clinic.Ref{kindA, {Organization: uuid.New(), ID: kindB.ID}}
	_, _, err := in.provider()
	refused(t, "a foreign kind", err, errs.NotFound, "visitKindIds 1")
	in = goodProvider()
	in.MaxDailyAppointments, in.Languages, in.Specialties = ptr(1), []string{"en", "es-MX"}, []clinic.Coding{coding}
	if p, _, err := in.provider(); err != nil || *p.MaxDailyAppointments != 1 || len(p.Languages) != 2 {
		t.Errorf("a good provider: %+v, %v", p, err)
	}
}

func TestProvidersAreTheSameOnlyWhenAllFieldsAre(t *testing.T) {
	for name, p := range map[string]Provider{
		"identifier": {Identifier: clinic.Identifier{Value: "x"}}, "name": {Name: "x"}, "languages": {Languages: []string{"en"}},
		"kinds": {VisitKindIDs: []uuid.UUID{home}}, "plans": {PlanIDs: []uuid.UUID{home}}, "cap": {MaxDailyAppointments: ptr(1)}, "specialties": {Specialties: make([]clinic.Coding, 1)},
	} {
		if p.Same(Provider{}) {
			t.Errorf("a change of the %s goes unnoticed", name)
		}
	}
	display := Provider{Specialties: []clinic.Coding{{Display: ptr("x")}}}
	if display.Same(Provider{Specialties: make([]clinic.Coding, 1)}) || !display.Same(display) {
		t.Error("a change of a specialty's display goes unnoticed")
	}
}

func TestEffectiveDates(t *testing.T) {
	set := func(from civil.Date, until *civil.Date) error {
		_, err := SetSchedule{Provider: clinic.Ref{Organization: home}, EffectiveFrom: from, EffectiveUntil: until}.schedule()
		return err
	}
	day := date(2027, 3, 1)
	if set(day, nil) != nil || set(day, &day) != nil {
		t.Error("one day, or no end, is refused")
	}
	refused(t, "until the day before", set(day, ptr(day.AddDays(-1))), errs.InvalidInput, "effectiveUntil")
	refused(t, "no such day", set(date(2027, 2, 29), nil), errs.InvalidInput, "effectiveFrom")
	refused(t, "no such day", set(day, ptr(date(2027, 4, 31))), errs.InvalidInput, "effectiveUntil")
}

func TestExceptions(t *testing.T) {
	day := date(2027, 3, 1)
	good := func() AddException {
		return AddException{From: at(day, 9, 0), To: at(day, 9, 1), Effect: Open}
	}
	for _, bad := range []struct {
		path  string
		spoil func(*AddException)
	}{
		{"to", func(in *AddException) { in.To = in.From }},
		{"to", func(in *AddException) { in.To = at(day, 8, 59) }},
		{"to", func(in *AddException) { in.To = at(date(2037, 3, 1), 9, 1) }},
		{"to", func(in *AddException) { in.To.Time.Second = 59 }},
		{"to", func(in *AddException) { in.To.Time.Nanosecond = 1 }},
		{"from", func(in *AddException) { in.From.Time.Second = 30 }},
		{"from", func(in *AddException) { in.From.Date.Day = 0 }},
		{"effect", func(in *AddException) { in.Effect = "AJAR" }},
		{"capacity", func(in *AddException) { in.Capacity = ptr(0) }},
		{"capacity", func(in *AddException) { in.Capacity = ptr(1001) }},
		{"capacity", func(in *AddException) { in.Effect, in.Capacity = Closed, ptr(1) }},
		{"maxAppointments", func(in *AddException) { in.MaxAppointments = ptr(-1) }},
		{"maxAppointments", func(in *AddException) { in.Effect, in.MaxAppointments = Closed, ptr(0) }},
		{"to", func(in *AddException) { in.To, in.MaxAppointments = at(date(2027, 4, 1), 9, 1), ptr(1) }},
		{"reason", func(in *AddException) { in.Reason = ptr(strings.Repeat("x", 2001)) }},
	} {
		in := good()
		bad.spoil(&in)
		_, err := in.exception()
		refused(t, bad.path, err, errs.InvalidInput, bad.path)
	}
	in := good()
	in.MaxAppointments, in.Capacity = ptr(0), ptr(1000)
	if e, err := in.exception(); err != nil || e.Capacity != 1000 || *e.MaxAppointments != 0 {
		t.Errorf("a window without appointments: %+v, %v", e, err)
	}
	in = good()
	in.To, in.MaxAppointments = at(date(2027, 4, 1), 9, 0), ptr(1)
	if _, err := in.exception(); err != nil {
		t.Errorf("a capped window of 31 days: %v", err)
	}
	in = good()
	in.To = at(date(2037, 3, 1), 9, 0)
	if e, err := in.exception(); err != nil || e.Capacity != 1 {
		t.Errorf("ten years: %+v, %v", e, err)
	}
}

func TestOpeningsAreFoundAgainByTheirKey(t *testing.T) {
	p, l := clinic.Ref{Organization: home, ID: kindA.ID}, clinic.Ref{Organization: home, ID: kindB.ID}
	w := OpenWindow{Key: "slot-1", From: at(date(2027, 3, 1), 9, 0), To: at(date(2027, 3, 1), 12, 0), Capacity: 3}
	one, err := openings(p, l, []OpenWindow{w})
	if err != nil {
		t.Fatal(err)
	}
	w.Capacity = 4
	other, _ := openings(p, l, []OpenWindow{w})
	if one[0].ID != other[0].ID || one[0].Same(other[0]) {
		t.Error("another capacity makes another window, or none")
	}
	elsewhere, _ := openings(p, p, []OpenWindow{w})
	if elsewhere[0].ID == one[0].ID {
		t.Error("the key is the same window elsewhere")
	}
	_, err = openings(p, l, []OpenWindow{w, w})
	refused(t, "a key twice", err, errs.InvalidInput, "windows 1 key")
	w.To = w.From
	_, err = openings(p, l, []OpenWindow{w})
	refused(t, "an empty window", err, errs.InvalidInput, "windows 0 to")
}

func TestLaterIsAlwaysLater(t *testing.T) {
	low, high := uuid.MustParse("01900000-0000-7000-8000-0000000000ff"), uuid.MustParse("01900000-0000-7000-8000-000000000100")
	if Later(high, low) != high || Later(high, uuid.Nil) != high {
		t.Error("a later id is changed")
	}
	if got := Later(low, low); got != high {
		t.Errorf("just above %v is %v", low, got)
	}
	if got := Later(low, high); compareIDs(got, high) <= 0 {
		t.Errorf("%v is not above %v", got, high)
	}
}

func TestDaysReachOverBothEndsAndAGridAWeekOn(t *testing.T) {
	day := date(2027, 3, 1)
	for what, c := range map[string]struct {
		days        Days
		from, until civil.Date
	}{
		"a date":       {DaysAround(day), date(2027, 2, 27), date(2027, 3, 10)},
		"a schedule":   {Schedule{EffectiveFrom: day, EffectiveUntil: ptr(date(2027, 3, 5))}.Days(), date(2027, 2, 27), date(2027, 3, 14)},
		"an exception": {Exception{From: at(day, 9, 0), To: at(date(2027, 3, 5), 9, 0)}.Days(), date(2027, 2, 27), date(2027, 3, 7)},
	} {
		if *c.days.From != c.from || *c.days.Until != c.until {
			t.Errorf("%s: %v to %v", what, c.days.From, c.days.Until)
		}
	}
	open := Schedule{EffectiveFrom: day}.Days()
	if joined := DaysAround(date(2026, 1, 1)).Join(open); joined.Until != nil || *joined.From != date(2025, 12, 30) {
		t.Errorf("%v to %v", joined.From, joined.Until)
	}
}
