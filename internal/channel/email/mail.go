package email

import (
	"github.com/mediconnect/mediconnect/internal/channel/wire"
	"github.com/mediconnect/mediconnect/internal/reminder"
)

// argument is the custom argument that names a mail's message. It comes back with each event.
const argument = "message"

// mail is the body of POST /v3/mail/send (https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send).
type mail struct {
	Personalizations []personalization `json:"personalizations"`
	From             address           `json:"from"`
	Subject          string            `json:"subject"`
	Content          []content         `json:"content"`
	Headers          map[string]string `json:"headers"`
	Tracking         tracking          `json:"tracking_settings"`
}

type personalization struct {
	To         []address         `json:"to"`
	CustomArgs map[string]string `json:"custom_args"`
}

type address struct {
	Email string `json:"email"`
	Name  string `json:"name,omitempty"`
}

type content struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

// tracking is off whatever the account's settings are: SendGrid would lead private links over servers of its own, and put a picture into
// the mail that tells who read it when.
type tracking struct {
	Click        enabled `json:"click_tracking"`
	Open         enabled `json:"open_tracking"`
	Subscription enabled `json:"subscription_tracking"`
	Analytics    enabled `json:"ganalytics"`
}

type enabled struct {
	Enable bool `json:"enable"`
}

// mail is a letter as SendGrid wants it. The plain text comes first, as it must.
func (c *Channel) mail(l reminder.Letter) mail {
	m := mail{
		Personalizations: []personalization{{
			To:         []address{{Email: l.To.Reveal()}},
			CustomArgs: map[string]string{argument: wire.Key(l.Message)},
		}},
		From:    address{Email: c.config.From.Address, Name: c.config.From.Name},
		Subject: l.Subject,
		Content: []content{{"text/plain", l.Text}},
		Headers: headers(l),
	}
	if l.HTML != "" {
		m.Content = append(m.Content, content{"text/html", l.HTML})
	}
	return m
}

// headers of a mail: nobody's holiday answers it (RFC 3834), and one press of a button ends them (RFC 8058).
func headers(l reminder.Letter) map[string]string {
	h := map[string]string{"Auto-Submitted": "auto-generated"}
	if l.Language != "" {
		h["Content-Language"] = l.Language
	}
	if l.Unsubscribe != "" {
		h["List-Unsubscribe"] = "<" + l.Unsubscribe + ">"
		h["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
	}
	return h
}
