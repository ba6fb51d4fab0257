package identity

import "net/netip"

// A household or a clinic has at least so much of IPv6 to itself (RFC 6177): who asks from two addresses of it is the same asker.
const homeNetwork = 64

// network is what strangers are counted by: an IPv4 address, or the network that an IPv6 address is in.
func network(address string) string {
	at, err := netip.ParseAddr(address)
	if err != nil {
		return "unknown"
	}
	at = at.Unmap().WithZone("")
	if at.Is6() {
		if home, err := at.Prefix(homeNetwork); err == nil {
			return home.String()
		}
	}
	return at.String()
}
