package vendors

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// Words that Twilio itself heeds, if they are all of a text: "Twilio support for opt-out keywords" in its help.
var (
	stopWords  = []string{"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "OPTOUT", "REVOKE"}
	startWords = []string{"START", "YES", "UNSTOP"}
	helpWords  = []string{"HELP", "INFO"}
)

// maxOptOuts are the numbers kept; beyond them nobody more is added.
const maxOptOuts = 100_000

// optOuts is Twilio's list of who wants no more texts. Theirs is by sender; here the account has one.
type optOuts struct {
	mu   sync.Mutex
	gone map[string]bool
}

func (o *optOuts) has(number string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.gone[number]
}

// heed lets a text change the list, and answers what kind of word it is, as Twilio's OptOutType.
func (o *optOuts) heed(number, body string) string {
	word := strings.ToUpper(strings.TrimSpace(body))
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case slices.Contains(stopWords, word):
		if o.gone == nil {
			o.gone = map[string]bool{}
		}
		if len(o.gone) < maxOptOuts {
			o.gone[number] = true
		}
		return "STOP"
	case slices.Contains(startWords, word):
		delete(o.gone, number)
		return "START"
	case slices.Contains(helpWords, word):
		return "HELP"
	}
	return ""
}

// OptedOut says whether Twilio's own list has a number.
func (v *Vendors) OptedOut(number string) bool { return v.optOuts.has(number) }

// ReplyFailed reports an answer to an inbound text that isn't TwiML, or no answer (0).
type ReplyFailed struct{ Status int }

func (f ReplyFailed) Error() string {
	return fmt.Sprintf("vendors: the inbound text was not answered with TwiML (status %d)", f.Status)
}

// Reply is somebody who writes to the account's number that last wrote to them. It posts the text to the address of SendRepliesTo, signed:
// "Twilio's request to your incoming message Webhook URL" in Twilio's docs; with OptOutType, as a service with Advanced Opt-Out has it.
// It answers what the TwiML says back, one message a line, which is empty for an empty <Response/>. Who opted out isn't written to. It fails with ReplyFailed.
func (v *Vendors) Reply(ctx context.Context, from, body string) (string, error) {
	_, address := v.hooks.get()
	to, service := v.wrote(from)
	now := v.now()
	m := Message{Vendor: Twilio, ID: newSID("SM"), Direction: "inbound", From: from, To: to, Service: service, Text: body, Arrived: now, Accepted: now, Updated: now, SentAt: &now, Status: "received"}
	kind := v.optOuts.heed(from, body)
	v.ledger.add(m)
	if address == "" {
		return "", errors.New("vendors: nobody has said where replies go")
	}
	form := url.Values{
		"MessageSid": {m.ID}, "SmsSid": {m.ID}, "SmsMessageSid": {m.ID}, "AccountSid": {v.options.AccountSID}, "From": {from}, "To": {to}, "Body": {body},
		"NumMedia": {"0"}, "NumSegments": {segments(body)}, "SmsStatus": {"received"}, "ApiVersion": {twilioVersion},
	}
	if kind != "" {
		form.Set("OptOutType", kind)
	}
	if service != "" {
		form.Set("MessagingServiceSid", service)
	}
	_, callbacks, _ := v.services[Twilio].strike(OnReply, from)
	said, err := v.courier.ask(ctx, v.twilioParcel(address, form, suffers(callbacks, Forge)))
	if err != nil {
		return "", err
	}
	v.answered(m, said)
	return strings.Join(said, "\n"), nil
}

// wrote is which number, of which service, last wrote to somebody.
func (v *Vendors) wrote(to string) (from, service string) {
	last := v.ledger.newest(to, 1, func(m *Message) bool { return m.Vendor == Twilio && m.Direction != "inbound" })
	if len(last) == 0 {
		return v.options.Numbers[0], ""
	}
	return last[0].From, last[0].Service
}

// answered keeps what TwiML says back, as texts.
func (v *Vendors) answered(m Message, said []string) {
	for _, text := range said {
		now := v.now()
		back := Message{Vendor: Twilio, ID: newSID("SM"), Direction: "outbound-reply", From: m.To, To: m.From, Service: m.Service, Text: text, Arrived: now, Accepted: now, Updated: now, SentAt: &now, Status: "delivered"}
		if v.optOuts.has(m.From) {
			back.Status, back.ErrorCode = "failed", 21610
		}
		v.ledger.add(back)
	}
}

// twiML is what an inbound text is answered with: "TwiML for Programmable Messaging" in Twilio's docs.
type twiML struct {
	XMLName  xml.Name `xml:"Response"`
	Messages []struct {
		Text string `xml:",chardata"`
		Body string `xml:"Body"`
	} `xml:"Message"`
}

func (c *courier) ask(ctx context.Context, p *parcel) ([]string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, strings.NewReader(string(p.body)))
	if err != nil {
		return nil, err
	}
	for name, value := range p.headers() {
		r.Header.Set(name, value)
	}
	answer, err := c.client.Do(r)
	if err != nil {
		return nil, ReplyFailed{}
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 64<<10))
	var t twiML
	switch {
	case err != nil || answer.StatusCode < 200 || answer.StatusCode > 299:
		return nil, ReplyFailed{answer.StatusCode}
	case answer.StatusCode == http.StatusNoContent || len(text) == 0:
		return nil, nil
	case xml.Unmarshal(text, &t) != nil:
		return nil, ReplyFailed{answer.StatusCode}
	}
	var said []string
	for _, m := range t.Messages {
		if s := strings.TrimSpace(m.Text + m.Body); s != "" {
			said = append(said, s)
		}
	}
	return said, nil
}
