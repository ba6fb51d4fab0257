package app

import (
	"net/http"
	neturl "net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/reminder"
)

// mailed is a visit that its patient was told of by e-mail, and the links in it.
func (l *exchange) mailed(hour int) (appointment.Appointment, reminder.Links) {
	l.t.Helper()
	pat := l.clinic.Patient()
	l.clinic.Reachable(pat.PatientID, "", "pat@example.org")
	visit := l.book(pat, hour)
	l.carry()
	return visit, l.links(visit)
}

// ledger is all of a visit that an answer may change.
func (l *exchange) ledger() string {
	l.t.Helper()
	return l.text(`SELECT concat((SELECT string_agg(a::text, ';' ORDER BY a.id) FROM appointments a), (SELECT string_agg(m::text, ';' ORDER BY m.id) FROM messages m),
		(SELECT count(*) FROM opt_outs), (SELECT count(*) FROM message_replies))`)
}

func button(do, version string, more ...string) neturl.Values {
	form := neturl.Values{"do": {do}, "version": {version}}
	for i := 0; i+1 < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	return form
}

func TestALinkShowsAVisitAndChangesNothing(t *testing.T) {
	l := newExchange(t)
	visit, links := l.mailed(10)
	before := l.ledger()
	for _, url := range []string{links.Confirm, links.Move, links.Cancel, links.Unsubscribe} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			if got := l.do(method, url, "", nil); got.status != 200 {
				t.Errorf("%s is answered %d", method, got.status)
			}
		}
	}
	if l.ledger() != before {
		t.Error("looking at links changed something")
	}
	page := l.do(http.MethodGet, links.Cancel, "", map[string]string{"Accept-Language": "de"})
	for _, want := range []string{`<html lang="en">`, "Monday, June 8, 2026 at 10:00", "Main Street", "Clinic", `value="cancel"`, `value="confirm"`, `value="move"`} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the page lacks %s: %s", want, page.body)
		}
	}
	for _, private := range []string{"Dr Ada", "Check-up", "pat@example.org", visit.ID.String()} {
		if strings.Contains(page.body, private) {
			t.Errorf("the page shows %s", private)
		}
	}
	for name, want := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "Content-Security-Policy": "form-action 'self'", "X-Robots-Tag": "noindex"} {
		if !strings.Contains(page.head.Get(name), want) {
			t.Errorf("%s is %q", name, page.head.Get(name))
		}
	}
	seen := l.text(`SELECT string_agg(DISTINCT concat_ws(' ', actor_kind, client, action, purpose), ';') FROM audit_events WHERE entity_id = $1 AND effect = 'READ'`, visit.ID)
	if seen != "SYSTEM message link appointment.read PATRQT" {
		t.Errorf("the record says %q", seen)
	}
}

func TestAVisitIsConfirmedMovedAndCancelledByLink(t *testing.T) {
	l := newExchange(t)
	visit, links := l.mailed(10)
	for range 2 {
		if got := l.presses(links.Confirm, button("confirm", "1")); got.status != 200 || !strings.Contains(got.body, "your visit is confirmed") {
			t.Errorf("%+v", got)
		}
		l.expect(visit, "BOOKED confirmed CONFIRMED")
	}
	if by := l.text(`SELECT concat_ws(' ', actor_kind, client) FROM audit_events WHERE entity_id = $1 AND action <> 'appointment.book' AND effect <> 'READ' LIMIT 1`, visit.ID); by != "SYSTEM message link" {
		t.Errorf("confirmed by %s", by)
	}
	if got := l.presses(links.Cancel, button("cancel", "1")); got.status != http.StatusConflict || !strings.Contains(got.body, "has changed meanwhile") {
		t.Errorf("of an older version: %+v", got)
	}
	if got := l.presses(links.Move, button("move", "2")); got.status != 200 || !strings.Contains(got.body, `href="https://app.example.org"`) {
		t.Errorf("%+v", got)
	}
	l.expect(visit, "BOOKED confirmed ASKED_TO_RESCHEDULE")
	if got := l.presses(links.Confirm, button("cancel", "2")); got.status != 200 || !strings.Contains(got.body, "your visit is cancelled") {
		t.Errorf("%+v", got)
	}
	l.expect(visit, "CANCELLED confirmed ASKED_TO_CANCEL")
	if got := l.presses(links.Confirm, button("cancel", "2")); got.status != 200 || !strings.Contains(got.body, "your visit is cancelled") {
		t.Errorf("again: %+v", got)
	}
	if got := l.do(http.MethodGet, links.Confirm, "", nil); got.status != http.StatusGone || strings.Contains(got.body, "Main Street") {
		t.Errorf("afterwards: %+v", got)
	}
}

var feeOffered = regexp.MustCompile(`name="fee" value="(\d+)" required`)

func TestAFeeIsShownAndNeedsAYes(t *testing.T) {
	l := newExchange(t)
	l.clinic.Set(`UPDATE visit_kinds SET late_fee_minor_units = 2000, late_fee_currency = 'USD', free_cancellation_before = 864000 WHERE organization_id = $1`)
	visit, links := l.mailed(10)
	page := l.do(http.MethodGet, links.Cancel, "", nil)
	fee := feeOffered.FindStringSubmatch(page.body)
	if fee == nil || fee[1] != "2000" || !strings.Contains(page.body, "USD 20.00") {
		t.Fatalf("%s", page.body)
	}
	for _, form := range []neturl.Values{button("cancel", "1"), button("cancel", "1", "fee", "1999"), button("cancel", "1", "fee", "-1"), button("cancel", "1", "fee", "x")} {
		if got := l.presses(links.Cancel, form); got.status != http.StatusUnprocessableEntity || !feeOffered.MatchString(got.body) {
			t.Errorf("%v: %d", form, got.status)
		}
	}
	l.expect(visit, "BOOKED open")
	if got := l.presses(links.Cancel, button("cancel", "1", "fee", "2000")); got.status != 200 {
		t.Errorf("%+v", got)
	}
	l.expect(visit, "CANCELLED open ASKED_TO_CANCEL")
}

func TestLinksThatWereTamperedWithOrHaveEnded(t *testing.T) {
	l := newExchange(t)
	visit, links := l.mailed(10)
	before := l.ledger()
	nobody := l.app.frame.links().For(clinic.Ref{Organization: visit.OrganizationID, ID: newID()})
	for _, url := range []string{links.Confirm[:len(links.Confirm)-1], links.Confirm + "A", l.url + "/r/x", nobody.Confirm} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			got := l.do(method, url, button("cancel", "1").Encode(), map[string]string{"Content-Type": formType})
			if got.status != http.StatusNotFound || !strings.Contains(got.body, "does not exist") {
				t.Errorf("%s %s: %d %s", method, url, got.status, got.body)
			}
		}
	}
	for name, c := range map[string]struct {
		url, body, kind string
		want            int
	}{
		"no button":                            {links.Confirm, "version=1", formType, 400},
		"no version":                           {links.Confirm, "do=cancel", formType, 400},
		"JSON":                                 {links.Confirm, `{"do":"cancel"}`, "application/json", 400},
		"a long form":                          {links.Confirm, "do=cancel&version=1&x=" + strings.Repeat("a", 5000), formType, 413},
		"a link that only unsubscribes":        {links.Unsubscribe, "do=cancel&version=1", formType, 400},
		"a link of a visit, by a mail program": {links.Cancel, "List-Unsubscribe=One-Click", formType, 400},
	} {
		if got := l.do(http.MethodPost, c.url, c.body, map[string]string{"Content-Type": c.kind}); got.status != c.want {
			t.Errorf("%s: %d", name, got.status)
		}
	}
	if l.ledger() != before {
		t.Error("something changed")
	}
	l.clock.Set(visit.Start)
	if got := l.do(http.MethodGet, links.Confirm, "", nil); got.status != http.StatusGone {
		t.Errorf("once the visit began: %d", got.status)
	}
	if got := l.presses(links.Cancel, button("cancel", "1")); got.status != http.StatusGone {
		t.Errorf("cancelled then: %d", got.status)
	}
	l.expect(visit, "BOOKED open")
}

func TestMailsEndByOneRequestOrByTheirPage(t *testing.T) {
	l := newExchange(t)
	_, links := l.mailed(10)
	body := "--b\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--b--\r\n"
	if got := l.do(http.MethodPost, links.Unsubscribe, body, map[string]string{"Content-Type": "multipart/form-data; boundary=b"}); got.status != 200 {
		t.Errorf("%+v", got)
	}
	if got := l.presses(links.Unsubscribe, neturl.Values{"do": {"unsubscribe"}}); got.status != 200 || !strings.Contains(got.body, "no more e-mails") {
		t.Errorf("%+v", got)
	}
	if n := l.text(`SELECT count(*)::text FROM opt_outs WHERE channel = 'EMAIL'`); n != "1" {
		t.Errorf("%s addresses want no more", n)
	}
}

func TestLinksAreCountedForTheirAddress(t *testing.T) {
	l := newExchange(t)
	statuses := map[int]int{}
	for range 40 {
		statuses[l.do(http.MethodGet, l.url+"/r/x", "", nil).status]++
	}
	if statuses[404] == 0 || statuses[429] == 0 {
		t.Errorf("answered %v", statuses)
	}
}

// What the clinic has yet to approve can be moved and cancelled, and nobody confirms it.
func TestAPageOfWhatIsAskedForHasNothingToConfirm(t *testing.T) {
	l := newExchange(t)
	l.clinic.Set(`UPDATE visit_kinds SET requires_approval = true WHERE organization_id = $1`)
	visit, links := l.mailed(10)
	page := l.do(http.MethodGet, links.Move, "", nil)
	if page.status != 200 || strings.Contains(page.body, `value="confirm"`) || !strings.Contains(page.body, "has yet to accept your request") ||
		!strings.Contains(page.body, `value="cancel"`) || !strings.Contains(page.body, `value="move"`) {
		t.Errorf("%d %s", page.status, page.body)
	}
	if got := l.presses(links.Move, button("confirm", "1")); got.status == 200 && strings.Contains(got.body, "your visit is confirmed") {
		t.Errorf("%+v", got)
	}
	l.expect(visit, "PENDING open")
	if got := l.presses(links.Cancel, button("cancel", "1")); got.status != 200 || !strings.Contains(got.body, "your visit is cancelled") {
		t.Errorf("%+v", got)
	}
	l.expect(visit, "CANCELLED open ASKED_TO_CANCEL")
}
