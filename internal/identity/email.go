package identity

import (
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/form"
	"github.com/mediconnect/mediconnect/internal/patient"
)

// Address reads an e-mail address, as it is written to.
func Address(check *form.Check, written access.Private, path ...string) access.Private {
	return access.Private(check.Email(norm.NFC.String(written.Reveal()), path...))
}

// EmailHandle is what an account is looked up by. Letter case doesn't make two accounts of one address: mail servers that tell it
// apart (RFC 5321, section 2.4) are hardly met, and people who mix it up daily.
func EmailHandle(address access.Private) patient.Handle {
	return patient.Handle{Purpose: "account", Value: access.Private(strings.ToLower(norm.NFKC.String(address.Reveal())))}
}

// Domain is what an address ends in, in lower case.
func Domain(address access.Private) string {
	_, domain, _ := strings.Cut(EmailHandle(address).Value.Reveal(), "@")
	return domain
}
