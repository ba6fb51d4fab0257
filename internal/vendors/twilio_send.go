package vendors

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Numbers that make Twilio fail: "Test credentials" in its docs.
var twilioMagic = map[string]int{
	"+15005550001": 21211, // invalid
	"+15005550002": 21612, // can't be routed to
	"+15005550003": 21408, // abroad, and not allowed
	"+15005550004": 21610, // blocked
	"+15005550009": 21614, // takes no texts
}

var e164 = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

// twilioText is a request to send.
type twilioText struct{ to, from, service, body, callback, validity string }

// twilioSend creates a message: "Messages resource", Create, in Twilio's docs.
func (v *Vendors) twilioSend(w http.ResponseWriter, r *http.Request) {
	x := &exchange{Vendors: v, service: v.services[Twilio], w: w, r: r, arrived: v.now()}
	defer x.inFlight()()
	if !x.twilioKnows() {
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	if r.ParseForm() != nil {
		x.twilioRefuses(http.StatusBadRequest, 20001)
		return
	}
	f := r.PostForm
	t := twilioText{f.Get("To"), f.Get("From"), f.Get("MessagingServiceSid"), f.Get("Body"), f.Get("StatusCallback"), f.Get("ValidityPeriod")}
	if !x.suffer(OnSend, t.to) {
		return
	}
	if code := v.twilioDislikes(t); code != 0 {
		x.twilioRefuses(http.StatusBadRequest, code)
		return
	}
	m, kept := x.twilioTakes(t)
	x.settle(
		func() { x.json(http.StatusCreated, v.twilioMessage(m)) },
		func() { v.twilioBecomes(kept, m, x.callbacks) },
	)
}

// inFlight counts a request to send as long as it lasts.
func (x *exchange) inFlight() (end func()) {
	taken := x.service.take(x.r)
	x.changed.tell()
	return func() {
		taken()
		x.changed.tell()
	}
}

// twilioDislikes is the code of what is wrong with a request, or 0.
func (v *Vendors) twilioDislikes(t twilioText) int {
	for _, rule := range []struct {
		code int
		bad  bool
	}{
		{21604, t.to == ""},
		{21603, t.from+t.service == ""},
		{21602, t.body == ""},
		{21617, utf8.RuneCountInString(t.body) > 1600},
		{21211, !e164.MatchString(t.to)},
		{21606, t.service == "" && !slices.Contains(v.options.Numbers, t.from)},
		{21609, t.callback != "" && !absolute(t.callback)},
		{20001, t.validity != "" && !seconds(t.validity, 36_000)},
		{twilioMagic[t.to], twilioMagic[t.to] != 0},
		{21610, t.service == "" && v.optOuts.has(t.to)}, // a messaging service finds out later
	} {
		if rule.bad {
			return rule.code
		}
	}
	return 0
}

// absolute says whether a callback could be sent there.
func absolute(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

func seconds(text string, most int) bool {
	n, err := strconv.Atoi(text)
	return err == nil && within(n, 1, most)
}

func (x *exchange) twilioTakes(t twilioText) (Message, *Message) {
	m := Message{
		Vendor: Twilio, ID: newSID("SM"), Direction: "outbound-api", From: t.from, Service: t.service, To: t.to, Text: t.body,
		Callback: t.callback, Validity: t.validity, Arrived: x.arrived, Accepted: x.now(), Status: "queued",
	}
	m.Updated = m.Accepted
	if t.service != "" {
		m.Status, m.From = "accepted", or(t.from, x.options.Numbers[0])
	}
	if u, err := url.Parse(t.callback); err == nil {
		m.Key = u.Query().Get("m")
	}
	x.service.note(func(s *Stats) { s.Accepted++ })
	kept := x.ledger.add(m)
	m.Number = kept.Number
	return m, kept
}

func trimJSON(sid string) string { return strings.TrimSuffix(sid, ".json") }

// gsm7 are the characters that take one place of a text, and those that take two: 3GPP TS 23.038, section 6.2.1.
const (
	gsm7     = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	gsm7wide = "\f^{}\\[~]|€"
)

// segments is how many texts carry a body: of 160 characters, or 153 of several; 70, or 67, if one of them isn't in GSM 03.38.
func segments(body string) string {
	places, one, many := 0, 160, 153
	for _, c := range body {
		switch {
		case strings.ContainsRune(gsm7, c):
			places++
		case strings.ContainsRune(gsm7wide, c):
			places += 2
		default:
			places, one, many = len(utf16.Encode([]rune(body))), 70, 67
			return strconv.Itoa(parts(places, one, many))
		}
	}
	return strconv.Itoa(parts(places, one, many))
}

func parts(places, one, many int) int {
	if places <= one {
		return 1
	}
	return (places + many - 1) / many
}
