package vendors_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/vendors"
)

func TestTwilioAnswersAsItsDocsSay(t *testing.T) {
	r := start(t)
	answer, body, err := r.text(r.form(patient, "k1"))
	if err != nil || answer.StatusCode != http.StatusCreated || answer.Header.Get("Content-Type") != "application/json" {
		t.Fatalf("answered %v, %v", answer, err)
	}
	m := decoded(t, body)
	sid := m["sid"].(string)
	if !regexp.MustCompile(`^SM[0-9a-f]{32}$`).MatchString(sid) {
		t.Errorf("the sid is %s", sid)
	}
	path := "/2010-04-01/Accounts/" + vendors.AccountSID + "/Messages/" + sid
	for name, want := range map[string]any{
		"account_sid": vendors.AccountSID, "api_version": "2010-04-01", "body": "Your visit is at 9:30.", "date_sent": nil, "direction": "outbound-api",
		"error_code": nil, "error_message": nil, "from": vendors.Number, "messaging_service_sid": nil, "num_media": "0", "num_segments": "1",
		"price": nil, "price_unit": "USD", "status": "queued", "to": patient, "uri": path + ".json",
	} {
		if got, has := m[name]; !has || got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	for _, name := range []string{"date_created", "date_updated"} {
		at, err := time.Parse("Mon, 02 Jan 2006 15:04:05 +0000", m[name].(string))
		if err != nil || at.IsZero() {
			t.Errorf("%s is %v: %v", name, m[name], err)
		}
	}
	if m["subresource_uris"].(map[string]any)["media"] != path+"/Media.json" {
		t.Errorf("subresources are %v", m["subresource_uris"])
	}
	r.until(func() bool { return r.Messages()[0].Status == "delivered" })
	_, body, _ = r.do("GET", path+".json", "", texter)
	if m := decoded(t, body); m["sid"] != sid || m["status"] != "delivered" || m["date_sent"] == nil {
		t.Errorf("later it is %s", body)
	}
}

func TestTwilioRefusesInItsWords(t *testing.T) {
	r := start(t)
	for name, c := range map[string]struct {
		change func(url.Values)
		code   float64
	}{
		"nobody":             {func(f url.Values) { f.Del("To") }, 21604},
		"no sender":          {func(f url.Values) { f.Del("From") }, 21603},
		"no words":           {func(f url.Values) { f.Del("Body") }, 21602},
		"too many words":     {func(f url.Values) { f.Set("Body", strings.Repeat("ä", 1601)) }, 21617},
		"no number":          {func(f url.Values) { f.Set("To", "0151 12345678") }, 21211},
		"a foreign sender":   {func(f url.Values) { f.Set("From", "+15005550000") }, 21606},
		"no callback":        {func(f url.Values) { f.Set("StatusCallback", "status") }, 21609},
		"an endless message": {func(f url.Values) { f.Set("ValidityPeriod", "36001") }, 20001},
		"an invalid number":  {func(f url.Values) { f.Set("To", "+15005550001") }, 21211},
		"no way":             {func(f url.Values) { f.Set("To", "+15005550002") }, 21612},
		"abroad":             {func(f url.Values) { f.Set("To", "+15005550003") }, 21408},
		"blocked":            {func(f url.Values) { f.Set("To", "+15005550004") }, 21610},
		"a landline":         {func(f url.Values) { f.Set("To", "+15005550009") }, 21614},
	} {
		t.Run(name, func(t *testing.T) {
			form := r.form(patient, "k")
			c.change(form)
			answer, body, err := r.text(form)
			if err != nil {
				t.Fatal(err)
			}
			e := decoded(t, body)
			if answer.StatusCode != 400 || e["code"] != c.code || e["status"] != 400.0 || e["message"] == "" || e["more_info"] != fmt.Sprintf("https://www.twilio.com/docs/errors/%v", c.code) {
				t.Errorf("answered %d %s", answer.StatusCode, body)
			}
		})
	}
	long := r.form(patient, "long")
	long.Set("Body", strings.Repeat("ä", 1600))
	r.texted(long)
	if n := len(r.Messages()); n != 1 {
		t.Errorf("%d were taken", n)
	}
}

func TestTwilioAsksWhoItIs(t *testing.T) {
	r := start(t)
	for name, change := range map[string]func(*http.Request){
		"nobody":         func(*http.Request) {},
		"another token":  func(q *http.Request) { q.SetBasicAuth(vendors.AccountSID, "x") },
		"another accout": func(q *http.Request) { q.SetBasicAuth("AC1", vendors.AuthToken) },
	} {
		for _, method := range []string{"POST", "GET"} {
			answer, body, err := r.do(method, texting, "", change)
			if err != nil || answer.StatusCode != 401 || decoded(t, body)["code"] != 20003.0 || answer.Header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s %s is answered %v %s %v", method, name, answer, body, err)
			}
		}
	}
	answer, body, _ := r.do("GET", strings.Replace(texting, vendors.AccountSID, "AC1", 1), "", texter)
	if answer.StatusCode != 404 || decoded(t, body)["code"] != 20404.0 {
		t.Errorf("another's messages are %d %s", answer.StatusCode, body)
	}
	answer, body, _ = r.do("GET", strings.Replace(texting, ".json", "/SM1.json", 1), "", texter)
	if answer.StatusCode != 404 || decoded(t, body)["code"] != 20404.0 {
		t.Errorf("no message is %d %s", answer.StatusCode, body)
	}
}

// signedBy is the signature as Twilio's docs have it, written anew.
func signedBy(token, address string, form url.Values) string {
	text := address
	var names []string
	for name := range form {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		text += name + form.Get(name)
	}
	mac := hmac.New(sha1.New, []byte(token))
	mac.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func TestTwilioTellsWhatBecomesOfTexts(t *testing.T) {
	r := start(t)
	sid := r.texted(r.form(patient, "k1"))
	for i, c := range r.next(3) {
		form := c.form(t)
		status := []string{"queued", "sent", "delivered"}[i]
		want := url.Values{
			"MessageSid": {sid}, "SmsSid": {sid}, "MessageStatus": {status}, "SmsStatus": {status}, "To": {patient}, "From": {vendors.Number},
			"AccountSid": {vendors.AccountSID}, "ApiVersion": {"2010-04-01"},
		}
		if form.Encode() != want.Encode() || c.url != r.callback("k1") {
			t.Errorf("told %s to %s", c.body, c.url)
		}
		if c.header.Get("X-Twilio-Signature") != signedBy(vendors.AuthToken, r.callback("k1"), form) {
			t.Errorf("the signature is %s", c.header.Get("X-Twilio-Signature"))
		}
	}
	for to, code := range map[string]string{"+15005553003": "30003", "+15005553005": "30005", "+15005553006": "30006", "+15005553007": "30007"} {
		r.texted(r.form(to, "k"+code))
		last := r.next(3)[2].form(t)
		if last.Get("MessageStatus") != "undelivered" || last.Get("ErrorCode") != code {
			t.Errorf("told %v of %s", last, to)
		}
	}
	r.faults(vendors.Twilio, vendors.Fault{Do: vendors.Become, Outcome: "failed", Code: 30007})
	sid = r.texted(r.form(patient, "k2"))
	last := r.next(2)[1].form(t)
	if last.Get("MessageStatus") != "failed" || last.Get("ErrorCode") != "30007" {
		t.Errorf("told %v", last)
	}
	_, body, _ := r.do("GET", strings.Replace(texting, ".json", "/"+sid+".json", 1), "", texter)
	if m := decoded(t, body); m["error_code"] != 30007.0 || m["status"] != "failed" || m["date_sent"] != nil {
		t.Errorf("it is %s", body)
	}
	r.quiet()
}

func TestTwilioSaysSoLaterForAService(t *testing.T) {
	r := start(t)
	form := r.form(patient, "k1")
	form.Del("From")
	form.Set("MessagingServiceSid", "MG00000000000000000000000000000000")
	answer, body, err := r.text(form)
	m := decoded(t, body)
	if err != nil || answer.StatusCode != 201 || m["status"] != "accepted" || m["from"] != nil || m["num_segments"] != "0" || m["messaging_service_sid"] != form.Get("MessagingServiceSid") {
		t.Fatalf("answered %s, %v", body, err)
	}
	if c := r.next(3)[2].form(t); c.Get("From") != vendors.Number || c.Get("MessagingServiceSid") != form.Get("MessagingServiceSid") {
		t.Errorf("told %v", c)
	}
	if _, err := r.Reply(t.Context(), patient, "Stop "); err != nil {
		t.Fatal(err)
	}
	if c := r.next(1)[0].form(t); c.Get("MessagingServiceSid") != form.Get("MessagingServiceSid") || c.Get("OptOutType") != "STOP" {
		t.Errorf("told %v", c)
	}
	r.texted(form)
	if c := r.next(2)[1].form(t); c.Get("MessageStatus") != "failed" || c.Get("ErrorCode") != "21610" {
		t.Errorf("told %v", c)
	}
}

func TestTwilioListsMessagesInPages(t *testing.T) {
	r := start(t)
	var sids []string
	for i := range 5 {
		sids = append(sids, r.texted(r.form(patient, fmt.Sprint(i))))
	}
	r.texted(r.form("+4915100000000", "other"))
	next := texting + "?" + url.Values{"To": {patient}, "From": {vendors.Number}, "DateSent>": {time.Now().UTC().Format(time.DateOnly)}, "PageSize": {"2"}}.Encode()
	var got []string
	for page := 0; next != ""; page++ {
		answer, body, err := r.do("GET", next, "", texter)
		if err != nil || answer.StatusCode != 200 {
			t.Fatalf("answered %v %s %v", answer, body, err)
		}
		p := decoded(t, body)
		if p["page"] != float64(page) || p["page_size"] != 2.0 || p["start"] != float64(2*page) || !strings.HasPrefix(p["first_page_uri"].(string), texting+"?") || p["uri"] == nil {
			t.Errorf("page %d is %s", page, body)
		}
		for _, m := range p["messages"].([]any) {
			got = append(got, m.(map[string]any)["sid"].(string))
		}
		next, _ = p["next_page_uri"].(string)
		if page == 0 {
			sids = append(sids, r.texted(r.form(patient, "meanwhile")))[:5] // doesn't move what follows
		}
	}
	slices.Reverse(sids)
	if !slices.Equal(got, sids) {
		t.Errorf("listed %v, want %v", got, sids)
	}
}

func TestTwilioListsByDay(t *testing.T) {
	r := start(t)
	r.texted(r.form(patient, "1"))
	r.until(func() bool { return r.Messages()[0].Status == "delivered" })
	sent := r.Messages()[0].SentAt.UTC()
	day := func(days int) string { return sent.AddDate(0, 0, days).Format(time.DateOnly) }
	for query, want := range map[string]int{
		"DateSent=" + day(0): 1, "DateSent=" + day(-1): 0, "DateSent=" + day(1): 0, "DateSent%3E=" + day(0): 1, "DateSent%3E=" + day(1): 0, "DateSent%3C=" + day(0): 1,
		"DateSent%3C=" + day(-1): 0, "DateSent>=" + sent.Add(-time.Second).Format(time.RFC3339): 1, "DateSent>=" + sent.Add(2*time.Second).Format(time.RFC3339): 0,
		"From=%2B1": 0, "To=%2B1": 0, "": 1,
	} {
		_, body, err := r.do("GET", texting+"?"+query, "", texter)
		p := decoded(t, body)
		if found, _ := p["messages"].([]any); err != nil || len(found) != want || p["page_size"] != 50.0 || p["next_page_uri"] != nil {
			t.Errorf("%s finds %s", query, body)
		}
	}
	for _, query := range []string{"PageSize=0", "PageSize=x", "Page=1", "DateSent=yesterday", "PageToken=x"} {
		if answer, body, _ := r.do("GET", texting+"?"+query, "", texter); answer.StatusCode != 400 || decoded(t, body)["code"] != 20001.0 {
			t.Errorf("%s is answered %d %s", query, answer.StatusCode, body)
		}
	}
}

func TestTwilioCountsSegments(t *testing.T) {
	r := start(t)
	for body, want := range map[string]string{
		strings.Repeat("a", 160): "1", strings.Repeat("a", 161): "2", strings.Repeat("a", 306): "2", strings.Repeat("a", 307): "3",
		strings.Repeat("€", 80): "1", strings.Repeat("€", 81): "2", strings.Repeat("ł", 70): "1", strings.Repeat("ł", 71): "2", strings.Repeat("😀", 36): "2",
	} {
		form := r.form(patient, "k")
		form.Set("Body", body)
		if _, text, _ := r.text(form); decoded(t, text)["num_segments"] != want {
			t.Errorf("%d bytes have %v segments, want %s", len(body), decoded(t, text)["num_segments"], want)
		}
	}
}
