package vendors

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
)

// maxMail is the most that a mail may have, in bytes: "Mail Send", limitations, in SendGrid's docs.
const maxMail = 30 << 20

// sendgridError is one thing that is wrong: "Responses" and "Errors" in SendGrid's docs.
type sendgridError struct {
	Message string  `json:"message"`
	Field   *string `json:"field"`
	Help    *string `json:"help"`
}

type sendgridErrors struct {
	Errors []sendgridError `json:"errors"`
}

// wrongIn is about a field, such as personalizations.0.to.0.email. The page that helps has a part for each field, without the numbers.
func wrongIn(field, message string) sendgridError {
	var part []string
	for name := range strings.SplitSeq(field, ".") {
		if _, err := strconv.Atoi(name); err != nil && name != "email" {
			part = append(part, name)
		}
	}
	return sendgridError{message, filled(field), filled("http://sendgrid.com/docs/API_Reference/Web_API_v3/Mail/errors.html#message." + strings.Join(part, "."))}
}

var sendgridMessages = map[int]string{
	400: "Bad Request",
	401: "The provided authorization grant is invalid, expired, or revoked",
	403: "access forbidden",
	413: "The JSON payload is larger than 30MB",
	415: "Content-Type should be application/json",
	429: "too many requests",
}

// sendgridWords is what SendGrid says when a fault makes it fail.
func sendgridWords(f Fault) []byte {
	body, _ := json.Marshal(sendgridErrors{[]sendgridError{{Message: or(sendgridMessages[f.Status], http.StatusText(f.Status))}}})
	return body
}

func (x *exchange) sendgridRefuses(status int, wrong ...sendgridError) {
	if len(wrong) == 0 {
		wrong = []sendgridError{{Message: sendgridMessages[status]}}
	}
	x.json(status, sendgridErrors{wrong})
}

// sendgridSend takes a mail: "Mail Send" in SendGrid's docs. One recipient is one message of the ledger, all with the same id.
func (v *Vendors) sendgridSend(w http.ResponseWriter, r *http.Request) {
	x := &exchange{Vendors: v, service: v.services[SendGrid], w: w, r: r, arrived: v.now()}
	defer x.inFlight()()
	key, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !bearer || subtle.ConstantTimeCompare([]byte(key), []byte(v.options.APIKey)) != 1 {
		x.sendgridRefuses(http.StatusUnauthorized)
		return
	}
	if kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); kind != "application/json" {
		x.sendgridRefuses(http.StatusUnsupportedMediaType)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxMail))
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		x.sendgridRefuses(http.StatusRequestEntityTooLarge)
		return
	}
	var m sendgridMail
	malformed := err != nil || json.Unmarshal(body, &m) != nil
	if !x.suffer(OnSend, m.first()) {
		return
	}
	if malformed {
		x.sendgridRefuses(http.StatusBadRequest)
		return
	}
	if wrong := m.wrong(); len(wrong) > 0 {
		x.sendgridRefuses(http.StatusBadRequest, wrong...)
		return
	}
	x.sendgridTakes(m)
}

func (x *exchange) sendgridTakes(m sendgridMail) {
	id := newMailID()
	if m.sandboxed() { // checked, and sent to nobody
		x.settle(func() { x.w.WriteHeader(http.StatusOK) }, func() {})
		return
	}
	var kept []*Message
	var made []Message
	for _, p := range m.Personalizations {
		for _, to := range p.To {
			one := x.mail(m, p, to.Email)
			one.ID = id
			x.service.note(func(s *Stats) { s.Accepted++ })
			stored := x.ledger.add(one)
			one.Number = stored.Number
			kept, made = append(kept, stored), append(made, one)
		}
	}
	x.settle(
		func() {
			x.w.Header().Set("X-Message-Id", id)
			x.w.Header().Set("Content-Length", "0")
			x.w.WriteHeader(http.StatusAccepted)
		},
		func() {
			for i, one := range made {
				x.sendgridBecomes(kept[i], one, x.callbacks)
			}
		},
	)
}

// mail is what one recipient gets.
func (x *exchange) mail(m sendgridMail, p personalization, to string) Message {
	args := maps.Clone(m.CustomArgs)
	if args == nil {
		args = map[string]string{}
	}
	maps.Copy(args, p.CustomArgs)
	headers := maps.Clone(m.Headers)
	if headers == nil {
		headers = map[string]string{}
	}
	maps.Copy(headers, p.Headers)
	one := Message{
		Vendor: SendGrid, Key: args["message"], Direction: "outbound-api", From: m.From.Email, To: to, Subject: or(p.Subject, m.Subject),
		Args: args, Headers: headers, Arrived: x.arrived, Accepted: x.now(), Status: "accepted",
	}
	one.Updated = one.Accepted
	for _, c := range m.Content {
		switch c.Type {
		case "text/plain":
			one.Text = c.Value
		case "text/html":
			one.HTML = c.Value
		}
	}
	return one
}

// newMailID is like SendGrid's: 22 characters of base64url.
func newMailID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}
