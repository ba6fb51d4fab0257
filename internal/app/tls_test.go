package app

import (
	"bytes"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/graph/crowd"
	"github.com/mediconnect/mediconnect/graph/sse"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/testkit/certtest"
)

// pages are answered by an API that has an event stream, too.
var pages = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/stream" {
		out := sse.Open(w, sse.Usual(), func() {})
		defer out.Close()
		out.Send("next", "1", []byte("{}"))
		return
	}
	_, _ = io.WriteString(w, r.Proto)
})

// secured opens a door with a certificate and answers its address.
func secured(t *testing.T, certificate, key string) string {
	t.Helper()
	var settings HTTPSettings
	settings.DrainTimeout = 10 * time.Second
	settings.TLS = TLSSettings{Certificate: PEM{certificate}, Key: PEM{key}}
	if faults := settings.check(); len(faults) > 0 && strings.Contains(faults[0].variable, "TLS") {
		t.Fatal(faults)
	}
	address, _, _ := openDoor(t, pages, settings)
	return address
}

func browser(roots *certtest.Authority, with *tls.Config) *http.Client {
	with.RootCAs = roots.Pool()
	return &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: with, ForceAttemptHTTP2: true}}
}

func fetched(t *testing.T, client *http.Client, url string) (*http.Response, string) {
	t.Helper()
	defer client.CloseIdleConnections()
	response, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(text)
}

func TestTheAPIIsServedByTLS(t *testing.T) {
	authority := certtest.New(t)
	certificate, key := authority.Issue(t, "127.0.0.1")
	address := secured(t, strings.ReplaceAll(certificate, "\n", `\n`), certtest.File(t, "tls.key", key))
	response, text := fetched(t, browser(authority, &tls.Config{}), "https://"+address+"/")
	if text != "HTTP/2.0" || response.TLS.Version != tls.VersionTLS13 || response.Header.Get("Strict-Transport-Security") != strictTransport {
		t.Errorf("answered %q by TLS %x with %v", text, response.TLS.Version, response.Header)
	}
	if _, text := fetched(t, browser(authority, &tls.Config{}), "https://"+address+"/stream"); !strings.Contains(text, "event: next") {
		t.Errorf("an event stream over HTTP/2 was %q", text)
	}
	for version, welcome := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true} {
		conn, err := tls.Dial("tcp", address, &tls.Config{RootCAs: authority.Pool(), MinVersion: tls.VersionTLS10, MaxVersion: version})
		if (err == nil) != welcome {
			t.Errorf("TLS %x: %v", version, err)
		}
		if err == nil {
			conn.Close()
		}
	}
	if conn, err := tls.Dial("tcp", address, &tls.Config{RootCAs: certtest.New(t).Pool()}); err == nil {
		conn.Close()
		t.Error("a client of another authority is content")
	}
}

func TestARenewedCertificateNeedsNoRestart(t *testing.T) {
	before, after := certtest.New(t), certtest.New(t)
	first, firstKey := before.Issue(t, "127.0.0.1")
	second, secondKey := after.Issue(t, "127.0.0.1")
	files := TLSSettings{Certificate: PEM{certtest.File(t, "tls.crt", first)}, Key: PEM{certtest.File(t, "tls.key", firstKey)}}
	write := func(file PEM, text string) {
		if err := os.WriteFile(file.source, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var said bytes.Buffer
	now := clock.FrozenAt(time.Date(2027, 3, 1, 9, 0, 0, 0, time.UTC))
	c := &certificate{settings: files, clock: now, log: slog.New(slog.NewTextHandler(&said, nil))}
	d := newDoor(pages, &health{clock: now}, crowd.New(crowd.Default()), HTTPSettings{DrainTimeout: time.Second}, slog.New(slog.DiscardHandler))
	d.certificate, d.server.TLSConfig = c, c.config()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = d.serve(t.Context(), l) }()
	shows := func(a *certtest.Authority) {
		t.Helper()
		if _, text := fetched(t, browser(a, &tls.Config{}), "https://"+l.Addr().String()+"/"); text != "HTTP/2.0" {
			t.Errorf("answered %q", text)
		}
	}
	shows(before)
	write(files.Certificate, second) // and its key is still to come
	now.Advance(certificateKept)
	shows(before)
	shows(before)
	write(files.Key, secondKey)
	shows(before) // nobody looks so often
	now.Advance(certificateKept)
	shows(after)
	if c.ends().IsZero() {
		t.Error("nothing tells when it ends")
	}
	write(files.Key, "nothing")
	now.Advance(certificateKept)
	shows(after)
	if got := strings.Count(said.String(), "the certificate can't be read anew"); got != 2 || strings.Contains(said.String(), "BEGIN") {
		t.Errorf("%d warnings: %s", got, said.String())
	}
}

func TestACertificateThatCantBeServedKeepsTheServerFromStarting(t *testing.T) {
	authority := certtest.New(t)
	certificate, key := authority.Issue(t, "127.0.0.1")
	_, other := authority.Issue(t, "127.0.0.1")
	for name, c := range map[string]struct{ certificate, key, want string }{
		"no key":         {certificate, "", "TLS_KEY must be set together"},
		"no certificate": {"", key, "TLS_CERT must be set together"},
		"another's key":  {certificate, other, "don't fit together"},
		"a missing file": {"/nowhere/tls.crt", key, "can't be read"},
		"no PEM":         {"-----BEGIN nonsense", key, "aren't PEM"},
	} {
		_, err := Load[ServeSettings]([]string{"MEDICONNECT_TLS_CERT=" + c.certificate, "MEDICONNECT_TLS_KEY=" + c.key})
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "BEGIN") {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := Load[ServeSettings]([]string{"MEDICONNECT_TLS_CERT=" + certificate, "MEDICONNECT_TLS_KEY=" + key, "MEDICONNECT_TELEMETRY_LISTEN="})
	if err != nil && (strings.Contains(err.Error(), "TLS") || strings.Contains(err.Error(), "TELEMETRY")) {
		t.Error(err)
	}
}

func TestTheWayToADatabaseOnAnotherMachineMustBeVerified(t *testing.T) {
	root := certtest.File(t, "root.crt", certtest.New(t).PEM)
	for url, fine := range map[string]bool{
		"postgres://me@db.example/x?sslmode=verify-full":                   true,
		"postgres://me@db.example,db2.example/x?sslmode=verify-full":       true,
		"postgres://me@localhost/x":                                        true,
		"postgres://me@127.0.0.1:5433/x?sslmode=disable":                   true,
		"postgres://me@[::1]/x":                                            true,
		"postgres:///x?host=/run/postgresql&user=me":                       true,
		"postgres://me@db.example/x":                                       false,
		"postgres://me@db.example/x?sslmode=disable":                       false,
		"postgres://me@db.example/x?sslmode=prefer":                        false,
		"postgres://me@db.example/x?sslmode=require":                       false,
		"postgres://me@localhost,db.example/x":                             false,
		"postgres://me@localhost.example/x":                                false,
		"postgres://me@10.0.0.7/x?sslmode=verify-ca&sslrootcert=" + root:   false,
		"postgres://me@10.0.0.7/x?sslmode=verify-full&sslrootcert=" + root: true,
	} {
		for _, setting := range []string{"", "MEDICONNECT_DATABASE_TLS=require-verified", "MEDICONNECT_DATABASE_TLS=as-given"} {
			environ := []string{"MEDICONNECT_DATABASE_URL=" + url, "MEDICONNECT_KEYS=/keys", setting}
			_, err := Load[WorkSettings](environ)
			if want := fine || strings.HasSuffix(setting, "as-given"); (err == nil) != want || err != nil && !strings.Contains(err.Error(), "sslmode=verify-full") {
				t.Errorf("%s with %q: %v", url, setting, err)
			}
			if _, err := Load[MigrateSettings](environ); (err == nil) != (fine || strings.HasSuffix(setting, "as-given")) {
				t.Errorf("%s with %q, to migrate: %v", url, setting, err)
			}
		}
	}
}
