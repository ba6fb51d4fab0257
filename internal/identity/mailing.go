package identity

import (
	"context"
	"io"

	"github.com/google/uuid"
	"golang.org/x/text/language"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/form"
)

// Mailing is how people come to have accounts, and passwords, by what is mailed to them.
type Mailing struct {
	store     MailStore
	source    clinic.Source
	random    io.Reader
	passwords *Passwords
	sessions  Opener
	limits    MailLimits
}

// NewMailing puts the service over its store. Codes are drawn from random.
func NewMailing(store MailStore, source clinic.Source, random io.Reader, passwords *Passwords, sessions Opener, limits MailLimits) *Mailing {
	return &Mailing{store: store, source: source, random: random, passwords: passwords, sessions: sessions, limits: limits}
}

// SignUp asks for an account.
type SignUp struct {
	Organization uuid.UUID
	Email        access.Private
	Locale       string // BCP 47
	Address      string // that the caller asks from
}

// RequestReset asks for another password.
type RequestReset struct {
	Organization uuid.UUID // zero: the platform's administrators
	Email        access.Private
	Address      string // that the caller asks from
}

// InviteAccount asks for somebody to have an account.
type InviteAccount struct {
	Organization uuid.UUID // zero: the caller's own
	Email        access.Private
	Role         access.Role
	Provider     *clinic.Ref // that a PROVIDER is
	Locale       string      // BCP 47
	Key          string
}

// SignUp notes that somebody wants an account. Whether there is one already, only the address's reader is told.
func (m *Mailing) SignUp(ctx context.Context, a access.Actor, in SignUp) (struct{}, error) {
	var check form.Check
	n := m.note(SignUpNote, in.Organization, Address(&check, in.Email, "email"), locale(&check, in.Locale, "locale"))
	if err := check.Err(); err != nil {
		return struct{}{}, err
	}
	if in.Organization == uuid.Nil {
		return struct{}{}, errs.Missing("organization", "organizationId")
	}
	return struct{}{}, m.store.Note(ctx, m.source.Stamp(a), n, m.stranger(in.Address))
}

// RequestReset notes that somebody has forgotten a password. Whether there is an account, only the address's reader is told.
func (m *Mailing) RequestReset(ctx context.Context, a access.Actor, in RequestReset) (struct{}, error) {
	var check form.Check
	n := m.note(ResetNote, in.Organization, Address(&check, in.Email, "email"), anyLocale)
	if err := check.Err(); err != nil {
		return struct{}{}, err
	}
	return struct{}{}, m.store.Note(ctx, m.source.Stamp(a), n, m.stranger(in.Address))
}

// locale reads the language of mails. Of a tag nothing is kept but its language, script and region: the rest could be any text.
func locale(check *form.Check, tag string, path ...string) string {
	read, err := language.Raw.Parse(check.Language(tag, path...))
	if err != nil {
		return anyLocale // its fault is told, or the registry has something that this release doesn't know
	}
	base, script, region := read.Raw()
	if short, err := language.Raw.Compose(base, script, region); err == nil {
		return short.String()
	}
	return anyLocale
}

// anyLocale of a note whose account knows better.
const anyLocale = "en"

func (m *Mailing) note(k NoteKind, organization uuid.UUID, email access.Private, locale string) Note {
	return Note{OrganizationID: organization, ID: m.source.NewID(), Kind: k, Email: email, Locale: locale, AskedAt: m.source.Clock.Now()}
}

func (m *Mailing) stranger(address string) Counted {
	return Counted{Asker: "network " + network(address), AskerHour: m.limits.NetworkHour, Limits: m.limits}
}

// Invite notes that somebody shall have an account with a role: by a clinic's administrator, or for a clinic without one by the
// platform's. Failures: errs.KeyInUse, errs.KeyReused.
func (m *Mailing) Invite(ctx context.Context, a access.Actor, in InviteAccount) (struct{}, error) {
	organization, err := a.OwnOrganization(in.Organization, "organizationId")
	if err != nil {
		return struct{}{}, err
	}
	if err := a.Need(access.AccountsManage, organization, "organization", "organizationId"); err != nil {
		return struct{}{}, err
	}
	if !mayInvite(a.Role, in.Role) {
		return struct{}{}, errs.Denied("Your role may not invite somebody with this one.", "role")
	}
	once, err := clinic.NewOnce(in.Key, "inviteAccount", in)
	if err != nil {
		return struct{}{}, err
	}
	n, err := m.invitation(organization, in)
	if err != nil {
		return struct{}{}, err
	}
	if by, err := holder(a); err == nil {
		n.InvitedBy = by.ID
	}
	n.First = a.Role == access.PlatformAdmin
	c := Counted{Asker: "account " + a.ID.String(), AskerHour: m.limits.StaffHour, Limits: m.limits}
	return struct{}{}, m.store.Invite(ctx, m.source.Stamp(a), once, n, c)
}

// mayInvite says whether a role may give another. Nobody is made the platform's administrator by an input, and programs have no
// accounts. The platform's administrators see no patient's data, and so make no one who does but a clinic's first administrator.
func mayInvite(by, role access.Role) bool {
	if by == access.PlatformAdmin {
		return role == access.Admin
	}
	return SignsIn(role) && role != access.PlatformAdmin
}

func (m *Mailing) invitation(organization uuid.UUID, in InviteAccount) (Note, error) {
	var check form.Check
	n := m.note(InviteNote, organization, Address(&check, in.Email, "email"), locale(&check, in.Locale, "locale"))
	n.Role = in.Role
	switch {
	case in.Role == access.Provider && in.Provider == nil:
		check.Fail("Name the provider.", "providerId")
	case in.Role != access.Provider && in.Provider != nil:
		check.Fail("Only a PROVIDER is a provider.", "providerId")
	case in.Provider != nil && in.Provider.Organization != organization:
		check.Keep(errs.Missing("provider", "providerId"))
	case in.Provider != nil:
		n.ProviderID = in.Provider.ID
	}
	return n, check.Err()
}
