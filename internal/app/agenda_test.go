package app

import (
	"fmt"
	"strings"
	"testing"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/testkit/gqltest"
)

// agendas asks for a page of providers with a page of appointments each.
func agendas(providers int, arguments, more string) string {
	return fmt.Sprintf(`{ providers(first: %d) { edges { node { id name appointments(%s) { edges { node { id start end status } } %s } } } } }`, providers, arguments, more)
}

// busy is a clinic whose providers have visits of a patient at 10:00, 10:30 and so on.
type busy struct {
	*world
	me     access.Actor
	people []clinic.Ref
}

func newBusy(t *testing.T, providers, visits int) busy {
	w := newWorld(t)
	b := busy{w, w.clinic.Patient(), nil}
	other := w.clinic.Patient()
	for p := range providers {
		who := w.clinic.Provider(1)
		b.people = append(b.people, who)
		for n := range visits {
			w.clinic.Set(`INSERT INTO appointments (organization_id, id, version, status, provider_id, location_id, visit_kind_id, patient_id, modality,
				starts_at, ends_at, local_start, time_zone, tzdb_version, created_at, created_by, updated_at)
				SELECT $1, gen_random_uuid(), 1, 'BOOKED', $2, $3, $4, $5, 'IN_PERSON', at, at + interval '30 minutes', at AT TIME ZONE 'America/New_York',
					'America/New_York', '2026a', at, $5, at FROM (SELECT $6::timestamptz AS at) v`,
				who.ID, w.clinic.Location, w.clinic.VisitKind, []access.Actor{b.me, other}[(n+p)%2].PatientID, w.clinic.Slot(who, 10+n/2, 30*(n%2)).Start)
		}
	}
	return b
}

func TestAppointmentsOfAPageOfProvidersAreReadAtOnce(t *testing.T) {
	b := newBusy(t, 20, 3)
	for name, more := range map[string]string{"alone": "", "with a total": "totalCount", "with a place in the log": "streamCursor"} {
		var counts []int64
		for _, size := range []int{2, 20} { // the first has no visits
			b.desk.Post(t, agendas(size, "first: 2", more), nil).OK(t)
			_, n := b.counted(t, b.desk, agendas(size, "first: 2", more), nil)
			counts = append(counts, n)
		}
		want := map[string]int64{"with a total": 4}[name]
		if want == 0 {
			want = 3 // the providers, their visits, and the record that these were shown
		}
		if counts[0] != want || counts[1] != want {
			t.Errorf("%s: 2 and 20 providers cost %v statements", name, counts)
		}
	}
	_, n := b.counted(t, b.desk, `{ providers(first: 20) { edges { node {
		soon: appointments(first: 1) { edges { node { id } } } late: appointments(first: 1, orderBy: START_DESC) { edges { node { id } } } } } } }`, nil)
	if n != 4 {
		t.Errorf("two lists of each provider cost %d statements", n)
	}
	_, n = b.counted(t, b.desk, `{ providers(first: 20) { edges { node { appointments(first: 2) { edges { node { patient { name } location { name } } } } } } } }`, nil)
	if n != 5 {
		t.Errorf("with patients and locations: %d statements", n)
	}
}

func TestAProvidersAppointmentsAreThoseOfTheList(t *testing.T) {
	b := newBusy(t, 3, 5)
	const one = `query($p: ID!, $first: Int, $after: String, $last: Int, $o: AppointmentOrder) {
		here: node(id: $p) { ... on Provider { page: appointments(first: $first, after: $after, last: $last, orderBy: $o) { ...Page } } }
		there: appointments(where: {providerId: $p}, first: $first, after: $after, last: $last, orderBy: $o) { ...Page } }
		fragment Page on AppointmentConnection { totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor } edges { cursor node { id version start localStart patient { id } } } }`
	for name, by := range map[string]gqltest.Client{"the front desk": b.desk, "a patient": b.by(b.me), "another patient": b.by(b.clinic.Patient())} {
		for _, variables := range []vars{{"first": 2}, {"last": 2}, {"first": 100, "o": "START_DESC"}, {"first": 1, "o": "UPDATED_DESC"}} {
			for _, p := range b.people {
				variables["p"] = b.id(globalid.Provider, p)
				delete(variables, "after")
				answer := by.Post(t, one, variables).OK(t)
				if variables["first"] != nil && answer.Data("there", "pageInfo", "endCursor") != nil {
					variables["after"] = answer.Data("there", "pageInfo", "endCursor")
					next := by.Post(t, one, variables).OK(t)
					if a, b := fmt.Sprint(next.Data("here", "page")), fmt.Sprint(next.Data("there")); a != b {
						t.Errorf("%s, %v: %s, the list has %s", name, variables, a, b)
					}
				}
				if a, b := fmt.Sprint(answer.Data("here", "page")), fmt.Sprint(answer.Data("there")); a != b {
					t.Errorf("%s, %v: %s, the list has %s", name, variables, a, b)
				}
			}
		}
	}
}

func TestAProvidersAppointmentsAreForWhoeverMaySeeThem(t *testing.T) {
	b := newBusy(t, 1, 4)
	desk := b.clinic.FrontDesk()
	foreign := desk
	foreign.Organization = mustRef(t, b.ids["foreign provider"]).Organization
	platform := desk
	platform.Role, platform.Organization = access.PlatformAdmin, [16]byte{}
	for name, c := range map[string]struct {
		who    access.Actor
		code   string
		visits float64
	}{
		"the front desk":           {desk, "", 4},
		"one of another clinic":    {foreign, "", 0},
		"a platform administrator": {platform, "FORBIDDEN", 0},
		"the patient":              {b.me, "", 2},
		"one who reads no patient": {lacking(desk, access.PatientsRead), "", 0},
		"one without the scope":    {lacking(desk, access.AppointmentsRead), "FORBIDDEN", 0},
		"nobody":                   {access.Nobody(""), "UNAUTHENTICATED", 0},
	} {
		by := b.Client
		if c.who.Kind != access.Anonymous {
			by = b.by(c.who)
		}
		answer := by.Post(t, `query($p: ID!) { node(id: $p) { id ... on Provider { appointments { totalCount edges { node { id } } } } } }`, vars{"p": b.id(globalid.Provider, b.people[0])})
		edges, _ := answer.Data("node", "appointments", "edges").([]any)
		total, _ := answer.Data("node", "appointments", "totalCount").(float64)
		if answer.Code() != c.code || float64(len(edges)) != c.visits || total != c.visits || answer.Text("node", "id") == "" {
			t.Errorf("%s: %s", name, answer.Raw)
		}
	}
}

func mustRef(t *testing.T, id string) clinic.Ref {
	t.Helper()
	parsed, err := globalid.Parse(id)
	if err != nil {
		t.Fatal(err)
	}
	return parsed.Ref
}

// What a list needs is read without the rest of an appointment; with the rest, it is the same.
func TestAnAppointmentIsTheSameInAListWithAndWithoutItsRest(t *testing.T) {
	b := newBusy(t, 2, 3)
	b.clinic.Set(`UPDATE appointments SET confirmed_at = created_at + interval '1 hour', version = 3 WHERE organization_id = $1`)
	const listed = `id version status start end localStart timeZone modality provider { name } location { name } visitKind { name } patient { name }`
	ask := func(fields string) gqltest.Answer {
		return b.desk.Post(t, `query { providers(first: 5) { edges { node { appointments(first: 2, orderBy: UPDATED_DESC) { edges { cursor node {
			... on Node { __typename id } ... on Versioned { version } `+fields+` } } } } } } } fragment Rest on Appointment { confirmedAt createdAt }`, nil)
	}
	brief := ask(listed + ` ... @skip(if: true) { ...Rest }`).OK(t)
	whole := ask(listed + ` ...Rest`).OK(t)
	seen := 0
	for p := range 5 {
		for i := range edges(whole, "providers") {
			at := func(a gqltest.Answer, path ...any) any {
				return gqltest.At(a.Body, append([]any{"data", "providers", "edges", p, "node", "appointments", "edges", i}, path...)...)
			}
			if at(whole, "node") == nil {
				continue
			}
			seen++
			if at(whole, "node", "confirmedAt") == nil || at(brief, "node", "confirmedAt") != nil || at(brief, "cursor") != at(whole, "cursor") {
				t.Errorf("%v and %v", at(brief), at(whole))
			}
			rest := at(whole, "node").(vars)
			delete(rest, "confirmedAt")
			delete(rest, "createdAt")
			if fmt.Sprint(at(brief, "node")) != fmt.Sprint(rest) {
				t.Errorf("%v is otherwise %v", at(brief, "node"), rest)
			}
		}
	}
	if seen != 4 {
		t.Errorf("%d appointments", seen)
	}
}

// A list of names is read without what hangs on a provider; whoever asks for that gets it.
func TestProvidersOfAListHaveWhatIsAskedFor(t *testing.T) {
	w := newWorld(t)
	w.town(t, 1)
	for fields, want := range map[string]string{
		`name`: `{"name":"Dr Ana Rivera 000"}`, `name specialties { name }`: `{"name":"Dr Ana Rivera 000","specialties":[{"name":"Cardiology"}]}`,
		`... on Node { ...Offered } visitKinds { name }`: `{"visitKinds":[{"name":"Check-up"}],"acceptedPlans":{"edges":[]}}`,
	} {
		answer := w.desk.Post(t, `query { providers(where: {text: "rivera"}) { edges { node { `+fields+` } } } }`+
			map[bool]string{true: ` fragment Offered on Provider { visitKinds { name } acceptedPlans { edges { cursor } } }`}[strings.Contains(fields, "Offered")], nil).OK(t)
		if !strings.Contains(string(answer.Raw), want) {
			t.Errorf("%s: %s, want %s", fields, answer.Raw, want)
		}
	}
}
