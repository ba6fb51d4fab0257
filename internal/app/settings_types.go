package app

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
)

// settingFault says what a value must be, without showing it.
type settingFault struct{ text string }

func (f *settingFault) Error() string { return f.text }

// Address is a host:port to listen on.
type Address string

// UnmarshalText reads host:port; the host may be left out.
func (a *Address) UnmarshalText(text []byte) error {
	_, port, err := net.SplitHostPort(string(text))
	if n, portErr := strconv.ParseUint(port, 10, 16); err != nil || portErr != nil || n == 0 {
		return &settingFault{"must be host:port, e.g. 127.0.0.1:8080 or :8080"}
	}
	*a = Address(text)
	return nil
}

// WebURL is an absolute http or https URL; the zero value is none.
type WebURL struct{ url *url.URL }

// UnmarshalText reads an absolute URL without query.
func (u *WebURL) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		return nil
	}
	parsed, err := url.Parse(strings.TrimSuffix(string(text), "/"))
	if err != nil || parsed.Host == "" || parsed.Scheme != "http" && parsed.Scheme != "https" || parsed.RawQuery != "" {
		return &settingFault{"must be an absolute URL such as https://api.example.org"}
	}
	u.url = parsed
	return nil
}

// Or is the URL, or for none the address over plain HTTP. Who listens on every address is reached on this machine.
func (u WebURL) Or(listen string) *url.URL {
	if u.url != nil {
		return u.url
	}
	if at, err := netip.ParseAddrPort(listen); err == nil && at.Addr().IsUnspecified() {
		listen = net.JoinHostPort("localhost", strconv.Itoa(int(at.Port())))
	}
	return &url.URL{Scheme: "http", Host: listen}
}

// TokenKey is the public key that an outside issuer's tokens are verified with; the zero value is none.
type TokenKey struct{ ed25519.PublicKey }

const longestPEM = 16 << 10

// UnmarshalText reads an Ed25519 public key: PEM itself (its line ends may be written \n), or the path of a PEM file; nothing is no key.
func (k *TokenKey) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		return nil
	}
	content := strings.ReplaceAll(string(text), `\n`, "\n")
	if !strings.Contains(content, "-----BEGIN") {
		file, err := os.Open(string(text))
		if err != nil {
			return &settingFault{"must be PEM or the path of a PEM file that can be read"}
		}
		defer file.Close()
		read, err := io.ReadAll(io.LimitReader(file, longestPEM))
		if err != nil {
			return &settingFault{"is the path of a file that can't be read"}
		}
		content = string(read)
	}
	block, _ := pem.Decode([]byte(content))
	if block == nil {
		return &settingFault{"holds no PEM block"}
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	key, ok := parsed.(ed25519.PublicKey)
	if err != nil || !ok {
		return &settingFault{"must hold an Ed25519 public key (`openssl pkey -pubout` makes one of a private key)"}
	}
	k.PublicKey = key
	return nil
}

// LinkKey is a secret of 32 bytes.
type LinkKey struct{ bytes []byte }

// linkKeySize is that of the hash that the key is used with.
const linkKeySize = 32

// UnmarshalText reads base64.
func (k *LinkKey) UnmarshalText(text []byte) error {
	bytes, err := base64.StdEncoding.DecodeString(string(text))
	if err != nil || len(bytes) != linkKeySize {
		return &settingFault{"must be 32 bytes in base64"}
	}
	k.bytes = bytes
	return nil
}

// LogValue hides the key from structured logs.
func (LinkKey) LogValue() slog.Value { return slog.StringValue(hidden) }

// String hides the key from formatted text.
func (LinkKey) String() string { return hidden }

// GoString hides the key from %#v.
func (LinkKey) GoString() string { return hidden }

// Networks are address ranges.
type Networks []netip.Prefix

// UnmarshalText reads prefixes with commas between them.
func (n *Networks) UnmarshalText(text []byte) error {
	for part := range strings.SplitSeq(string(text), ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		prefix, err := netip.ParsePrefix(part)
		if err != nil {
			return &settingFault{"must be networks with commas between them, e.g. 10.0.0.0/8,127.0.0.1/32"}
		}
		*n = append(*n, prefix)
	}
	return nil
}

func (n Networks) contain(address netip.Addr) bool {
	for _, prefix := range n {
		if prefix.Contains(address.Unmap()) {
			return true
		}
	}
	return false
}

// LogLevel is the least important level that is logged.
type LogLevel struct{ level slog.Level }

// UnmarshalText reads debug, info, warn or error.
func (l *LogLevel) UnmarshalText(text []byte) error {
	if l.level.UnmarshalText(text) != nil {
		return &settingFault{"must be debug, info, warn or error"}
	}
	return nil
}

// LogFormat is json or text.
type LogFormat string

// UnmarshalText reads json or text.
func (f *LogFormat) UnmarshalText(text []byte) error {
	if *f = LogFormat(text); *f != "json" && *f != "text" {
		return &settingFault{"must be json or text"}
	}
	return nil
}

// Logger writes to out in the format and from the level that are set.
func (s LogSettings) Logger(out io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: s.Level.level}
	if s.Format == "text" {
		return slog.New(slog.NewTextHandler(out, options))
	}
	return slog.New(slog.NewJSONHandler(out, options))
}
