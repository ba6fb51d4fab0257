package app

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/testkit/gqltest"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

const (
	findCare = `query($where: AvailabilitySearchInput!, $by: AvailabilityOrder, $first: Int, $after: String, $last: Int, $before: String) {
		searchAvailability(where: $where, orderBy: $by, first: $first, after: $after, last: $last, before: $before) {
			totalCount streamCursor pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
			edges { cursor node { id openingCount provider { name } location { id name distanceMeters }
				nextAvailable { id start localStart timeZone status visitKind { name } } upcoming(limit: 3) { start } } } } }`
	countDays = `query($where: AvailabilitySearchInput!, $from: LocalDate!, $days: Int! = 42) {
		availabilityCalendar(where: $where, from: $from, days: $days) {
			timeZone nextDayWithOpenings streamCursor days { date openingCount firstStart level } } }`
)

// matched lists where a search found openings, and when.
func matched(a gqltest.Answer) string {
	var list []string
	for i := range edges(a, "searchAvailability") {
		node := func(path ...any) any {
			return a.Data(append([]any{"searchAvailability", "edges", i, "node"}, path...)...)
		}
		list = append(list, fmt.Sprintf("%v %v", node("location", "name"), node("nextAvailable", "localStart")))
	}
	return strings.Join(list, ", ")
}

func TestCareIsFoundByPlaceAndTime(t *testing.T) {
	w := newWorld(t)
	ids := w.town(t, 3)
	monday := func(hour string) string { return " 2026-06-08T" + hour + ":00:00" }
	near := circle(40.02, -74, 5_000)
	for name, c := range map[string]struct {
		where vars
		by    string
		want  string
	}{
		"near":           {vars{"near": near}, "SOONEST", "Site 002" + monday("09") + ", Site 001" + monday("09") + ", Site 000" + monday("09")},
		"in the evening": {vars{"near": near, "timesOfDay": []vars{{"from": "16:00", "to": "24:00"}}}, "NEAREST", "Site 002" + monday("16") + ", Site 001" + monday("16") + ", Site 000" + monday("16")},
		"of another zone": {vars{"near": near, "timesOfDay": []vars{{"from": "16:00", "to": "24:00"}}, "timeZone": "Europe/Berlin"}, "RELEVANCE",
			"Site 002" + monday("10") + ", Site 001" + monday("10") + ", Site 000" + monday("10")},
		"at a place":     {vars{"near": vars{"locationIds": ids[1]}}, "SOONEST", "Site 001" + monday("09")},
		"by postal code": {vars{"near": vars{"postalCode": vars{"code": "07001", "country": "US", "radiusMeters": 100}}}, "SOONEST", "Site 001" + monday("09")},
		"next week":      {vars{"near": near, "from": "2026-06-09T00:00:00Z", "to": "2026-06-16T00:00:00Z"}, "NEAREST", "Site 002 2026-06-15T09:00:00, Site 001 2026-06-15T09:00:00, Site 000 2026-06-15T09:00:00"},
		"too late":       {vars{"near": near, "from": "2026-06-09T00:00:00Z", "to": "2026-06-10T00:00:00Z"}, "SOONEST", ""},
		"by video":       {vars{"near": near, "modalities": []string{"VIDEO"}}, "SOONEST", ""},
		"without steps":  {vars{"near": near, "stepFreeAccess": true}, "SOONEST", ""},
		"in Spanish":     {vars{"language": "es"}, "SOONEST", ""},
		"by kind":        {vars{"near": near, "visitKindId": w.ids["kind"], "providerIds": []string{w.ids["provider"]}}, "SOONEST", ""},
		"in English":     {vars{"language": "en-GB", "organizationId": w.ids["organization"]}, "SOONEST", "Main Street" + monday("09")},
		"one provider":   {vars{"providerIds": []string{w.ids["provider"]}}, "SOONEST", "Main Street" + monday("09")},
	} {
		for _, by := range []gqltest.Client{w.Client, w.desk} {
			answer := by.Post(t, findCare, vars{"where": c.where, "by": c.by}).OK(t)
			if got := matched(answer); got != c.want || answer.Data("searchAvailability", "totalCount") != float64(len(edges(answer, "searchAvailability"))) {
				t.Errorf("%s: %s in %s, want %s", name, got, answer.Raw, c.want)
			}
		}
	}
}

func TestAMatchTellsItsOpeningsAndIsFoundAgain(t *testing.T) {
	w := newWorld(t)
	w.town(t, 2)
	where := vars{"near": circle(40.0, -74, 5_000), "visitKindId": w.ids["kind"], "to": "2026-06-15T00:00:00Z"}
	answer := w.Post(t, findCare, vars{"where": where, "first": 1, "by": "NEAREST"}).OK(t)
	node := func(path ...any) any {
		return answer.Data(append([]any{"searchAvailability", "edges", 0, "node"}, path...)...)
	}
	if node("openingCount") != 16.0 || node("location", "distanceMeters") != 0.0 || node("nextAvailable", "start") != "2026-06-08T13:00:00Z" ||
		node("nextAvailable", "status") != "FREE" || node("upcoming", 2, "start") != "2026-06-08T14:00:00Z" || len(node("upcoming").([]any)) != 3 {
		t.Errorf("%s", answer.Raw)
	}
	const again = `query($id: ID!) { node(id: $id) { id ... on AvailabilityMatch { openingCount nextAvailable { start } upcoming { start } location { name distanceMeters } provider { name } } } }`
	far := w.Post(t, findCare, vars{"where": where, "first": 1, "by": "NEAREST", "after": answer.Data("searchAvailability", "edges", 0, "cursor")}).OK(t)
	id := far.Text("searchAvailability", "edges", 0, "node", "id")
	found := w.Post(t, again, vars{"id": id}).OK(t)
	if found.Data("node", "id") != id || found.Data("node", "openingCount") != 16.0 || found.Data("node", "location", "distanceMeters") != 1112.0 || len(found.Data("node", "upcoming").([]any)) != 6 {
		t.Errorf("%s", found.Raw)
	}
	slot := node("nextAvailable", "id").(string)
	held := w.desk.Post(t, holdIt, vars{"input": vars{"slotId": slot, "idempotencyKey": "k"}}).OK(t)
	if held.Data("holdSlot", "hold") == nil {
		t.Fatalf("%s", held.Raw)
	}
	for by, want := range map[*gqltest.Client]string{&w.Client: "2026-06-08T13:30:00Z", &w.desk: "2026-06-08T13:00:00Z"} {
		mine := by.Post(t, findCare, vars{"where": where, "first": 1, "by": "NEAREST"}).OK(t)
		if got := mine.Data("searchAvailability", "edges", 0, "node", "nextAvailable", "start"); got != want {
			t.Errorf("held, the next opening is %v, want %s", got, want)
		}
	}
}

func TestEverybodysOpeningsAreFoundAcrossOrganisations(t *testing.T) {
	w := newWorld(t)
	w.town(t, 1)
	names := func(by gqltest.Client, where vars) int {
		return len(edges(by.Post(t, findCare, vars{"where": where}).OK(t), "searchAvailability"))
	}
	specialty := globalid.OfSpecialty(w.clinic.Organization, clinic.Coding{System: "https://example.org/specialties", Code: "c"})
	foreign := w.by(sample.NewClinic(t, w.pool).FrontDesk())
	for name, c := range map[string]struct {
		by    gqltest.Client
		where vars
		want  int
	}{
		"all, for anybody":              {w.Client, vars{}, 3},
		"all of one, for anybody":       {w.Client, vars{"organizationId": w.ids["organization"]}, 2},
		"the caller's own":              {w.desk, vars{}, 2},
		"another's, for who asks":       {w.desk, vars{"organizationId": w.ids["foreign organization"]}, 1},
		"a specialty, for anybody":      {w.Client, vars{"specialtyId": specialty}, 1},
		"nothing of one's own":          {foreign, vars{}, 0},
		"a specialty of another by two": {w.Client, vars{"specialtyId": specialty, "organizationId": w.ids["organization"]}, 1},
	} {
		if got := names(c.by, c.where); got != c.want {
			t.Errorf("%s: %d matches, want %d", name, got, c.want)
		}
	}
}

func TestPagesOfMatchesFollowEachOther(t *testing.T) {
	w := newWorld(t)
	w.town(t, 7)
	where := vars{"near": circle(40, -74, 50_000)}
	whole := matched(w.Post(t, findCare, vars{"where": where, "by": "NEAREST", "first": 50}).OK(t))
	for _, way := range []struct{ size, cursor, from, more string }{{"first", "after", "endCursor", "hasNextPage"}, {"last", "before", "startCursor", "hasPreviousPage"}} {
		var pages []string
		var cursor any
		for more := true; more; {
			answer := w.Post(t, findCare, vars{"where": where, "by": "NEAREST", way.size: 3, way.cursor: cursor}).OK(t)
			pages = append(pages, matched(answer))
			cursor, more = answer.Data("searchAvailability", "pageInfo", way.from), answer.Data("searchAvailability", "pageInfo", way.more) == true
		}
		if way.size == "last" {
			slices.Reverse(pages)
		}
		if got := strings.Join(pages, ", "); got != whole || len(pages) != 3 {
			t.Errorf("by %s: %s, want %s", way.size, got, whole)
		}
	}
}

func TestACalendarHasEveryDay(t *testing.T) {
	w := newWorld(t)
	w.town(t, 1)
	where := vars{"near": circle(40, -74, 100)}
	answer := w.Post(t, countDays, vars{"where": where, "from": "2026-06-06", "days": 10}).OK(t)
	var days []string
	for i := range answer.Data("availabilityCalendar", "days").([]any) {
		day := func(field string) any { return answer.Data("availabilityCalendar", "days", i, field) }
		days = append(days, fmt.Sprint(day("date"), " ", day("openingCount"), " ", day("level"), " ", day("firstStart")))
	}
	want := "2026-06-06 0 CLOSED <nil>, 2026-06-07 0 CLOSED <nil>, 2026-06-08 16 OPEN 2026-06-08T13:00:00Z, 2026-06-09 0 CLOSED <nil>, 2026-06-10 0 CLOSED <nil>, " +
		"2026-06-11 0 CLOSED <nil>, 2026-06-12 0 CLOSED <nil>, 2026-06-13 0 CLOSED <nil>, 2026-06-14 0 CLOSED <nil>, 2026-06-15 16 OPEN 2026-06-15T13:00:00Z"
	if got := strings.Join(days, ", "); got != want || answer.Data("availabilityCalendar", "nextDayWithOpenings") != nil || answer.Text("availabilityCalendar", "timeZone") != sample.Zone {
		t.Errorf("%s, want %s", answer.Raw, want)
	}
	next := w.Post(t, countDays, vars{"where": where, "from": "2026-06-09", "days": 3}).OK(t)
	if next.Data("availabilityCalendar", "nextDayWithOpenings") != "2026-06-15" || next.Text("availabilityCalendar", "streamCursor") == "" {
		t.Errorf("%s", next.Raw)
	}
	if usual := w.Post(t, countDays, vars{"where": where, "from": "2026-06-09"}).OK(t); len(usual.Data("availabilityCalendar", "days").([]any)) != 42 {
		t.Errorf("%s", usual.Raw)
	}
}

func TestFindingCareCostsAConstantNumberOfStatements(t *testing.T) {
	w := newWorld(t)
	w.town(t, 30)
	where := vars{"near": circle(40, -74, 200_000)}
	var searches, found, calendars []int64
	for _, size := range []int{1, 10, 30} {
		answer, n := w.counted(t, w.desk, findCare, vars{"where": where, "first": size})
		if len(edges(answer, "searchAvailability")) != size {
			t.Fatalf("%s", answer.Raw)
		}
		searches = append(searches, n)
		var ids []string
		for i := range size {
			ids = append(ids, answer.Text("searchAvailability", "edges", i, "node", "id"))
		}
		again, n := w.counted(t, w.desk, `query($ids: [ID!]!) { nodes(ids: $ids) { ... on AvailabilityMatch { openingCount provider { name } location { name } } } }`, vars{"ids": ids})
		if again.Data("nodes", size-1, "openingCount") == nil {
			t.Fatalf("%s", again.Raw)
		}
		found = append(found, n)
		near := vars{"near": circle(40, -74, 1_112*size-1_000)} // so many providers
		days, n := w.counted(t, w.desk, countDays, vars{"where": near, "from": "2026-06-08", "days": size})
		if days.Data("availabilityCalendar", "days", 0, "openingCount") != float64(min(16*size, 100)) {
			t.Fatalf("%s", days.Raw)
		}
		calendars = append(calendars, n)
	}
	for what, counts := range map[string][]int64{"searches": searches, "matches found again": found, "calendars": calendars} {
		if counts[0] == 0 || counts[1] != counts[0] || counts[2] != counts[0] {
			t.Errorf("%s of 1, 10 and 30 cost %v statements", what, counts)
		}
	}
}

func TestBadSearchesAreToldTheirPath(t *testing.T) {
	w := newWorld(t)
	w.town(t, 2)
	other := w.desk.Post(t, findCare, vars{"where": vars{"near": circle(40, -74, 5_000)}, "first": 1}).OK(t).Text("searchAvailability", "edges", 0, "cursor")
	times := func(from, to string) vars {
		return vars{"timesOfDay": []vars{{"from": "09:00", "to": "10:00"}, {"from": from, "to": to}}}
	}
	plan := func(c clinic.InsurancePlan) string { return globalid.Of(globalid.InsurancePlan, c.Ref()) }
	unknown := plan(clinic.PlanOf(w.clinic.Organization, "Nobody", "None"))
	elsewhere := sample.NewID()
	nobodys := clinic.Coding{System: "http://snomed.info/sct", Code: "1"}
	for _, c := range []struct {
		with       vars
		code, path string
	}{
		{vars{"where": vars{"near": circle(40, -74, 0)}}, "INVALID_INPUT", "where near circle radiusMeters"},
		{vars{"where": vars{"near": circle(40, -74, 10_000_000)}}, "INVALID_INPUT", "where near circle radiusMeters"},
		{vars{"where": vars{"near": circle(91, -74, 100)}}, "INVALID_INPUT", "where near circle latitude"},
		{vars{"where": vars{"near": vars{"postalCode": vars{"code": "99999", "country": "US"}}}}, "INVALID_INPUT", "where near postalCode code"},
		{vars{"where": vars{"near": vars{"locationIds": []string{w.ids["unknown location"]}}}}, "NOT_FOUND", "where near locationIds 0"},
		{vars{"where": times("17:00", "09:00")}, "INVALID_INPUT", "where timesOfDay 1 to"},
		{vars{"where": times("09:00", "09:00")}, "INVALID_INPUT", "where timesOfDay 1 to"},
		{vars{"where": vars{"timesOfDay": slices.Repeat([]vars{{"from": "09:00", "to": "10:00"}}, 25)}}, "INVALID_INPUT", "where timesOfDay"},
		{vars{"where": vars{"from": "2026-06-08T00:00:00Z", "to": "2026-09-09T00:00:00Z"}}, "INVALID_INPUT", "where to"},
		{vars{"where": vars{"to": "2026-09-09T00:00:00Z"}}, "INVALID_INPUT", "where to"},
		{vars{"where": vars{"from": "2026-06-09T00:00:00Z", "to": "2026-06-08T00:00:00Z"}}, "INVALID_INPUT", "where to"},
		{vars{"where": vars{"timeZone": "Mars/Olympus"}}, "INVALID_INPUT", "where timeZone"},
		{vars{"where": vars{"language": "no language"}}, "INVALID_INPUT", "where language"},
		{vars{"where": vars{"insurancePlanId": unknown}}, "NOT_FOUND", "where insurancePlanId"},
		{vars{"where": vars{"insurancePlanId": plan(clinic.PlanOf(elsewhere, "Nobody", "None"))}}, "NOT_FOUND", "where insurancePlanId"},
		{vars{"where": vars{"insurancePlanId": w.ids["kind"]}}, "INVALID_INPUT", "where insurancePlanId"},
		{vars{"where": vars{"visitKindId": w.ids["unknown kind"]}}, "NOT_FOUND", "where visitKindId"},
		{vars{"where": vars{"visitKindId": w.ids["foreign kind"]}}, "NOT_FOUND", "where visitKindId"},
		{vars{"where": vars{"specialtyId": globalid.OfSpecialty(w.clinic.Organization, nobodys)}}, "NOT_FOUND", "where specialtyId"},
		{vars{"where": vars{"specialtyId": globalid.OfSpecialty(elsewhere, nobodys)}}, "NOT_FOUND", "where specialtyId"},
		{vars{"where": vars{"providerIds": []string{w.ids["provider"], w.ids["unknown provider"]}}}, "NOT_FOUND", "where providerIds 1"},
		{vars{"where": vars{"providerIds": []string{w.ids["foreign provider"]}}}, "NOT_FOUND", "where providerIds 0"},
		{vars{"where": vars{"providerIds": slices.Repeat([]string{w.ids["provider"]}, 101)}}, "INVALID_INPUT", "where providerIds"},
		{vars{"where": vars{"organizationId": globalid.OfOrganization(elsewhere)}}, "NOT_FOUND", "where organizationId"},
		{vars{"where": vars{"reschedulingAppointmentId": w.ids["unknown appointment"]}}, "NOT_FOUND", "where reschedulingAppointmentId"},
		{vars{"where": vars{}, "by": "NEAREST"}, "INVALID_INPUT", "orderBy"},
		{vars{"where": vars{}, "first": 51}, "INVALID_INPUT", "first"},
		{vars{"where": vars{}, "first": 1, "after": other}, "INVALID_INPUT", "after"},
		{vars{"where": vars{"near": circle(40, -74, 5_000)}, "by": "NEAREST", "last": 1, "before": other}, "INVALID_INPUT", "before"},
		{vars{"where": vars{}, "after": "WyJ4IiwieSJd"}, "INVALID_INPUT", "after"},
		{vars{"where": vars{}, "from": "2026-06-08", "days": 93}, "INVALID_INPUT", "days"},
		{vars{"where": vars{}, "from": "2026-06-08", "days": 0}, "INVALID_INPUT", "days"},
		{vars{"where": vars{}, "from": "1900-06-08"}, "INVALID_INPUT", "from"},
	} {
		document := findCare
		if c.with["from"] != nil {
			document = countDays
		}
		answer := w.desk.Post(t, document, c.with)
		if path := words(gqltest.At(answer.Body, "errors", 0, "extensions", "path")); answer.Code() != c.code || path != c.path {
			t.Errorf("%v: %s at %q in %.400s", c.with, answer.Code(), path, answer.Raw)
		}
		if calendar := c.with["by"] == nil && c.with["first"] == nil && c.with["after"] == nil && document == findCare; calendar {
			answer = w.desk.Post(t, countDays, vars{"where": c.with["where"], "from": "2026-06-08"})
			if path := words(gqltest.At(answer.Body, "errors", 0, "extensions", "path")); answer.Code() != c.code || path != c.path {
				t.Errorf("calendar of %v: %s at %q in %.400s", c.with, answer.Code(), path, answer.Raw)
			}
		}
	}
	upcoming := strings.Replace(findCare, "limit: 3", "limit: 13", 1)
	if answer := w.desk.Post(t, upcoming, vars{"where": vars{}}); answer.Code() != "INVALID_INPUT" || words(gqltest.At(answer.Body, "errors", 0, "extensions", "path")) != "limit" {
		t.Errorf("%s", answer.Raw)
	}
}
