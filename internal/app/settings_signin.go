package app

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"net/netip"
	"net/url"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/identity"
	"github.com/mediconnect/mediconnect/internal/openid"
)

// SignInSettings say what a password's hash costs, and by which providers people sign in.
type SignInSettings struct {
	PasswordMemory      uint32     `env:"PASSWORD_MEMORY" envDefault:"19456" help:"KiB that the hash of a password fills (argon2id), as many times at once as there are cores; from 19456 to 1048576. A hash of another cost is made anew when its owner signs in; until then how long a refusal takes tells accounts apart"`
	PasswordIterations  uint32     `env:"PASSWORD_ITERATIONS" envDefault:"2" help:"how often it goes over them; from 2 to 20"`
	PasswordParallelism uint8      `env:"PASSWORD_PARALLELISM" envDefault:"1" help:"how many threads do so; from 1 to 16"`
	PasswordLine        int        `env:"PASSWORD_LINE" envDefault:"32" help:"how many sign-ins may wait for a core before the next is told that the service is busy"`
	OpenIDProviders     OpenIDFile `env:"OPENID_PROVIDERS" help:"path of a JSON file with the OpenID Connect providers that people may sign in by; see docs/sign-in.md"`
}

// lineWait is how long somebody stands in line for a hash.
const lineWait = 3 * time.Second

const (
	leastMemory, mostMemory         = 19 * 1024, 1024 * 1024
	leastIterations, mostIterations = 2, 20
	mostParallelism                 = 16
	mostWaiting                     = 10_000
)

func (s SignInSettings) check() (faults []fault) {
	faults = append(faults, wantAtLeast("PASSWORD_MEMORY", s.PasswordMemory, leastMemory)...)
	faults = append(faults, wantAtMost("PASSWORD_MEMORY", s.PasswordMemory, mostMemory)...)
	faults = append(faults, wantAtLeast("PASSWORD_ITERATIONS", s.PasswordIterations, leastIterations)...)
	faults = append(faults, wantAtMost("PASSWORD_ITERATIONS", s.PasswordIterations, mostIterations)...)
	faults = append(faults, wantAtLeast("PASSWORD_PARALLELISM", s.PasswordParallelism, 1)...)
	faults = append(faults, wantAtMost("PASSWORD_PARALLELISM", s.PasswordParallelism, mostParallelism)...)
	faults = append(faults, wantAtLeast("PASSWORD_LINE", s.PasswordLine, 1)...)
	return append(faults, wantAtMost("PASSWORD_LINE", s.PasswordLine, mostWaiting)...)
}

// passwords hashes as the settings say, and as is usual where nothing is set.
func (s SignInSettings) passwords() *identity.Passwords {
	return identity.NewPasswords(
		identity.Cost{
			Memory: cmp.Or(s.PasswordMemory, leastMemory), Iterations: cmp.Or(s.PasswordIterations, leastIterations), Parallelism: cmp.Or(s.PasswordParallelism, 1),
		},
		identity.Bulkhead{AtOnce: runtime.GOMAXPROCS(0), Waiting: cmp.Or(s.PasswordLine, 32), Wait: lineWait})
}

// OpenIDFile is what a file says of OpenID Connect providers.
type OpenIDFile []openid.Client

// openIDEntry is a provider in the file.
type openIDEntry struct {
	Name             string   `json:"name"`
	Organization     string   `json:"organizationId"` // empty: the platform
	Issuer           string   `json:"issuer"`
	ClientID         string   `json:"clientId"`
	ClientSecret     string   `json:"clientSecret"`
	ClientSecretFile string   `json:"clientSecretFile"`
	SecretInBody     bool     `json:"secretInBody"`
	RedirectURIs     []string `json:"redirectUris"`
	Roles            []string `json:"roles"`
	TrustedDomains   []string `json:"trustedDomains"`
	SecondFactor     bool     `json:"secondFactor"`
	SecondFactorACR  []string `json:"secondFactorAcr"`
}

const longestOpenIDFile = 1 << 20

// UnmarshalText reads the file of a path.
func (f *OpenIDFile) UnmarshalText(path []byte) error {
	if len(path) == 0 {
		return nil
	}
	text, err := readBounded(string(path))
	if err != nil {
		return &settingFault{"must be the path of a JSON file that can be read"}
	}
	var entries []openIDEntry
	reading := json.NewDecoder(bytes.NewReader(text))
	reading.DisallowUnknownFields()
	if err := reading.Decode(&entries); err != nil {
		return &settingFault{"holds no list of providers: " + err.Error()}
	}
	seen := map[string]bool{}
	for _, e := range entries {
		client, err := e.client()
		if err != nil {
			return &settingFault{"provider " + e.Name + ": " + err.Error()}
		}
		if key := client.Organization.String() + client.Name; seen[key] {
			return &settingFault{"has two providers " + e.Name + " of one organisation"}
		} else {
			seen[key] = true
		}
		*f = append(*f, client)
	}
	return nil
}

func readBounded(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, longestOpenIDFile))
}

func (e openIDEntry) client() (c openid.Client, err error) {
	c = openid.Client{Issuer: e.Issuer, ID: e.ClientID, Secret: access.Private(e.ClientSecret), InBody: e.SecretInBody, Contexts: e.SecondFactorACR}
	c.Name, c.RedirectURIs, c.SecondFactor = e.Name, e.RedirectURIs, e.SecondFactor
	if e.Organization != "" {
		if c.Organization, err = organizationOf(e.Organization); err != nil {
			return c, err
		}
	}
	if e.ClientSecretFile != "" {
		text, err := readBounded(e.ClientSecretFile)
		if err != nil {
			return c, errors.New("clientSecretFile can't be read")
		}
		c.Secret = access.Private(strings.TrimSpace(string(text)))
	}
	switch {
	case e.Name == "" || len(e.Name) > 100:
		return c, errors.New("name must have 1 to 100 characters")
	case e.ClientID == "" || c.Secret == "":
		return c, errors.New("clientId and clientSecret, or clientSecretFile, are needed")
	case !confidential(e.Issuer):
		return c, errors.New("issuer must be an https URL, or http of this machine")
	case len(e.RedirectURIs) == 0 || slices.ContainsFunc(e.RedirectURIs, func(u string) bool { return !absolute(u) }):
		return c, errors.New("redirectUris must be absolute URLs without fragments")
	}
	for _, domain := range e.TrustedDomains {
		c.Domains = append(c.Domains, strings.ToLower(domain))
	}
	for _, role := range e.Roles {
		if !identity.SignsIn(access.Role(role)) {
			return c, errors.New("nobody signs in as " + role)
		}
		c.Roles = append(c.Roles, access.Role(role))
	}
	return c, nil
}

// organizationOf reads an organisation's id: the API's or the plain one.
func organizationOf(text string) (uuid.UUID, error) {
	if id, err := uuid.Parse(text); err == nil {
		return id, nil
	}
	id, err := globalid.ParseAs(globalid.Organization, text)
	if err != nil {
		return uuid.Nil, errors.New("this is no id of an organisation")
	}
	return id.Ref.Organization, nil
}

// confidential says whether nobody reads along on the way to a URL.
func confidential(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return false
	}
	at, _ := netip.ParseAddr(u.Hostname())
	return u.Scheme == "https" || u.Scheme == "http" && (u.Hostname() == "localhost" || at.IsLoopback())
}

// absolute says whether a URL can be gone to from anywhere, which may be an app on a phone.
func absolute(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.IsAbs() && u.Fragment == ""
}
