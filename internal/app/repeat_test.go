package app

import (
	"slices"
	"strings"
	"testing"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/testkit/gqltest"
)

const (
	addTimeOff = `mutation($input: AddScheduleExceptionInput!) { addScheduleException(input: $input) { exception { id from to repeat { everyWeeks until dates } }
		errors { ... on UserError { code path } } appointmentsOutsideHours { edges { node { id } } } } }`
	takeBack = `mutation($input: RemoveScheduleExceptionInput!) { removeScheduleException(input: $input) { removedExceptionId removedExceptionIds errors { ... on UserError { code path } } } }`
	timeOff  = `query($id: ID!) { node(id: $id) { ... on Provider { scheduleExceptions(from: "2026-06-01T00:00:00Z", to: "2027-06-01T00:00:00Z", first: 50) {
		edges { node { id from to effect reason repeat { everyWeeks until dates } } } } } } }`
	freeThen = `query($id: ID!, $kind: ID!, $from: DateTime!, $to: DateTime!) { node(id: $id) { ... on Provider { slots(visitKindId: $kind, from: $from, to: $to, first: 50) { edges { node { localStart } } } } } }`
)

// texts are those at a path of a list's items.
func texts(list any, path ...any) (found []string) {
	items, _ := list.([]any)
	for _, item := range items {
		text, _ := gqltest.At(item, path...).(string)
		found = append(found, text)
	}
	return found
}

// visitOn books a visit so many days after the sample's Monday.
func (a *api) visitOn(t *testing.T, of clinic.Ref, days, hour int) string {
	t.Helper()
	slot := a.clinic.Slot(of, hour, 0)
	slot.Start = slot.Start.AddDate(0, 0, days)
	return a.booked(t, globalid.OfSlot(slot), a.clinic.Patient())
}

// afternoon counts what is free from one to five on a date.
func (a *api) afternoon(t *testing.T, provider, date string) int {
	t.Helper()
	free := a.by(a.clinic.FrontDesk()).Post(t, freeThen, vars{"id": provider, "kind": a.kindID(), "from": date + "T17:00:00Z", "to": date + "T21:00:00Z"}).OK(t)
	edges, _ := free.Data("node", "slots", "edges").([]any)
	return len(edges)
}

// A doctor teaches every Wednesday afternoon from 10 June until mid-July, but not on 24 June.
func TestTimeOffThatReturnsShowsWhoNoLongerFitsAndEndsWhereTheClinicSays(t *testing.T) {
	a := newAPI(t)
	of, desk := a.clinic.Provider(1), a.by(a.clinic.FrontDesk())
	provider := globalid.Of(globalid.Provider, of)
	displaced := []string{a.visitOn(t, of, 2, 14), a.visitOn(t, of, 9, 13), a.visitOn(t, of, 23, 16), a.visitOn(t, of, 30, 15)}
	for _, stays := range [][2]int{{2, 10}, {16, 14}, {37, 14}, {5, 14}} { // a morning, the one left out, the one after the last, a Saturday
		a.visitOn(t, of, stays[0], stays[1])
	}
	a.visitOn(t, a.clinic.Provider(1), 2, 14)
	a.change(t, desk, "setDateHours", "provider { id }", vars{ // that Saturday is closed, which isn't news
		"providerId": provider, "locationId": globalid.Of(globalid.Location, clinic.Ref{Organization: of.Organization, ID: a.clinic.Location}), "date": "2026-06-13", "hours": []vars{},
	}).OK(t)
	input := vars{
		"providerId": provider, "from": "2026-06-10T13:00", "to": "2026-06-10T17:00", "effect": "CLOSED", "reason": "Teaches", "idempotencyKey": "k",
		"repeat": vars{"everyWeeks": 1, "until": "2026-07-10", "except": []string{"2026-06-24"}},
	}
	dates := []string{"2026-06-10", "2026-06-17", "2026-07-01", "2026-07-08"}
	for range 2 { // the same key says the same
		added := desk.Post(t, addTimeOff, vars{"input": input}).OK(t)
		if got := texts(added.Data("addScheduleException", "appointmentsOutsideHours", "edges"), "node", "id"); !slices.Equal(got, displaced) {
			t.Errorf("%d no longer fit: %s", len(got), added.Raw)
		}
		if got := texts(added.Data("addScheduleException", "exception", "repeat", "dates")); !slices.Equal(got, dates) || added.Text("addScheduleException", "exception", "from") != "2026-06-10T13:00:00" {
			t.Errorf("it returns on %v: %s", got, added.Raw)
		}
	}
	listed := func(want ...string) (ids []string) {
		t.Helper()
		edges := desk.Post(t, timeOff, vars{"id": provider}).OK(t).Data("node", "scheduleExceptions", "edges")
		for i, from := range texts(edges, "node", "from") {
			if i >= len(want) || from != want[i]+"T13:00:00" || len(want) != len(edges.([]any)) {
				t.Fatalf("listed %v, want %v", edges, want)
			}
		}
		for _, got := range [][]string{texts(edges, "node", "to"), texts(edges, "node", "reason")} {
			if len(got) != len(want) || got[0] != "Teaches" && !strings.HasSuffix(got[0], "T17:00:00") {
				t.Errorf("listed %v", edges)
			}
		}
		return texts(edges, "node", "id")
	}
	ids := listed(dates...)
	took := func(id, part string, want ...string) {
		t.Helper()
		input := vars{"exceptionId": id}
		if part != "" {
			input["part"] = part
		}
		gone := desk.Post(t, takeBack, vars{"input": input}).OK(t)
		if got := texts(gone.Data("removeScheduleException", "removedExceptionIds")); !slices.Equal(got, want) || gone.Text("removeScheduleException", "removedExceptionId") != id {
			t.Errorf("took back %s", gone.Raw)
		}
	}
	if n := a.afternoon(t, provider, "2026-06-17"); n != 0 {
		t.Errorf("%d slots are free while the doctor teaches", n)
	}
	took(ids[1], "", ids[1])
	if n := a.afternoon(t, provider, "2026-06-17"); n != 7 {
		t.Errorf("%d slots are free on the day that was taken back, beside the visit", n)
	}
	took(ids[2], "THIS_AND_LATER", ids[2:]...)
	listed(dates[0])
	if n := a.afternoon(t, provider, "2026-07-01"); n != 7 {
		t.Errorf("%d slots are free after the end, beside the visit", n)
	}
	again := desk.Post(t, takeBack, vars{"input": vars{"exceptionId": ids[2]}}).OK(t)
	if again.Text("removeScheduleException", "errors", 0, "code") != "NOT_FOUND" || again.Text("removeScheduleException", "errors", 0, "path", 1) != "exceptionId" ||
		len(texts(again.Data("removeScheduleException", "removedExceptionIds"))) != 0 {
		t.Errorf("%s", again.Raw)
	}
	left := desk.Post(t, timeOff, vars{"id": provider}).OK(t)
	repeat := []any{"node", "scheduleExceptions", "edges", 0, "node", "repeat"}
	if until := left.Text(append(repeat, "until")...); until != "2026-06-30" || !slices.Equal(texts(left.Data(append(repeat, "dates")...)), dates[:1]) {
		t.Errorf("what is left says %s", left.Raw)
	}
	took(ids[0], "ALL", ids[0])
	if n := a.afternoon(t, provider, "2026-06-10"); n != 7 {
		t.Errorf("%d slots are free when all is taken back, beside the visit", n)
	}
}
