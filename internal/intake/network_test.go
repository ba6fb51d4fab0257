package intake

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
)

func TestNetworksAreToldApart(t *testing.T) {
	for kind, addresses := range map[network]string{
		public:    "8.8.8.8 172.15.0.1 172.32.0.1 100.63.0.1 2606:4700::1 64:ff9b::808:808 ::ffff:8.8.8.8",
		loopback:  "127.0.0.1 127.8.8.8 ::1 0.0.0.0 :: 0.1.2.3 ::ffff:127.0.0.1 64:ff9b::7f00:1",
		linkLocal: "169.254.169.254 fe80::1 fe80::1%eth0 ::ffff:169.254.169.254 64:ff9b::a9fe:a9fe",
		private:   "10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 100.64.0.1 198.18.0.1 fd00:ec2::254 fec0::1",
		reserved:  "192.0.0.1 240.0.0.1 255.255.255.255 224.0.0.1 ff02::1 2001::1 2002:7f00:1::",
	} {
		for _, a := range strings.Fields(addresses) {
			if got := networkOf(netip.MustParseAddr(a)); got != kind {
				t.Errorf("%s is %s, want %s", a, got, kind)
			}
		}
	}
}

// A publisher on this machine may name its files here, and nothing else of ours; one elsewhere nothing of ours at all.
func TestAPublicationReachesIntoNoOtherNetwork(t *testing.T) {
	server := newPublisher(t, complete())
	port := server.URL[strings.LastIndex(server.URL, ":"):]
	for _, c := range []struct {
		home    network
		address string
		reason  string
	}{
		{loopback, "slots.ndjson", ""},
		{loopback, "http://localhost" + port + "/api/slots.ndjson", ""},
		{loopback, "http://169.254.169.254/slots.ndjson", "a link-local address, 169.254.169.254, is not fetched from"},
		{loopback, "http://10.1.2.3/slots.ndjson", "a private address"},
		{loopback, "http://[fd00:ec2::254]/slots.ndjson", "a private address"},
		{public, "slots.ndjson", "a loopback address"}, // the name leads elsewhere than before
		{public, "http://localhost" + port + "/api/slots.ndjson", "a loopback address"},
		{public, "http://0.0.0.0" + port + "/api/slots.ndjson", "a loopback address"},
		{private, "http://[::ffff:127.0.0.1]" + port + "/api/slots.ndjson", "a loopback address"},
	} {
		source, gate := gated(t, server.URL+"/api/$bulk-publish")
		if c.home != loopback {
			gate.home = c.home
		} else if body, err := source.Manifest(t.Context()); err != nil {
			t.Fatal(err)
		} else {
			body.Close()
		}
		body, err := source.Open(t.Context(), c.address)
		if err == nil {
			body.Close()
		}
		if c.reason == "" && err != nil || c.reason != "" && (err == nil || !strings.Contains(err.Error(), c.reason)) {
			t.Errorf("%s from a %s manifest: %v, want %q", c.address, c.home, err, c.reason)
		}
	}
}

func TestARedirectReachesIntoNoOtherNetwork(t *testing.T) {
	answers := complete()
	answers["/api/slots.ndjson"] = goTo("http://169.254.169.254/latest/meta-data")
	server := newPublisher(t, answers)
	if _, err := readWeb(t, server.URL+"/api/$bulk-publish", WebLimits{}); err == nil || !strings.Contains(err.Error(), "a link-local address") {
		t.Errorf("%v", err)
	}
}

func TestAProxyMayBeAnywhereButNotFetchFromAnywhere(t *testing.T) {
	proxy := newPublisher(t, map[string]http.HandlerFunc{"/slots.ndjson": text("")})
	at, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	for address, reason := range map[string]string{
		"http://files.example/slots.ndjson":   "",
		"http://clinic.example/slots.ndjson":  "",
		"http://8.8.8.8/slots.ndjson":         "",
		"http://127.0.0.1/slots.ndjson":       "a loopback address",
		"http://169.254.169.254/slots.ndjson": "a link-local address",
	} {
		source, gate := gated(t, "http://clinic.example/$bulk-publish")
		gate.proxy = http.ProxyURL(at)
		body, err := source.Open(t.Context(), address)
		if err == nil {
			body.Close()
		}
		if reason == "" && err != nil || reason != "" && (err == nil || !strings.Contains(err.Error(), reason)) {
			t.Errorf("%s: %v, want %q", address, err, reason)
		}
	}
}

func gated(t *testing.T, manifest string) (*Web, *gate) {
	t.Helper()
	source, err := NewWeb(manifest, WebLimits{})
	if err != nil {
		t.Fatal(err)
	}
	g := newGate(source.found, source.limits.Silence)
	transport := source.client.Transport.(*http.Transport)
	transport.Proxy, transport.DialContext = g.through, g.dial
	return source, g
}
