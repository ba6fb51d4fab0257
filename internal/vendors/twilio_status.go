package vendors

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // Twilio's
	"encoding/base64"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// deliveryErrors are why a text was not delivered, by Twilio's code: "Error and Warning Dictionary" in its docs.
var deliveryErrors = map[int]string{
	21610: "Attempt to send to unsubscribed recipient",
	30003: "Unreachable destination handset",
	30004: "Message blocked",
	30005: "Unknown destination handset",
	30006: "Landline or unreachable carrier",
	30007: "Message filtered",
	30008: "Unknown error",
	30036: "Validity Period Expired",
}

// undelivered are numbers of our own that take no text, each with the code that it is named for.
var undelivered = map[string]int{
	"+15005553003": 30003, "+15005553004": 30004, "+15005553005": 30005, "+15005553006": 30006, "+15005553007": 30007, "+15005553008": 30008,
}

// fate is what becomes of a text, and why.
type fate struct {
	status string
	code   int
}

// twilioBecomes goes through the statuses of a text: "Outbound Message Status in Status Callbacks" in Twilio's docs.
func (v *Vendors) twilioBecomes(kept *Message, m Message, faults []Fault) {
	end := fate{status: "delivered"}
	if code := undelivered[m.To]; code != 0 {
		end = fate{"undelivered", code}
	}
	for _, f := range faults {
		if f.Do == Become {
			end = fate{f.Outcome, f.Code}
		}
	}
	if m.Service != "" && v.optOuts.has(m.To) {
		end = fate{"failed", 21610}
	}
	if (end.status == "undelivered" || end.status == "failed") && end.code == 0 {
		end.code = 30008
	}
	path := []fate{{status: "queued"}, {status: "sent"}, end}
	switch end.status {
	case "queued":
		path = path[:1]
	case "sent":
		path = path[:2]
	case "failed":
		path = []fate{{status: "queued"}, end} // it never left
	}
	steps := make([]step, len(path))
	for i, f := range path {
		steps[i] = v.twilioStep(kept, m, f, suffers(faults, Forge))
	}
	v.planned(steps, faults)
}

func (v *Vendors) twilioStep(kept *Message, m Message, f fate, forged bool) step {
	s := step{become: func() {
		now := v.now()
		v.ledger.turn(kept, func(m *Message) {
			m.Status, m.ErrorCode, m.Updated = f.status, f.code, now
			if f.status == "sent" || f.status == "delivered" && m.SentAt == nil {
				m.SentAt = &now
			}
		})
	}}
	if m.Callback == "" {
		return s
	}
	form := url.Values{
		"MessageSid": {m.ID}, "SmsSid": {m.ID}, "MessageStatus": {f.status}, "SmsStatus": {f.status}, "To": {m.To}, "From": {m.From},
		"AccountSid": {v.options.AccountSID}, "ApiVersion": {twilioVersion},
	}
	if m.Service != "" {
		form.Set("MessagingServiceSid", m.Service)
	}
	if f.code != 0 {
		form.Set("ErrorCode", strconv.Itoa(f.code))
	}
	s.tell = v.twilioParcel(m.Callback, form, forged)
	return s
}

// twilioParcel is a signed callback. How often it is tried again follows from the address's fragment, as "Webhooks: Connection Overrides"
// in Twilio's docs has it: rc of the retries (1), rp of the failures that are tried again (ct; 4xx, 5xx, rt, all).
func (v *Vendors) twilioParcel(address string, form url.Values, forged bool) *parcel {
	address, fragment, _ := strings.Cut(address, "#")
	overrides, _ := url.ParseQuery(fragment)
	retries, err := strconv.Atoi(overrides.Get("rc"))
	if err != nil {
		retries = 1
	}
	policy := strings.Split(or(overrides.Get("rp"), "ct"), ",")
	token, secret := newSID(""), v.options.AuthToken
	if forged {
		secret += "?"
	}
	return &parcel{
		url: address, body: []byte(form.Encode()), retries: min(max(retries, 0), 5),
		headers: func() map[string]string {
			return map[string]string{
				"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8", "User-Agent": "TwilioProxy/1.1",
				"X-Twilio-Signature": twilioSignature(secret, address, form), "I-Twilio-Idempotency-Token": token,
			}
		},
		again: func(status int) bool {
			return slices.Contains(policy, "all") || status == 0 && (slices.Contains(policy, "ct") || slices.Contains(policy, "rt")) ||
				status >= 500 && slices.Contains(policy, "5xx") || status >= 400 && status < 500 && slices.Contains(policy, "4xx")
		},
	}
}

// twilioSignature is the base64 of an HMAC-SHA1 by the auth token, over the address and each parameter's name and value, sorted by name:
// "Validating Signatures from Twilio" in "Webhooks Security", in its docs.
func twilioSignature(secret, address string, form url.Values) string {
	names := make([]string, 0, len(form))
	for name := range form {
		names = append(names, name)
	}
	slices.Sort(names)
	mac := hmac.New(sha1.New, []byte(secret))
	_, _ = mac.Write([]byte(address))
	for _, name := range names {
		for _, value := range form[name] {
			_, _ = mac.Write([]byte(name + value))
		}
	}
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
