// Package email is part of the cellar: e-mails by SendGrid, in the wire format of its API v3.
package email

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"net/http"
	netmail "net/mail"
	"net/url"
	"strings"

	"github.com/mediconnect/mediconnect/internal/channel/wire"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/reminder"
	"github.com/mediconnect/mediconnect/internal/resilience"
)

// Config says by whom e-mails are sent.
type Config struct {
	URL   *url.URL // SendGrid's API: https://api.sendgrid.com
	Key   string   // of the API; it needs no more than mail.send
	From  netmail.Address
	Guard *resilience.Guard
	Clock clock.Clock
	Roots *x509.CertPool // whose certificates; nil: the machine's
}

// Channel sends e-mails. It implements reminder.Channel.
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
func (c *Channel) Kind() reminder.ChannelKind { return reminder.Email }

// Find is documented at reminder.Channel. SendGrid answers no questions about single mails; its events come with the message's name.
func (c *Channel) Find(context.Context, reminder.Sought) (reminder.Finding, error) {
	return reminder.Finding{}, reminder.CannotAsk{}
}

// Send is documented at reminder.Channel. SendGrid knows no idempotency keys: a mail that is sent twice arrives twice.
func (c *Channel) Send(ctx context.Context, l reminder.Letter, leave reminder.Leave) (receipt reminder.Receipt, err error) {
	err = c.Call(ctx, func(ctx context.Context) error {
		request, err := c.request(ctx, l)
		if err != nil {
			return err
		}
		answer, err := c.line.Ask(ctx, request, leave)
		if err != nil {
			return err
		}
		if !answer.Taken() {
			return c.failure(answer)
		}
		receipt.VendorID = answer.Header.Get("X-Message-Id")
		return nil
	})
	return receipt, err
}

func (c *Channel) request(ctx context.Context, l reminder.Letter) (*http.Request, error) {
	body, err := json.Marshal(c.mail(l))
	if err != nil {
		return nil, errs.Bug("write a mail", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.config.URL.JoinPath("/v3/mail/send").String(), strings.NewReader(string(body)))
	if err != nil {
		return nil, errs.Bug("make a request", err)
	}
	r.Header.Set("Authorization", "Bearer "+c.config.Key)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", "MediConnect")
	return r, nil
}

// failure sorts an answer that isn't good. SendGrid names the field that it refuses, as "personalizations.0.to.0.email"; what it says of it is
// not kept, as it may repeat the address.
func (c *Channel) failure(a wire.Answer) error {
	var told struct {
		Errors []struct {
			Field string `json:"field"`
		} `json:"errors"`
	}
	if a.Status == http.StatusBadRequest && json.Unmarshal(a.Body, &told) == nil {
		for _, e := range told.Errors {
			if strings.HasPrefix(e.Field, "personalizations") && strings.Contains(e.Field+".", ".to.") {
				return reminder.Refused{Cause: reminder.BadAddress, Code: a.Code()}
			}
		}
	}
	return a.Failure(c.config.Clock.Now())
}
