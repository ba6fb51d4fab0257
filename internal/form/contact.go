package form

import (
	"net/mail"
	"regexp"
	"strings"

	"golang.org/x/text/language"

	"github.com/mediconnect/mediconnect/internal/clock"
)

// E.164: a plus sign, a country code that doesn't begin with 0, at most 15 digits (ITU-T E.164, section 6).
var phone = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

// maxEmail is the longest address that a mail server has to take (RFC 5321, section 4.5.3.1.3, without the brackets).
const maxEmail = 254

const maxTag = 100

// Phone reads a telephone number in E.164, such as +12015550123.
func (c *Check) Phone(s string, path ...string) string {
	c.That(phone.MatchString(s), "Write the number in E.164, such as +12015550123.", path...)
	return s
}

// Email reads a bare e-mail address.
func (c *Check) Email(s string, path ...string) string {
	s = c.Line(s, maxEmail, path...)
	if c.fault == nil {
		address, err := mail.ParseAddress(s)
		c.That(err == nil && address.Address == s && !strings.ContainsAny(s, " \""), "This is not an e-mail address.", path...)
	}
	return s
}

// Language reads a well-formed BCP 47 tag and answers it in its usual letter case.
func (c *Check) Language(s string, path ...string) string {
	tag, err := language.Raw.Parse(s)
	_, unknown := err.(language.ValueError)
	switch {
	case s == "" || len(s) > maxTag || strings.Contains(s, "_") || err != nil && !unknown:
		c.Fail("This is not a BCP 47 language tag.", path...)
	case unknown:
		return s // well-formed: the registry may know a subtag that this release doesn't
	}
	return tag.String()
}

// Country reads an ISO 3166 alpha-2 code.
func (c *Check) Country(s string, path ...string) string {
	region, err := language.ParseRegion(s)
	ok := len(s) == 2 && err == nil && region.IsCountry() && region.String() == s
	c.That(ok, "This is not an ISO 3166 alpha-2 country code.", path...)
	return s
}

// Zone reads the name of an IANA time zone.
func (c *Check) Zone(s string, path ...string) string {
	if _, err := clock.Zone(s); err != nil {
		c.Fail("This is not an IANA time zone.", path...)
	}
	return s
}

// Optional applies one of the checks to a field that may be left out.
func Optional(read func(string, ...string) string, s *string, path ...string) *string {
	if s == nil {
		return nil
	}
	value := read(*s, path...)
	return &value
}
