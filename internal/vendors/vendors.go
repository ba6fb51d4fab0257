// Package vendors is the workshop: servers of ours that speak the wire formats of Twilio and SendGrid, for tests and for dev.
package vendors

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/mediconnect/mediconnect/internal/clock"
)

// Vendor is one of the two.
type Vendor string

// The vendors. They are also what their faults are named by in paths.
const (
	Twilio   Vendor = "twilio"
	SendGrid Vendor = "sendgrid"
)

// What they are unless Options say otherwise: an account that nobody has.
const (
	AccountSID = "AC00000000000000000000000000000000"
	AuthToken  = "twilio-of-the-workshop"
	APIKey     = "SG.sendgrid-of-the-workshop"
	Number     = "+15005550006"
)

// Options are what the vendors know of their one customer. Each has a default.
type Options struct {
	Address    string            // where to listen, on loopback; "127.0.0.1:0"
	Clock      clock.Clock       // the machine's
	AccountSID string            // Twilio's name of the account: AC and 32 hexadecimal digits
	AuthToken  string            // Twilio's password, which also signs its callbacks
	Numbers    []string          // that the account sends from; the first is written to when nobody knows which
	APIKey     string            // SendGrid's
	EventKey   *ecdsa.PrivateKey // P-256, signs SendGrid's events; a new one
	Retry      time.Duration     // before a callback is tried again, each time twice as long; 200 ms
	Keep       int               // messages, the newest; 200,000
}

// Vendors are both, on one listener.
type Vendors struct {
	options  Options
	listener net.Listener
	server   *http.Server
	ledger   *ledger
	changed  *signal
	courier  *courier
	services map[Vendor]*service
	optOuts  optOuts
	hooks    hooks

	done    chan struct{} // closed when it ends
	end     sync.Once
	running running
}

// Start listens, and serves until Close.
func Start(o Options) (*Vendors, error) {
	o, err := o.filled()
	if err != nil {
		return nil, err
	}
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", o.Address)
	if err != nil {
		return nil, fmt.Errorf("listen for the vendors' clients: %w", err)
	}
	changed := newSignal()
	v := &Vendors{
		options: o, listener: listener, changed: changed, ledger: newLedger(o.Keep, changed), courier: newCourier(o.Retry, changed),
		services: map[Vendor]*service{Twilio: newService(twilioWords), SendGrid: newService(sendgridWords)}, done: make(chan struct{}),
	}
	v.server = &http.Server{
		Handler: v.guarded(v.routes()), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, IdleTimeout: time.Minute,
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), ConnState: v.running.conn,
		ConnContext: func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, connOf{}, c) },
	}
	v.running.listening.Go(func() { _ = v.server.Serve(listener) }) // ends by Close
	return v, nil
}

func (o Options) filled() (Options, error) {
	o.Address = or(o.Address, "127.0.0.1:0")
	o.AccountSID, o.AuthToken, o.APIKey = or(o.AccountSID, AccountSID), or(o.AuthToken, AuthToken), or(o.APIKey, APIKey)
	o.Retry, o.Keep = or(o.Retry, 200*time.Millisecond), or(o.Keep, 200_000)
	if o.Clock == nil {
		o.Clock = clock.System{}
	}
	if len(o.Numbers) == 0 {
		o.Numbers = []string{Number}
	}
	host, _, err := net.SplitHostPort(o.Address)
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
		return o, errors.New("vendors: Address must be a loopback address and a port, such as 127.0.0.1:0")
	}
	if o.EventKey == nil {
		o.EventKey, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	return o, err
}

func or[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

// Close ends everything: requests in flight, callbacks, and the listener. It returns when nothing runs any more.
func (v *Vendors) Close() {
	v.end.Do(func() {
		close(v.done)
		_ = v.server.Close()
		v.running.listening.Wait()
		_ = v.server.Close() // what was taken on meanwhile
		v.running.wait()
		v.courier.close()
	})
}

// URL is the page that shows what was sent.
func (v *Vendors) URL() string { return "http://" + v.listener.Addr().String() }

// TwilioURL takes the place of https://api.twilio.com.
func (v *Vendors) TwilioURL() string { return v.URL() }

// SendGridURL takes the place of https://api.sendgrid.com.
func (v *Vendors) SendGridURL() string { return v.URL() }

// EventKey is the key to verify SendGrid's events with: base64 of a DER SubjectPublicKeyInfo, as SendGrid's settings show it.
func (v *Vendors) EventKey() string {
	der, err := x509.MarshalPKIXPublicKey(v.options.EventKey.Public())
	if err != nil {
		panic(err) // a P-256 key has a form
	}
	return base64.StdEncoding.EncodeToString(der)
}

// hooks are the addresses that a customer sets in the vendors' consoles.
type hooks struct {
	mu              sync.Mutex
	events, replies string
}

// SendEventsTo says where SendGrid's events go; empty: nowhere. The event webhook's address in SendGrid's settings.
func (v *Vendors) SendEventsTo(url string) {
	v.hooks.mu.Lock()
	defer v.hooks.mu.Unlock()
	v.hooks.events = url
}

// SendRepliesTo says where texts go that people send to the account's numbers; empty: nowhere. A number's messaging webhook in
// Twilio's console.
func (v *Vendors) SendRepliesTo(url string) {
	v.hooks.mu.Lock()
	defer v.hooks.mu.Unlock()
	v.hooks.replies = url
}

func (h *hooks) get() (events, replies string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.events, h.replies
}

func (v *Vendors) now() time.Time { return v.options.Clock.Now() }
