package intake

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"sync"
	"syscall"
	"time"
)

// network is a kind of network that an address is in.
type network string

const (
	public    network = "public"
	loopback  network = "loopback"
	linkLocal network = "link-local"
	private   network = "private"
	reserved  network = "reserved"
)

// Blocks that net/netip doesn't tell from public ones (https://www.iana.org/assignments/iana-ipv4-special-registry and
// iana-ipv6-special-registry).
var special = map[netip.Prefix]network{
	netip.MustParsePrefix("0.0.0.0/8"):      loopback, // Linux connects to itself
	netip.MustParsePrefix("100.64.0.0/10"):  private,
	netip.MustParsePrefix("192.0.0.0/24"):   reserved,
	netip.MustParsePrefix("198.18.0.0/15"):  private,
	netip.MustParsePrefix("240.0.0.0/4"):    reserved,
	netip.MustParsePrefix("64:ff9b:1::/48"): private,
	netip.MustParsePrefix("2001::/23"):      reserved, // Teredo among them
	netip.MustParsePrefix("2002::/16"):      reserved, // 6to4: leads to an IPv4 address
	netip.MustParsePrefix("fec0::/10"):      private,
}

// translated are IPv6 addresses that end in the IPv4 address that they lead to (RFC 6052).
var translated = netip.MustParsePrefix("64:ff9b::/96")

func networkOf(a netip.Addr) network {
	a = a.Unmap().WithZone("")
	if translated.Contains(a) {
		long := a.As16()
		a = netip.AddrFrom4([4]byte(long[12:]))
	}
	for block, kind := range special {
		if block.Contains(a) {
			return kind
		}
	}
	switch {
	case a.IsUnspecified(), a.IsLoopback():
		return loopback
	case a.IsLinkLocalUnicast():
		return linkLocal
	case a.IsPrivate():
		return private
	case a.IsGlobalUnicast():
		return public
	}
	return reserved
}

// gate keeps a publication from having us reach into networks that its publisher can't: it lets connections through to
// public addresses, and to addresses of the network that the manifest's own host is in, as whoever asks for it chose that.
type gate struct {
	own    string // host and port of the manifest
	dialer net.Dialer
	proxy  func(*http.Request) (*url.URL, error)

	lock    sync.Mutex
	home    network // of the manifest's host once it was reached, else empty
	proxies []string
}

func newGate(manifest *url.URL, patience time.Duration) *gate {
	return &gate{own: hostPort(manifest), dialer: net.Dialer{Timeout: patience}, proxy: http.ProxyFromEnvironment}
}

// dial checks the address that a name led to at the moment of connecting, so that no later answer of a name server counts.
func (g *gate) dial(ctx context.Context, protocol, to string) (net.Conn, error) {
	g.lock.Lock()
	free, first := slices.Contains(g.proxies, to), to == g.own && g.home == ""
	g.lock.Unlock()
	dialer := g.dialer
	if !free && !first {
		dialer.ControlContext = g.check
	}
	conn, err := dialer.DialContext(ctx, protocol, to)
	if err != nil || !first {
		return conn, err
	}
	if at, err := netip.ParseAddrPort(conn.RemoteAddr().String()); err == nil {
		g.lock.Lock()
		g.home = networkOf(at.Addr())
		g.lock.Unlock()
	}
	return conn, nil
}

func (g *gate) check(_ context.Context, _, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	return g.allow(at.Addr())
}

func (g *gate) allow(a netip.Addr) error {
	g.lock.Lock()
	defer g.lock.Unlock()
	if kind := networkOf(a); kind != public && kind != g.home {
		return fmt.Errorf("a %s address, %s, is not fetched from", kind, a)
	}
	return nil
}

// through finds the proxy for a request. A proxy looks names up itself, so that only bare addresses can be checked here.
func (g *gate) through(r *http.Request) (*url.URL, error) {
	proxy, err := g.proxy(r)
	if err != nil || proxy == nil {
		return proxy, err
	}
	if a, err := netip.ParseAddr(r.URL.Hostname()); err == nil && hostPort(r.URL) != g.own {
		if err := g.allow(a); err != nil {
			return nil, err
		}
	}
	g.lock.Lock()
	defer g.lock.Unlock()
	if at := hostPort(proxy); !slices.Contains(g.proxies, at) {
		g.proxies = append(g.proxies, at)
	}
	return proxy, nil
}

// hostPort is as net/http dials a URL.
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}
