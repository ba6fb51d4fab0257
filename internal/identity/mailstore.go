package identity

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

// MailLimits bound what is mailed of an organisation. Hours and days are UTC's.
type MailLimits struct {
	AddressHour, AddressDay int // to one address
	OrganizationDay         int // of the organisation in all
	NetworkHour             int // that strangers at one network address ask for
	StaffHour               int // that a member of the staff asks for
}

// UsualMailLimits are those that a server has unless told otherwise.
func UsualMailLimits() MailLimits {
	return MailLimits{AddressHour: 3, AddressDay: 10, OrganizationDay: 2000, NetworkHour: 30, StaffHour: 200}
}

// Counted is whom a message is counted for, and how many there may be.
type Counted struct {
	Asker     string // a network address, or an account
	AskerHour int
	Limits    MailLimits
}

// Redeemable is a code that is good now, with what was asked for.
type Redeemable struct {
	Note
	Account *Account // of the note's address; nil: there is none
}

// MailStore keeps notes and codes. A change commits together with its audit row. Any method may fail with errs.Busy.
type MailStore interface {
	Standing

	// Note counts a message, and keeps a note: one that is over a limit is dropped at once. Nothing that it does or answers depends on
	// whether there is an account. It fails with errs.NotFound, at "organizationId" or "providerId".
	Note(ctx context.Context, by clinic.Stamp, n Note, c Counted) error
	// Invite is Note for an idempotency key: for one that was used it does nothing. It fails with errs.KeyInUse and errs.KeyReused, too;
	// and with errs.Forbidden when it is for the first administrator and there is one who may sign in.
	Invite(ctx context.Context, by clinic.Stamp, once clinic.Once, n Note, c Counted) error

	// Due answers notes that wait, of all organisations, the longest first.
	Due(ctx context.Context, now time.Time, limit int) ([]DueNote, error)
	// Take gives a note to one worker until then, unless somebody else has taken it; then not ok.
	Take(ctx context.Context, d DueNote, until time.Time) (t Taken, ok bool, err error)
	// PutCode keeps a code's digest and ends the codes of the same kind and address before it. Not ok, and then there is no code: the note
	// was dropped meanwhile, or invites a first administrator to an organisation that has one.
	PutCode(ctx context.Context, c MailCode) (ok bool, err error)
	// Settle keeps what a note came to.
	Settle(ctx context.Context, by clinic.Stamp, n Note, o Outcome, sent bool) error
	// PutOff has a note wait until then.
	PutOff(ctx context.Context, n Note, until time.Time) error

	// Redeemable finds a code of a kind that is good at a time; else not ok. An invitation is good as long as whoever made it may sign in and
	// may make it still; one of a first administrator as long as there is none.
	Redeemable(ctx context.Context, organization uuid.UUID, k NoteKind, code access.Private, now time.Time) (r Redeemable, ok bool, err error)
	// Found uses a code and makes its account with the hash of a password. Not ok: the code is good no longer, or the address has an
	// account by now. The invitations of other first administrators are over with that.
	Found(ctx context.Context, by clinic.Stamp, k NoteKind, code access.Private, a Account, hash string) (ok bool, err error)
	// Reset uses a code and gives its account another password. Not ok: the code is good no longer, or the account may not sign in.
	Reset(ctx context.Context, by clinic.Stamp, organization uuid.UUID, code access.Private, hash string) (ok bool, err error)
}
