package patient

import (
	"context"
	"io"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// Invitations is how accounts come to act for patients, and cease to.
type Invitations struct {
	store  LinkStore
	source clinic.Source
	random io.Reader
}

// NewInvitations puts the service over its store. Codes are drawn from random.
func NewInvitations(store LinkStore, source clinic.Source, random io.Reader) *Invitations {
	return &Invitations{store: store, source: source, random: random}
}

// LinkStore keeps invitations and links. A change commits together with its audit row. Any method may fail with errs.Busy.
type LinkStore interface {
	// Invite keeps an invitation with the digest of its code and withdraws those before it for the same patient and relation.
	// For a key that was used it answers what that made, without a code. It fails with errs.NotFound, and with
	// errs.InvalidInput when the patient's birth date isn't known, at "patientId"; with errs.KeyInUse and errs.KeyReused.
	Invite(ctx context.Context, by clinic.Stamp, once clinic.Once, in Invitation) (Invitation, error)
	// Accept looks at a try under locks, keeps what it comes to and counts it, whatever that is. A refusal commits.
	Accept(ctx context.Context, by clinic.Stamp, a Attempt) (Accepted, error)
	// Unlink ends a link. One that has ended stays so. It fails with errs.NotFound when there never was one.
	Unlink(ctx context.Context, by clinic.Stamp, patient clinic.Ref, account uuid.UUID) error
	// LinkedAccounts answers who acts for these patients, the longest first; at most MaxAccounts for each.
	LinkedAccounts(ctx context.Context, patients []clinic.Ref) (map[clinic.Ref][]LinkedAccount, error)
}

// Attempt is a code and a birth date that an account gives, as what they are looked up by.
type Attempt struct {
	Organization, Account uuid.UUID
	Code, BirthDate       Handle
	Link                  uuid.UUID // id for the link
}

// Accepted is what an attempt came to.
type Accepted struct {
	Verdict  Verdict
	Patient  clinic.Ref      // when linked
	Relation access.Relation // when linked
	Tries    Tries           // of the account, after it
}

// Invite asks for an invitation.
type Invite struct {
	Patient  clinic.Ref
	Relation access.Relation
	Key      string
}

// Accept gives a code and the patient's birth date.
type Accept struct {
	Code      access.Private
	BirthDate civil.Date
}

// Unlink asks for a link to be ended.
type Unlink struct {
	Patient clinic.Ref
	Account *clinic.Ref // nil: the caller's own
}

// Invite makes an invitation, for staff who write patients.
func (s *Invitations) Invite(ctx context.Context, a access.Actor, in Invite) (Invitation, error) {
	if err := a.Need(access.PatientsWrite, in.Patient.Organization, "patient", "patientId"); err != nil {
		return Invitation{}, err
	}
	once, err := clinic.NewOnce(in.Key, "invitePatientAccount", in)
	if err != nil {
		return Invitation{}, err
	}
	code, err := newCode(s.random)
	if err != nil {
		return Invitation{}, errs.Bug("draw a code", err)
	}
	by := s.source.Stamp(a)
	return s.store.Invite(ctx, by, once, Invitation{
		ID: s.source.NewID(), OrganizationID: in.Patient.Organization, PatientID: in.Patient.ID, Relation: in.Relation,
		CreatedAt: by.At, ExpiresAt: by.At.Add(InvitationLife), Code: &code,
	})
}

// Accept links the caller's account to the patient of an invitation. Whatever is wrong, the answer is the same errs.NotFound, and
// takes as long; LockedOut after too many of them.
func (s *Invitations) Accept(ctx context.Context, a access.Actor, in Accept) (Accepted, error) {
	switch {
	case a.Kind == access.Anonymous:
		return Accepted{}, errs.SignIn("Sign in to do this.")
	case !a.ActsForOthers():
		return Accepted{}, errs.Denied("Invitations are for patients and caregivers.")
	case !in.BirthDate.IsValid():
		return Accepted{}, errs.Invalid("There is no such day.", "birthDate")
	}
	done, err := s.store.Accept(ctx, s.source.Stamp(a), Attempt{
		Organization: a.Organization, Account: a.ID, Code: CodeHandle(readCode(in.Code)), BirthDate: byBirthDate(in.BirthDate), Link: s.source.NewID(),
	})
	if err != nil {
		return Accepted{}, err
	}
	switch done.Verdict {
	case Linked, LinkedBefore:
		a.Circle.Forget()
		return done, nil
	case FullCircle:
		return Accepted{}, errs.Denied("This account acts for as many patients as it may.", "code")
	case TooOften:
		until, _ := done.Tries.LockedUntil(s.source.Clock.Now())
		return Accepted{}, LockedOut{Until: until}
	}
	return Accepted{}, errs.Missing("invitation for this birth date", "code")
}

// Unlink ends a link: an account leaves, or staff who write patients end it.
func (s *Invitations) Unlink(ctx context.Context, a access.Actor, in Unlink) (clinic.Ref, error) {
	account, err := leaving(a, in)
	if err != nil {
		return in.Patient, err
	}
	if err := s.store.Unlink(ctx, s.source.Stamp(a), in.Patient, account); err != nil {
		return in.Patient, err
	}
	a.Circle.Forget()
	return in.Patient, nil
}

func leaving(a access.Actor, in Unlink) (uuid.UUID, error) {
	missing := errs.Missing("patient", "patientId")
	switch {
	case a.Kind == access.Anonymous:
		return uuid.Nil, errs.SignIn("Sign in to do this.")
	case !a.ActsForOthers() && !a.Has(access.PatientsWrite):
		return uuid.Nil, errs.Denied("Your token lacks the scope " + access.PatientsWrite + ".")
	case !a.In(in.Patient.Organization):
		return uuid.Nil, missing
	case a.ActsForOthers():
		if in.Account != nil && *in.Account != (clinic.Ref{Organization: a.Organization, ID: a.ID}) {
			return uuid.Nil, errs.Missing("account", "accountId")
		}
		return a.ID, nil
	case in.Account == nil:
		return uuid.Nil, errs.Invalid("Name the account.", "accountId")
	case in.Account.Organization != in.Patient.Organization:
		return uuid.Nil, errs.Missing("account", "accountId")
	}
	return in.Account.ID, nil
}

// LinkedAccounts answers who acts for patients, to staff who write them.
func (s *Invitations) LinkedAccounts(ctx context.Context, a access.Actor, patients []clinic.Ref) (map[clinic.Ref][]LinkedAccount, error) {
	var own []clinic.Ref
	for _, p := range patients {
		if a.In(p.Organization) && a.Has(access.PatientsWrite) {
			own = append(own, p)
		}
	}
	if len(own) == 0 {
		return map[clinic.Ref][]LinkedAccount{}, nil
	}
	return s.store.LinkedAccounts(ctx, own)
}
