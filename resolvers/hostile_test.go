package resolvers_test

import (
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/testkit/gqltest"
)

// many writes a text once for each number.
func many(n int, format string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.ReplaceAll(format, "#", fmt.Sprint(i)))
	}
	return b.String()
}

// within puts a text into so many pairs of brackets.
func within(n int, open, text, end string) string {
	return strings.Repeat(open, n) + text + strings.Repeat(end, n)
}

// chain is fragments each of which is used by the one before.
func chain(n int, on, format string) string {
	var b strings.Builder
	for i := range n {
		body := strings.NewReplacer("#", fmt.Sprint(i), "+", fmt.Sprint(min(i+1, n-1))).Replace(format)
		fmt.Fprintf(&b, " fragment F%d on %s { %s }", i, on, body)
	}
	return b.String()
}

var long = strings.Repeat("x", 90_000)

// hostile are documents that cost much wherever they are read without care. All are refused.
var hostile = map[string]string{
	"an 841-byte fragment bomb":        doubling(20),
	"a bomb within 20 fragments":       doubling(19),
	"fragments that use all others":    `{ viewer { ...F0 ...F1 ...F2 } }` + chain(20, "Viewer", "id ...F+ ...F+ ...F+"),
	"fragments in a circle":            `{ viewer { ...F0 } }` + chain(20, "Viewer", "...F+") + ` fragment F20 on Viewer { ...F0 }`,
	"fragments that nobody uses":       `{ viewer { id } }` + chain(20, "Viewer", strings.Repeat("id ", 40)),
	"fragments that nobody defined":    `{ ` + many(450, "...f# ") + `}`,
	"30 KB of one field":               `{ viewer { ` + strings.Repeat("id ", 10_000) + `} }`,
	"one field within the tokens":      `{ viewer { ` + strings.Repeat("id ", 980) + `} }`,
	"one field in fields of one name":  `{ ` + strings.Repeat("viewer { id kind } ", 150) + `}`,
	"one field on interfaces":          `{ node(id: "a") { ` + strings.Repeat("... on Node { id ... on Slot { id version } } ", 60) + `} }`,
	"inline fragments in one another":  `{ viewer { ` + within(300, "... { ", "id", " }") + ` } }`,
	"99 KB of [":                       `{ node(id: ` + strings.Repeat("[", 99_000),
	"brackets within the tokens":       `{ node(id: ` + within(480, "[", "1", "]") + `) { id } }`,
	"objects within the tokens":        `{ searchAvailability(where: ` + within(240, "{near: ", "{}", "}") + `) { timeZone } }`,
	"selections within the tokens":     within(240, "{ viewer ", "{ id }", "}"),
	"a type of lists":                  `query($v: ` + within(450, "[", "ID", "]") + ` = 1) { viewer { id } }`,
	"directives":                       `{ viewer { id ` + strings.Repeat("@skip(if: false) ", 150) + `} }`,
	"aliases":                          `{ ` + aliases(200) + `}`,
	"operations":                       many(150, "query Q# { viewer { id } } "),
	"operations without a name":        many(150, "{ viewer { id } } "),
	"variables with defaults":          `query(` + many(150, "$v#: Int = 1 ") + `) { viewer { id } }`,
	"one variable again and again":     `query(` + many(240, "$v: Int ") + `) { viewer { id } }`,
	"variables that nobody defined":    `{ nodes(ids: [` + many(450, "$v# ") + `]) { id } }`,
	"a list of enum values":            `{ searchAvailability(where: {modalities: [` + strings.Repeat("NONE ", 900) + `]}) { timeZone } }`,
	"long enum values":                 `{ searchAvailability(where: {modalities: [` + strings.Repeat(long[:95]+" ", 900) + `]}) { timeZone } }`,
	"a list of ids":                    `{ nodes(ids: [` + strings.Repeat(`"a" `, 900) + `]) { id } }`,
	"one argument again and again":     `{ nodes(` + strings.Repeat("ids: 1 ", 320) + `) { id } }`,
	"one input field again and again":  `{ searchAvailability(where: {` + strings.Repeat("timeZone: 1 ", 320) + `}) { timeZone } }`,
	"misspelt fields":                  `{ ` + many(900, "f# ") + `}`,
	"misspelt input fields":            `{ searchAvailability(where: {` + many(180, "f#"+long[:400]+": 1 ") + `}) { timeZone } }`,
	"misspelt arguments":               `{ node(` + many(180, "a#"+long[:400]+": 1 ") + `) { id } }`,
	"misspelt types":                   `query(` + many(180, "$v#: T#"+long[:400]+" ") + `) { viewer { id } }`,
	"a long name of a field":           `{ ` + long + ` }`,
	"a long name of a type":            `{ ... on ` + long + ` { id } }`,
	"a long name of an argument":       `{ node(` + long + `: 1) { id } }`,
	"a long name of an input field":    `{ searchAvailability(where: {` + long + `: 1}) { timeZone } }`,
	"a long name of an enum value":     `{ searchAvailability(where: {}, orderBy: ` + long + `) { timeZone } }`,
	"a long name of a directive":       `{ viewer @` + long + ` { id } }`,
	"a long name of a variable's type": `query($v: ` + long + `) { viewer { id } }`,
	"a huge number":                    `{ providers(first: ` + strings.Repeat("9", 90_000) + `) { edges { cursor } } }`,
	"a huge fraction":                  `{ providers(first: 1.` + strings.Repeat("9", 90_000) + `e99999) { edges { cursor } } }`,
	"a huge text":                      `{ node(id: "` + long + `") { id } }`,
	"a huge block of lines":            `{ node(id: """` + strings.Repeat(" \n", 30_000) + `""") { id } }`,
	"a huge block of quotes":           `{ node(id: """` + strings.Repeat(`\"""`, 10_000) + `""") { id } }`,
	"escapes":                          `{ node(id: "` + strings.Repeat(`\u0041`, 12_000) + `") { id } }`,
	"half a pair after escapes":        `{ node(id: "` + strings.Repeat(`\u0041`, 12_000) + `\ud800") { id } }`,
	"texts with escapes":               `{ nodes(ids: [` + strings.Repeat(`"\u0041\u{42}\u0043\u0044" `, 900) + `]) { id } }`,
	"blanks":                           strings.Repeat(" ", 98_000) + `{ viewer { nothing } }`,
	"commas":                           strings.Repeat(",", 98_000) + `{ viewer { nothing } }`,
	"lines":                            strings.Repeat("\n", 48_000) + `{ viewer { nothing } }`,
	"comments":                         strings.Repeat("#\n", 32_000) + `{ viewer { nothing } }`,
	"a comment":                        "#" + strings.Repeat("é", 48_000) + "\n" + `{ viewer { nothing } }`,
	"the schema again and again":       `{ ` + many(15, "a#: __schema { types { name fields { name } } } ") + `}`,
	"the schema by fragments":          `{ ` + strings.Repeat("viewer { ...F0 } ", 3) + `}` + chain(3, "Viewer", "... { ...F+ }") + ` query B { a: __schema { types { b: fields { name type { c: fields { name } } } } } }`,
	"aliases in the schema":            `{ __schema { types { ` + many(14, "a#: fields { name type { fields { name } } } ") + `} } }`,
	"aliases in a part of the schema":  `{ __schema { types { ...F0 } } }` + chain(2, "__Type", "a#: fields { name } b#: fields { name }"),
}

// hostileVariables are values in JSON, of which a few documents make use. None fits its type.
var hostileVariables = map[string]string{
	"lists in lists":       within(9000, "[", "1", "]"),
	"lists without an end": within(45_000, "[", "1", "]"),
	"objects in objects":   within(9000, `{"a":`, "1", "}"),
	"a long list":          "[" + strings.Repeat("1,", 48_000) + "1]",
	"a list of objects":    "[" + strings.Repeat("{},", 32_000) + "1]",
	"an object":            "{" + many(7000, `"k#": 1, `) + `"z": 1}`,
	"a number":             strings.Repeat("9", 90_000),
	"a text of escapes":    `"` + strings.Repeat(`\u0041`, 16_000) + `"`,
	"a text":               `"` + long + `"`,
}

var takingVariables = []string{
	`query($v: ID!) { node(id: $v) { id } }`,
	`query($v: [ID!]!) { nodes(ids: $v) { id } }`,
	`query($v: AvailabilitySearchInput!) { searchAvailability(where: $v) { timeZone } }`,
	`query($v: Int) { providers(first: $v) { edges { cursor } } }`,
	`query($v: ID!) { ` + strings.Repeat("node(id: $v) { id } ", 60) + `}`,
}

// attempts are all hostile requests.
func attempts(t testing.TB) map[string][]byte {
	all := map[string][]byte{"2 MB of [": []byte(`{"query": "` + strings.Repeat("[", 2<<20) + `"}`)}
	for name, document := range hostile {
		all[name] = inJSON(t, vars{"query": document})
	}
	for name, value := range hostileVariables {
		for i, document := range takingVariables {
			all[fmt.Sprint(name, ", document ", i)] = []byte(`{"query": "` + document + `", "variables": {"v": ` + value + `}}`)
		}
	}
	return all
}

// spent is the CPU time that this process has taken.
func spent(t testing.TB) time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		t.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// least is the least of several measurements: others count what the machine did besides.
func least(t testing.TB, c gqltest.Client, body []byte) (time.Duration, gqltest.Answer) {
	var best time.Duration
	var answer gqltest.Answer
	for i := range 5 {
		r := c.Request(body)
		before := spent(t)
		answer = c.Send(t, r)
		if took := spent(t) - before; i == 0 || took < best {
			best = took
		}
	}
	return best, answer
}

// Refusing what is hostile costs less than answering what tools ask for every day: the standard introspection.
func TestAHostileRequestIsRefusedBeforeItCostsMuch(t *testing.T) {
	a := serve(t, open())
	fair, answer := least(t, a.Client, inJSON(t, vars{"query": introspection}))
	answer.OK(t)
	for name, body := range attempts(t) {
		took, answer := least(t, a.Client, body)
		if code := answer.Code(); code == "" || code == "INTERNAL_SERVER_ERROR" {
			t.Errorf("%s: status %d, %.300s", name, answer.Status, answer.Raw)
		}
		if len(answer.Raw) > 10_000 {
			t.Errorf("%s is refused in %d bytes", name, len(answer.Raw))
		}
		if took > fair {
			t.Errorf("%s took %s of CPU, an introspection %s", name, took, fair)
		}
	}
	if len(a.rooms.asked) > 0 {
		t.Errorf("asked %v", a.rooms.asked)
	}
	if answer := a.Post(t, `{ viewer { kind } }`, nil).OK(t); answer.Status != http.StatusOK {
		t.Errorf("afterwards: %s", answer.Raw)
	}
}

func BenchmarkRefusingTheCostliestOf100HostileRequests(b *testing.B) {
	a := serve(b, open())
	all := attempts(b)
	var most time.Duration
	var costliest string
	for b.Loop() {
		for name, body := range all {
			if took, _ := least(b, a.Client, body); took > most {
				most, costliest = took, name
			}
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(most.Microseconds())/1000, "cpu-ms")
	b.Logf("%d requests; the costliest: %s, %s", len(all), costliest, most)
}
