package redistest

import (
	"net"
	"net/url"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/devstack"
)

// Secured is a Redis that speaks TLS, and a Sentinel that does and knows it by the name PrimaryName.
type Secured struct {
	Password         string // of both
	primary, watcher int    // ports
}

// StartSecured starts both with a certificate and its key, and the authority that signed it, each as PEM.
func StartSecured(t testing.TB, certificate, key, authority string) *Secured {
	t.Helper()
	folder, err := devstack.NewScratchFolder("mediconnect-test-redis-")
	if err != nil {
		t.Fatalf("folder for Redis: %v", err)
	}
	t.Cleanup(folder.Remove)
	settings := []string{"tls-auth-clients no", "tls-replication yes"} // the latter is also how a Sentinel asks
	for setting, text := range map[string]string{"tls-cert-file": certificate, "tls-key-file": key, "tls-ca-cert-file": authority} {
		path := folder.Join(setting)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil { //nolint:gosec // the servers' account reads it
			t.Fatal(err)
		}
		settings = append(settings, setting+" "+strconv.Quote(path))
	}
	s := &Secured{Password: "secured"}
	s.primary = s.start(t, devstack.RedisOptions{Dir: folder.Join("primary"), Volatile: true}, settings)
	s.watcher = s.start(t, devstack.RedisOptions{
		Dir: folder.Join("sentinel"), Sentinel: &devstack.Watch{Name: PrimaryName, Primary: s.primary, Quorum: 1, DownMs: int(time.Minute.Milliseconds())},
	}, settings)
	return s
}

// start answers the port for TLS. The other one is the kit's own.
func (s *Secured) start(t testing.TB, options devstack.RedisOptions, settings []string) int {
	t.Helper()
	address, err := devstack.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	_, text, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	options.Password, options.Settings = s.Password, append([]string{"tls-port " + text}, settings...)
	run(t, options)
	port, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// URL is where Redis speaks TLS, by a name or an address of this machine.
func (s *Secured) URL(scheme, host string) string {
	return (&url.URL{Scheme: scheme, User: url.UserPassword("", s.Password), Host: net.JoinHostPort(host, strconv.Itoa(s.primary)), Path: "/0"}).String()
}

// Sentinel is where the Sentinel does.
func (s *Secured) Sentinel(host string) string {
	return net.JoinHostPort(host, strconv.Itoa(s.watcher))
}
