package privacy_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/mediconnect/mediconnect/internal/access"
)

// samples are values that fit, by scalar.
var samples = map[string]any{
	"Int": 1, "Float": 1, "Boolean": true, "String": "sample", "DateTime": "2031-01-06T09:00:00Z", "LocalTime": "09:00", "LocalDateTime": "2031-01-06T09:00",
	"LocalDate": "2031-01-06", "Duration": "PT30M", "TimeZone": "Europe/Berlin", "LanguageTag": "en", "URL": "https://example.org/sample",
}

// misfits are canaries of several kinds, to be sent as a value of any type.
var misfits = []any{word, word + " " + accent, born, phone, word + "@example.org", strings.Repeat(word, 700), []any{word}, object{word: word}, "\x00" + word, word + "\n\u202e"}

// deepest is how far inputs are gone into.
const deepest = 4

// rubbish sends what nothing accepts as every input of the schema: each field of Query, Mutation and Subscription, and each field
// with arguments of what has an id.
func (w *world) rubbish(ids map[string]string) {
	roots := map[*ast.Definition]string{w.schema.Query: "query", w.schema.Mutation: "mutation", w.schema.Subscription: "subscription"}
	for def, kind := range roots {
		for _, field := range def.Fields {
			w.misfit(kind, "", def, field, ids)
		}
	}
	for _, def := range w.schema.Types {
		for _, field := range def.Fields {
			if def.Kind != ast.Object || roots[def] != "" || strings.HasPrefix(def.Name, "__") || len(field.Arguments) == 0 {
				continue
			}
			if kind, around := w.around(def, ids); around != "" {
				w.misfit(kind, around, def, field, ids)
			}
		}
	}
}

// around is what a field of a type stands in: something that has an id, what a change answers, or what is asked for with arguments.
func (w *world) around(def *ast.Definition, ids map[string]string) (kind, around string) {
	if id := ids[def.Name]; id != "" {
		return "query", fmt.Sprintf("node(id: %q) { id ... on %s { %s: %%s } }", id, def.Name, word)
	}
	for _, field := range w.schema.Mutation.Fields {
		if field.Type.Name() == def.Name {
			return "mutation", fmt.Sprintf("%s(input: %s) { %s: %%s }", field.Name, literal(w.sample(field.Arguments[0].Type, ids)), word)
		}
	}
	for _, field := range w.schema.Query.Fields {
		if field.Type.Name() == def.Name && len(field.Arguments) > 0 {
			var given []string
			for _, arg := range field.Arguments {
				if arg.Type.NonNull {
					given = append(given, arg.Name+": "+literal(w.sample(arg.Type, ids)))
				}
			}
			return "query", fmt.Sprintf("%s(%s) { %s: %%s }", field.Name, strings.Join(given, ", "), word)
		}
	}
	return "", ""
}

// misfit sends rubbish as each input of a field, one at a time, as a variable and as a literal.
func (w *world) misfit(kind, around string, def *ast.Definition, field *ast.FieldDefinition, ids map[string]string) {
	body := ""
	if out := w.schema.Types[field.Type.Name()]; out.IsCompositeType() {
		body = " { __typename"
		if e := out.Fields.ForName("errors"); e != nil {
			body += faults
		}
		body += " }"
	}
	people := allowed(field)
	headers := map[string]string{}
	if kind == "subscription" {
		headers["Accept"] = "text/event-stream"
	}
	for _, target := range field.Arguments {
		for i, value := range w.rubbishes(fmt.Sprintf("%s.%s(%s)", def.Name, field.Name, target.Name), target.Type, deepest, ids) {
			var heads, passed, literals []string
			variables := map[string]any{}
			for _, arg := range field.Arguments {
				given := value
				if arg != target {
					if !arg.Type.NonNull || arg.DefaultValue != nil {
						continue
					}
					given = w.sample(arg.Type, ids)
				}
				heads = append(heads, fmt.Sprintf("$%s%s: %s", arg.Name, word, arg.Type))
				passed = append(passed, fmt.Sprintf("%s: $%s%s", arg.Name, arg.Name, word))
				literals = append(literals, arg.Name+": "+literal(given))
				variables[arg.Name+word] = given
			}
			whole := func(args []string) string {
				text := field.Name + "(" + strings.Join(args, ", ") + ")" + body
				if around == "" {
					return text
				}
				return strings.Replace(around, "%s", text, 1)
			}
			who := people[i%len(people)]
			w.askWith(who, named(kind, "("+strings.Join(heads, ", ")+")", whole(passed)), variables, headers)
			w.askWith(who, named(kind, "", whole(literals)), nil, headers)
		}
	}
}

// allowed are callers who may ask for a field, so that no value goes unread for want of a right; anybody, where no scope is needed.
func allowed(field *ast.FieldDefinition) (people []string) {
	names := map[access.Role]string{
		access.FrontDesk: "FRONT_DESK", access.Admin: "ADMIN", access.Auditor: "AUDITOR", access.Provider: "doctor", access.PlatformAdmin: "PLATFORM_ADMIN",
		access.Caregiver: "CAREGIVER",
	}
	needs := field.Directives.ForName("requiresScopes")
	for role, name := range names {
		if needs == nil || slices.ContainsFunc(access.ScopesOf(role), func(scope string) bool { return strings.Contains(needs.Arguments[0].Value.String(), scope) }) {
			people = append(people, name)
		}
	}
	slices.Sort(people)
	return people
}

// rubbishes are values of an input with rubbish at one place each; inputs that are shown to everybody get none.
func (w *world) rubbishes(coordinate string, of *ast.Type, depth int, ids map[string]string) (all []any) {
	if slices.Contains(shown, coordinate) {
		return nil
	}
	if of.Elem != nil {
		for _, value := range w.rubbishes(coordinate, of.Elem, depth, ids) {
			all = append(all, []any{value})
		}
		return all
	}
	def := w.schema.Types[of.Name()]
	if def.Kind != ast.InputObject {
		if isPublic(coordinate) {
			return nil
		}
		return misfits
	}
	if depth == 0 {
		return nil
	}
	for _, field := range def.Fields {
		for _, value := range w.rubbishes(def.Name+"."+field.Name, field.Type, depth-1, ids) {
			in, _ := w.sample(of, ids).(map[string]any)
			if def.Directives.ForName("oneOf") != nil {
				in = map[string]any{}
			}
			in[field.Name] = value
			all = append(all, in)
		}
	}
	in, _ := w.sample(of, ids).(map[string]any)
	in[word] = word
	return append(all, in, word, []any{word})
}

// sample is a value that fits a type: of an input no more than is needed.
func (w *world) sample(of *ast.Type, ids map[string]string) any {
	if of.Elem != nil {
		return []any{w.sample(of.Elem, ids)}
	}
	def := w.schema.Types[of.Name()]
	switch {
	case def.Kind == ast.Enum:
		return enum(def.EnumValues[0].Name)
	case def.Name == "ID":
		return ids["Patient"]
	case def.Kind == ast.Scalar:
		return samples[def.Name]
	}
	in := map[string]any{}
	for _, field := range def.Fields {
		if field.Type.NonNull && field.DefaultValue == nil {
			in[field.Name] = w.sample(field.Type, ids)
		}
	}
	if def.Directives.ForName("oneOf") != nil {
		in[def.Fields[0].Name] = w.sample(def.Fields[0].Type, ids)
	}
	return in
}

// enum is a value that is written without quotes in a document.
type enum string

// literal writes a value as a document has it.
func literal(value any) string {
	switch value := value.(type) {
	case enum:
		return string(value)
	case []any:
		var items []string
		for _, item := range value {
			items = append(items, literal(item))
		}
		return "[" + strings.Join(items, ", ") + "]"
	case map[string]any:
		var fields []string
		for name, item := range value {
			fields = append(fields, name+": "+literal(item))
		}
		return "{" + strings.Join(fields, ", ") + "}"
	case object:
		return literal(maps.Clone(map[string]any(value)))
	}
	text, _ := json.Marshal(value) // a plain value
	return string(text)
}

// documents are what can be wrong with a document, by the names in it.
var documents = []string{
	"%[1]s", "{ %[1]s }", "{ viewer { %[1]s } }", "{ viewer(%[1]s: 1) { id } }", "query($%[1]s: %[1]s) { viewer { id } }", "query($%[1]s: Int) { viewer { id } }",
	"{ ...%[1]s }", "{ viewer { ...%[1]s } } fragment %[1]s on %[1]s { id }", "fragment %[1]s on Viewer { ...%[1]s } { viewer { ...%[1]s } }",
	"fragment %[1]s on Viewer { id } { viewer { id } }", "fragment %[1]s on Viewer { id } fragment %[1]s on Viewer { id } { viewer { ...%[1]s } }",
	"{ viewer @%[1]s { id } }", "{ viewer { id @include(if: $%[1]s) } }", "query %[1]s { viewer { id } } query %[1]s { viewer { id } }",
	"{ %[1]s: viewer { id } %[1]s: service { build } }", "{ viewer { %[1]s: id %[1]s: kind } }", "{ viewer { a: %[1]s1 a: %[1]s2 } }", "{ viewer { %[1]s: id { id } } }",
	"{ viewer { %[1]s: patients } }", "query %[1]s($%[1]s: Int, $%[1]s: Int) { viewer { id } }", "query($%[1]s: Viewer) { viewer { id } }",
	"query($%[1]s: String) { nodes(ids: $%[1]s) { id } }", "{ viewer { ... on %[1]s { id } } }", "{ node(id: 1) { ... on Patient { ...%[1]s } } } fragment %[1]s on Location { id }",
	`{ node(id: "%[1]s", id: "%[1]s") { id } }`, `{ patients(where: {name: "%[1]s", name: "%[1]s"}) { totalCount } }`, "subscription %[1]s { viewer { id } }", "subscription %[1]s { %[1]s }",
	`{ node(id: "%[1]s`, `{ node(id: """%[1]s`, `{ node(id: "\u%[1]s") { id } }`, `{ node(id: "\ud800%[1]s") { id } }`, "{ node(id: %[1]s) { id } }", "{ node(id: [%[1]s]) { id } }",
	`{ patients(where: {birthDate: "%[1]s"}) { totalCount } }`, `{ patients(where: %[1]s) { totalCount } }`, "# %[1]s", "\uFEFF%[1]s", "{ %[1]s { __schema { types { name } } } }",
	`type %[1]s { %[1]s: %[1]s }`, `{ __type(name: "%[1]s") { name } %[1]s: viewer { id } }`, `{ a: patients(where: {name: "%[1]s"}, first: 1000) { totalCount } }`, `{ viewer { id } } %[1]s`,
}

// documentRubbish sends documents that are none, or not valid.
func (w *world) documentRubbish() {
	for _, document := range documents {
		text := strings.ReplaceAll(document, "%[1]s", word)
		w.ask("FRONT_DESK", text, map[string]any{word: word})
		w.do(http.MethodGet, "/graphql?"+url.Values{"query": {text}, "operationName": {word}, "variables": {`{"` + word + `": "` + word + `"`}}.Encode(), "nobody", nil, nil)
	}
	deep := strings.Repeat("{ "+word+" ", 200) + strings.Repeat("}", 200)
	w.ask("FRONT_DESK", deep, nil)
	w.ask("FRONT_DESK", "{ "+strings.Repeat(word+": viewer { id } ", 4000)+"}", nil)
}

// requestRubbish sends what is no GraphQL request, or hardly HTTP.
func (w *world) requestRubbish() {
	for _, body := range []string{
		word, `{"query": "` + word, `{"query": "{ viewer { id } }", "variables": {"` + word + `": `, `["` + word + `"]`, `"` + word + `"`, `{"query": ["` + word + `"]}`,
		`{"query": {"` + word + `": "` + word + `"}}`, `{"query": "{ viewer { id } }", "variables": "` + word + `"}`, `{"query": "{ viewer { id } }", "` + word + `": "` + word + `"}`,
		`{"query": "{ viewer { id } }", "operationName": "` + word + `"}`, `{"query": "{ viewer { id } }", "extensions": {"` + word + `": "` + word + `"}}`, "\xff" + word,
		`{"query": "query($a: ID!) { node(id: $a) { id } }", "variables": {"a": "` + word + "\xff" + `"}}`, `{"query": "query($a: ID!) { node(id: $a) { id } }", "variables": {"` + word + `": "\ud800"}}`,
		`{"operationName": "` + word + `"}`, `{} ` + word, `{"query": "` + strings.Repeat(word, 200_000) + `"}`,
	} {
		for _, who := range []string{"nobody", "forged", "FRONT_DESK"} {
			w.do(http.MethodPost, "/graphql", who, []byte(body), nil)
		}
		w.do(http.MethodPost, "/graphql?"+word, "nobody", []byte(body), map[string]string{"Content-Type": "text/" + word})
	}
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodHead, word} {
		for _, path := range []string{
			"/" + word, "/calendar/appointments/" + word + ".ics", "/calendar/" + word, "/graphiql/" + word, "/graphiql?" + word, "/health?name=" + word, "/health/ready/" + word, "/health/" + word,
			"/graphql?query={viewer{id}}&name=" + word + ";" + word, "/graphql?variables=" + word + "&query={" + word + "}", "/graphql?%zz" + word, "/graphql/" + word, "//" + word + "/../" + word, "/metrics/" + word,
		} {
			w.do(method, strings.ReplaceAll(path, "%zz", "%25zz"), "nobody", []byte(word), nil)
		}
	}
	for header, value := range map[string]string{
		"Authorization": word + " " + word, "Accept": "text/" + word, "Content-Type": word, "Idempotency-Key": strings.Repeat(word, 40), "Accept-Language": word + "," + word + ";q=" + word,
		"X-Request-Id": strings.Repeat(word, 100), "Content-Encoding": word, "Expect": word, "Traceparent": "00-" + word + "-01",
	} {
		w.do(http.MethodPost, "/graphql", "FRONT_DESK", []byte(`{"query": "{ viewer { id } }"}`), map[string]string{header: value})
	}
	for _, raw := range []string{
		"GET /" + word + " HTTP/9.9\r\n\r\n", word + "\r\n\r\n", "GET /graphql HTTP/1.1\r\n" + word + "\r\n\r\n", "GET /graphql HTTP/1.1\r\nHost: " + word + "\r\nContent-Length: " + word + "\r\n\r\n",
		"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n" + word + "\r\n", "GET /%" + word + " HTTP/1.1\r\nHost: x\r\n\r\n",
		"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{\"query\": \"" + word, "GET /graphql HTTP/1.1\r\nHost: x\r\nName: " + strings.Repeat(word, 20_000) + "\r\n\r\n",
	} {
		w.raw(raw)
	}
}

// raw says something on a connection, hangs up on its own side, and keeps the answer.
func (w *world) raw(text string) {
	w.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.server.URL, "http://"))
	w.must(err)
	defer conn.Close()
	w.must(conn.SetDeadline(time.Now().Add(10 * time.Second)))
	_, _ = io.WriteString(conn, text) // the server may have hung up already
	if half, ok := conn.(*net.TCPConn); ok {
		_ = half.CloseWrite()
	}
	answer, _ := io.ReadAll(conn)
	_, _ = w.answers.Write(answer)
}
