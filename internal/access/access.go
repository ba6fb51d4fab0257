// Package access is a foundation: who is asking, and what they may do.
package access

import (
	"slices"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/errs"
)

// Kind is how the caller presented itself.
type Kind string

// The kinds of caller.
const (
	Anonymous Kind = "ANONYMOUS"
	APIClient Kind = "API_CLIENT"
	Patient   Kind = "PATIENT"
	Staff     Kind = "STAFF"
	System    Kind = "SYSTEM"
)

// Role is held within an organisation; PlatformAdmin is held in all of them.
type Role string

// The roles of the contract.
const (
	Admin         Role = "ADMIN"
	Auditor       Role = "AUDITOR"
	Caregiver     Role = "CAREGIVER"
	FrontDesk     Role = "FRONT_DESK"
	Integrator    Role = "INTEGRATOR"
	PatientRole   Role = "PATIENT"
	PlatformAdmin Role = "PLATFORM_ADMIN"
	Provider      Role = "PROVIDER"
)

// Scopes that a token may carry.
const (
	AccessReview       = "access:review"
	AccountsManage     = "accounts:manage"
	AppointmentsRead   = "appointments:read"
	AppointmentsWrite  = "appointments:write"
	AuditRead          = "audit:read"
	ClientsManage      = "clients:manage"
	ConflictsClinical  = "conflicts:override-clinical"
	ConflictsOverride  = "conflicts:override"
	ConflictsRead      = "conflicts:read"
	DirectoryWrite     = "directory:write"
	MessagesManage     = "messages:manage"
	PatientsBreakGlass = "patients:break-glass"
	PatientsErase      = "patients:erase"
	PatientsRead       = "patients:read"
	PatientsWrite      = "patients:write"
	PlatformAdminAll   = "platform:admin"
	RemindersRead      = "reminders:read"
	SchedulesRead      = "schedules:read"
	SchedulesWrite     = "schedules:write"
	SchemaRead         = "schema:read"
	WaitlistRead       = "waitlist:read"
	WaitlistWrite      = "waitlist:write"
)

// Actor is the caller of a use case. It is a parameter of every service method, never a context value, so that a
// forgotten check does not compile.
type Actor struct {
	Kind         Kind
	ID           uuid.UUID // the token's subject; zero when anonymous
	Client       string    // the app that presented the token
	Credential   uuid.UUID // the session, API client or API key that the caller came with; zero: a token of an issuer outside, which can't be revoked
	Organization uuid.UUID // zero for anonymous callers and platform administrators
	Role         Role
	Scopes       []string
	PerMinute    int       // requests that a partner's contract allows; 0: as everybody
	PatientID    uuid.UUID // the patient that the token names as the caller's own; zero when none
	ProviderID   uuid.UUID // the provider that the caller is; zero when none
	RequestID    string
	Grant        uuid.UUID // the break-glass grant that a change is made under; zero: none
	Circle       *Circle   // the request's; nil: the caller has nobody but the patient that the token names
	Trail        *Trail    // what this request saw; nil: nobody keeps it
	// Overrides are the flags that a tester has asked for in this request, and was allowed to: key to variant, or "on" or "off".
	Overrides map[string]string
}

// Anew is the same caller, of whom nothing has been found out yet and who has seen nothing: for the next thing that somebody is
// told whose request goes on for hours.
func (a Actor) Anew() Actor {
	a.Trail = &Trail{}
	if a.Circle != nil {
		a.Circle = NewCircle(a.Circle.bonds)
	}
	return a
}

// Nobody is the anonymous caller.
func Nobody(requestID string) Actor { return Actor{Kind: Anonymous, RequestID: requestID} }

// Has says whether the caller's token carries a scope after its role is applied.
func (a Actor) Has(scope string) bool {
	return slices.Contains(a.Scopes, scope) && slices.Contains(scopesOf[a.Role], scope)
}

// Effective lists the scopes of the token that its role allows, in the role's order.
func (a Actor) Effective() []string {
	var held []string
	for _, s := range scopesOf[a.Role] {
		if slices.Contains(a.Scopes, s) {
			held = append(held, s)
		}
	}
	return held
}

// ScopesOf lists all that a role may carry.
func ScopesOf(r Role) []string { return slices.Clone(scopesOf[r]) }

// IsStaff says whether the caller works for the organisation: front desk, provider or administrator.
func (a Actor) IsStaff() bool { return a.Role == FrontDesk || a.Role == Admin || a.Role == Provider }

// IsClinic says whether the caller acts for the clinic: its staff, and the systems that it has integrated.
func (a Actor) IsClinic() bool { return a.IsStaff() || a.Role == Integrator }

// In says whether the caller may act in an organisation at all.
func (a Actor) In(organization uuid.UUID) bool {
	return a.Role == PlatformAdmin || (a.Organization != uuid.Nil && a.Organization == organization)
}

// Need returns nil when the caller holds the scope in the organisation. A foreign organisation is reported as missing,
// so that nothing of another tenant shows.
func (a Actor) Need(scope string, organization uuid.UUID, what string, path ...string) error {
	switch {
	case a.Kind == Anonymous:
		return errs.SignIn("Sign in to do this.")
	case !a.In(organization):
		return errs.Missing(what, path...)
	case !a.Has(scope):
		return errs.Denied("Your token lacks the scope " + scope + ".")
	}
	return nil
}

// OwnOrganization resolves the organisation that a call is about: the one asked for, else the caller's own.
func (a Actor) OwnOrganization(asked uuid.UUID, path ...string) (uuid.UUID, error) {
	switch {
	case asked != uuid.Nil:
		return asked, nil
	case a.Organization != uuid.Nil:
		return a.Organization, nil
	case a.Kind == Anonymous:
		return uuid.Nil, errs.SignIn("Sign in to do this.")
	}
	return uuid.Nil, errs.Invalid("Name the organisation.", path...)
}

var scopesOf = map[Role][]string{
	PatientRole: {AppointmentsRead, AppointmentsWrite, WaitlistRead, WaitlistWrite},
	Caregiver:   {AppointmentsRead, AppointmentsWrite, WaitlistRead, WaitlistWrite},
	Provider:    {AppointmentsRead, AppointmentsWrite, ConflictsClinical, ConflictsOverride, PatientsBreakGlass, PatientsRead, RemindersRead, SchedulesRead, WaitlistRead, WaitlistWrite},
	FrontDesk:   {AppointmentsRead, AppointmentsWrite, ConflictsOverride, PatientsRead, PatientsWrite, RemindersRead, SchedulesRead, SchedulesWrite, WaitlistRead, WaitlistWrite},
	Admin:       {AccessReview, AccountsManage, AppointmentsRead, AppointmentsWrite, AuditRead, ClientsManage, ConflictsOverride, ConflictsRead, DirectoryWrite, MessagesManage, PatientsErase, PatientsRead, PatientsWrite, RemindersRead, SchedulesRead, SchedulesWrite, SchemaRead, WaitlistRead, WaitlistWrite},
	Auditor:     {AccessReview, AuditRead},
	Integrator:  {AppointmentsRead, AppointmentsWrite, DirectoryWrite, PatientsRead, PatientsWrite, SchedulesRead, SchedulesWrite, SchemaRead, WaitlistRead, WaitlistWrite},
	// Runs the platform, not a clinic: no patient's data.
	PlatformAdmin: {AccountsManage, ConflictsRead, DirectoryWrite, PlatformAdminAll, SchedulesRead, SchedulesWrite, SchemaRead},
}

// KindOf is how callers of a role present themselves; not ok: there is no such role.
func KindOf(r Role) (kind Kind, ok bool) {
	kind, ok = kinds[r]
	return kind, ok
}

var kinds = map[Role]Kind{
	Admin:         Staff,
	Auditor:       Staff,
	Caregiver:     Patient,
	FrontDesk:     Staff,
	Integrator:    APIClient,
	PatientRole:   Patient,
	PlatformAdmin: Staff,
	Provider:      Staff,
}
