package form

import (
	"net/url"
	"regexp"
	"strings"
	"unicode"
)

// MaxSystem is the longest name of a system, in bytes.
const MaxSystem = 500

// RFC 8141: urn, a namespace of 2 to 32 characters, and something in it.
var urn = regexp.MustCompile(`^(?i:urn):[A-Za-z0-9][A-Za-z0-9-]{0,30}[A-Za-z0-9]:\S+$`)

// System reads the absolute URL of an identifier or code system: http, https or urn
// (https://hl7.org/fhir/R4/datatypes.html#Identifier).
func (c *Check) System(s string, path ...string) string {
	s = strings.TrimSpace(s)
	ok := len(s) <= MaxSystem && !strings.ContainsFunc(s, odd) && (urn.MatchString(s) || web(s))
	c.That(ok, "Write an absolute http, https or urn URL of at most 500 characters.", path...)
	return s
}

func odd(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) || r == unicode.ReplacementChar
}

func web(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != ""
}
