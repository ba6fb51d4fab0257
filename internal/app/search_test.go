package app

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/testkit/gqltest"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

const (
	findLocations = `query($where: LocationFilterInput) { locations(where: $where, first: 100) { totalCount edges { node { name distanceMeters } } } }`
	findProviders = `query($where: ProviderFilterInput) { providers(where: $where, first: 100) { totalCount edges { node { name specialties { name } visitKinds { name } } } } }`
)

// town puts a clinic's locations a hundredth of a degree of latitude apart, 1,112 m, each with a provider who has hours there.
func (w *world) town(t *testing.T, size int) (locations []string) {
	t.Helper()
	for i := range size {
		named := func(of string) vars { return vars{"system": "https://example.org/" + of, "value": fmt.Sprint(i)} }
		place := vars{"identifier": named("sites"), "name": fmt.Sprintf("Site %03d", i), "timeZone": "America/New_York", "addressLines": []string{},
			"latitude": 40 + float64(i)/100, "longitude": -74, "postalCode": fmt.Sprintf("07%03d", i), "country": "US"}
		put := w.admin.Post(t, `mutation($input: PutLocationInput!) { putLocation(input: $input) { location { id distanceMeters } } }`, vars{"input": place}).OK(t)
		if put.Data("putLocation", "location", "distanceMeters") != nil {
			t.Errorf("%s", put.Raw)
		}
		who := vars{"identifier": named("people"), "name": fmt.Sprintf("Dr Ana Rivera %03d", i), "visitKindIds": []string{w.ids["kind"]},
			"specialties": []vars{{"system": "https://example.org/specialties", "code": "c", "display": "Cardiology"}}}
		hired := w.admin.Post(t, `mutation($input: PutProviderInput!) { putProvider(input: $input) { provider { id } } }`, vars{"input": who}).OK(t)
		location, provider := put.Text("putLocation", "location", "id"), hired.Text("putProvider", "provider", "id")
		hours := vars{"providerId": provider, "locationId": location, "effectiveFrom": "2026-06-08", "hours": []vars{{"weekday": "MONDAY", "from": "09:00", "to": "17:00"}}}
		w.admin.Post(t, `mutation($input: SetProviderScheduleInput!) { setProviderSchedule(input: $input) { provider { id } } }`, vars{"input": hours}).OK(t)
		locations = append(locations, location)
	}
	return locations
}

func edges(a gqltest.Answer, list string) []any {
	all, _ := a.Data(list, "edges").([]any)
	return all
}

func circle(latitude, longitude float64, radius int) vars {
	return vars{"circle": vars{"latitude": latitude, "longitude": longitude, "radiusMeters": radius}}
}

func TestPlacesAndPeopleAreFoundByPlaceAndText(t *testing.T) {
	w := newWorld(t)
	ids := w.town(t, 4)
	for name, c := range map[string]struct {
		near      vars
		locations string
	}{
		"a circle":                      {circle(40, -74, 1_200), "Site 000 at 0, Site 001 at 1112"},
		"a circle of the usual radius":  {vars{"circle": vars{"latitude": 40.1, "longitude": -74}}, "Site 002 at 8896, Site 003 at 7784"},
		"a circle of nothing":           {circle(40, 74, 200_000), ""},
		"a postal code":                 {vars{"postalCode": vars{"code": "07-003", "country": "US", "radiusMeters": 1_200}}, "Site 002 at 1112, Site 003 at 0"},
		"a postal code, usual radius":   {vars{"postalCode": vars{"code": "07000", "country": "US"}}, "Site 000 at 0, Site 001 at 1112, Site 002 at 2224, Site 003 at 3336"},
		"the middle of what begins so":  {vars{"postalCode": vars{"code": "07009", "country": "US", "radiusMeters": 600}}, "Site 001 at 556, Site 002 at 556"},
		"locations, as asked and twice": {vars{"locationIds": []string{ids[3], ids[0], ids[3]}}, "Site 000 at <nil>, Site 003 at <nil>"},
		"one location":                  {vars{"locationIds": ids[2]}, "Site 002 at <nil>"},
	} {
		for _, by := range []gqltest.Client{w.Client, w.desk} {
			answer := by.Post(t, findLocations, vars{"where": vars{"near": c.near}}).OK(t)
			var found []string
			for i := range edges(answer, "locations") {
				distance := answer.Data("locations", "edges", i, "node", "distanceMeters")
				found = append(found, fmt.Sprintf("%s at %v", answer.Text("locations", "edges", i, "node", "name"), distance))
			}
			if got := strings.Join(found, ", "); got != c.locations || answer.Data("locations", "totalCount") != float64(len(found)) {
				t.Errorf("%s: %s in %s, want %s", name, got, answer.Raw, c.locations)
			}
			people := by.Post(t, findProviders, vars{"where": vars{"near": c.near, "text": "rivera cardiolgy"}}).OK(t)
			if n := len(edges(people, "providers")); n != len(found) || people.Data("providers", "totalCount") != float64(n) {
				t.Errorf("%s: %d providers at %d locations: %s", name, n, len(found), people.Raw)
			}
		}
	}
	within := w.Post(t, findLocations, vars{"where": vars{"near": circle(40, -74, 1_200), "organizationId": w.ids["foreign organization"]}}).OK(t)
	if len(edges(within, "locations")) != 0 {
		t.Errorf("%s", within.Raw)
	}
	node := w.Post(t, `query($id: ID!) { node(id: $id) { ... on Location { name distanceMeters } } }`, vars{"id": ids[0]}).OK(t)
	if node.Text("node", "name") != "Site 000" || node.Data("node", "distanceMeters") != nil {
		t.Errorf("%s", node.Raw)
	}
}

func TestWhoHasAnOrganisationFindsItsProvidersOnly(t *testing.T) {
	w := newWorld(t)
	w.town(t, 1)
	foreign := w.by(sample.NewClinic(t, w.pool).FrontDesk())
	for _, where := range []vars{{"text": "rivera"}, {"near": circle(40, -74, 100)}} {
		if mine := w.desk.Post(t, findProviders, vars{"where": where}).OK(t); len(edges(mine, "providers")) != 1 {
			t.Errorf("%v: %s", where, mine.Raw)
		}
		if theirs := foreign.Post(t, findProviders, vars{"where": where}).OK(t); len(edges(theirs, "providers")) != 0 || theirs.Data("providers", "totalCount") != 0.0 {
			t.Errorf("%v: %s", where, theirs.Raw)
		}
	}
}

func TestBadPlacesAndTextsAreToldTheirPath(t *testing.T) {
	w := newWorld(t)
	w.town(t, 1)
	postal := func(code, country string, radius int) vars {
		return vars{"postalCode": vars{"code": code, "country": country, "radiusMeters": radius}}
	}
	specialty := globalid.OfSpecialty(w.clinic.Organization, clinic.Coding{System: "https://example.org/specialties", Code: "c"})
	for _, c := range []struct {
		where      vars
		code, path string
	}{
		{vars{"near": circle(40, -74, 0)}, "INVALID_INPUT", "where near circle radiusMeters"},
		{vars{"near": circle(40, -74, 99)}, "INVALID_INPUT", "where near circle radiusMeters"},
		{vars{"near": circle(40, -74, 10_000_000)}, "INVALID_INPUT", "where near circle radiusMeters"},
		{vars{"near": circle(91, -74, 100)}, "INVALID_INPUT", "where near circle latitude"},
		{vars{"near": circle(40, -181, 100)}, "INVALID_INPUT", "where near circle longitude"},
		{vars{"near": vars{"circle": vars{"latitude": json.Number("1e400"), "longitude": 0}}}, "INVALID_INPUT", "where near circle latitude"},
		{vars{"near": postal("99999", "US", 100)}, "INVALID_INPUT", "where near postalCode code"},
		{vars{"near": postal("", "US", 100)}, "INVALID_INPUT", "where near postalCode code"},
		{vars{"near": postal(strings.Repeat("1", 21), "US", 100)}, "INVALID_INPUT", "where near postalCode code"},
		{vars{"near": postal("07000", "ZZ", 100)}, "INVALID_INPUT", "where near postalCode country"},
		{vars{"near": postal("07000", "United States", 100)}, "INVALID_INPUT", "where near postalCode country"},
		{vars{"near": postal("07000", "US", 200_001)}, "INVALID_INPUT", "where near postalCode radiusMeters"},
		{vars{"near": vars{}}, "INVALID_INPUT", "where near"},
		{vars{"near": vars{"locationIds": nil}}, "INVALID_INPUT", "where near"},
		{vars{"near": vars{"locationIds": []string{w.ids["location"]}, "circle": circle(40, -74, 100)["circle"]}}, "INVALID_INPUT", "where near"},
		{vars{"near": vars{"locationIds": []string{}}}, "INVALID_INPUT", "where near locationIds"},
		{vars{"near": vars{"locationIds": make([]string, 101)}}, "INVALID_INPUT", "where near locationIds"},
		{vars{"near": vars{"locationIds": []string{w.ids["location"], "x"}}}, "INVALID_INPUT", "where near locationIds 1"},
		{vars{"near": vars{"locationIds": []string{w.ids["provider"]}}}, "INVALID_INPUT", "where near locationIds 0"},
		{vars{"near": vars{"locationIds": []string{w.ids["location"], w.ids["unknown location"]}}}, "NOT_FOUND", "where near locationIds 1"},
		{vars{"near": vars{"locationIds": []string{w.ids["foreign location"]}}}, "NOT_FOUND", "where near locationIds 0"},
		{vars{"text": ""}, "INVALID_INPUT", "where text"},
		{vars{"text": " \u200b "}, "INVALID_INPUT", "where text"},
		{vars{"text": "a\x00"}, "INVALID_INPUT", "where text"},
		{vars{"text": strings.Repeat("x", 101)}, "INVALID_INPUT", "where text"},
		{vars{"text": strings.Repeat("a ", 11)}, "INVALID_INPUT", "where text"},
		{vars{"text": "zzzzz", "specialtyId": globalid.OfSpecialty(w.clinic.Organization, clinic.Coding{System: "https://example.org/specialties", Code: "none"})}, "NOT_FOUND", "where specialtyId"},
	} {
		for _, document := range []string{findLocations, findProviders} {
			if document == findLocations && c.where["near"] == nil {
				continue
			}
			answer := w.desk.Post(t, document, vars{"where": c.where})
			if path := words(gqltest.At(answer.Body, "errors", 0, "extensions", "path")); answer.Code() != c.code || path != c.path {
				t.Errorf("%v: %s at %q in %.400s", c.where, answer.Code(), path, answer.Raw)
			}
		}
	}
	if answer := w.desk.Post(t, findProviders, vars{"where": vars{"text": "nobody's name", "specialtyId": specialty}}).OK(t); len(edges(answer, "providers")) != 0 {
		t.Errorf("%s", answer.Raw)
	}
}

func TestASearchCostsAConstantNumberOfStatements(t *testing.T) {
	w := newWorld(t)
	w.town(t, 30)
	for _, near := range []vars{circle(40, -74, 200_000), {"postalCode": vars{"code": "07000", "country": "US", "radiusMeters": 200_000}}} {
		for list, document := range map[string]string{"locations": findLocations, "providers": findProviders} {
			where := vars{"near": near}
			if list == "providers" {
				where["text"] = "rivera"
			}
			var counts []int64
			for _, size := range []int{1, 10, 30} {
				answer, n := w.counted(t, w.desk, strings.Replace(document, "100", fmt.Sprint(size), 1), vars{"where": where})
				counts = append(counts, n)
				if len(edges(answer, list)) != size || answer.Data(list, "totalCount") != 30.0 {
					t.Fatalf("%s", answer.Raw)
				}
			}
			if counts[0] == 0 || counts[1] != counts[0] || counts[2] != counts[0] || counts[0] > 5 {
				t.Errorf("pages of 1, 10 and 30 %s near %v cost %v statements", list, near, counts)
			}
		}
	}
}
