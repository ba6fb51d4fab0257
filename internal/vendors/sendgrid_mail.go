package vendors

import (
	"fmt"
	"net/mail"
	"strings"
)

// sendgridMail is a request to send: "Mail Send" in SendGrid's docs, as far as it is heeded here. Types that don't fit make it malformed.
type sendgridMail struct {
	Personalizations []personalization `json:"personalizations"`
	From             mailAddress       `json:"from"`
	Subject          string            `json:"subject"`
	Content          []struct {
		Type  string `json:"type"`
		Value string `json:"value"`
	} `json:"content"`
	Headers      map[string]string `json:"headers"`
	CustomArgs   map[string]string `json:"custom_args"`
	TemplateID   string            `json:"template_id"`
	MailSettings struct {
		SandboxMode struct {
			Enable bool `json:"enable"`
		} `json:"sandbox_mode"`
	} `json:"mail_settings"`
}

type personalization struct {
	To         []mailAddress     `json:"to"`
	Subject    string            `json:"subject"`
	Headers    map[string]string `json:"headers"`
	CustomArgs map[string]string `json:"custom_args"`
}

type mailAddress struct {
	Email string `json:"email"`
	Name  string `json:"name"`
}

func (a mailAddress) valid() bool {
	parsed, err := mail.ParseAddress(a.Email)
	return err == nil && parsed.Address == a.Email && len(a.Email) <= 254
}

// first is the first recipient, which faults go by.
func (m sendgridMail) first() string {
	for _, p := range m.Personalizations {
		for _, to := range p.To {
			return to.Email
		}
	}
	return ""
}

func (m sendgridMail) sandboxed() bool { return m.MailSettings.SandboxMode.Enable }

// wrong is all that is wrong with a mail.
func (m sendgridMail) wrong() (wrong []sendgridError) {
	switch {
	case m.From.Email == "":
		wrong = append(wrong, wrongIn("from.email", "The from object with its email parameter is required"))
	case !m.From.valid():
		wrong = append(wrong, wrongIn("from.email", "Does not contain a valid address"))
	}
	wrong = append(wrong, m.wrongPeople()...)
	if m.TemplateID == "" {
		wrong = append(wrong, m.wrongContent()...)
	}
	for name := range m.Headers {
		if reserved(name) {
			wrong = append(wrong, wrongIn("headers", "A reserved header is set"))
		}
	}
	return wrong
}

// maxPeople are the recipients of one mail, and maxArgs the bytes of its custom arguments: "Mail Send", limitations.
const (
	maxPeople = 1000
	maxArgs   = 10_000
)

func (m sendgridMail) wrongPeople() (wrong []sendgridError) {
	if len(m.Personalizations) == 0 {
		return []sendgridError{wrongIn("personalizations", "At least one personalization is required")}
	}
	people := 0
	for i, p := range m.Personalizations {
		at := fmt.Sprintf("personalizations.%d", i)
		if len(p.To) == 0 {
			wrong = append(wrong, wrongIn(at+".to", "The to array must have at least one address"))
		}
		for j, to := range p.To {
			if !to.valid() {
				wrong = append(wrong, wrongIn(fmt.Sprintf("%s.to.%d.email", at, j), "Does not contain a valid address"))
			}
		}
		if argsSize(m.CustomArgs)+argsSize(p.CustomArgs) > maxArgs {
			wrong = append(wrong, wrongIn(at+".custom_args", "The custom_args are larger than 10,000 bytes"))
		}
		if p.Subject == "" && m.Subject == "" && m.TemplateID == "" {
			wrong = append(wrong, wrongIn("subject", "The subject is required"))
		}
		people += len(p.To)
	}
	if people > maxPeople {
		wrong = append(wrong, wrongIn("personalizations", "A mail has at most 1,000 recipients"))
	}
	return wrong
}

func argsSize(args map[string]string) (n int) {
	for name, value := range args {
		n += len(name) + len(value)
	}
	return n
}

// wrongContent heeds the order, too: text/plain comes first, then text/html.
func (m sendgridMail) wrongContent() (wrong []sendgridError) {
	if len(m.Content) == 0 {
		return []sendgridError{wrongIn("content", "At least one content block is required")}
	}
	for i, c := range m.Content {
		at := fmt.Sprintf("content.%d", i)
		switch {
		case !strings.Contains(c.Type, "/"):
			wrong = append(wrong, wrongIn(at+".type", "The content type is required"))
		case c.Type == "text/plain" && i > 0:
			wrong = append(wrong, wrongIn("content", "The text/plain content must come first"))
		}
		if c.Value == "" {
			wrong = append(wrong, wrongIn(at+".value", "The content value must have at least one character"))
		}
	}
	return wrong
}

// reserved are headers that SendGrid sets itself.
func reserved(name string) bool {
	switch strings.ToLower(name) {
	case "x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type", "content-transfer-encoding", "to", "from", "subject", "reply-to", "cc", "bcc":
		return true
	}
	return false
}
