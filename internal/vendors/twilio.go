package vendors

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// twilioVersion is the version of the API, which is part of its paths.
const twilioVersion = "2010-04-01"

// rfc2822 is how Twilio writes instants, in UTC.
const rfc2822 = time.RFC1123Z

// twilioError is how Twilio refuses: "Twilio API responses" and "Error and Warning Dictionary" in its docs.
type twilioError struct {
	Code     int    `json:"code"`
	Message  string `json:"message"`
	MoreInfo string `json:"more_info"`
	Status   int    `json:"status"`
}

// twilioMessages are errors by their code, in short.
var twilioMessages = map[int]string{
	20001: "Invalid parameter",
	20003: "Authenticate",
	20404: "The requested resource was not found",
	20429: "Too Many Requests",
	20500: "Internal Server Error",
	20503: "Service Unavailable",
	21211: "Invalid 'To' Phone Number",
	21408: "Permission to send an SMS has not been enabled for the region of the 'To' number",
	21602: "Message body is required",
	21603: "A 'From' phone number is required",
	21604: "A 'To' phone number is required",
	21606: "The 'From' phone number is not one of the account's",
	21609: "Invalid 'StatusCallback' URL",
	21610: "Attempt to send to unsubscribed recipient",
	21612: "The 'To' phone number is not currently reachable via SMS",
	21614: "'To' number is not a valid mobile number",
	21617: "The concatenated message body exceeds the 1600 character limit",
}

func twilioErrorOf(status, code int) twilioError {
	message, known := twilioMessages[code]
	if !known {
		message = http.StatusText(status)
	}
	return twilioError{code, message, fmt.Sprintf("https://www.twilio.com/docs/errors/%d", code), status}
}

// twilioWords is what Twilio says when a fault makes it fail.
func twilioWords(f Fault) []byte {
	code := f.Code
	if code == 0 {
		code = map[int]int{401: 20003, 404: 20404, 429: 20429, 500: 20500, 503: 20503}[f.Status]
	}
	body, _ := json.Marshal(twilioErrorOf(f.Status, or(code, 20000+f.Status)))
	return body
}

func (x *exchange) twilioRefuses(status, code int) {
	if status == http.StatusUnauthorized {
		x.w.Header().Set("WWW-Authenticate", `Basic realm="Twilio API"`)
	}
	x.json(status, twilioErrorOf(status, code))
}

func (x *exchange) json(status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		panic(err) // all that is written here has a form
	}
	x.w.Header().Set("Content-Type", "application/json")
	x.w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	x.w.WriteHeader(status)
	_, _ = x.w.Write(text)
}

// twilioKnows checks account and password ("Requests to Twilio": HTTP Basic), and whose messages the path names.
func (x *exchange) twilioKnows() bool {
	sid, token, _ := x.r.BasicAuth()
	if subtle.ConstantTimeCompare([]byte(sid), []byte(x.options.AccountSID))&subtle.ConstantTimeCompare([]byte(token), []byte(x.options.AuthToken)) != 1 {
		x.twilioRefuses(http.StatusUnauthorized, 20003)
		return false
	}
	if x.r.PathValue("account") != x.options.AccountSID {
		x.twilioRefuses(http.StatusNotFound, 20404)
		return false
	}
	return true
}

// twilioMessage is a message as Twilio shows it: "Messages resource" in its docs.
type twilioMessage struct {
	Body            string            `json:"body"`
	NumSegments     string            `json:"num_segments"`
	Direction       string            `json:"direction"`
	From            *string           `json:"from"`
	To              string            `json:"to"`
	DateUpdated     string            `json:"date_updated"`
	Price           *string           `json:"price"`
	ErrorMessage    *string           `json:"error_message"`
	URI             string            `json:"uri"`
	AccountSID      string            `json:"account_sid"`
	NumMedia        string            `json:"num_media"`
	Status          string            `json:"status"`
	MessagingSID    *string           `json:"messaging_service_sid"`
	SID             string            `json:"sid"`
	DateSent        *string           `json:"date_sent"`
	DateCreated     string            `json:"date_created"`
	ErrorCode       *int              `json:"error_code"`
	PriceUnit       string            `json:"price_unit"`
	APIVersion      string            `json:"api_version"`
	SubresourceURIs map[string]string `json:"subresource_uris"`
}

func (v *Vendors) twilioMessage(m Message) twilioMessage {
	path := v.twilioPath("/Messages/" + m.ID)
	t := twilioMessage{
		Body: m.Text, NumSegments: segments(m.Text), Direction: m.Direction, From: filled(m.From), To: m.To, DateUpdated: m.Updated.UTC().Format(rfc2822),
		URI: path + ".json", AccountSID: v.options.AccountSID, NumMedia: "0", Status: m.Status, MessagingSID: filled(m.Service), SID: m.ID,
		DateCreated: m.Accepted.UTC().Format(rfc2822), PriceUnit: "USD", APIVersion: twilioVersion,
		SubresourceURIs: map[string]string{"media": path + "/Media.json"},
	}
	if m.Status == "accepted" { // a messaging service has not picked a number yet
		t.From, t.NumSegments = nil, "0"
	}
	if m.SentAt != nil {
		t.DateSent = filled(m.SentAt.UTC().Format(rfc2822))
	}
	if m.ErrorCode != 0 {
		t.ErrorCode, t.ErrorMessage = &m.ErrorCode, filled(or(twilioMessages[m.ErrorCode], deliveryErrors[m.ErrorCode]))
	}
	return t
}

func (v *Vendors) twilioPath(rest string) string {
	return "/" + twilioVersion + "/Accounts/" + v.options.AccountSID + rest
}

func filled(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// twilioFind answers one message.
func (v *Vendors) twilioFind(w http.ResponseWriter, r *http.Request) {
	x := &exchange{Vendors: v, service: v.services[Twilio], w: w, r: r, arrived: v.now()}
	x.service.note(func(s *Stats) { s.Finds++ })
	if !x.twilioKnows() {
		return
	}
	_, m, found := v.ledger.find(trimJSON(r.PathValue("sid")))
	if !x.suffer(OnFind, m.To) || !x.accepted() {
		return
	}
	if !found || m.Vendor != Twilio {
		x.twilioRefuses(http.StatusNotFound, 20404)
		return
	}
	x.json(http.StatusOK, v.twilioMessage(m))
}

// newSID makes a name such as SM and 32 hexadecimal digits.
func newSID(prefix string) string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return prefix + hex.EncodeToString(b[:])
}
