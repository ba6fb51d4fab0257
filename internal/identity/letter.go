package identity

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
)

// LetterKind says what a mail tells.
type LetterKind string

// The mails.
const (
	ConfirmLetter LetterKind = "CONFIRM" // a code that confirms the address and makes an account
	KnownLetter   LetterKind = "KNOWN"   // who signs up has an account
	ResetLetter   LetterKind = "RESET"   // a code that sets a new password
	InviteLetter  LetterKind = "INVITE"  // a code that makes an account with a role that somebody chose
	InvitedLetter LetterKind = "INVITED" // who is invited has an account
)

// Letter is a mail. It holds nothing about health.
type Letter struct {
	ID           uuid.UUID // tells one mail from another
	Kind         LetterKind
	To           access.Private // an e-mail address
	Locale       string         // BCP 47; one that nobody has words for is written in English
	Organization string         // its name; empty: the platform
	Code         access.Private // of kinds that have one
}

// Post sends mails.
type Post interface {
	// Send hands a mail to whoever delivers it. It fails with Undeliverable when sending it again is of no use; after any other failure
	// it may have been sent.
	Send(ctx context.Context, l Letter) error
}

// Undeliverable reports a mail that will never be taken.
type Undeliverable struct{ Code int } // SMTP's reply code; 0: not a reply

func (u Undeliverable) Error() string {
	return fmt.Sprintf("the mail was refused for good (%d)", u.Code)
}
