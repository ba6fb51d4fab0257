package resolvers_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/mediconnect/mediconnect/graph"
	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/testkit/gqltest"
)

// doubling is a short document whose fragments say twice as much each: walked without a memory it is 2^levels long.
func doubling(levels int) string {
	var b strings.Builder
	b.WriteString(`{ viewer { ...F0 } }`)
	for i := range levels {
		fmt.Fprintf(&b, ` fragment F%d on Viewer { ...F%d ...F%d }`, i, i+1, i+1)
	}
	fmt.Fprintf(&b, ` fragment F%d on Viewer { id }`, levels)
	return b.String()
}

func TestDocumentsThatCostTooMuchAreRefused(t *testing.T) {
	a := serve(t, open())
	for name, c := range map[string]struct{ document, code string }{
		"fragments that double":         {doubling(18), "COMPLEXITY_LIMIT_EXCEEDED"},
		"many fragments":                {doubling(40), "COMPLEXITY_LIMIT_EXCEEDED"},
		"a fragment in itself":          {`{ viewer { ...F } } fragment F on Viewer { ...G } fragment G on Viewer { ...F }`, "GRAPHQL_VALIDATION_FAILED"},
		"deep lists":                    {`{ node(id: ` + strings.Repeat("[", 40_000), "COMPLEXITY_LIMIT_EXCEEDED"},
		"deep selections":               {strings.Repeat("{me", 30_000), "COMPLEXITY_LIMIT_EXCEEDED"},
		"deep selections, few tokens":   {strings.Repeat("{me", 450), "GRAPHQL_PARSE_FAILED"},
		"one field again and again":     {`{ viewer { ` + strings.Repeat("id ", 900) + `} }`, "COMPLEXITY_LIMIT_EXCEEDED"},
		"the same in inline fragments":  {`{ viewer { ` + strings.Repeat("... { ", 200) + strings.Repeat("id ", 100) + strings.Repeat("} ", 200) + `} }`, "DEPTH_LIMIT_EXCEEDED"},
		"many tokens":                   {`{ viewer { id } } ` + strings.Repeat("# comment\n", 1) + strings.Repeat(` query Q { viewer { id } }`, 200), "COMPLEXITY_LIMIT_EXCEEDED"},
		"many aliases":                  {`{ ` + aliases(16) + ` }`, "COMPLEXITY_LIMIT_EXCEEDED"},
		"many directives":               {`{ viewer { id ` + strings.Repeat("@skip(if: false) ", 21) + `} }`, "COMPLEXITY_LIMIT_EXCEEDED"},
		"a long way down":               {`{ viewer { asPatient { appointments { edges { node { patient { appointments(first: 1) { edges { node { provider { visitKinds { policy { holdDuration } } } } } } } } } } } } }`, "DEPTH_LIMIT_EXCEEDED"},
		"a long way down introspecting": {`{ __schema { types { ` + strings.Repeat("ofType { ", 14) + `name ` + strings.Repeat("} ", 14) + `} } }`, "DEPTH_LIMIT_EXCEEDED"},
		"pages of pages":                {`{ providers(first: 100) { edges { node { slots(visitKindId: "x", from: "2030-01-01T00:00:00Z", to: "2030-01-02T00:00:00Z", first: 100) { edges { cursor } } } } } }`, "COST_LIMIT_EXCEEDED"},
		"pages in fragments":            {`{ ...A ...A } fragment A on Query { providers(first: 100) { edges { node { ...B } } } } fragment B on Provider { nextAvailable(visitKindId: "x") { id } b: nextAvailable(visitKindId: "x") { id } c: nextAvailable(visitKindId: "x") { id } d: nextAvailable(visitKindId: "x") { id } }`, "COST_LIMIT_EXCEEDED"},
	} {
		answer := a.Post(t, c.document, nil)
		if answer.Code() != c.code {
			t.Errorf("%s: %.300s", name, answer.Raw)
		}
	}
	if len(a.rooms.asked) > 0 {
		t.Errorf("asked %v", a.rooms.asked)
	}
}

func TestSlotsOfManyProvidersArePricedAsTheyAreRead(t *testing.T) {
	a := serve(t, open())
	ids := make([]string, 100)
	for i := range ids {
		slot := a.rooms.slot.SlotID
		slot.Provider = id(byte(i))
		ids[i] = globalid.OfSlot(slot)
	}
	const query = `query($ids: [ID!]!) { nodes(ids: $ids) { id } }`
	if answer := a.Post(t, query, vars{"ids": ids}); answer.Code() != "COST_LIMIT_EXCEEDED" {
		t.Errorf("slots of 100 providers: %.300s", answer.Raw)
	}
	a.Post(t, query, vars{"ids": ids[:25]}).OK(t)
	a.Post(t, query, vars{"ids": slices.Repeat(ids[:1], 100)}).OK(t)
}

func TestTheLimitsAreTheServers(t *testing.T) {
	a := serveWith(t, open(), func(d *graph.Deps) {
		d.Limits.Page, d.Limits.Depth, d.Limits.Tokens, d.Limits.Aliases, d.Limits.Cost, d.Limits.Body = 30, 4, 50, 2, 40, 1000
	})
	for document, want := range map[string]string{
		`{ providers(first: 30) { edges { cursor } } }`:                          "",
		`{ providers(first: 31) { edges { cursor } } }`:                          "INVALID_INPUT",
		`{ providers(last: 31) { edges { cursor } } }`:                           "INVALID_INPUT",
		`{ providers { edges { cursor } } }`:                                     "",
		`{ providers { edges { node { id } } } }`:                                "",
		`{ providers { edges { node { visitKinds { id } } } } }`:                 "DEPTH_LIMIT_EXCEEDED",
		`{ ` + aliases(2) + ` }`:                                                 "",
		`{ ` + aliases(3) + ` }`:                                                 "COMPLEXITY_LIMIT_EXCEEDED",
		`{ ` + strings.Repeat("viewer { id } ", 13) + ` }`:                       "COMPLEXITY_LIMIT_EXCEEDED",
		`{ providers(first: 30) { edges { cursor } } locations { totalCount } }`: "COST_LIMIT_EXCEEDED",
		`{ viewer { id } } #` + strings.Repeat("x", 1000):                        "REQUEST_TOO_LARGE",
	} {
		if answer := a.Post(t, document, nil); answer.Code() != want {
			t.Errorf("%.80s: %s", document, answer.Raw)
		}
	}
}

func aliases(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "a%d: viewer { id } ", i)
	}
	return b.String()
}

func TestUsefulDocumentsPassTheLimits(t *testing.T) {
	a := serve(t, open())
	desk := a.as(t, access.FrontDesk)
	for name, document := range map[string]string{
		"the longest useful path": `mutation($input: TransitionAppointmentInput!) { transitionAppointment(input: $input) {
			query { viewer { asPatient { appointments { edges { node { provider { visitKinds { policy { holdDuration } } } } } } } } } } }`,
		"a page with everything": `{ appointments(first: 100) { edges { node {
			id patient { name } provider { name } location { name } visitKind { name policy { holdDuration } } actions { action allowed } identifiers { value } } } } }`,
		"fifteen aliases": `{ ` + aliases(15) + ` }`,
		"introspection":   introspection,
	} {
		var variables vars
		if strings.HasPrefix(document, "mutation") {
			variables = input(a.mutations()["transitionAppointment"])
		}
		if answer := desk.Post(t, document, variables); len(answer.Errors()) > 0 {
			t.Errorf("%s: %.300s", name, answer.Raw)
		}
	}
}

func TestAnAnswerTellsWhatItCost(t *testing.T) {
	a := serve(t, open())
	next := `nextAvailable(visitKindId: "` + a.kindID() + `") { id }`
	slots := func(to, page string) string {
		return `slots(visitKindId: "` + a.kindID() + `", from: "2030-05-06T00:00:00Z", to: "` + to + `"` + page + `) { edges { cursor } }`
	}
	other := a.rooms.slot.SlotID
	other.Provider = id(44)
	week := a.rooms.slot.SlotID
	week.Start = week.Start.AddDate(0, 0, 7)
	match := func(fitting string) string {
		return globalid.OfMatch(availability.MatchID{Provider: clinic.Ref{Organization: id(1), ID: id(2)}, Location: id(3), Fitting: fitting})
	}
	nodes := func(ids ...string) string { return `{ nodes(ids: ["` + strings.Join(ids, `", "`) + `"]) { id } }` }
	for document, want := range map[string]float64{
		`{ providers(first: 10) { edges { cursor } } }`:                                                      10,
		`{ providers { edges { cursor } } }`:                                                                 25,
		`{ providers(first: 10) { edges { node { ` + next + ` } } } }`:                                       110,
		`{ providers { edges { node { ` + next + ` } } } }`:                                                  275,
		`{ providers { edges { node { ` + slots("2030-05-09T00:00:00Z", ", first: 5") + ` } } } }`:           25 * (1 + 10 + 3*2 + 5),
		`{ providers(first: 1) { edges { node { ` + slots("2030-05-06T00:00:01Z", "") + ` } } } }`:           1 + 10 + 2 + 25,
		`{ providers(first: 1) { edges { node { ` + slots("2030-06-06T00:00:00Z", ", last: 100") + `} } } }`: 1 + 10 + 31*2 + 100,
		nodes(a.kindID(), a.kindID()):                                                                        2,
		`{ nodes(ids: "` + a.kindID() + `") { id } }`:                                                        1,
		nodes(a.slotID(), a.slotID()):                                                                        2 + 10,
		nodes(a.slotID(), globalid.OfSlot(other)):                                                            2 + 2*10,
		nodes(a.slotID(), globalid.OfSlot(week)):                                                             2 + 2*10,
		`{ node(id: "` + a.slotID() + `") { id } }`:                                                          10,
		nodes(match("{}"), match("{}"), match(`{"z":"UTC"}`)):                                                3 + 2*10,
		`{ searchAvailability(where: {}, first: 20) { edges { node { openingCount } } } }`:                   100 + 3*20,
		`{ availabilityCalendar(where: {}, from: "2030-05-06", days: 7) { timeZone } }`:                      95 + 7*2 + 5,
		`{ availabilityCalendar(where: {}, from: "2030-05-06") { timeZone } }`:                               95 + 42*2 + 5,
	} {
		if got := gqltest.At(a.Post(t, document, nil).OK(t).Body, "extensions", "cost", "requested"); got != want {
			t.Errorf("%s costs %v, want %v", document, got, want)
		}
	}
}

// What graphql-js 16 asks for with all of its options.
const introspection = `query IntrospectionQuery { __schema { description queryType { name kind } mutationType { name kind } subscriptionType { name kind }
	types { ...FullType } directives { name description isRepeatable locations args(includeDeprecated: true) { ...InputValue } } } }
fragment FullType on __Type { kind name description specifiedByURL isOneOf
	fields(includeDeprecated: true) { name description args(includeDeprecated: true) { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason }
	inputFields(includeDeprecated: true) { ...InputValue } interfaces { ...TypeRef }
	enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason } possibleTypes { ...TypeRef } }
fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue isDeprecated deprecationReason }
fragment TypeRef on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name
	ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } } }`
