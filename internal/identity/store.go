package identity

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/paging"
)

// Store keeps accounts and what proves who their holders are. A change commits together with its audit row. Any method may fail
// with errs.Busy.
type Store interface {
	Standing

	// Create keeps a new account with a password's hash (empty: none), unless the organisation has one of this address, or
	// there is no such organisation.
	Create(ctx context.Context, by clinic.Stamp, a Account, hash string) (added bool, err error)
	// Try counts a try with an address, before anything is compared. It does the same whether anybody has the address or not.
	Try(ctx context.Context, by clinic.Stamp, organization uuid.UUID, address access.Private) (Tried, error)
	// TryAgain counts a try of an account that is known.
	TryAgain(ctx context.Context, by clinic.Stamp, account clinic.Ref) (Tried, error)
	// TryCode counts a try of an account that is known, and answers what codes of its second factor are compared with.
	TryCode(ctx context.Context, by clinic.Stamp, account clinic.Ref) (Tried, Factor, error)
	// TakeBack makes a counted try none.
	TakeBack(ctx context.Context, t Tried) error
	// Refuse keeps that a try failed. The account may be nobody's.
	Refuse(ctx context.Context, by clinic.Stamp, account clinic.Ref) error
	// Admit keeps what the right password came to: a sign-in, or a challenge. The account is answered as it is then; one that has
	// changed since it was read isn't admitted.
	Admit(ctx context.Context, by clinic.Stamp, a Admission) (Account, bool, error)
	// Owed counts a try to answer a challenge, of the challenge and of its account. It fails with errs.NotFound when the challenge is
	// over, and so it is once the account has changed.
	Owed(ctx context.Context, by clinic.Stamp, t Ticket) (Owed, error)
	// Answer keeps that a challenge was answered; it and the code are good once, and the try is none; after a right password nor are those
	// before it. False: somebody was faster, or the code was none.
	Answer(ctx context.Context, by clinic.Stamp, a Answer) (Account, bool, error)
	// ReplaceCodes puts recovery codes in the place of those that an account has, and the try is none. The step of the app's code is good
	// once. False: it was used, or the account isn't of the version that was tried any more.
	ReplaceCodes(ctx context.Context, by clinic.Stamp, t Tried, step int64, codes []access.Private) (bool, error)
	// SetPassword gives an account of this version another password.
	SetPassword(ctx context.Context, by clinic.Stamp, a Account, hash string) (bool, error)

	// Accounts answers those that exist.
	Accounts(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref]Account, error)
	// Change keeps what an administrator changes of an account: its role, its provider, whether it is suspended, that its second
	// factor is gone; and ends its sessions. False: it isn't of from's version any more.
	Change(ctx context.Context, by clinic.Stamp, action string, from, to Account) (bool, error)
	// List pages an organisation's accounts, the newest first.
	List(ctx context.Context, f Filter, w paging.Window) (paging.Page[Account], error)
	// Count counts what List lists, up to paging.MaxCount.
	Count(ctx context.Context, f Filter) (int, error)
}

// Tried is a try that was counted, and what is known of whom it is for.
type Tried struct {
	Organization uuid.UUID
	Token        []byte    // what the address is found by
	At           time.Time // of the try
	LockedUntil  time.Time // zero: it was counted
	Account      Account   // without its address; of nobody: zero
	Hash         string    // empty: there is none
}

// known says whether anybody has the address.
func (t Tried) known() bool { return t.Account.ID != uuid.Nil }

// Admission is somebody who gave the right password, or whom a provider knows.
type Admission struct {
	Account   Account
	Tried     time.Time // the try that is none; zero: there was none
	Hash      string    // the password's new one; empty: it stays
	Challenge *Owe      // nil: they are in
	Trusted   bool      // a provider has asked for a second factor
	Client    string
}

// Owe is a challenge as it is kept.
type Owe struct {
	ID      uuid.UUID
	Ticket  Ticket
	Kind    ChallengeKind
	Secret  access.Private // of Enroll
	Expires time.Time
}

// Owed is a challenge that is being answered.
type Owed struct {
	Owe
	Account     Account   // without its address
	ByPassword  bool      // it was asked of who gave that; else of whom a provider knows
	Tried       time.Time // the try that was counted
	LockedUntil time.Time // zero: it was counted
	Factor      Factor    // what codes are compared with
	Client      string
}

// Answer is a right answer.
type Answer struct {
	Owed
	Step     int64            // of the app's code; 0: a recovery code
	Recovery access.Private   // that
	Codes    []access.Private // new recovery codes, of Enroll
}
