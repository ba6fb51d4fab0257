package app

import (
	"log/slog"
	"net/url"
	"testing"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/breakglass"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clinic/clinictest"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/closure"
	"github.com/mediconnect/mediconnect/internal/conflict"
	"github.com/mediconnect/mediconnect/internal/identity"
	"github.com/mediconnect/mediconnect/internal/partner"
	"github.com/mediconnect/mediconnect/internal/patient"
	"github.com/mediconnect/mediconnect/internal/patient/patienttest"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/provider"
	"github.com/mediconnect/mediconnect/internal/reminder"
	"github.com/mediconnect/mediconnect/internal/retention"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
	"github.com/mediconnect/mediconnect/internal/waitlist"
)

// keysOfOwn are the tables whose rows have an id of their own. A plan's follows from its names, a process isn't one of a few rows, those of dead
// letters are the database's, and those of what the detection of conflicts tells of itself say no time.
const keysOfOwn = `
SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'id' AND a.atttypid = 'uuid'::regtype
WHERE c.relkind = 'r' AND c.relname <> ALL ('{insurance_plans,instances,dead_letters,conflict_disagreements,conflict_fallbacks}') ORDER BY 1`

// Ids that begin with the time keep new rows together in an index.
func TestEveryIDThatTheProgramMakesIsOfVersion7(t *testing.T) {
	pool := pgtest.New(t)
	a := wire(Frame{
		Clock: clock.FrozenAt(sample.Dawn), Log: slog.New(slog.DiscardHandler), LinkKey: make([]byte, 32), PublicURL: &url.URL{Scheme: "https", Host: "api.example.org"},
	}, postgres.New(pool, keytest.Of(t, pool)))
	admin := bookOneOfEverything(t, a)
	letEverybodyIn(t, a, admin)
	rows, _ := pool.Query(t.Context(), keysOfOwn)
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(tables) == 0 {
		t.Fatalf("tables with ids: %v %v", tables, err)
	}
	for _, table := range tables {
		var all, other int
		if err := pool.QueryRow(t.Context(), `SELECT count(*), count(*) FILTER (WHERE get_byte(uuid_send(id), 6) / 16 <> 7
			OR get_byte(uuid_send(id), 8) / 64 <> 2) FROM `+table).Scan(&all, &other); err != nil || all == 0 || other != 0 {
			t.Errorf("%s: %d of %d ids are of another version (%v)", table, other, all, err)
		}
	}
}

// bookOneOfEverything leaves a row in each table whose rows have ids.
func bookOneOfEverything(t *testing.T, a *App) (admin access.Actor) {
	t.Helper()
	ctx := t.Context()
	organization := must(a.clinic.CreateOrganization(ctx, clinictest.Actor(access.PlatformAdmin, uuid.Nil),
		clinic.CreateOrganization{Name: "Sample Clinic", Key: "o"}))(t)
	admin = clinictest.Actor(access.Admin, organization.ID)
	ref := func(id uuid.UUID) clinic.Ref { return clinic.Ref{Organization: organization.ID, ID: id} }
	location := ref(must(a.clinic.PutLocation(ctx, admin, clinictest.Location(1)))(t).ID)
	kind := ref(must(a.clinic.PutVisitKind(ctx, admin, clinictest.VisitKind(1)))(t).ID)
	must(a.clinic.PutResource(ctx, admin, clinic.PutResource{
		Identifier: clinic.Identifier{System: "https://example.org/rooms", Value: "1"}, Location: location, Kind: clinic.Room, Pool: "exam", Name: "Room 1",
	}))(t)
	who := ref(must(a.provider.PutProvider(ctx, admin, provider.PutProvider{
		Identifier: clinic.Identifier{System: "https://example.org/people", Value: "1"}, Name: "Dr Ada",
		VisitKinds: []clinic.Ref{kind}, Languages: []string{"en"},
	}))(t).ID)
	monday := civil.DateOf(sample.Monday)
	must(a.provider.SetSchedule(ctx, admin, provider.SetSchedule{
		Provider: who, Location: location, EffectiveFrom: monday, Hours: []provider.WeeklyOpening{
			{Weekday: 1, Opening: provider.Opening{From: provider.At(9, 0), To: provider.At(17, 0), Capacity: 1}},
		},
	}))(t)
	must(a.provider.AddException(ctx, admin, provider.AddException{
		Provider: &who, Location: &location, Effect: provider.Closed, Key: "e",
		From: civil.DateTime{Date: monday, Time: civil.Time{Hour: 12}}, To: civil.DateTime{Date: monday, Time: civil.Time{Hour: 13}},
	}))(t)
	ann := clinictest.Actor(access.PatientRole, organization.ID)
	ann.PatientID = must(a.patient.Register(ctx, admin, patienttest.Ann()))(t).ID
	slot := func(hour int) *availability.SlotID {
		return &availability.SlotID{
			Organization: organization.ID, Provider: who.ID, Location: location.ID, VisitKind: kind.ID, Modality: clinic.InPerson,
			Start: sample.Monday.Add(time.Duration(hour+4) * time.Hour),
		}
	}
	hold := ref(must(a.appointments.Hold(ctx, ann, appointment.PlaceHold{Slot: *slot(9), Key: "h"}))(t).ID)
	visit := must(a.appointments.Book(ctx, ann, appointment.BookVisit{Target: appointment.Target{Hold: &hold}, Key: "b"}))(t)
	must(a.appointments.Move(ctx, ann, appointment.MoveVisit{
		Appointment: visit.Appointment.Ref(), Target: appointment.Target{Slot: slot(10)}, Key: "m",
	}))(t)
	must(a.appointments.BookSeries(ctx, ann, appointment.BookSeries{
		Recurrence: appointment.Recurrence{First: *slot(15), EveryWeeks: 1, Count: 2}, Take: appointment.TakeAll, Key: "s",
	}))(t)
	a.appointments.Detecting(conflict.NewDetection(postgres.NewConflictStore(a.db), conflict.Fixed{Overrule: true}, conflict.DefaultBudget(), nil, nil, a.frame.Clock, clock.Uptime))
	second := patienttest.Ann()
	second.Identifier.Value += "2"
	ben := ref(must(a.patient.Register(ctx, admin, second))(t).ID)
	must(a.appointments.Book(ctx, admin, appointment.BookVisit{
		Target: appointment.Target{Slot: slot(10)}, Patient: &ben, Key: "o",
		Override: &conflict.Override{Rules: []availability.Rule{availability.ProviderBusy}, Reason: "An emergency"},
	}))(t)
	actInstead(t, a, admin, ref(ann.PatientID))
	a.waitlist.Flag = func(uuid.UUID, access.Actor) access.Feature { return access.Feature{Enabled: true} }
	must(a.waitlist.Join(ctx, admin, waitlist.Join{Patient: &ben, Wanted: availability.Search{VisitKind: &kind}, Key: "w"}))(t)
	for must(a.waitlist.Match(ctx, 10))(t) > 0 { // a time is kept, and then offered
	}
	closed := slot(9).Start.In(time.UTC)
	must(a.closure.Close(ctx, admin, closure.Close{
		Scope: closure.Scope{Organization: admin.Organization}, From: civil.DateTime{Date: civil.DateOf(closed)}, To: civil.DateTime{Date: civil.DateOf(closed).AddDays(1)},
		Rebook: closure.RebookInput{Mode: closure.Book}, Key: "c",
	}))(t)
	must(a.closure.Rebook(ctx, 1))(t)
	must(a.choices.SetRules(ctx, admin, reminder.SetRules{Rules: []reminder.RuleTime{}}))(t)
	must(a.reminder.Plan(ctx, 10))(t)
	must(a.retention.PlaceHold(ctx, admin, retention.PlaceHold{Patient: ref(ann.PatientID), Reason: "A claim is pending", Key: "l"}))(t)
	return admin
}

// letEverybodyIn leaves an account, what it took to have and to use it, and a partner's systems.
func letEverybodyIn(t *testing.T, a *App, admin access.Actor) {
	t.Helper()
	ctx, organization := t.Context(), admin.Organization
	must(a.people.Create(ctx, admin, identity.Create{Organization: organization, Role: access.FrontDesk, Email: "desk@example.org", Password: password, Locale: "en"}))(t)
	owing := must(a.people.SignIn(ctx, access.Actor{}, identity.SignIn{Organization: organization, Email: "desk@example.org", Password: password, Client: "app"}))(t)
	if owing.Challenge == nil {
		t.Fatal("a password is enough for the front desk")
	}
	must(a.mailing.SignUp(ctx, access.Actor{}, identity.SignUp{Organization: organization, Email: "ann@example.org", Locale: "en", Address: "192.0.2.1"}))(t)
	var mailed inbox
	if n := must(a.mailing.Deliver(ctx, &mailed, 10))(t); n != 1 {
		t.Fatalf("%d mails were due", n)
	}
	entered := must(a.mailing.Verify(ctx, access.Actor{}, identity.Redeem{Code: mailed.letters[0].Code, Password: password, Client: "app"}))(t)
	if entered.Tokens == nil {
		t.Fatal("a patient isn't signed in")
	}
	must(a.partner.CreateClient(ctx, admin, partner.CreateClient{Name: "Portal", Scopes: []string{access.AppointmentsRead}, Key: "c"}))(t)
	must(a.partner.CreateKey(ctx, admin, partner.CreateKey{Name: "Kiosk", Scopes: []string{access.AppointmentsRead}, ExpiresAt: time.Now().UTC().Add(time.Hour), Key: "k"}))(t)
}

// actInstead leaves an invitation, a link and a grant.
func actInstead(t *testing.T, a *App, admin access.Actor, of clinic.Ref) {
	t.Helper()
	invitation := must(a.invitations.Invite(t.Context(), admin, patient.Invite{Patient: of, Relation: access.RelationCaregiver, Key: "i"}))(t)
	must(a.invitations.Accept(t.Context(), clinictest.Actor(access.Caregiver, of.Organization), patient.Accept{
		Code: *invitation.Code, BirthDate: *patienttest.Ann().BirthDate,
	}))(t)
	must(a.breakGlass.Break(t.Context(), clinictest.Actor(access.Provider, of.Organization), breakglass.Break{
		Patient: &of, Reason: "Unconscious on arrival", Minutes: 60, Key: "g",
	}))(t)
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
