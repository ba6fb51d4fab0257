package identity

import (
	"context"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/form"
)

// Redeem gives a mailed code and the password that the account shall have: whoever reads the mail chooses it, and nobody before. An
// account that a stranger had prepared, to be waiting for whom the address belongs to, could be the stranger's as well (Sudhodanan and
// Paverd, "Pre-hijacked accounts", USENIX Security 2022).
type Redeem struct {
	Code, Password access.Private
	Client         string // the app that they sign in with
}

// Entered is an account that was made, and its session.
type Entered struct {
	Account Account
	Tokens  *Tokens // nil: they sign in now, with what their role asks for
}

// Verify makes the account of somebody who signed up. Whatever is wrong with the code, the answer is the same errs.NotFound.
func (m *Mailing) Verify(ctx context.Context, a access.Actor, in Redeem) (Entered, error) {
	return m.enter(ctx, a, SignUpNote, in)
}

// AcceptInvitation makes the account of somebody who was invited, with the role of the invitation. Whatever is wrong with the code,
// the answer is the same errs.NotFound.
func (m *Mailing) AcceptInvitation(ctx context.Context, a access.Actor, in Redeem) (Entered, error) {
	return m.enter(ctx, a, InviteNote, in)
}

func (m *Mailing) enter(ctx context.Context, a access.Actor, k NoteKind, in Redeem) (Entered, error) {
	var check form.Check
	client := check.Line(in.Client, maxClient, "client")
	if err := check.Err(); err != nil {
		return Entered{}, err
	}
	found, err := m.redeemable(ctx, k, in.Code)
	if err != nil {
		return Entered{}, err
	}
	made := Account{
		OrganizationID: found.OrganizationID, ID: m.source.NewID(), Version: 1, Role: found.Role, ProviderID: found.ProviderID,
		Email: found.Email, Locale: found.Locale, CreatedAt: m.source.Clock.Now(),
	}
	if k == SignUpNote {
		made.Role = access.PatientRole
	}
	hash, err := m.hash(ctx, made, in.Password, "password")
	if err != nil {
		return Entered{}, err
	}
	ok, err := m.store.Found(ctx, m.source.Stamp(made.Actor(a)), k, in.Code, made, hash)
	if err != nil || !ok {
		return Entered{}, orElse(err, errNoCode())
	}
	return m.open(ctx, made, client), nil
}

// open begins a session of an account that a password is enough for. The account stands: where there can be no session now, its
// holder signs in with the new password.
func (m *Mailing) open(ctx context.Context, made Account, client string) Entered {
	if NeedsSecondFactor(made.Role) {
		return Entered{Account: made}
	}
	tokens, err := begin(ctx, m.sessions, m.store, made, client)
	if err != nil {
		return Entered{Account: made}
	}
	return Entered{Account: made, Tokens: &tokens}
}

// Reset asks for another password.
type Reset struct{ Code, Password access.Private }

// Reset gives an account another password and ends its sessions. Nobody is signed in by that: who reads a mail needn't have the second
// factor. Whatever is wrong with the code, the answer is the same errs.NotFound.
func (m *Mailing) Reset(ctx context.Context, a access.Actor, in Reset) (struct{}, error) {
	found, err := m.redeemable(ctx, ResetNote, in.Code)
	if err != nil {
		return struct{}{}, err
	}
	if found.Account == nil || !found.Account.SuspendedAt.IsZero() {
		return struct{}{}, errNoCode()
	}
	account := *found.Account
	hash, err := m.hash(ctx, account, in.Password, "newPassword")
	if err != nil {
		return struct{}{}, err
	}
	// Sessions end before the code is used, so that a failure leaves a code to try again with; and once more afterwards, since somebody
	// may have signed in with the old password meanwhile.
	if err := m.sessions.EndAll(ctx, account.OrganizationID, account.ID, uuid.Nil); err != nil {
		return struct{}{}, err
	}
	ok, err := m.store.Reset(ctx, m.source.Stamp(account.Actor(a)), account.OrganizationID, in.Code, hash)
	if err != nil || !ok {
		return struct{}{}, orElse(err, errNoCode())
	}
	return struct{}{}, m.sessions.EndAll(context.WithoutCancel(ctx), account.OrganizationID, account.ID, uuid.Nil)
}

func (m *Mailing) redeemable(ctx context.Context, k NoteKind, code access.Private) (Redeemable, error) {
	organization, ok := organizationOf(code)
	if !ok {
		return Redeemable{}, errNoCode()
	}
	found, ok, err := m.store.Redeemable(ctx, organization, k, code, m.source.Clock.Now())
	if err != nil || !ok {
		return Redeemable{}, orElse(err, errNoCode())
	}
	return found, nil
}

func (m *Mailing) hash(ctx context.Context, of Account, password access.Private, path string) (string, error) {
	var check form.Check
	normal, err := m.passwords.Read(ctx, &check, of.Role, of.Email, password, path)
	if err = orElse(err, check.Err()); err != nil {
		return "", err
	}
	return m.passwords.Hash(ctx, normal)
}

// errNoCode is all that is told of a code that isn't good: unknown, used, expired, of another kind, or none at all.
func errNoCode() error { return errs.Missing("code", "code") }

func orElse(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}
