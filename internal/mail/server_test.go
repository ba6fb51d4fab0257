package mail

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/identity"
)

// postOffice is an SMTP server that takes mails, or does what a test wants.
type postOffice struct {
	address string
	roots   *x509.CertPool
	atRcpt  func() error
	atData  func(conn net.Conn) error // after all of the mail was read

	mu     sync.Mutex
	mails  []string
	signed []string // who signed in
}

type counter struct {
	office *postOffice
	conn   *smtp.Conn
}

func (c *counter) Reset()                               { /* nothing is begun */ }
func (c *counter) Logout() error                        { return nil }
func (c *counter) Mail(string, *smtp.MailOptions) error { return nil }
func (c *counter) AuthMechanisms() []string             { return []string{sasl.Plain} }
func (c *counter) Rcpt(string, *smtp.RcptOptions) error { return c.office.atRcpt() }
func (c *counter) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		c.office.mu.Lock()
		defer c.office.mu.Unlock()
		c.office.signed = append(c.office.signed, user)
		if password != "p@ss word" {
			return smtp.ErrAuthFailed
		}
		return nil
	}), nil
}

func (c *counter) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	c.office.mu.Lock()
	c.office.mails = append(c.office.mails, string(text))
	c.office.mu.Unlock()
	return c.office.atData(c.conn.Conn())
}

func (o *postOffice) taken() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]string{}, o.mails...)
}

// openOffice serves on a loopback port: in plain text, with STARTTLS, or with TLS from the first byte on.
func openOffice(t *testing.T, security string) *postOffice {
	t.Helper()
	o := &postOffice{atRcpt: func() error { return nil }, atData: func(net.Conn) error { return nil }}
	s := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) { return &counter{o, c}, nil }))
	s.Domain, s.ErrorLog = "localhost", log.New(io.Discard, "", 0)
	l := listening(t)
	o.address = l.Addr().String()
	if security != "none" {
		config, roots := certified(t)
		o.roots = roots
		if security == "starttls" {
			s.TLSConfig = config
		} else {
			l = tls.NewListener(l, config)
		}
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		_ = s.Close()
		<-done
	})
	return o
}

func listening(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func certified(t *testing.T) (*tls.Config, *x509.CertPool) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Unix(0, 0), NotAfter: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: private}}}, roots
}

var sentAt = time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)

func box(t *testing.T, where string, roots *x509.CertPool) *Box {
	t.Helper()
	b, err := Open(Config{
		URL: where, From: "MediConnect <no-reply@clinic.example>", App: &url.URL{Scheme: "https", Host: "app.example"},
		Clock: clock.FrozenAt(sentAt), trust: roots,
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func letter() identity.Letter {
	return identity.Letter{
		ID: uuid.MustParse("01980000-0000-7000-8000-000000000001"), Kind: identity.ConfirmLetter, To: "ada@example.org", Locale: "en-GB",
		Organization: "Clinic & Söhne", Code: "mcv_abc",
	}
}

func TestMailsGoThroughAServerThatSpeaksTLS(t *testing.T) {
	for _, c := range []struct{ name, security, url string }{
		{"STARTTLS", "starttls", "smtp://"}, {"TLS from the first byte on", "wrapped", "smtps://"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := openOffice(t, c.security)
			if err := box(t, c.url+"user:p%40ss%20word@"+o.address, o.roots).Send(t.Context(), letter()); err != nil {
				t.Fatal(err)
			}
			if got := o.taken(); len(got) != 1 || !strings.Contains(got[0], "To: <ada@example.org>") || !strings.Contains(got[0], "#code=3Dmcv_abc") {
				t.Fatalf("the server took %q", got)
			}
			if len(o.signed) != 1 || o.signed[0] != "user" {
				t.Fatalf("%v signed in", o.signed)
			}
		})
	}
}

func TestAServerWhoseCertificateNobodyKnowsGetsNothing(t *testing.T) {
	for _, c := range []struct{ security, url string }{{"starttls", "smtp://"}, {"wrapped", "smtps://"}} {
		o := openOffice(t, c.security)
		err := box(t, c.url+"user:p%40ss%20word@"+o.address, nil).Send(t.Context(), letter())
		if err == nil || len(o.taken()) > 0 || len(o.signed) > 0 {
			t.Fatalf("%s: it failed with %v, and the server took %d mails and %d passwords", c.security, err, len(o.taken()), len(o.signed))
		}
	}
}

func TestPasswordsAreNotSentInPlainText(t *testing.T) {
	o := openOffice(t, "none")
	if err := box(t, "smtp://user:p%40ss%20word@"+o.address, nil).Send(t.Context(), letter()); err == nil || len(o.signed) > 0 {
		t.Fatalf("it answered %v, and %v signed in", err, o.signed)
	}
	if err := box(t, "smtp://"+o.address, nil).Send(t.Context(), letter()); err != nil {
		t.Fatalf("a relay on this machine takes mails without TLS and password, but: %v", err)
	}
}

func TestAWrongPasswordIsAnOperatorsToSetRight(t *testing.T) {
	o := openOffice(t, "starttls")
	err := box(t, "smtp://user:wrong@"+o.address, o.roots).Send(t.Context(), letter())
	if _, final := errors.AsType[identity.Undeliverable](err); err == nil || final || strings.Contains(err.Error(), "wrong") {
		t.Fatalf("it failed with %v", err)
	}
}

func TestRefusalsForNowAndForGoodAreToldApart(t *testing.T) {
	said := func(code int, class int) func() error {
		return func() error {
			return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{class, 1, 1}, Message: "ada@example.org is on holiday"}
		}
	}
	for _, c := range []struct {
		name  string
		set   func(*postOffice)
		final bool
	}{
		{"no such mailbox", func(o *postOffice) { o.atRcpt = said(550, 5) }, true},
		{"a full mailbox", func(o *postOffice) { o.atRcpt = said(452, 4) }, false},
		{"a mail that is taken for spam", func(o *postOffice) { o.atData = func(net.Conn) error { return said(554, 5)() } }, true},
		{"a busy disk", func(o *postOffice) { o.atData = func(net.Conn) error { return said(451, 4)() } }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := openOffice(t, "none")
			c.set(o)
			err := box(t, "smtp://"+o.address, nil).Send(t.Context(), letter())
			if _, final := errors.AsType[identity.Undeliverable](err); err == nil || final != c.final {
				t.Fatalf("it failed with %v", err)
			}
			if strings.Contains(err.Error(), "ada") || strings.Contains(err.Error(), "holiday") {
				t.Fatalf("the failure repeats what the server said: %v", err)
			}
		})
	}
}

func TestAServerThatHangsUpAfterTheMailMayHaveTakenIt(t *testing.T) {
	o := openOffice(t, "none")
	o.atData = func(conn net.Conn) error { return conn.Close() }
	err := box(t, "smtp://"+o.address, nil).Send(t.Context(), letter())
	if _, final := errors.AsType[identity.Undeliverable](err); err == nil || final || len(o.taken()) != 1 {
		t.Fatalf("it failed with %v after %d mails", err, len(o.taken()))
	}
}

func TestAMailThatWasTakenIsSentWhateverTheServerSaysAfterwards(t *testing.T) {
	l := listening(t)
	go rudely(l)
	if err := box(t, "smtp://"+l.Addr().String(), nil).Send(t.Context(), letter()); err != nil {
		t.Fatal(err)
	}
}

// rudely takes one mail and hangs up.
func rudely(l net.Listener) {
	conn, err := l.Accept()
	if err != nil {
		return
	}
	defer conn.Close()
	say := func(line string) { _, _ = io.WriteString(conn, line+"\r\n") }
	say("220 hello")
	var all []byte
	for buffer := make([]byte, 4096); ; {
		n, err := conn.Read(buffer)
		if err != nil {
			return
		}
		all = append(all, buffer[:n]...)
		switch {
		case bytes.HasSuffix(all, []byte("\r\n.\r\n")):
			say("250 taken")
			return
		case bytes.HasSuffix(all, []byte("DATA\r\n")):
			say("354 go on")
		case bytes.HasSuffix(all, []byte("\r\n")) && !bytes.Contains(all, []byte("DATA\r\n")):
			say("250 fine")
		}
	}
}

func TestAServerThatSaysNothingIsLeftInTime(t *testing.T) {
	for _, c := range []struct {
		name  string
		serve func(t *testing.T, stalled chan struct{}) string
	}{
		{"before the greeting", func(t *testing.T, stalled chan struct{}) string {
			l := listening(t)
			go func() {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				defer conn.Close()
				close(stalled)
				_, _ = io.Copy(io.Discard, conn) // until the client hangs up
			}()
			return l.Addr().String()
		}},
		{"after the mail", func(t *testing.T, stalled chan struct{}) string {
			o := openOffice(t, "none")
			o.atData = func(conn net.Conn) error {
				close(stalled)
				_, err := io.Copy(io.Discard, conn)
				return err
			}
			return o.address
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			stalled := make(chan struct{})
			at := c.serve(t, stalled)
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				<-stalled
				cancel()
			}()
			err := box(t, "smtp://"+at, nil).Send(ctx, letter())
			if _, final := errors.AsType[identity.Undeliverable](err); err == nil || final {
				t.Fatalf("it failed with %v", err)
			}
		})
	}
}

func TestNobodyAtTheAddressIsAFailureThatPasses(t *testing.T) {
	l := listening(t)
	at := l.Addr().String()
	_ = l.Close()
	err := box(t, "smtp://"+at, nil).Send(t.Context(), letter())
	if _, final := errors.AsType[identity.Undeliverable](err); err == nil || final {
		t.Fatalf("it failed with %v", err)
	}
}
