package app

import (
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// TLSSettings say with which certificate the API is served. Without one it is served without TLS, for a proxy that has it.
type TLSSettings struct {
	Certificate PEM `env:"TLS_CERT" help:"certificate, with its chain, to serve HTTPS with: PEM, or the path of a PEM file, which is looked at again when it changes; without it: HTTP"`
	Key         PEM `env:"TLS_KEY" help:"its private key: PEM, or the path of a PEM file"`
}

func (s TLSSettings) on() bool { return s.Certificate.source != "" }

func (s TLSSettings) check() []fault {
	switch {
	case s.Certificate.source == "" && s.Key.source == "":
		return nil
	case s.Certificate.source == "":
		return []fault{{settingPrefix + "TLS_CERT", "must be set together with " + settingPrefix + "TLS_KEY"}}
	case s.Key.source == "":
		return []fault{{settingPrefix + "TLS_KEY", "must be set together with " + settingPrefix + "TLS_CERT"}}
	}
	if _, err := s.load(); err != nil {
		return []fault{{settingPrefix + "TLS_CERT", "and " + settingPrefix + "TLS_KEY must be a certificate and its key: " + err.Error()}}
	}
	return nil
}

// publicURL is where clients reach the API that is listened for on an address.
func (s HTTPSettings) publicURL(listen string) *url.URL {
	found := s.PublicURL.Or(listen)
	if s.PublicURL.url == nil && s.TLS.on() {
		found.Scheme = "https"
	}
	return found
}

// secure says whether clients reach the API by TLS, of this process or of a proxy.
func (s HTTPSettings) secure() bool {
	return s.TLS.on() || s.PublicURL.url != nil && s.PublicURL.url.Scheme == "https"
}

// PEM is text in PEM (RFC 7468), or the path of a file of it. It hides itself, as it may be a private key.
type PEM struct{ source string }

// UnmarshalText takes both; what the PEM holds is looked at when it is used.
func (p *PEM) UnmarshalText(text []byte) error {
	p.source = string(text)
	return nil
}

// read is the text, read anew if it is a file. Line ends that are written \n are line ends.
func (p PEM) read() ([]byte, error) {
	if text := strings.ReplaceAll(p.source, `\n`, "\n"); strings.Contains(text, "-----BEGIN") {
		return []byte(text), nil
	}
	file, err := os.Open(p.source)
	if err != nil {
		return nil, &settingFault{"a file can't be read"}
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, longestChain))
	if err != nil {
		return nil, &settingFault{"a file can't be read"}
	}
	return text, nil
}

// longestChain bounds a file of certificates.
const longestChain = 256 << 10

// LogValue hides it from structured logs.
func (PEM) LogValue() slog.Value { return slog.StringValue(hidden) }

// String hides it from formatted text.
func (PEM) String() string { return hidden }

// GoString hides it from %#v.
func (PEM) GoString() string { return hidden }

// DatabaseTLS says what the way to PostgreSQL must be like.
type DatabaseTLS string

// The ways: encrypted, to a server whose certificate is verified with its name; or whatever the URL says.
const (
	requireVerified DatabaseTLS = "require-verified"
	asGiven         DatabaseTLS = "as-given"
)

// UnmarshalText reads one of both.
func (d *DatabaseTLS) UnmarshalText(text []byte) error {
	if *d = DatabaseTLS(text); *d != requireVerified && *d != asGiven {
		return &settingFault{"must be require-verified or as-given"}
	}
	return nil
}

// check looks at each host that a URL names, as pgx would go there.
func (d DatabaseTLS) check(name string, address Secret) []fault {
	config, err := pgx.ParseConfig(address.Reveal())
	if d != requireVerified || err != nil {
		return nil
	}
	ways := []*pgconn.FallbackConfig{{Host: config.Host, TLSConfig: config.TLSConfig}}
	for _, way := range append(ways, config.Fallbacks...) {
		if !local(way.Host) && (way.TLSConfig == nil || way.TLSConfig.InsecureSkipVerify) {
			return []fault{{settingPrefix + name, "must have sslmode=verify-full (and sslrootcert=FILE where the server's certificate is of an authority of your own), since its host is another machine; where what lies between is safe by other means, set " +
				settingPrefix + "DATABASE_TLS=as-given"}}
		}
	}
	return nil
}

// local says whether a host of a database URL is this machine: a socket's folder, or loopback.
func local(host string) bool {
	if strings.HasPrefix(host, "/") || strings.HasPrefix(host, "@") || host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
