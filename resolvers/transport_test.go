package resolvers_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/graph"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/testkit/gqltest"
)

func TestARequestErrorHasAStatusThatFitsTheTypeAndNoData(t *testing.T) {
	a := serve(t, open())
	for name, body := range map[string]string{
		"not parsed":    `{"query": "{ viewer {"}`,
		"not valid":     `{"query": "{ nothing }"}`,
		"no operation":  `{"query": "{ viewer { kind } }", "operationName": "Other"}`,
		"bad variables": `{"query": "query($id: ID!) { node(id: $id) { id } }"}`,
	} {
		for accept, want := range map[string]int{"application/json": http.StatusOK, newType: http.StatusBadRequest} {
			r := a.Request([]byte(body))
			r.Header.Set("Accept", accept)
			answer := a.Send(t, r)
			if _, has := answer.Body["data"]; answer.Status != want || has || answer.Code() == "" {
				t.Errorf("%s as %s: status %d, %s", name, accept, answer.Status, answer.Raw)
			}
		}
	}
}

func TestAFailedFieldHasStatus200AndData(t *testing.T) {
	a := serve(t, open())
	a.rooms.fail = errs.Invalid("The period ends before it starts.", "to")
	r := a.Request([]byte(`{"query": "{ providers { edges { cursor } } service { build } }"}`))
	r.Header.Set("Accept", newType)
	answer := a.Send(t, r)
	if answer.Status != http.StatusOK || answer.Text("service", "build") != "test" || answer.Code() != "INVALID_INPUT" {
		t.Errorf("status %d: %s", answer.Status, answer.Raw)
	}
}

func TestARequestWhoseTimeIsUpIsToldWhenToComeAgain(t *testing.T) {
	a := serve(t, open())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	waits := map[string]bool{}
	for range 100 {
		answer := a.Send(t, a.Request([]byte(`{"query": "{ service { build } }"}`)).WithContext(ctx))
		if answer.Status != http.StatusServiceUnavailable || answer.Code() != "SERVICE_BUSY" {
			t.Fatalf("status %d: %s", answer.Status, answer.Raw)
		}
		wait := answer.Header.Get("Retry-After")
		if seconds, err := strconv.Atoi(wait); err != nil || seconds < 1 || seconds > 5 {
			t.Fatalf("Retry-After %q", wait)
		}
		waits[wait] = true
	}
	if len(waits) < 2 {
		t.Errorf("a hundred callers are all asked to wait %v", waits)
	}
}

func TestACalendarFileOfABusyServiceIsToBeAskedForAgain(t *testing.T) {
	a := serve(t, open())
	link := a.as(t, access.PatientRole).Post(t, `query($id: ID!) { node(id: $id) { ... on Appointment { icsUrl } } }`, vars{"id": a.appointmentID()}).OK(t).Text("node", "icsUrl")
	a.rooms.fail = errs.TryAgain(nil)
	answer := a.Send(t, httptest.NewRequest(http.MethodGet, strings.TrimPrefix(link, "https://api.example.org"), nil))
	if seconds, _ := strconv.Atoi(answer.Header.Get("Retry-After")); answer.Status != http.StatusServiceUnavailable || seconds < 1 || seconds > 5 {
		t.Errorf("status %d, Retry-After %q", answer.Status, answer.Header.Get("Retry-After"))
	}
}

func TestWhatIsNoRequestIsRefused(t *testing.T) {
	a := serve(t, open())
	post := func(kind, body string) *http.Request {
		r := a.Request([]byte(body))
		r.Header.Set("Content-Type", kind)
		return r
	}
	for name, c := range map[string]struct {
		request *http.Request
		status  int
		code    string
	}{
		"no JSON":         {post("application/json", `{"query": `), 400, "BAD_REQUEST"},
		"two values":      {post("application/json", `{"query": "{ viewer { kind } }"} {}`), 400, "BAD_REQUEST"},
		"a batch":         {post("application/json", ` [{"query": "{ viewer { kind } }"}]`), 400, "BAD_REQUEST"},
		"no query":        {post("application/json", `{"variables": {}}`), 400, "BAD_REQUEST"},
		"a number":        {post("application/json", `{"query": 1}`), 400, "BAD_REQUEST"},
		"text variables":  {post("application/json", `{"query": "{ viewer { kind } }", "variables": "x"}`), 400, "BAD_REQUEST"},
		"a form":          {post("application/x-www-form-urlencoded", `query=1`), 415, "UNSUPPORTED_MEDIA_TYPE"},
		"plain text":      {post("text/plain", `{"query": "{ viewer { kind } }"}`), 415, "UNSUPPORTED_MEDIA_TYPE"},
		"compressed":      {compressed(post("application/json", "x")), 415, "UNSUPPORTED_MEDIA_TYPE"},
		"UTF-16":          {post("application/json; charset=utf-16", `{"query": "{ viewer { kind } }"}`), 415, "UNSUPPORTED_MEDIA_TYPE"},
		"Latin-1":         {post("application/json; charset=iso-8859-1", `{"query": "{ viewer { kind } }"}`), 415, "UNSUPPORTED_MEDIA_TYPE"},
		"no charset":      {post("application/json; charset=", `{"query": "{ viewer { kind } }"}`), 415, "UNSUPPORTED_MEDIA_TYPE"},
		"too long":        {post("application/json", `{"query": "`+strings.Repeat(" ", 100<<10)+`"}`), 413, "REQUEST_TOO_LARGE"},
		"another method":  {httptest.NewRequest(http.MethodPut, "/graphql", nil), 405, "METHOD_NOT_ALLOWED"},
		"a change by GET": {httptest.NewRequest(http.MethodGet, "/graphql?query="+url.QueryEscape(`mutation { releaseHold(input: {holdId: "x"}) { errors { __typename } } }`), nil), 405, "METHOD_NOT_ALLOWED"},
		"GET variables":   {httptest.NewRequest(http.MethodGet, "/graphql?query=%7B__typename%7D&variables=x", nil), 400, "BAD_REQUEST"},
		"GET without any": {httptest.NewRequest(http.MethodGet, "/graphql", nil), 400, "BAD_REQUEST"},
	} {
		answer := a.Send(t, c.request)
		if answer.Status != c.status || answer.Code() != c.code {
			t.Errorf("%s: status %d, %s", name, answer.Status, answer.Raw)
		}
		if allow := answer.Header.Get("Allow"); (answer.Status == http.StatusMethodNotAllowed) != (allow != "") {
			t.Errorf("%s: Allow %q", name, allow)
		}
	}
	if len(a.rooms.asked) > 0 {
		t.Errorf("asked %v", a.rooms.asked)
	}
}

func compressed(r *http.Request) *http.Request {
	r.Header.Set("Content-Encoding", "gzip")
	return r
}

func TestABodyMaySayThatItIsInUTF8(t *testing.T) {
	a := serve(t, open())
	for _, kind := range []string{"application/json", "application/json; charset=utf-8", `Application/JSON;charset="UTF-8"`} {
		r := a.Request([]byte(`{"query": "{ viewer { kind } }"}`))
		r.Header.Set("Content-Type", kind)
		a.Send(t, r).OK(t)
	}
}

func TestABodyThatIsNoJSONIsNotRepeated(t *testing.T) {
	a := serve(t, open())
	answer := a.Send(t, a.Request([]byte(`{"query": "{ viewer { kind } }", "variables": {"name": "Moreau"`)))
	if strings.Contains(string(answer.Raw)+a.log.String(), "Moreau") {
		t.Errorf("%s", answer.Raw)
	}
}

func TestAQueryByGET(t *testing.T) {
	a := serve(t, open())
	query := url.Values{
		"query":     {`query Find($id: ID!) { node(id: $id) { ... on Location { name } } }`},
		"variables": {`{"id": "` + a.locationID() + `"}`}, "operationName": {"Find"},
	}
	answer := a.Send(t, httptest.NewRequest(http.MethodGet, "/graphql?"+query.Encode(), nil)).OK(t)
	if answer.Text("node", "name") != "Main Street" {
		t.Errorf("%s", answer.Raw)
	}
}

func TestTextThatIsNoUnicodeIsRefusedAndItsVariableNamed(t *testing.T) {
	a := serve(t, open())
	for name, broken := range map[string]string{"bytes": "\xff", "half a pair": `\ud83d`, "the other half": `\ude00`, "two first halves": `\ud83d\ud83d`} {
		body := `{"query": "mutation($input: BookAppointmentInput!) { bookAppointment(input: $input) { replayed } }",
			"variables": {"input": {"target": {"slotId": "` + a.slotID() + `"}, "reason": "a` + broken + `", "idempotencyKey": "k"}}}`
		answer := a.as(t, access.PatientRole).Send(t, a.Request([]byte(body)))
		if answer.Code() != "INVALID_INPUT" || !strings.Contains(string(answer.Raw), `"path":["input","reason"]`) {
			t.Errorf("%s: %s", name, answer.Raw)
		}
	}
	body := `{"query": "mutation($input: BookAppointmentInput!) { bookAppointment(input: $input) { replayed } }",
		"variables": {"input": {"target": {"slotId": "` + a.slotID() + `"}, "reason": "\ud83d\ude00 \\ud83d", "idempotencyKey": "k"}}}`
	a.as(t, access.PatientRole).Send(t, a.Request([]byte(body))).OK(t)
	if in := a.rooms.heard.(appointment.BookVisit); in.Reason.Reveal() != "😀 \\ud83d" {
		t.Errorf("heard %q", in.Reason.Reveal())
	}
}

func TestATextInTheDocumentIsUnicodeToo(t *testing.T) {
	a := serve(t, open())
	patient := a.as(t, access.PatientRole)
	document := func(reason string) string {
		return `mutation { bookAppointment(input: {target: {slotId: "` + a.slotID() + `"}, reason: ` + reason + `, idempotencyKey: "k"}) { replayed } }`
	}
	for name, reason := range map[string]string{
		"half a pair": `"\ud83d"`, "the other half": `"é \uDE00"`, "two first halves": `"\ud83d\ud83d"`, "in braces": `"\u{d83d}"`, "half, then text": `"\ud83d \ude00"`,
	} {
		for way, answer := range map[string]gqltest.Answer{
			"POST": patient.Post(t, document(reason), nil),
			"GET":  patient.Send(t, httptest.NewRequest(http.MethodGet, "/graphql?query="+url.QueryEscape(document(reason)), nil)),
		} {
			if code := answer.Code(); code != "INVALID_INPUT" && code != "GRAPHQL_PARSE_FAILED" {
				t.Errorf("%s by %s: %s", name, way, answer.Raw)
			}
		}
	}
	if len(a.rooms.asked) > 0 {
		t.Errorf("asked %v", a.rooms.asked)
	}
	for reason, want := range map[string]string{
		`"\ud83d\ude00"`: "😀", `"\u{1f600}"`: "😀", `"\\ud83d"`: `\ud83d`, `"""\ud83d"""`: `\ud83d`, `"\ufffd"`: "\ufffd",
	} {
		patient.Post(t, `# \ud83d`+"\n"+document(reason), nil).OK(t)
		if in := a.rooms.heard.(appointment.BookVisit); in.Reason.Reveal() != want {
			t.Errorf("%s: heard %q", reason, in.Reason.Reveal())
		}
	}
}

func TestTheIdempotencyKeyMayComeInTheHeader(t *testing.T) {
	a := serve(t, open())
	const document = `mutation($input: BookAppointmentInput!) { bookAppointment(input: $input) { errors { __typename } } }`
	send := func(document string, input string) string {
		r := a.Request([]byte(`{"query": "` + document + `", "variables": {"input": ` + input + `}}`))
		r.Header.Set("Idempotency-Key", `"from-the-header"`)
		return a.as(t, access.PatientRole).Send(t, r).Code()
	}
	if code := send(document, `{"target": {"slotId": "`+a.slotID()+`"}}`); code != "" || a.rooms.heard.(appointment.BookVisit).Key != "from-the-header" {
		t.Errorf("code %q, heard %+v", code, a.rooms.heard)
	}
	send(document, `{"target": {"slotId": "`+a.slotID()+`"}, "idempotencyKey": "own"}`)
	if key := a.rooms.heard.(appointment.BookVisit).Key; key != "own" {
		t.Errorf("the header replaced the input's key by %q", key)
	}
	if code := send(`mutation($input: ExtendHoldInput!) { extendHold(input: $input) { errors { __typename } } }`, `{"holdId": "`+a.holdID()+`"}`); code != "" {
		t.Errorf("an input without such a field: %s", code)
	}
}

// broken panics where no resolver does.
type broken struct{}

func (broken) Verify(context.Context, string) (access.Actor, time.Time, error) {
	panic("SELECT secret FROM hidden")
}

func TestAFaultOutsideOfAnyFieldIsAnsweredAsOneInside(t *testing.T) {
	a := serveWith(t, open(), func(d *graph.Deps) { d.Verifier = broken{} })
	r := a.Request([]byte(`{"query": "{ viewer { kind } }"}`))
	r.Header.Set("X-Request-Id", ownID)
	answer := a.As("x").Send(t, r)
	if answer.Status != http.StatusInternalServerError || answer.Code() != "INTERNAL_SERVER_ERROR" || gqltest.At(answer.Body, "errors", 0, "extensions", "requestId") != ownID {
		t.Errorf("status %d, %s", answer.Status, answer.Raw)
	}
	if strings.Contains(string(answer.Raw), "secret") || strings.Count(a.log.String(), ownID) != 2 {
		t.Errorf("the answer %s, the log %s", answer.Raw, a.log)
	}
}
