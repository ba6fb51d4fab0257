package resolvers_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/mediconnect/mediconnect/graph"
	"github.com/mediconnect/mediconnect/graph/limits"
	"github.com/mediconnect/mediconnect/internal/testkit/gqltest"
	"github.com/mediconnect/mediconnect/resolvers"
)

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// ask sends parameters by POST, or by GET, where objects are JSON of their own.
func ask(t *testing.T, c gqltest.Client, method string, params vars) gqltest.Answer {
	t.Helper()
	if method == http.MethodPost {
		return c.Send(t, c.Request(inJSON(t, params)))
	}
	query := url.Values{}
	for name, value := range params {
		text, plain := value.(string)
		if !plain {
			text = string(inJSON(t, value))
		}
		query.Set(name, text)
	}
	return c.Send(t, httptest.NewRequest(method, "/graphql?"+query.Encode(), nil))
}

func inJSON(t testing.TB, value any) []byte {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func persisted(hash string) vars {
	return vars{"persistedQuery": vars{"version": 1, "sha256Hash": hash}}
}

func TestADocumentIsKeptByTheHashThatItWasSentWith(t *testing.T) {
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		a := serve(t, open())
		document := `query Kind { viewer { kind } } # ` + method
		byHash := vars{"extensions": persisted(hashOf(document))}
		missed := ask(t, a.Client, method, byHash)
		if missed.Code() != "PERSISTED_QUERY_NOT_FOUND" || gqltest.At(missed.Body, "errors", 0, "message") != "PersistedQueryNotFound" {
			t.Errorf("%s of what was never sent: %s", method, missed.Raw)
		}
		ask(t, a.Client, method, vars{"query": document, "extensions": persisted(hashOf(document))}).OK(t)
		for _, again := range []string{http.MethodGet, http.MethodPost} {
			if answer := ask(t, a.Client, again, byHash).OK(t); answer.Text("viewer", "kind") != "ANONYMOUS" {
				t.Errorf("%s: %s", again, answer.Raw)
			}
		}
	}
}

func TestAMissedHashIsNoFaultOfTheNetwork(t *testing.T) {
	a := serve(t, open())
	for accept, status := range map[string]int{jsonType: http.StatusOK, newType: http.StatusBadRequest} {
		r := a.Request(inJSON(t, vars{"extensions": persisted(hashOf("x"))}))
		r.Header.Set("Accept", accept)
		answer := a.Send(t, r)
		if _, has := answer.Body["data"]; answer.Status != status || has {
			t.Errorf("%s: status %d, %s", accept, answer.Status, answer.Raw)
		}
	}
}

func TestOnlyADocumentThatPassesIsKept(t *testing.T) {
	a := serve(t, open())
	for name, document := range map[string]string{
		"above a limit": doubling(18), "not valid": `{ nothing }`, "not parsed": `{ viewer {`, "too long": `{ viewer { kind } } #` + strings.Repeat("x", 8<<10),
	} {
		ask(t, a.Client, http.MethodPost, vars{"query": document, "extensions": persisted(hashOf(document))})
		if answer := ask(t, a.Client, http.MethodPost, vars{"extensions": persisted(hashOf(document))}); answer.Code() != "PERSISTED_QUERY_NOT_FOUND" {
			t.Errorf("%s: %.300s", name, answer.Raw)
		}
	}
}

func TestAHashThatIsNotTheDocumentsIsRefused(t *testing.T) {
	a := serve(t, open())
	const document = `{ viewer { kind } }`
	for name, extensions := range map[string]vars{
		"of another document": persisted(hashOf("x")),
		"in upper case":       persisted(strings.ToUpper(hashOf(document))),
		"too short":           persisted("00"),
		"of another version":  {"persistedQuery": vars{"version": 2, "sha256Hash": hashOf(document)}},
		"without a version":   {"persistedQuery": vars{"sha256Hash": hashOf(document)}},
		"no object":           {"persistedQuery": "x"},
		"a list":              {"persistedQuery": []string{"x"}},
	} {
		if answer := ask(t, a.Client, http.MethodPost, vars{"query": document, "extensions": extensions}); answer.Code() != "BAD_REQUEST" {
			t.Errorf("a hash %s: %s", name, answer.Raw)
		}
	}
	if answer := ask(t, a.Client, http.MethodPost, vars{"query": document, "extensions": vars{"persistedQuery": nil}}); len(answer.Errors()) > 0 {
		t.Errorf("null is no hash: %s", answer.Raw)
	}
}

const (
	kindDocument = `query Kind { viewer { kind } }`
	apolloName   = `query Place($id: ID!) { node(id: $id) { ... on Location { name } } }`
)

func manifest(t *testing.T) []byte {
	return inJSON(t, vars{"sha256:" + hashOf(kindDocument): kindDocument, "place-1": apolloName, hashOf(apolloName): apolloName,
		"write": `mutation { releaseHold(input: {holdId: "x"}) { errors { __typename } } }`})
}

func trusting(t *testing.T, only bool) *api {
	t.Helper()
	return serveWith(t, open(), func(d *graph.Deps) {
		trusted, err := graph.ReadTrusted(manifest(t), d.Schema, d.Limits)
		if err != nil {
			t.Fatal(err)
		}
		d.Trusted, d.TrustedOnly = trusted, only
	})
}

func TestATrustedDocumentIsNamedByItsID(t *testing.T) {
	for _, only := range []bool{false, true} {
		a := trusting(t, only)
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			answer := ask(t, a.Client, method, vars{"documentId": "sha256:" + hashOf(kindDocument)}).OK(t)
			if answer.Text("viewer", "kind") != "ANONYMOUS" {
				t.Errorf("%s by hash: %s", method, answer.Raw)
			}
			for _, name := range []vars{{"documentId": "place-1"}, {"extensions": persisted(hashOf(apolloName))}} {
				name["variables"], name["operationName"] = vars{"id": a.locationID()}, "Place"
				if answer := ask(t, a.Client, method, name).OK(t); answer.Text("node", "name") != "Main Street" {
					t.Errorf("%s by %v: %s", method, name, answer.Raw)
				}
			}
			if answer := ask(t, a.Client, method, vars{"documentId": "unknown"}); answer.Code() != "DOCUMENT_NOT_FOUND" || len(answer.Errors()) != 1 {
				t.Errorf("%s of an unknown id: %s", method, answer.Raw)
			}
			if answer := ask(t, a.Client, method, vars{"documentId": "place-1", "query": apolloName}); answer.Code() != "BAD_REQUEST" {
				t.Errorf("%s of an id with a query: %s", method, answer.Raw)
			}
		}
		if answer := ask(t, a.Client, http.MethodGet, vars{"documentId": "write"}); answer.Status != http.StatusMethodNotAllowed {
			t.Errorf("a change by GET: status %d, %s", answer.Status, answer.Raw)
		}
	}
}

func TestAServerOfTrustedDocumentsExecutesNoOther(t *testing.T) {
	a := trusting(t, true)
	const other = `{ viewer { id } }`
	for name, c := range map[string]struct {
		params vars
		code   string
	}{
		"a document":                       {vars{"query": other}, "DOCUMENT_NOT_TRUSTED"},
		"a trusted one's text":             {vars{"query": kindDocument}, "DOCUMENT_NOT_TRUSTED"},
		"a document and its hash":          {vars{"query": other, "extensions": persisted(hashOf(other))}, "PERSISTED_QUERY_NOT_SUPPORTED"},
		"a hash":                           {vars{"extensions": persisted(hashOf(other))}, "PERSISTED_QUERY_NOT_SUPPORTED"},
		"a trusted hash, another document": {vars{"query": other, "extensions": persisted(hashOf(kindDocument))}, "PERSISTED_QUERY_NOT_SUPPORTED"},
		"an id in the extensions":          {vars{"query": other, "extensions": vars{"documentId": "place-1"}}, "DOCUMENT_NOT_TRUSTED"},
		"introspection":                    {vars{"query": introspection}, "DOCUMENT_NOT_TRUSTED"},
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			if answer := ask(t, a.Client, method, c.params); answer.Code() != c.code {
				t.Errorf("%s of %s: %s", method, name, answer.Raw)
			}
		}
	}
}

func TestAManifestTellsAllItsFaults(t *testing.T) {
	_, err := graph.ReadTrusted(inJSON(t, vars{
		"sha256:" + strings.Repeat("0", 64): kindDocument, "two words": kindDocument, "md5:00": kindDocument,
		"misspelt": `{ nothing also }`, "unparsed": `{ viewer {`, "deep": doubling(18), "fragment": `fragment F on Viewer { id }`, "good": kindDocument,
	}), resolvers.Schema(&resolvers.Resolver{}), limits.Default())
	text := fmt.Sprint(err)
	for _, fault := range []string{
		"is not the hash of its document", `"two words" is no id`, `"md5:00" is no id`, "misspelt: ", `"nothing"`, `"also"`, "unparsed: ", "more than 2000 selections", "fragment: ",
	} {
		if !strings.Contains(text, fault) {
			t.Errorf("it doesn't say %q: %s", fault, text)
		}
	}
	if strings.Contains(text, "good") {
		t.Errorf("it finds fault with what is good: %s", text)
	}
	for _, broken := range []string{``, `[]`, `{}`, `{"a": 1}`, `{"a": "{__typename}"`, `{"a": "{__typename}", "a": "{__typename}"}`, `{"a": "{__typename}"} {}`, `null`} {
		if trusted, err := graph.ReadTrusted([]byte(broken), resolvers.Schema(&resolvers.Resolver{}), limits.Default()); err == nil {
			t.Errorf("%s is taken for %v", broken, trusted)
		}
	}
}
