package links

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
)

var (
	here    = Links{Base: "https://api.example.org", Key: make([]byte, 32)}
	message = clinic.Ref{Organization: uuid.UUID{1, 2, 3}, ID: uuid.UUID{4, 5, 6}}
)

func token(url string) string { return strings.TrimPrefix(url, "https://api.example.org/r/") }

func TestLinksNameAMessageAndAPurpose(t *testing.T) {
	all := here.For(message)
	seen := map[string]bool{}
	for url, want := range map[string]purpose{all.Confirm: toConfirm, all.Move: toMove, all.Cancel: toCancel, all.Unsubscribe: toUnsubscribe} {
		m, p, ok := here.open(token(url))
		if !ok || m != message || p != want {
			t.Errorf("%s is %v for %v, %v", url, m, p, ok)
		}
		seen[url[:len(url)-2]] = true
	}
	if len(seen) != 4 || here.For(message) != all {
		t.Error("links of one message are alike, or never the same")
	}
	raw := token(all.Cancel)
	if strings.Contains(raw, "AQID") || strings.Contains(raw, "BAUG") { // the ids in base64
		t.Errorf("a link shows its message: %s", raw)
	}
}

func TestNoOtherLinkOpens(t *testing.T) {
	good := token(here.For(message).Cancel)
	for i := range good {
		for _, c := range "A_9" {
			bad := good[:i] + string(c) + good[i+1:]
			if _, _, ok := here.open(bad); ok && bad != good {
				t.Errorf("%s opens", bad)
			}
		}
	}
	for _, bad := range []string{"", "r", good + "A", good[1:], strings.Repeat("A", len(good)), good + "=", "../" + good} {
		if _, _, ok := here.open(bad); ok {
			t.Errorf("%q opens", bad)
		}
	}
	if _, _, ok := (Links{Key: []byte(strings.Repeat("k", 32))}).open(good); ok {
		t.Error("another key opens it")
	}
}

func TestMoney(t *testing.T) {
	for want, m := range map[string]clinic.Money{"USD 20.00": {MinorUnits: 2000, Currency: "USD"}, "JPY 500": {MinorUnits: 500, Currency: "JPY"}, "EUR 0.05": {MinorUnits: 5, Currency: "EUR"}, "KWD 1.500": {MinorUnits: 1500, Currency: "KWD"}} {
		if got := money(m); got != want {
			t.Errorf("%+v is %s, want %s", m, got, want)
		}
	}
}

func TestEveryLanguageSaysEverything(t *testing.T) {
	for _, w := range languages {
		for _, text := range []string{w.Title, w.Confirm, w.Move, w.Cancel, w.End, w.IsConfirmed, w.Waits, w.Costs, w.Accept, w.Call, w.Choose, w.Return, w.Ends, w.Ended, w.Changed, w.Over, w.Missing, w.Wrong, w.Busy, w.Failed} {
			if text == "" {
				t.Errorf("%s lacks a sentence", w.Tag)
			}
		}
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Accept-Language", "de-CH, en;q=0.5")
	if spoken(r).Tag != "de" || speaking("pt").Tag != "en" || speaking("es-AR").Tag != "es" {
		t.Error("languages are mixed up")
	}
}

// A page is written by what the database says, whatever that is.
func TestAPageIsEscaped(t *testing.T) {
	w := httptest.NewRecorder()
	private(w.Header())
	evil := `"><script>alert(1)</script>`
	if err := (Pages{}).show(visit{w: w}, 200, page{words: languages[0], Visit: evil, Organization: evil, Phone: evil, Said: evil, App: "javascript:alert(1)", Fee: evil, Cancellable: true}); err != nil {
		t.Fatal(err)
	}
	body := w.Body.String()
	if strings.Contains(body, "<script") || strings.Contains(body, "href=\"javascript") || !strings.Contains(body, `lang="en"`) {
		t.Errorf("%s", body)
	}
	if csp := w.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || !strings.Contains(body, "<style>"+style) {
		t.Errorf("policy %s", csp)
	}
}
