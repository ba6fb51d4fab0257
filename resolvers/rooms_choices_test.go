package resolvers_test

import (
	"context"
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/reminder"
)

type choiceRoom struct{ *rooms }

func (r *rooms) preferences() reminder.Preferences {
	p := reminder.DefaultPreferences(r.ref(r.patient.ID))
	by := reminder.ByPatient
	p.Version, p.RemindBefore = 4, []time.Duration{24 * time.Hour, 90 * time.Minute}
	p.Quiet = &reminder.QuietHours{From: civil.Time{Hour: 22, Minute: 30}, Until: civil.Time{Hour: 7}}
	p.Channels[0] = reminder.ChannelChoice{Channel: reminder.SMS, Since: &start, By: &by}
	return p
}

func (r *rooms) ruleSets() []reminder.RuleSet {
	return []reminder.RuleSet{
		{OrganizationID: r.organization.ID, ByDefault: true, Rules: reminder.DefaultRules()},
		{OrganizationID: r.organization.ID, VisitKind: &r.kind.ID},
	}
}

func (r choiceRoom) Of(context.Context, access.Actor, []clinic.Ref) (map[clinic.Ref]reminder.Preferences, error) {
	return map[clinic.Ref]reminder.Preferences{r.ref(r.patient.ID): r.preferences()}, nil
}

func (r choiceRoom) Change(_ context.Context, _ access.Actor, in reminder.ChangePreferences) (reminder.Preferences, error) {
	r.note("Change", in)
	return r.preferences(), r.fail
}

func (r choiceRoom) Rules(_ context.Context, _ access.Actor, organization uuid.UUID) ([]reminder.RuleSet, error) {
	r.note("Rules", organization)
	return r.ruleSets(), r.fail
}

func (r choiceRoom) SetRules(_ context.Context, _ access.Actor, in reminder.SetRules) ([]reminder.RuleSet, error) {
	r.note("SetRules", in)
	return r.ruleSets(), r.fail
}

const preferenceParts = `{ version reminders remindBefore quietHours { from until } channels { channel allowed since by } }`

func TestPreferencesAreShownAndChanged(t *testing.T) {
	a := serve(t, open())
	want := `{"version":4,"reminders":true,"remindBefore":["P1D","PT1H30M"],"quietHours":{"from":"22:30","until":"07:00"},"channels":[` +
		`{"channel":"SMS","allowed":false,"since":"2030-05-06T13:00:00Z","by":"PATIENT"},{"channel":"EMAIL","allowed":true,"since":null,"by":null},` +
		`{"channel":"PUSH","allowed":true,"since":null,"by":null}]}`
	answer := a.as(t, access.FrontDesk).Post(t, `query($id: ID!) { node(id: $id) { ... on Patient { contactPreferences `+preferenceParts+` } } }`, vars{"id": a.patientID()}).OK(t)
	a.says(t, answer.Data("node", "contactPreferences"), want)
	answer = a.as(t, access.FrontDesk).Post(t, document("changeContactPreferences", `contactPreferences `+preferenceParts+` errors { __typename }`), input(vars{
		"patientId": a.patientID(), "expectedVersion": 3, "reminders": false, "remindBefore": []string{}, "quietHours": vars{"from": "00:00", "until": "24:00"},
		"channels": []vars{{"channel": "PUSH", "allowed": true}, {"channel": "VOICE", "allowed": false}},
	})).OK(t)
	a.says(t, answer.Data("changeContactPreferences", "contactPreferences"), want)
	version, off := 3, false
	a.heard(t, reminder.ChangePreferences{
		Patient: a.rooms.ref(a.rooms.patient.ID), ExpectedVersion: &version, Reminders: &off, RemindBefore: []time.Duration{},
		Quiet:    &reminder.QuietHours{Until: civil.Time{Hour: 24}},
		Channels: []reminder.ChannelChange{{Channel: reminder.Push, Allowed: true}, {Channel: reminder.Voice}},
	})
}

func TestReminderRulesAreShownAndSet(t *testing.T) {
	a := serve(t, open())
	const parts = `{ visitKind { id } byDefault rules { key before daysBefore at } }`
	want := `[{"visitKind":null,"byDefault":true,"rules":[{"key":"1-days-before-at-10:00","before":null,"daysBefore":1,"at":"10:00"},` +
		`{"key":"120-min-before","before":"PT2H","daysBefore":null,"at":null}]},{"visitKind":{"id":"` + a.kindID() + `"},"byDefault":false,"rules":[]}]`
	answer := a.as(t, access.Admin).Post(t, `{ reminderRules `+parts+` }`, nil).OK(t)
	a.says(t, answer.Data("reminderRules"), want)
	answer = a.as(t, access.Admin).Post(t, document("setReminderRules", `reminderRules `+parts+` errors { __typename }`), input(vars{
		"visitKindId": a.kindID(), "rules": []vars{{"before": "PT90M"}, {"localTime": vars{"daysBefore": 2, "at": "09:15"}}},
	})).OK(t)
	a.says(t, answer.Data("setReminderRules", "reminderRules"), want)
	kind, before := a.rooms.ref(a.rooms.kind.ID), 90*time.Minute
	a.heard(t, reminder.SetRules{VisitKind: &kind, Rules: []reminder.RuleTime{
		{Before: &before}, {DaysBefore: 2, At: &civil.Time{Hour: 9, Minute: 15}},
	}})
	for rules, want := range map[string][]reminder.RuleTime{"null": nil, "[]": {}} {
		a.as(t, access.Admin).Post(t, `mutation { setReminderRules(input: {rules: `+rules+`}) { errors { __typename } } }`, nil).OK(t)
		a.heard(t, reminder.SetRules{Rules: want})
	}
}

// says compares a part of an answer with what is written as JSON.
func (a *api) says(t *testing.T, got any, want string) {
	t.Helper()
	var wanted any
	if err := json.Unmarshal([]byte(want), &wanted); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, wanted) {
		t.Errorf("got\n%v\nwant\n%v", got, wanted)
	}
}

// heard compares what a room was last asked for.
func (a *api) heard(t *testing.T, want any) {
	t.Helper()
	if !reflect.DeepEqual(a.rooms.heard, want) {
		t.Errorf("the room was asked for %+v, want %+v", a.rooms.heard, want)
	}
}
