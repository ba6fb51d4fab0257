package patient

import (
	"io"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
)

// Invitation lets whoever has its code and knows the patient's birth date act for the patient. It works once.
type Invitation struct {
	ID, OrganizationID, PatientID uuid.UUID
	Relation                      access.Relation
	CreatedAt, ExpiresAt          time.Time
	Code                          *access.Private // only of one that has just been made: nobody keeps it
}

// How long an invitation and its code can be used, and what it and an account survive.
const (
	InvitationLife  = 7 * 24 * time.Hour
	LockOut         = time.Hour // for an account after maxTries wrong tries
	maxTries        = 5
	maxWrongDates   = 5 // of one invitation
	codeLetters     = 10
	crockford       = "0123456789ABCDEFGHJKMNPQRSTVWXYZ" // https://www.crockford.com/base32.html
	longestCodeText = 40                                 // as people may write it, with spaces and hyphens
)

// newCode draws a code of 50 bits.
func newCode(random io.Reader) (access.Private, error) {
	code := make([]byte, codeLetters)
	if _, err := io.ReadFull(random, code); err != nil {
		return "", err
	}
	for i, b := range code {
		code[i] = crockford[b&31]
	}
	return access.Private(code), nil
}

var misread = strings.NewReplacer("-", "", " ", "", "I", "1", "L", "1", "O", "0")

// readCode is a code as it was handed out: letter case, hyphens and what is easily misread don't matter. What can't be one is
// answered as it is: nobody was handed it.
func readCode(written access.Private) access.Private {
	if len(written) > longestCodeText {
		return ""
	}
	return access.Private(misread.Replace(strings.ToUpper(written.Reveal())))
}

// CodeHandle is what an invitation is looked up by.
func CodeHandle(code access.Private) Handle { return Handle{"invitation", code} }

// Tries are an account's wrong tries in a row, none longer than LockOut after the one before.
type Tries struct {
	Count int
	Since time.Time // of the last
}

// LockedUntil is when an account that is locked out may try again.
func (n Tries) LockedUntil(now time.Time) (until time.Time, locked bool) {
	until = n.Since.Add(LockOut)
	return until, n.Count >= maxTries && now.Before(until)
}

// Another are the tries after one more wrong one.
func (n Tries) Another(now time.Time) Tries {
	if !now.Before(n.Since.Add(LockOut)) {
		return Tries{Count: 1, Since: now}
	}
	return Tries{Count: n.Count + 1, Since: now}
}

// Invited is where an invitation stands.
type Invited struct {
	Known      bool // there is one with this code
	ExpiresAt  time.Time
	Withdrawn  bool
	AcceptedBy uuid.UUID // zero: nobody yet
	WrongDates int       // that it was tried with
}

func (i Invited) open(now time.Time) bool {
	return i.Known && !i.Withdrawn && i.AcceptedBy == uuid.Nil && i.WrongDates < maxWrongDates && now.Before(i.ExpiresAt)
}

// Try is an attempt to accept an invitation, with what was found under the locks of the account's tries and the invitation.
type Try struct {
	Account    uuid.UUID
	Now        time.Time
	Tries      Tries
	Invited    Invited
	SameDate   bool // the birth date given is the patient's
	StillBound bool // the account acts for the patient by this very invitation
	Links      int  // to other patients, that the account has
}

// Verdict is what a try comes to.
type Verdict string

// The verdicts. Wrong never says what was wrong.
const (
	Linked       Verdict = "LINKED"
	LinkedBefore Verdict = "LINKED_BEFORE" // the same account accepted it already
	Wrong        Verdict = "WRONG"
	TooOften     Verdict = "TOO_OFTEN"   // the account is locked out
	FullCircle   Verdict = "FULL_CIRCLE" // right, but the account acts for access.MaxLinks others
)

// Verdict judges a try.
func (t Try) Verdict() Verdict {
	_, locked := t.Tries.LockedUntil(t.Now)
	switch {
	case locked:
		return TooOften
	case !t.SameDate:
		return Wrong
	case t.Invited.AcceptedBy == t.Account && t.StillBound:
		return LinkedBefore
	case !t.Invited.open(t.Now):
		return Wrong
	case t.Links >= access.MaxLinks:
		return FullCircle
	}
	return Linked
}

// After are the account's tries once this one is counted. A code that was used before ends no row: whoever has one could go on
// guessing others for ever.
func (t Try) After() Tries {
	switch t.Verdict() {
	case Linked:
		return Tries{Since: t.Now}
	case Wrong:
		return t.Tries.Another(t.Now)
	}
	return t.Tries
}

// WrongDate says whether the invitation counts the try: it was open, and the birth date was another.
func (t Try) WrongDate() bool { return t.Verdict() == Wrong && t.Invited.open(t.Now) && !t.SameDate }

// MaxAccounts bounds the list of accounts that act for a patient.
const MaxAccounts = 100

// LinkedAccount is an account that acts for a patient.
type LinkedAccount struct {
	OrganizationID, AccountID uuid.UUID
	Relation                  access.Relation
	Since                     time.Time
}

// LockedOut reports an account that has tried too many wrong codes or birth dates.
type LockedOut struct{ Until time.Time }

func (LockedOut) Error() string { return "There were too many wrong tries. Try again later." }
