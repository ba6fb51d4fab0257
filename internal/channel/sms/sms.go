// Package sms is part of the cellar: text messages by Twilio, in the wire format of its API of 2010-04-01.
package sms

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/mediconnect/mediconnect/internal/channel/wire"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/reminder"
	"github.com/mediconnect/mediconnect/internal/resilience"
)

// Account is ours at Twilio.
type Account struct {
	SID   string // AC and 32 hexadecimal digits
	Token string // the auth token: a password, which also signs what Twilio sends
}

// Config says by whom texts are sent.
type Config struct {
	URL       *url.URL // Twilio's API: https://api.twilio.com
	Account   Account
	From      string   // E.164, a short code or a name; or
	Service   string   // a messaging service that has senders: MG and 32 hexadecimal digits
	Callbacks *url.URL // where Twilio reaches us; StatusPath follows
	Guard     *resilience.Guard
	Clock     clock.Clock
	Roots     *x509.CertPool // whose certificates; nil: the machine's
}

// Paths of what Twilio calls, below Config.Callbacks.
const (
	StatusPath = "/callbacks/twilio/status" // of a text that we sent; ?m= names its message
	ReplyPath  = "/callbacks/twilio/reply"  // what somebody sent back
)

// Channel sends texts. It implements reminder.Channel.
type Channel struct {
	wire.Guarded
	config Config
	line   *wire.Line
}

var _ reminder.Channel = (*Channel)(nil)

// New makes a channel. It connects to nothing yet.
func New(c Config) *Channel {
	return &Channel{Guarded: wire.Guarded{Guard: c.Guard}, config: c, line: wire.To(c.URL, c.Roots)}
}

// Kind is documented at reminder.Channel.
func (c *Channel) Kind() reminder.ChannelKind { return reminder.SMS }

// Send is documented at reminder.Channel. Twilio knows no idempotency keys: a text that is sent twice arrives twice.
func (c *Channel) Send(ctx context.Context, l reminder.Letter, leave reminder.Leave) (receipt reminder.Receipt, err error) {
	err = c.Call(ctx, func(ctx context.Context) error {
		request, err := c.request(ctx, http.MethodPost, nil, strings.NewReader(c.form(l).Encode()))
		if err != nil {
			return err
		}
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		answer, err := c.line.Ask(ctx, request, leave)
		if err != nil {
			return err
		}
		receipt, err = c.received(answer)
		return err
	})
	return receipt, err
}

// request is one to the list of messages, which is both read and added to.
func (c *Channel) request(ctx context.Context, method string, query url.Values, body *strings.Reader) (*http.Request, error) {
	at := c.config.URL.JoinPath(c.path())
	at.RawQuery = query.Encode()
	r, err := http.NewRequestWithContext(ctx, method, at.String(), body)
	if err != nil {
		return nil, errs.Bug("make a request", err)
	}
	r.SetBasicAuth(c.config.Account.SID, c.config.Account.Token)
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", "MediConnect")
	return r, nil
}

func (c *Channel) path() string {
	return "/2010-04-01/Accounts/" + c.config.Account.SID + "/Messages.json"
}

// form is a letter in the fields of https://www.twilio.com/docs/messaging/api/message-resource.
func (c *Channel) form(l reminder.Letter) url.Values {
	status := c.config.Callbacks.JoinPath(StatusPath)
	status.RawQuery, status.Fragment = url.Values{"m": {wire.Key(l.Message)}}.Encode(), insistence
	form := url.Values{"To": {l.To.Reveal()}, "Body": {l.Text}, "StatusCallback": {status.String()}}
	if c.config.Service != "" {
		form.Set("MessagingServiceSid", c.config.Service)
	} else {
		form.Set("From", c.config.From)
	}
	if !l.Expires.IsZero() {
		form.Set("ValidityPeriod", strconv.Itoa(validity(l.Expires.Sub(c.config.Clock.Now()))))
	}
	return form
}

// insistence makes Twilio try five times to reach us with a status, unless we refuse it; else it would try once more at the most
// (https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides). It is no part of the URL that Twilio calls, nor of what it signs.
const insistence = "rc=5&rp=ct,rt,5xx"

// longestValidity is how long Twilio keeps a text that it can't hand on, in seconds.
const longestValidity = 36_000

func validity(left time.Duration) int { return max(1, min(int(left/time.Second), longestValidity)) }

// received reads the answer to a text.
func (c *Channel) received(a wire.Answer) (reminder.Receipt, error) {
	if !a.Taken() {
		return reminder.Receipt{}, c.failure(a)
	}
	var m message
	if err := json.Unmarshal(a.Body, &m); !a.Whole || err != nil || !named(m.SID) {
		return reminder.Receipt{}, reminder.Unclear{Code: a.Code()} // taken by somebody, but is it by Twilio?
	}
	return reminder.Receipt{VendorID: m.SID}, nil
}

// named says that a text can be Twilio's name of a message.
func named(sid string) bool {
	return len(sid) == 34 && (strings.HasPrefix(sid, "SM") || strings.HasPrefix(sid, "MM"))
}

// failure sorts an answer that isn't good: by Twilio's code, of a request that is wrong, else by the status.
func (c *Channel) failure(a wire.Answer) error {
	var told struct {
		Code int `json:"code"`
	}
	if a.Status == http.StatusBadRequest && json.Unmarshal(a.Body, &told) == nil && told.Code > 0 {
		return reminder.Refused{Cause: causeOf(told.Code, reminder.VendorRefused), Code: strconv.Itoa(told.Code)}
	}
	return a.Failure(c.config.Clock.Now())
}
