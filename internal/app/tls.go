package app

import (
	"bytes"
	"crypto/tls"
	"log/slog"
	"sync"
	"time"

	"github.com/mediconnect/mediconnect/internal/clock"
)

// certificateKept bounds how often the files are read: callers who come within that time are shown the same certificate.
const certificateKept = 5 * time.Second

// certificate is the one that HTTPS is served with. It is read anew while callers come, so that a renewal needs no restart; while
// what is read doesn't fit together, as in the middle of one, the certificate before it stays.
type certificate struct {
	settings TLSSettings
	clock    clock.Clock // the machine's
	log      *slog.Logger

	mu     sync.Mutex
	served *tls.Certificate
	looked time.Time
	source []byte // what served was made of
	fault  string // told last
}

// load reads a certificate with its key. Its errors show nothing of either.
func (s TLSSettings) load() (*tls.Certificate, error) {
	made, _, err := s.loadUnless(nil)
	return made, err
}

// loadUnless is load, but nil where the sources are as they were.
func (s TLSSettings) loadUnless(before []byte) (made *tls.Certificate, source []byte, err error) {
	chain, err := s.Certificate.read()
	if err != nil {
		return nil, nil, err
	}
	key, err := s.Key.read()
	if err != nil {
		return nil, nil, err
	}
	source = bytes.Join([][]byte{chain, key}, []byte{0})
	if before != nil && bytes.Equal(before, source) {
		return nil, source, nil
	}
	pair, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return nil, nil, &settingFault{"they don't fit together, or aren't PEM"}
	}
	return &pair, source, nil
}

// config is that of a server with this certificate: TLS 1.2 and newer, with the suites that Go holds to be good.
func (c *certificate) config() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.current() },
	}
}

func (c *certificate) current() (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.clock.Now()
	if c.served != nil && clock.Fresh(c.looked, now, certificateKept) {
		return c.served, nil
	}
	c.looked = now
	made, source, err := c.settings.loadUnless(c.source)
	switch {
	case err != nil && c.served == nil:
		return nil, err
	case err != nil:
		c.tell(err.Error())
	case made != nil:
		c.served, c.source = made, source
		c.tell("")
	}
	return c.served, nil
}

// tell logs a fault, once for as long as it lasts.
func (c *certificate) tell(fault string) {
	if fault != "" && fault != c.fault {
		c.log.Warn("the certificate can't be read anew; the one before it stays", "error", fault)
	}
	c.fault = fault
}

// ends is when the certificate that is served does; zero: there is none.
func (c *certificate) ends() time.Time {
	found, err := c.current()
	if err != nil || found.Leaf == nil {
		return time.Time{}
	}
	return found.Leaf.NotAfter
}
