package app

import (
	"encoding/json"
	"regexp"
	"testing"

	"github.com/mediconnect/mediconnect/internal/testkit/gqltest"
)

// secrets are what the world's patients and staff have that is nobody else's, and ids, which no error repeats either.
var secrets = regexp.MustCompile(`Zelda|Quillon|Moreau|1971-02|\+1201555|@quillon|mrn-|key-|Palpitations|funeral|Unwell|Unconscious|@mail\.example|mcv_` +
	`|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\bAQ[A-Za-z0-9_-]{20,}`)

// mind fails when an error tells anything of anybody: the errors of an answer whole, and of a payload's each its sentence and path.
func (r *realm) mind(t *testing.T, p person, answer gqltest.Answer) {
	t.Helper()
	var told []any
	for _, e := range answer.Errors() {
		e, _ := e.(map[string]any)
		extensions, _ := e["extensions"].(map[string]any)
		delete(extensions, "requestId")
		told = append(told, e)
	}
	data, _ := answer.Body["data"].(map[string]any)
	for _, payload := range data {
		failures, _ := gqltest.At(payload, "errors").([]any)
		for _, e := range failures {
			told = append(told, gqltest.At(e, "message"), gqltest.At(e, "path"))
		}
	}
	text, err := json.Marshal(told)
	if err != nil {
		t.Fatal(err)
	}
	if found := secrets.Find(text); found != nil {
		t.Errorf("%s is told %q in %s", p.column, found, text)
	}
}
