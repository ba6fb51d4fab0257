package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/netip"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"

	"github.com/mediconnect/mediconnect/internal/identity"
)

type trust = *x509.CertPool

// server is an SMTP server that takes our mails (RFC 5321, 6409, 8314).
type server struct {
	host, user, password string
	port                 int
	wrapped              bool // smtps: TLS from the first byte on; else STARTTLS
	trust                trust
}

// The ports of submission, unless the URL names one.
const (
	submission        = 587
	wrappedSubmission = 465
)

func newServer(u *url.URL, trusted trust) server {
	s := server{host: u.Hostname(), user: u.User.Username(), port: submission, wrapped: u.Scheme == "smtps", trust: trusted}
	s.password, _ = u.User.Password()
	if s.wrapped {
		s.port = wrappedSubmission
	}
	if port, err := strconv.Atoi(u.Port()); err == nil {
		s.port = port
	}
	return s
}

// send speaks with the server over a connection of its own, which ends with ctx: the library bounds the dialling alone, forgets a
// connection whose first steps failed, and moves deadlines on. A mail that was taken is sent, whatever happens afterwards.
func (s server) send(ctx context.Context, m *gomail.Msg) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	client, err := gomail.NewClient(s.host, s.options(ctx)...)
	if err != nil {
		return failure{step: "settings"}
	}
	session, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return passing("greet the server", err)
	}
	if err = client.SendWithSMTPClient(session, m); m.IsDelivered() {
		_ = client.CloseWithSMTPClient(session)
		return nil
	}
	return judged(err)
}

func (s server) options(ctx context.Context) []gomail.Option {
	list := []gomail.Option{
		gomail.WithPort(s.port), gomail.WithTimeout(sendTime), gomail.WithTLSConfig(s.tls()), gomail.WithTLSPolicy(gomail.TLSMandatory),
		gomail.WithoutNoop(), gomail.WithDialContextFunc(func(_ context.Context, network, address string) (net.Conn, error) {
			return s.dial(ctx, network, address)
		}),
	}
	if s.user != "" {
		list = append(list, gomail.WithSMTPAuthCustom(&credentials{server: s}))
	}
	switch {
	case s.wrapped:
		list = append(list, gomail.WithSSL())
	case s.near():
		list = append(list, gomail.WithTLSPolicy(gomail.TLSOpportunistic))
	}
	return list
}

// near says that nobody can listen in on the way: a relay on this machine may do without TLS. Passwords are sent through TLS alone.
func (s server) near() bool {
	at, err := netip.ParseAddr(s.host)
	return s.host == "localhost" || err == nil && at.IsLoopback()
}

func (s server) tls() *tls.Config {
	return &tls.Config{ServerName: s.host, RootCAs: s.trust, MinVersion: tls.VersionTLS12}
}

// dial ends the connection with ctx.
func (s server) dial(ctx context.Context, network, address string) (net.Conn, error) {
	var dialer interface {
		DialContext(context.Context, string, string) (net.Conn, error)
	} = &net.Dialer{}
	if s.wrapped {
		dialer = &tls.Dialer{Config: s.tls()}
	}
	conn, err := dialer.DialContext(ctx, network, address)
	if err == nil {
		context.AfterFunc(ctx, func() { _ = conn.Close() })
	}
	return conn, err
}

// credentials sign in by PLAIN (RFC 4616), or by LOGIN, which some servers offer alone; never without TLS.
type credentials struct {
	server
	by smtp.Auth
}

func (c *credentials) Start(at *smtp.ServerInfo) (string, []byte, error) {
	c.by = smtp.PlainAuth("", c.user, c.password, c.host, false)
	if !slices.Contains(at.Auth, "PLAIN") && slices.Contains(at.Auth, "LOGIN") {
		c.by = smtp.LoginAuth(c.user, c.password, c.host, false)
	}
	return c.by.Start(at)
}

func (c *credentials) Next(said []byte, more bool) ([]byte, error) { return c.by.Next(said, more) }

// judged sorts why a mail wasn't taken. What the server refuses for good it says with a reply of the 500s (RFC 5321, 4.2.1), about the
// mail or its recipient; anything else may pass.
func judged(err error) error {
	e, ok := errors.AsType[*gomail.SendError](err)
	if !ok {
		return passing("send", err)
	}
	if final := []gomail.SendErrReason{gomail.ErrSMTPMailFrom, gomail.ErrSMTPRcptTo, gomail.ErrSMTPData, gomail.ErrSMTPDataClose}; e.ErrorCode() >= 500 && slices.Contains(final, e.Reason) {
		return identity.Undeliverable{Code: e.ErrorCode()}
	}
	return failure{step: e.Reason.String(), code: e.ErrorCode()}
}

// passing is a failure of the way to the server, or of signing in there: an operator can set it right.
func passing(step string, err error) error {
	f := failure{step: step}
	if said, ok := errors.AsType[*textproto.Error](err); ok {
		f.code = said.Code
	}
	return f
}
