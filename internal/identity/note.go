package identity

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

// NoteKind says what somebody asked for; and of a code, what it is good for.
type NoteKind string

// The kinds.
const (
	SignUpNote NoteKind = "SIGN_UP"
	ResetNote  NoteKind = "RESET"
	InviteNote NoteKind = "INVITE"
)

// Note is that somebody asked for a mail to an address. It is written whether there is an account or not.
type Note struct {
	OrganizationID, ID uuid.UUID
	Kind               NoteKind
	Email              access.Private
	Locale             string      // BCP 47
	Role               access.Role // of invitations
	ProviderID         uuid.UUID   // of invitations of a PROVIDER
	InvitedBy          uuid.UUID   // the account that invites; zero: of nobody who signs in here
	First              bool        // the platform invites an organisation's first administrator
	AskedAt            time.Time
	Attempts           int // to send it, with the one that is made
}

// Ref names the note.
func (n Note) Ref() clinic.Ref { return clinic.Ref{Organization: n.OrganizationID, ID: n.ID} }

// Inviter names the account that invites; not ok: it isn't of anybody who signs in here, such as whom an issuer outside knows.
func (n Note) Inviter() (account clinic.Ref, ok bool) {
	account = clinic.Ref{Organization: n.OrganizationID, ID: n.InvitedBy}
	if n.First {
		account.Organization = uuid.Nil
	}
	return account, n.InvitedBy != uuid.Nil
}

// InvitableBy says whether an invitation is still one that somebody with this role may make.
func (n Note) InvitableBy(role access.Role) bool {
	return n.First == (role == access.PlatformAdmin) && mayInvite(role, n.Role) && slices.Contains(access.ScopesOf(role), access.AccountsManage)
}

// DueNote is a note that waits, and since when.
type DueNote struct {
	Note clinic.Ref
	At   time.Time
}

// Taken is a note that a worker has to itself for a while, with what it needs to know.
type Taken struct {
	Note
	Organization string   // its name; empty: the platform
	Account      *Account // of the note's address; nil: there is none
}

// Outcome is the mail that was sent (a LetterKind), or why there is none. Notes that came to none are told of by nobody but the audit
// trail.
type Outcome string

// Why there is no mail.
const (
	NobodyThere Outcome = "NOBODY" // no account that may sign in, and nothing to tell its holder; or an invitation that is over
	TooLate     Outcome = "LATE"   // what was asked for so long ago would surprise
	GivenUp     Outcome = "GIVEN_UP"
	Returned    Outcome = "REFUSED" // by the mail server, for good
)

// How long what was mailed is good for.
const (
	codeLife       = time.Hour
	invitationLife = 7 * 24 * time.Hour
)

// How long a note may wait for the post, and how often it is tried.
const (
	notePatience       = time.Hour
	invitationPatience = 24 * time.Hour
	maxAttempts        = 5
)

// waits are those after each attempt but the last: all five are made within an hour.
var waits = [maxAttempts - 1]time.Duration{15 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute}

func (k NoteKind) life() time.Duration {
	if k == InviteNote {
		return invitationLife
	}
	return codeLife
}

// letter decides what a note comes to now: a mail and whether it has a code, or an outcome without one.
func (t Taken) letter(now time.Time) (kind LetterKind, coded bool, none Outcome) {
	patience := notePatience
	if t.Kind == InviteNote {
		patience = invitationPatience
	}
	known := t.Account != nil
	switch {
	case now.Sub(t.AskedAt) > patience:
		return "", false, TooLate
	case known && !t.Account.SuspendedAt.IsZero():
		return "", false, NobodyThere
	case t.Kind == SignUpNote && known:
		return KnownLetter, false, ""
	case t.Kind == SignUpNote:
		return ConfirmLetter, true, ""
	case t.Kind == InviteNote && known:
		return InvitedLetter, false, ""
	case t.Kind == InviteNote:
		return InviteLetter, true, ""
	case known:
		return ResetLetter, true, ""
	}
	return "", false, NobodyThere
}

// again is when a note that couldn't be sent is tried again; not ok: never.
func (n Note) again(now time.Time) (at time.Time, ok bool) {
	if n.Attempts > len(waits) {
		return time.Time{}, false
	}
	return now.Add(waits[max(n.Attempts, 1)-1]), true
}
