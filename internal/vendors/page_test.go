package vendors_test

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/mediconnect/mediconnect/internal/vendors"
)

func (r *rig) page(path string) string {
	r.t.Helper()
	answer, body, err := r.do("GET", path, "", nil)
	if err != nil || answer.StatusCode != 200 || !strings.HasPrefix(answer.Header.Get("Content-Type"), "text/html") {
		r.t.Fatalf("%s is answered %v, %v", path, answer, err)
	}
	return body
}

func (r *rig) press(path string, form url.Values) (*http.Response, string) {
	r.t.Helper()
	r.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	answer, body, err := r.do("POST", path, form.Encode(), func(q *http.Request) {
		q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		q.Header.Set("Origin", r.URL())
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return answer, body
}

func TestThePageShowsWhatWasSent(t *testing.T) {
	r := start(t)
	if body := r.page("/"); !strings.Contains(body, "Nothing was sent yet") || strings.Contains(body, "http-equiv") {
		t.Error("an empty page is not")
	}
	r.texted(r.form(patient, "k1"))
	r.mailed(letter("ann@example.org", "k2"))
	r.until(func() bool { m := r.Messages(); return m[0].Status == "delivered" && m[1].Status == "delivered" })
	body := r.page("/")
	text, mail := strings.Index(body, "Your visit is at 9:30."), strings.Index(body, "<strong>Your visit</strong>")
	if mail < 0 || text < mail {
		t.Errorf("the text is at %d, the mail at %d", text, mail)
	}
	for _, want := range []string{strings.ReplaceAll("To "+patient, "+", "&#43;"), "To ann@example.org", `<span class="tag good">delivered</span>`, `srcdoc="&lt;p&gt;At 9:30.&lt;/p&gt;"`, `<iframe sandbox title=`, "<dd>k1</dd>", "<dd>k2</dd>"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if body := r.page("/?kind=sms&refresh=1"); strings.Contains(body, "ann@example.org") || !strings.Contains(body, `http-equiv="refresh" content="5"`) || !strings.Contains(body, "Stop refreshing") {
		t.Error("the page of texts shows mails, or isn't fresh")
	}
	for i := range 50 {
		r.texted(r.form(patient, fmt.Sprintf("more-%d", i)))
	}
	older := regexp.MustCompile(`/\?kind=&amp;before=\d+`).FindString(r.page("/"))
	if body := r.page(html.UnescapeString(older)); older == "" || !strings.Contains(body, "ann@example.org") || strings.Contains(body, "before=") || strings.Contains(body, "more-49") {
		t.Error("older messages aren't shown")
	}
}

func TestThePageEscapesEverything(t *testing.T) {
	r := start(t)
	const evil = `"'><script>alert(1)</script><img src=x onerror=alert(1)>`
	form := r.form(patient, "k")
	form.Set("Body", evil)
	form.Set("StatusCallback", r.hooks.URL+"/?m="+url.QueryEscape(evil))
	r.texted(form)
	l := letter("ann@example.org", evil)
	l["subject"], l["content"] = evil, []any{map[string]any{"type": "text/plain", "value": evil}, map[string]any{"type": "text/html", "value": evil}}
	l["headers"] = map[string]any{"X-" + evil: evil}
	r.mailed(l)
	r.faults(vendors.Twilio, vendors.Fault{Name: evil, Do: vendors.Mute})
	for _, path := range []string{"/", "/?kind=" + url.QueryEscape(evil), "/?before=" + url.QueryEscape(evil)} {
		if body := r.page(path); strings.Contains(body, "<script") || strings.Contains(body, "<img") || !strings.Contains(body, "&lt;script&gt;") {
			t.Errorf("%s lets through: %s", path, body)
		}
	}
	answer, _, _ := r.do("GET", "/", "", nil)
	policy := answer.Header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "script-src") || answer.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("the policy is %s", policy)
	}
}

func TestFaultsAreSwitchedOnThePage(t *testing.T) {
	r := start(t)
	if err := r.Set(vendors.Twilio, vendors.Fault{Do: vendors.Become, Outcome: "sent"}); err != nil {
		t.Fatal(err)
	}
	flip := func(to string) *http.Response {
		answer, _ := r.press("/switch", url.Values{"vendor": {"twilio"}, "name": {"Too many requests (429)"}, "to": {to}})
		return answer
	}
	if answer := flip("on"); answer.StatusCode != http.StatusSeeOther || len(r.Faults(vendors.Twilio)) != 2 || len(r.Faults(vendors.SendGrid)) != 0 {
		t.Errorf("answered %d, faults %v", answer.StatusCode, r.Faults(vendors.Twilio))
	}
	flip("on")
	if n := len(r.Faults(vendors.Twilio)); n != 2 {
		t.Errorf("switched on twice, it is there %d times", n-1)
	}
	if answer, _, _ := r.text(r.form(patient, "k")); answer.StatusCode != 429 {
		t.Errorf("answered %d", answer.StatusCode)
	}
	if body := r.page("/"); strings.Count(body, `aria-pressed="true"`) != 1 || !strings.Contains(body, "&#34;outcome&#34;:&#34;sent&#34;") {
		t.Error("the page doesn't show what is on")
	}
	if flip("off"); len(r.Faults(vendors.Twilio)) != 1 {
		t.Errorf("switched off, faults are %v", r.Faults(vendors.Twilio))
	}
	if r.press("/calm", url.Values{"vendor": {"twilio"}}); len(r.Faults(vendors.Twilio)) != 0 {
		t.Errorf("all off, faults are %v", r.Faults(vendors.Twilio))
	}
	for _, form := range []url.Values{{"vendor": {"vonage"}, "name": {"No callbacks"}}, {"vendor": {"twilio"}, "name": {"x"}}} {
		if answer, body := r.press("/switch", form); answer.StatusCode != 400 || !strings.Contains(body, `role="alert"`) {
			t.Errorf("%v is answered %d", form, answer.StatusCode)
		}
	}
}

func TestSomebodyRepliesOnThePage(t *testing.T) {
	r := start(t)
	r.texted(r.form(patient, "k"))
	r.next(3)
	r.answerWith(func(w http.ResponseWriter, _ *http.Request, _ string) {
		_, _ = w.Write([]byte("<Response><Message>See you then.</Message></Response>"))
	})
	if answer, _ := r.press("/reply", url.Values{"from": {patient}, "quick": {"1"}, "body": {""}}); answer.StatusCode != http.StatusSeeOther {
		t.Errorf("answered %d", answer.StatusCode)
	}
	if f := r.next(1)[0].form(t); f.Get("Body") != "1" || f.Get("From") != patient {
		t.Errorf("told %v", f)
	}
	if body := r.page("/"); !strings.Contains(body, strings.ReplaceAll("From "+patient, "+", "&#43;")) || !strings.Contains(body, "See you then.") {
		t.Error("the page doesn't show the conversation")
	}
	for _, form := range []url.Values{{"from": {"x"}, "body": {"1"}}, {"from": {patient}}, {"from": {patient}, "body": {strings.Repeat("a", 1601)}}} {
		if answer, _ := r.press("/reply", form); answer.StatusCode != 400 {
			t.Errorf("%v is answered %d", form, answer.StatusCode)
		}
	}
	r.answerWith(func(w http.ResponseWriter, _ *http.Request, _ string) { w.WriteHeader(http.StatusForbidden) })
	if answer, body := r.press("/reply", url.Values{"from": {patient}, "body": {"hello"}}); answer.StatusCode != 502 || !strings.Contains(body, "status 403") {
		t.Errorf("answered %d", answer.StatusCode)
	}
	r.next(1)
	answer, _, _ := r.do("POST", "/reply", "", func(q *http.Request) { q.Header.Set("Sec-Fetch-Site", "cross-site") })
	if answer.StatusCode != http.StatusForbidden {
		t.Errorf("another site's form is answered %d", answer.StatusCode)
	}
}

var (
	inputs = regexp.MustCompile(`<input id="([^"]+)"`)
	ids    = regexp.MustCompile(` id="([^"]+)"`)
)

func TestThePageCanBeHeard(t *testing.T) {
	r := start(t)
	r.texted(r.form(patient, "k"))
	r.mailed(letter("ann@example.org", "k"))
	body := r.page("/")
	for _, input := range inputs.FindAllStringSubmatch(body, -1) {
		if !strings.Contains(body, `<label for="`+input[1]+`"`) {
			t.Errorf("%s has no label", input[1])
		}
	}
	seen := map[string]bool{}
	for _, id := range ids.FindAllStringSubmatch(body, -1) {
		if seen[id[1]] {
			t.Errorf("%s is there twice", id[1])
		}
		seen[id[1]] = true
	}
	if strings.Count(body, "<h1") != 1 || !strings.Contains(body, `<html lang="en">`) || strings.Contains(body, "http://") && strings.Contains(body, "<link") {
		t.Error("the page has no one heading, or no language, or asks elsewhere")
	}
}
