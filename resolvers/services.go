package resolvers

import (
	"context"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/audit"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/breakglass"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/closure"
	"github.com/mediconnect/mediconnect/internal/conflict"
	"github.com/mediconnect/mediconnect/internal/identity"
	"github.com/mediconnect/mediconnect/internal/live"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/partner"
	"github.com/mediconnect/mediconnect/internal/patient"
	"github.com/mediconnect/mediconnect/internal/provider"
	"github.com/mediconnect/mediconnect/internal/reminder"
	"github.com/mediconnect/mediconnect/internal/retention"
	"github.com/mediconnect/mediconnect/internal/waitlist"
)

// Services are the rooms. Their failures are errs.Error and the failures that each room names; everything else is internal.
type Services struct {
	Clinic       Clinic
	Provider     Provider
	Patient      Patient
	Invitations  Invitations
	Mailing      Mailing
	BreakGlass   BreakGlass
	Retention    Retention
	Availability Availability
	Search       Search
	Appointment  Appointment
	Ledger       Ledger
	DeadLetters  DeadLetters
	Audit        Audit
	Conflicts    Conflicts
	Live         Live
	Tickets      Tickets
	Partner      Partner
	People       People
	OpenID       OpenID
	Sessions     Sessions
	Choices      Choices
	Features     Features
	Waitlist     Waitlist
	Closure      Closure
}

// Closure is the room of periods that are closed in one step.
type Closure interface {
	Preview(context.Context, access.Actor, closure.Preview) (appointment.Filter, error)
	Close(context.Context, access.Actor, closure.Close) (closure.Closure, error)
	Pause(ctx context.Context, actor access.Actor, closure clinic.Ref) (closure.Closure, error)
	Resume(ctx context.Context, actor access.Actor, closure clinic.Ref) (closure.Closure, error)

	List(context.Context, access.Actor, closure.Filter, paging.Window) (paging.Page[closure.Closure], error)
	Count(context.Context, access.Actor, closure.Filter) (int, error)
	ListItems(context.Context, closure.Closure, []closure.Outcome, paging.Window) (paging.Page[closure.Item], error)
	CountItems(context.Context, closure.Closure, []closure.Outcome) (int, error)
}

// Waitlist is the room of those who wait for an opening.
type Waitlist interface {
	Join(context.Context, access.Actor, waitlist.Join) (waitlist.Entry, error)
	Leave(ctx context.Context, actor access.Actor, entry clinic.Ref) (waitlist.Entry, error)
	Answer(context.Context, access.Actor, waitlist.Answer) (waitlist.Answered, error)
	SetRules(context.Context, access.Actor, waitlist.SetRules) (waitlist.Rules, error)

	Rules(ctx context.Context, actor access.Actor, organization uuid.UUID) (waitlist.Rules, error)
	List(context.Context, access.Actor, waitlist.Filter, paging.Window) (paging.Page[waitlist.Entry], error)
	Count(context.Context, access.Actor, waitlist.Filter) (int, error)
	ListOffers(context.Context, access.Actor, waitlist.Entry, paging.Window) (paging.Page[waitlist.Offer], error)
	CountOffers(context.Context, waitlist.Entry) (int, error)
}

// Clinic is the room of organisations, locations and kinds of visit.
type Clinic interface {
	CreateOrganization(context.Context, access.Actor, clinic.CreateOrganization) (clinic.Organization, error)
	PutLocation(context.Context, access.Actor, clinic.PutLocation) (clinic.Location, error)
	PutVisitKind(context.Context, access.Actor, clinic.PutVisitKind) (clinic.VisitKind, error)

	ListLocations(context.Context, access.Actor, clinic.LocationFilter, paging.Window) (paging.Page[clinic.Location], error)
	CountLocations(context.Context, access.Actor, clinic.LocationFilter) (int, error)
	ListVisitKinds(ctx context.Context, actor access.Actor, organization uuid.UUID, w paging.Window) (paging.Page[clinic.VisitKind], error)
	CountVisitKinds(ctx context.Context, actor access.Actor, organization uuid.UUID) (int, error)

	PutResource(context.Context, access.Actor, clinic.PutResource) (clinic.Resource, error)
	ListResources(context.Context, access.Actor, clinic.ResourceFilter, paging.Window) (paging.Page[clinic.Resource], error)
	CountResources(context.Context, access.Actor, clinic.ResourceFilter) (int, error)
	SetTravelRules(context.Context, access.Actor, clinic.SetTravelRules) (clinic.TravelRules, error)
}

// Provider is the room of providers and their hours.
type Provider interface {
	PutProvider(context.Context, access.Actor, provider.PutProvider) (provider.Provider, error)
	SetSchedule(context.Context, access.Actor, provider.SetSchedule) (provider.Provider, error)
	SetDateHours(context.Context, access.Actor, provider.SetDateHours) (provider.Provider, error)
	AddException(context.Context, access.Actor, provider.AddException) (provider.Exception, error)
	RemoveException(ctx context.Context, actor access.Actor, exception clinic.Ref, part provider.Part) ([]clinic.Ref, error)

	ListProviders(context.Context, access.Actor, provider.Filter, paging.Window) (paging.Page[provider.Provider], error)
	CountProviders(context.Context, access.Actor, provider.Filter) (int, error)
	WeeklyHours(ctx context.Context, actor access.Actor, provider, location clinic.Ref, on *civil.Date) ([]provider.WeeklyHours, error)
	ListExceptions(ctx context.Context, actor access.Actor, provider clinic.Ref, from, to time.Time, w paging.Window) (paging.Page[provider.Exception], error)
	CountExceptions(ctx context.Context, actor access.Actor, provider clinic.Ref, from, to time.Time) (int, error)
}

// Patient is the room of patients.
type Patient interface {
	Register(context.Context, access.Actor, patient.Register) (patient.Patient, error)
	Find(context.Context, access.Actor, patient.Filter, paging.Window) (paging.Page[patient.Patient], error)
	Count(context.Context, access.Actor, patient.Filter) (int, error)
}

// Invitations is the same room's, for whoever acts for a patient.
type Invitations interface {
	Invite(context.Context, access.Actor, patient.Invite) (patient.Invitation, error)
	Accept(context.Context, access.Actor, patient.Accept) (patient.Accepted, error)
	Unlink(context.Context, access.Actor, patient.Unlink) (clinic.Ref, error)
}

// Mailing is the room of accounts, for whoever comes to one by a mail.
type Mailing interface {
	SignUp(context.Context, access.Actor, identity.SignUp) (struct{}, error)
	Verify(context.Context, access.Actor, identity.Redeem) (identity.Entered, error)
	RequestReset(context.Context, access.Actor, identity.RequestReset) (struct{}, error)
	Reset(context.Context, access.Actor, identity.Reset) (struct{}, error)
	Invite(context.Context, access.Actor, identity.InviteAccount) (struct{}, error)
	AcceptInvitation(context.Context, access.Actor, identity.Redeem) (identity.Entered, error)
}

// BreakGlass is the room of emergencies.
type BreakGlass interface {
	Break(context.Context, access.Actor, breakglass.Break) (breakglass.Broken, error)
	End(context.Context, access.Actor, breakglass.End) (breakglass.Grant, error)
	Review(context.Context, access.Actor, breakglass.Review) (breakglass.Grant, error)
	List(context.Context, access.Actor, breakglass.Filter, paging.Window) (paging.Page[breakglass.Grant], error)
	Count(context.Context, access.Actor, breakglass.Filter) (int, error)
}

// Retention is the room of what is kept and what is erased.
type Retention interface {
	Erase(context.Context, access.Actor, retention.Erase) (patient.Patient, error)
	PlaceHold(context.Context, access.Actor, retention.PlaceHold) (retention.Placed, error)
	ReleaseHold(ctx context.Context, actor access.Actor, hold clinic.Ref) (retention.LegalHold, error)
}

// Availability is the room of openings.
type Availability interface {
	Slots(context.Context, access.Actor, availability.Listing, paging.Window) (availability.Listed, error)
	NextAvailable(ctx context.Context, actor access.Actor, provider clinic.Ref, kind uuid.UUID, m *clinic.Modality) (*availability.Slot, error)
	Former(ctx context.Context, actor access.Actor, id availability.SlotID, kind clinic.VisitKind, at clinic.Location) (availability.Slot, error)
}

// Search is the same room's, for whoever doesn't know the provider yet.
type Search interface {
	Search(context.Context, access.Actor, availability.Search, availability.Order, paging.Window) (availability.Found, error)
	CountMatches(context.Context, access.Actor, availability.Search) (int, error)
	Calendar(context.Context, access.Actor, availability.Search, availability.Days) (availability.Calendar, error)
}

// Appointment is the room of holds and appointments.
type Appointment interface {
	Hold(context.Context, access.Actor, appointment.PlaceHold) (appointment.Hold, error)
	Extend(ctx context.Context, actor access.Actor, hold clinic.Ref) (appointment.Hold, error)
	Release(ctx context.Context, actor access.Actor, hold clinic.Ref) (availability.SlotID, error)
	Book(context.Context, access.Actor, appointment.BookVisit) (appointment.Booking, error)
	Move(context.Context, access.Actor, appointment.MoveVisit) (appointment.Booking, error)
	Swap(context.Context, access.Actor, appointment.SwapVisits) (appointment.Swapped, error)
	BookSeries(context.Context, access.Actor, appointment.BookSeries) (appointment.BookedSeries, error)
	MoveSeries(context.Context, access.Actor, appointment.MoveSeries) (appointment.ChangedVisits, error)
	CancelSeries(context.Context, access.Actor, appointment.CancelVisit) (appointment.ChangedVisits, error)
	SeriesOptions(context.Context, access.Actor, appointment.SeriesWanted) ([]appointment.SeriesDate, error)
	Cancel(context.Context, access.Actor, appointment.CancelVisit) (appointment.Cancellable, error)
	Change(context.Context, access.Actor, appointment.ChangeState) (appointment.Appointment, error)

	Actions(access.Actor, appointment.Appointment, clinic.VisitKind) []appointment.ActionState
	Alternatives(ctx context.Context, actor access.Actor, id availability.SlotID, whom availability.For, limit int) ([]availability.Slot, error)
	Explain(ctx context.Context, actor access.Actor, slot availability.SlotID, patient *clinic.Ref) (availability.Explanation, error)
	// List also answers the log position of what was read.
	List(context.Context, access.Actor, appointment.Filter, appointment.Order, paging.Window) (paging.Page[appointment.Appointment], string, error)
	Count(context.Context, access.Actor, appointment.Filter) (int, error)
	// Unequipped also answers the log position of what was read.
	Unequipped(ctx context.Context, actor access.Actor, at *clinic.Ref, w paging.Window) (paging.Page[appointment.Appointment], string, error)
	CountUnequipped(ctx context.Context, actor access.Actor, at *clinic.Ref) (int, error)
	OutsideHours(context.Context, access.Actor, appointment.Clash, paging.Window) (paging.Page[appointment.Appointment], error)
	StreamCursor(context.Context) (string, error)
}

// Ledger is the room of messages: what became of them.
type Ledger interface {
	Funnel(context.Context, access.Actor, reminder.FunnelQuery) (reminder.Funnel, error)
}

// DeadLetters is the same room's, for whoever sends again what was given up.
type DeadLetters interface {
	List(context.Context, access.Actor, reminder.DeadLetterFilter, paging.Window) (paging.Page[reminder.DeadLetter], error)
	Count(context.Context, access.Actor, reminder.DeadLetterFilter) (int, error)
	Replay(context.Context, access.Actor, reminder.ReplayLetters) (reminder.ReplayedLetters, error)
}

// Conflicts is the room of conflicts: how its detections compare.
type Conflicts interface {
	Report(context.Context, access.Actor, conflict.ReportQuery) (conflict.Report, error)
	Rearm(context.Context, access.Actor, conflict.Rearm) (conflict.Rearmed, error)
}

// Live makes streams of what changes.
type Live interface {
	Slots(context.Context, access.Actor, live.Scope, *string) (live.Stream, error)
	Appointments(context.Context, access.Actor, *clinic.Ref, *string) (live.Stream, error)
	Offers(context.Context, access.Actor, *string) (live.Stream, error)
}

// Tickets are for streams that can't send a token.
type Tickets interface {
	Issue(context.Context, access.Actor, live.IssueTicket) (live.Issued, error)
}

// Partner is the room of the systems that call for themselves.
type Partner interface {
	CreateClient(context.Context, access.Actor, partner.CreateClient) (partner.MadeClient, error)
	RotateSecret(context.Context, access.Actor, partner.RotateSecret) (partner.MadeClient, error)
	ReplaceKeys(context.Context, access.Actor, partner.ReplaceKeys) (partner.Client, error)
	RevokeClient(context.Context, access.Actor, partner.Revoke) (partner.Client, error)
	CreateKey(context.Context, access.Actor, partner.CreateKey) (partner.MadeKey, error)
	RevokeKey(context.Context, access.Actor, partner.Revoke) (partner.APIKey, error)

	ListClients(context.Context, access.Actor, partner.Filter, paging.Window) (paging.Page[partner.Client], error)
	CountClients(context.Context, access.Actor, partner.Filter) (int, error)
	ListKeys(context.Context, access.Actor, partner.Filter, paging.Window) (paging.Page[partner.APIKey], error)
	CountKeys(context.Context, access.Actor, partner.Filter) (int, error)
}

// People is the room of who signs in.
type People interface {
	SignIn(context.Context, access.Actor, identity.SignIn) (identity.SignedIn, error)
	Answer(context.Context, access.Actor, identity.AnswerChallenge) (identity.SignedIn, error)
	SetUp(context.Context, access.Actor, identity.SetUp) (*identity.Challenge, error)
	ReplaceCodes(context.Context, access.Actor, identity.ReplaceCodes) ([]access.Private, error)
	ChangePassword(context.Context, access.Actor, identity.ChangePassword) (identity.Account, error)
	Suspend(context.Context, access.Actor, identity.ChangeAccount) (identity.Account, error)
	Reinstate(context.Context, access.Actor, identity.ChangeAccount) (identity.Account, error)
	ChangeRole(context.Context, access.Actor, identity.ChangeRole) (identity.Account, error)
	ResetFactor(context.Context, access.Actor, identity.ChangeAccount) (identity.Account, error)
	List(context.Context, access.Actor, identity.Filter, paging.Window) (paging.Page[identity.Account], error)
	Count(context.Context, access.Actor, identity.Filter) (int, error)
}

// OpenID is the same room's door to OpenID Connect providers.
type OpenID interface {
	Begin(context.Context, access.Actor, identity.BeginOpenID) (identity.Begun, error)
	Complete(context.Context, access.Actor, identity.CompleteOpenID) (identity.SignedIn, error)
}

// Sessions is the room of who stays signed in.
type Sessions interface {
	Refresh(ctx context.Context, presented access.Private, request string) (identity.Tokens, error)
	SignOut(ctx context.Context, actor access.Actor, refresh *access.Private) (struct{}, error)
	SignOutEverywhere(ctx context.Context, actor access.Actor, whose *clinic.Ref) (struct{}, error)
	RevokeSession(ctx context.Context, actor access.Actor, session clinic.Ref) (struct{}, error)
	Current(context.Context, access.Actor) (*identity.Session, error)
	List(context.Context, access.Actor) ([]identity.Session, error)
}

// Choices is the room of messages, for what patients and clinics choose of them.
type Choices interface {
	Change(context.Context, access.Actor, reminder.ChangePreferences) (reminder.Preferences, error)
	Rules(ctx context.Context, actor access.Actor, organization uuid.UUID) ([]reminder.RuleSet, error)
	SetRules(context.Context, access.Actor, reminder.SetRules) ([]reminder.RuleSet, error)
}

// Features decides flags.
type Features interface {
	// Of are all flags as they are for a caller, by key.
	Of(access.Actor) []access.Feature
}

// Audit is the room of the record of who did what.
type Audit interface {
	Events(context.Context, access.Actor, audit.Filter, paging.Window) (paging.Page[audit.Event], error)
	Count(context.Context, access.Actor, audit.Filter) (int, error)
	History(ctx context.Context, actor access.Actor, of clinic.Ref, w paging.Window) (paging.Page[audit.Event], error)
	CountHistory(ctx context.Context, actor access.Actor, of clinic.Ref) (int, error)
}
