// Package mail is the cellar's letter box: it words mails and sends them by SMTP, or writes them into a folder.
package mail

import (
	"context"
	"errors"
	"fmt"
	netmail "net/mail"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/identity"
)

// Config says where mails go.
type Config struct {
	URL   string      // smtp://user:password@host:587, smtps://user:password@host:465, or file:///folder; see Check
	From  string      // the sender: an address, or "Name <address>"
	App   *url.URL    // that links in mails lead into
	Clock clock.Clock // for the dates of mails
	trust trust       // whose certificates; nil: the system's
}

// Box sends mails. It implements identity.Post.
type Box struct {
	from  *netmail.Address
	app   string
	clock clock.Clock
	plain bool // long lines and letters beyond ASCII are written as they are, so that a file can be searched
	send  func(context.Context, *gomail.Msg) error
}

// Open makes a box. It doesn't connect to anything yet. It fails as Check and CheckFrom do.
func Open(c Config) (*Box, error) {
	from, err := sender(c.From)
	if err != nil {
		return nil, err
	}
	u, err := parse(c.URL)
	if err != nil {
		return nil, err
	}
	b := &Box{from: from, app: strings.TrimSuffix(c.App.String(), "/"), clock: c.Clock}
	if u.Scheme == "file" {
		b.send, b.plain = folder(u.Path).put, true
	} else {
		b.send = newServer(u, c.trust).send
	}
	return b, nil
}

// Faults of settings, in words that show no secret.
var (
	errURL  = errors.New("must be smtp://user:password@host:587, smtps://user:password@host:465 or file:///folder")
	errFrom = errors.New("must be an e-mail address, or a name with one: MediConnect <no-reply@example.org>")
)

// Check says what is wrong with a URL.
func Check(text string) error {
	_, err := parse(text)
	return err
}

// CheckFrom says what is wrong with a sender.
func CheckFrom(text string) error {
	_, err := sender(text)
	return err
}

func parse(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.RawQuery != "" || u.Fragment != "" || u.Opaque != "" {
		return nil, errURL
	}
	switch u.Scheme {
	case "file":
		if u.Host != "" || u.User != nil || !filepath.IsAbs(u.Path) {
			return nil, errURL
		}
	case "smtp", "smtps":
		if _, err := strconv.ParseUint(u.Port(), 10, 16); u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.Port() != "" && err != nil {
			return nil, errURL
		}
	default:
		return nil, errURL
	}
	return u, nil
}

func sender(text string) (*netmail.Address, error) {
	a, err := netmail.ParseAddress(text)
	if err != nil || !oneLine(a.Name) || !oneLine(a.Address) {
		return nil, errFrom
	}
	return a, nil
}

// sendTime bounds the sending of one mail, from the first packet on.
const sendTime = 10 * time.Second

// Send is documented at identity.Post. Its failures tell neither the address nor what the server says, which may repeat it.
func (b *Box) Send(ctx context.Context, l identity.Letter) error {
	ctx, cancel := context.WithTimeout(ctx, sendTime)
	defer cancel()
	m, err := b.compose(l)
	if err != nil {
		return err
	}
	return b.send(ctx, m)
}

// compose makes a message in two forms, plain text and HTML, of which a reader shows one.
func (b *Box) compose(l identity.Letter) (*gomail.Msg, error) {
	to := l.To.Reveal()
	if !oneLine(to) || !oneLine(l.Organization) {
		return nil, identity.Undeliverable{}
	}
	w, err := b.write(l)
	if err != nil {
		return nil, err
	}
	m := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	if b.plain {
		m.SetEncoding(gomail.NoEncoding)
	}
	m.FromMailAddress(b.from)
	if err := m.To(to); err != nil {
		return nil, identity.Undeliverable{}
	}
	m.Subject(w.subject)
	m.SetDateWithValue(b.clock.Now())
	m.SetMessageIDWithValue(l.ID.String() + "@" + b.from.Address[strings.LastIndexByte(b.from.Address, '@')+1:])
	m.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: nobody's holiday answers it
	m.SetGenHeader(gomail.HeaderContentLang, w.language)
	m.SetBodyString(gomail.TypeTextPlain, w.text)
	m.AddAlternativeString(gomail.TypeTextHTML, w.html)
	return m, nil
}

// oneLine says that a text can't end a header: it holds no control character.
func oneLine(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0x85 || r == '\u2028' || r == '\u2029' })
}

// failure is a mail that wasn't taken now.
type failure struct {
	step string
	code int // the server's reply; 0: there was none
}

func (f failure) Error() string { return fmt.Sprintf("send mail: %s (%d)", f.step, f.code) }
