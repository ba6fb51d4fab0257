package clinic

import (
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"
)

func after(kind byte, within time.Duration) PutPrerequisite {
	return PutPrerequisite{VisitKind: Ref{ID: uuid.UUID{15: kind}}, Within: within}
}

func TestWhatAVisitAsksForIsKeptInOneOrder(t *testing.T) {
	in := goodKind()
	in.Needs, in.Prerequisites = []string{"ultrasound", " exam "}, []PutPrerequisite{after(2, day), after(1, time.Minute)}
	in.MinimumAge, in.MaximumAge, in.Patients = ptr(0), ptr(150), ptr(NewPatients)
	k, err := in.kind()
	if err != nil {
		t.Fatal(err)
	}
	want := Requirements{
		Needs: []string{"exam", "ultrasound"}, Prerequisites: []Prerequisite{{uuid.UUID{15: 1}, time.Minute}, {uuid.UUID{15: 2}, day}},
		Patients: NewPatients, MinimumAge: ptr(0), MaximumAge: ptr(150),
	}
	if !reflect.DeepEqual(k.Requires, want) {
		t.Errorf("got %+v, want %+v", k.Requires, want)
	}
}

func TestResourcesAreTheSameOnlyWhenAllFieldsAre(t *testing.T) {
	fields := reflect.TypeFor[Resource]()
	for i := range fields.NumField() {
		var changed Resource
		switch name := fields.Field(i).Name; name {
		case "ID", "OrganizationID":
			continue
		case "Identifier":
			changed.Identifier.Value = "1"
		default:
			field := reflect.ValueOf(&changed).Elem().Field(i)
			field.Set(other(field.Type()))
		}
		if changed.Same(Resource{}) {
			t.Errorf("a change of %s goes unnoticed", fields.Field(i).Name)
		}
	}
}

func TestBadTravelRulesAreRefusedWithTheirPath(t *testing.T) {
	way := func(from, to byte, takes time.Duration) SetRoute {
		return SetRoute{From: Ref{ID: uuid.UUID{15: from}}, To: Ref{ID: uuid.UUID{15: to}}, Takes: takes}
	}
	for _, bad := range []struct {
		path string
		in   SetTravelRules
	}{
		{"speedKilometresPerHour", SetTravelRules{Speed: ptr(0)}},
		{"speedKilometresPerHour", SetTravelRules{Speed: ptr(301)}},
		{"margin", SetTravelRules{Margin: ptr(-time.Minute)}},
		{"margin", SetTravelRules{Margin: ptr(90 * time.Second)}},
		{"margin", SetTravelRules{Margin: ptr(241 * time.Minute)}},
		{"routes", SetTravelRules{Routes: make([]SetRoute, 201)}},
		{"routes 0 toLocationId", SetTravelRules{Routes: []SetRoute{way(1, 1, 0)}}},
		{"routes 1 toLocationId", SetTravelRules{Routes: []SetRoute{way(1, 2, 0), way(1, 2, time.Minute)}}},
		{"routes 0 takes", SetTravelRules{Routes: []SetRoute{way(1, 2, 481*time.Minute)}}},
		{"routes 0 takes", SetTravelRules{Routes: []SetRoute{way(1, 2, -time.Minute)}}},
	} {
		_, err := bad.in.rules(uuid.Nil)
		refused(t, err, bad.path)
	}
	both := []SetRoute{way(1, 2, 0), way(2, 1, 480*time.Minute)} // there and back
	rules, err := SetTravelRules{Speed: ptr(300), Margin: ptr(240 * time.Minute), Routes: both, Patients: ptr(false)}.rules(uuid.Nil)
	if err != nil || rules.Patients || !rules.Providers || rules.Routes[1].Takes != MaxWay {
		t.Errorf("%+v, %v", rules, err)
	}
	if rules, err := (SetTravelRules{}).rules(uuid.Nil); err != nil || !rules.Same(DefaultTravel(uuid.Nil)) {
		t.Errorf("what is left out: %+v, %v", rules, err)
	}
}
