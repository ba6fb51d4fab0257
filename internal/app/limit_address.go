package app

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// address is the connection's, or what the proxies we believe say: of X-Forwarded-For the last one that isn't theirs,
// since everything before it was written by the caller.
func (n Networks) address(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		at, err := netip.ParseAddr(host)
		if err != nil || !n.contain(at) {
			break
		}
		hop, ok := hopOf(strings.TrimSpace(hops[i]))
		if !ok {
			break
		}
		host = hop.String()
	}
	return host
}

// hopOf reads a hop, beside which some proxies write the port. Were it not read, all who come by such a proxy would be one caller.
func hopOf(text string) (netip.Addr, bool) {
	if at, err := netip.ParseAddr(text); err == nil {
		return at, true
	}
	at, err := netip.ParseAddrPort(text)
	return at.Addr(), err == nil
}
