package postgres_test

import (
	"errors"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/patient"
	"github.com/mediconnect/mediconnect/internal/patient/patienttest"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/reminder"
	"github.com/mediconnect/mediconnect/internal/retention"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
)

// choosing is an organisation with a patient who has a phone, an e-mail address, a language and a zone.
type choosing struct {
	patienttest.World
	*reminder.Choices
	store *postgres.Directory
	pool  *pgxpool.Pool
	ann   clinic.Ref
}

func newChoosing(t *testing.T) choosing {
	t.Helper()
	pool := pgtest.New(t)
	store := postgres.New(pool, keytest.Of(t, pool)).Directory()
	c := choosing{World: patienttest.NewWorld(t, store), store: store, pool: pool}
	c.Choices = reminder.NewChoices(store, c.Source)
	c.ann = refTo(c.Register(t, patienttest.Ann()))
	return c
}

func refTo(p patient.Patient) clinic.Ref { return clinic.Ref{Organization: p.OrganizationID, ID: p.ID} }

func (c choosing) contact(t *testing.T, of clinic.Ref) reminder.Recipient {
	t.Helper()
	found, err := c.store.Contacts(t.Context(), []clinic.Ref{of})
	if err != nil || len(found) != 1 {
		t.Fatalf("%v, %v", found, err)
	}
	return found[of]
}

// audited are the actions in the record about somebody or something, with their fields.
func (c choosing) audited(t *testing.T, action string) (list []string) {
	t.Helper()
	rows, err := c.pool.Query(t.Context(), `SELECT entity_kind || ' ' || entity_id || ' ' || fields::text FROM audit_events WHERE action = $1 ORDER BY position`, action)
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		list = append(list, line)
	}
	return list
}

func TestWhoHasSaidNothingIsReachedWhereverThereIsAnAddress(t *testing.T) {
	c := newChoosing(t)
	got := c.contact(t, c.ann)
	want := reminder.Contact{HasPhone: true, HasEmail: true, TimeZone: "America/New_York", Quiet: reminder.DefaultQuiet,
		Channels: []reminder.ChannelKind{reminder.SMS, reminder.Email, reminder.Push}}
	if !reflect.DeepEqual(got.Contact, want) || got.Phone.Reveal() != "+12015550123" || got.Email.Reveal() != "Ann@Example.org" || got.Language != "es-MX" {
		t.Errorf("%+v", got)
	}
	bare := patienttest.Ann()
	bare.Identifier.Value, bare.Phone, bare.Email, bare.Language, bare.TimeZone = "B2", nil, nil, nil, nil
	if got := c.contact(t, refTo(c.Register(t, bare))); got.HasPhone || got.HasEmail || got.Phone != nil || got.TimeZone != "" || len(got.Channels) != 3 {
		t.Errorf("of who gave nothing: %+v", got)
	}
	found, err := c.store.Contacts(t.Context(), []clinic.Ref{{Organization: c.ann.Organization, ID: uuid.New()}, {Organization: uuid.New(), ID: c.ann.ID}, c.ann})
	if err != nil || len(found) != 1 {
		t.Errorf("of nobody: %v, %v", found, err)
	}
}

func TestPreferencesAreKeptAndPlannedWith(t *testing.T) {
	c := newChoosing(t)
	off, quiet := false, reminder.QuietHours{From: civil.Time{Hour: 22, Minute: 15}, Until: civil.Time{Hour: 6}}
	first, err := c.Change(t.Context(), c.FrontDesk, reminder.ChangePreferences{Patient: c.ann, Reminders: &off, Quiet: &quiet,
		RemindBefore: []time.Duration{time.Hour, 48 * time.Hour}, Channels: []reminder.ChannelChange{{Channel: reminder.Email, Allowed: true}, {Channel: reminder.SMS}}})
	if err != nil {
		t.Fatal(err)
	}
	kept, err := c.Of(t.Context(), c.FrontDesk, []clinic.Ref{c.ann})
	if err != nil || !reflect.DeepEqual(kept[c.ann], first) {
		t.Errorf("kept is\n%+v\nof\n%+v, %v", kept[c.ann], first, err)
	}
	want := reminder.Contact{HasPhone: true, HasEmail: true, TimeZone: "America/New_York", Quiet: quiet, Channels: []reminder.ChannelKind{reminder.Email, reminder.Push},
		Wants: reminder.Wants{NoReminders: true, Before: []time.Duration{48 * time.Hour, time.Hour}}}
	if got := c.contact(t, c.ann).Contact; !reflect.DeepEqual(got, want) {
		t.Errorf("planned is with %+v", got)
	}
	if err := c.Refuse(t.Context(), c.ann, reminder.Email, "reply"); err != nil {
		t.Fatal(err)
	}
	if got := c.contact(t, c.ann).Channels; !slices.Equal(got, []reminder.ChannelKind{reminder.Push}) {
		t.Errorf("who wants no more mails is reached by %v", got)
	}
	of := "Patient " + c.ann.ID.String()
	if got := c.audited(t, "patient.contact"); !slices.Equal(got, []string{of + " {channels,reminders,remindBefore,quietHours}", of + " {channels}"}) {
		t.Errorf("recorded is %v", got)
	}
}

func TestAPushIsForWhoHasAnAccountOrAskedForIt(t *testing.T) {
	c := newChoosing(t)
	link := func(ended any) {
		if _, err := c.pool.Exec(t.Context(), `INSERT INTO account_links (organization_id, id, account_id, patient_id, relation, invitation_id, linked_at, ended_at)
			VALUES ($1, $2, $3, $4, 'SELF', $3, now(), $5)`, c.Organization, uuid.New(), uuid.New(), c.ann.ID, ended); err != nil {
			t.Fatal(err)
		}
	}
	link(c.Clock.Now())
	if c.contact(t, c.ann).HasApp {
		t.Error("an account that left reads push messages")
	}
	asks := reminder.ChangePreferences{Patient: c.ann, Channels: []reminder.ChannelChange{{Channel: reminder.Push, Allowed: true}}}
	if _, err := c.Change(t.Context(), c.FrontDesk, asks); err != nil || c.contact(t, c.ann).HasApp {
		t.Errorf("the desk says so, and there is an app: %v", err)
	}
	link(nil)
	if !c.contact(t, c.ann).HasApp {
		t.Error("an account that acts for the patient reads no push messages")
	}
	other := patienttest.Ann()
	other.Identifier.Value = "B2"
	bo := refTo(c.Register(t, other))
	himself := c.FrontDesk
	himself.Role, himself.Kind, himself.Scopes, himself.PatientID = access.PatientRole, access.Patient, access.ScopesOf(access.PatientRole), bo.ID
	asks.Patient = bo
	if _, err := c.Change(t.Context(), himself, asks); err != nil || !c.contact(t, bo).HasApp {
		t.Errorf("the patient asked for it: %v", err)
	}
}

func TestChangesAtOnceAreAllMade(t *testing.T) {
	c := newChoosing(t)
	var all sync.WaitGroup
	var made, busy atomic.Int32
	for n := range 8 {
		all.Go(func() {
			switch _, err := c.Change(t.Context(), c.FrontDesk, reminder.ChangePreferences{Patient: c.ann, RemindBefore: []time.Duration{time.Duration(n+20) * time.Minute}}); {
			case err == nil:
				made.Add(1)
			case errs.Of(err) == errs.Busy:
				busy.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	all.Wait()
	kept, _ := c.Of(t.Context(), c.FrontDesk, []clinic.Ref{c.ann})
	if int(made.Load()) != kept[c.ann].Version || len(c.audited(t, "patient.contact")) != int(made.Load()) || made.Load() == 0 {
		t.Errorf("%d made, %d put off, version %d", made.Load(), busy.Load(), kept[c.ann].Version)
	}
}

func TestPreferencesOfNobodyAreNotKept(t *testing.T) {
	c := newChoosing(t)
	p := reminder.DefaultPreferences(clinic.Ref{Organization: c.Organization, ID: uuid.New()})
	p.Version = 1
	if _, err := c.store.SavePreferences(t.Context(), c.Source.Stamp(c.FrontDesk), p, nil); errs.Of(err) != errs.NotFound {
		t.Errorf("a patient that never was: %v", err)
	}
	if _, err := c.Change(t.Context(), c.FrontDesk, reminder.ChangePreferences{Patient: p.Patient()}); errs.Of(err) != errs.NotFound {
		t.Errorf("nothing changed of nobody: %v", err)
	}
	if _, err := c.Change(t.Context(), c.FrontDesk, reminder.ChangePreferences{Patient: c.ann, RemindBefore: []time.Duration{time.Hour}}); err != nil {
		t.Fatal(err)
	}
	if _, err := retention.NewService(c.store, c.Source).Erase(t.Context(), c.Admin, retention.Erase{Patient: c.ann, Reason: retention.Requested}); err != nil {
		t.Fatal(err)
	}
	p.PatientID = c.ann.ID
	if _, err := c.store.SavePreferences(t.Context(), c.Source.Stamp(c.FrontDesk), p, nil); errs.Of(err) != errs.NotFound {
		t.Errorf("those of an erased patient are kept: %v", err)
	}
	if found, err := c.Of(t.Context(), c.FrontDesk, []clinic.Ref{c.ann}); err != nil || len(found) > 0 {
		t.Errorf("those of an erased patient are shown: %v, %v", found, err)
	}
	if got := c.contact(t, c.ann); !reflect.DeepEqual(got, reminder.Recipient{Contact: reminder.Contact{Erased: true}}) {
		t.Errorf("an erased patient is reached by %+v", got)
	}
	var left int
	if err := c.pool.QueryRow(t.Context(), `SELECT count(*) FROM contact_preferences`).Scan(&left); err != nil || left > 0 {
		t.Errorf("%d are left, %v", left, err)
	}
}

func TestRulesAreKeptForEachKindOfVisit(t *testing.T) {
	c := newChoosing(t)
	flu, checkup := c.PutVisitKind(t, 1), c.PutVisitKind(t, 2)
	kindRef := func(k clinic.VisitKind) *clinic.Ref { return &clinic.Ref{Organization: c.Organization, ID: k.ID} }
	set := func(kind *clinic.Ref, rules []reminder.RuleTime) []reminder.RuleSet {
		t.Helper()
		sets, err := c.SetRules(t.Context(), c.Admin, reminder.SetRules{VisitKind: kind, Rules: rules})
		if err != nil {
			t.Fatal(err)
		}
		if read, err := c.Rules(t.Context(), c.Admin, uuid.Nil); err != nil || !reflect.DeepEqual(read, sets) {
			t.Errorf("read is %+v, of %+v, %v", read, sets, err)
		}
		return sets
	}
	early, two, at := 3*time.Hour, 2*time.Hour, civil.Time{Hour: 9, Minute: 30}
	set(kindRef(flu), []reminder.RuleTime{{DaysBefore: 2, At: &at}, {Before: &early}})
	set(kindRef(checkup), []reminder.RuleTime{})
	if sets := set(nil, []reminder.RuleTime{{Before: &two}}); len(sets) != 3 || sets[0].VisitKind != nil || sets[0].ByDefault {
		t.Errorf("set are %+v", sets)
	}
	set(nil, []reminder.RuleTime{{Before: &two}})
	flat, err := c.store.Rules(t.Context(), c.Organization)
	want := []reminder.Rule{
		{Key: "120-min-before", Before: two}, {Key: "2-days-before-at-09:30", VisitKind: &flu.ID, DaysBefore: 2, At: &at},
		{Key: "180-min-before", VisitKind: &flu.ID, Before: early}, {Key: "none", VisitKind: &checkup.ID, Off: true},
	}
	if err != nil || !reflect.DeepEqual(flat, want) {
		t.Errorf("planned is with %+v, %v", flat, err)
	}
	set(kindRef(flu), nil)
	set(kindRef(flu), nil)
	if sets := set(nil, nil); len(sets) != 2 || !sets[0].ByDefault || *sets[1].VisitKind != checkup.ID || len(sets[1].Rules) > 0 {
		t.Errorf("left are %+v", sets)
	}
	all, own := "Organization "+c.Organization.String()+" {}", "VisitKind "+flu.ID.String()+" {}"
	if got := c.audited(t, "reminderRules.set"); !slices.Equal(got, []string{own, "VisitKind " + checkup.ID.String() + " {}", all, own, all}) {
		t.Errorf("recorded is %v", got)
	}
}

func TestRulesOfWhatIsNotThereAreRefused(t *testing.T) {
	c := newChoosing(t)
	nothing := &clinic.Ref{Organization: c.Organization, ID: uuid.New()}
	for _, rules := range [][]reminder.RuleTime{nil, {}} {
		_, err := c.SetRules(t.Context(), c.Admin, reminder.SetRules{VisitKind: nothing, Rules: rules})
		if e, ok := errors.AsType[*errs.Error](err); !ok || e.Kind != errs.NotFound || !slices.Equal(e.Path, []string{"visitKindId"}) {
			t.Errorf("%v of a kind that isn't there: %v", rules, err)
		}
	}
	_, err := c.SetRules(t.Context(), c.Platform, reminder.SetRules{Organization: uuid.New(), Rules: []reminder.RuleTime{}})
	if e, ok := errors.AsType[*errs.Error](err); !ok || e.Kind != errs.NotFound || !slices.Equal(e.Path, []string{"organizationId"}) {
		t.Errorf("of an organisation that isn't there: %v", err)
	}
	other := c.NewOrganization(t)
	if _, err := c.SetRules(t.Context(), c.Platform, reminder.SetRules{Organization: other, Rules: []reminder.RuleTime{}}); err != nil {
		t.Fatal(err)
	}
	if sets, err := c.Rules(t.Context(), c.Admin, uuid.Nil); err != nil || !sets[0].ByDefault {
		t.Errorf("another's rules are ours: %+v, %v", sets, err)
	}
}

func TestRulesSetAtOnceAreOneOrTheOther(t *testing.T) {
	c := newChoosing(t)
	var all sync.WaitGroup
	for n := range 10 {
		all.Go(func() {
			var rules []reminder.RuleTime
			for m := range reminder.MaxReminders {
				before := time.Duration(100*n+20+m) * time.Minute
				rules = append(rules, reminder.RuleTime{Before: &before})
			}
			if _, err := c.SetRules(t.Context(), c.Admin, reminder.SetRules{Rules: rules}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	sets, err := c.Rules(t.Context(), c.Admin, uuid.Nil)
	if err != nil || len(sets) != 1 || len(sets[0].Rules) != reminder.MaxReminders || sets[0].Rules[4].Before-sets[0].Rules[0].Before != 4*time.Minute {
		t.Errorf("%+v, %v", sets, err)
	}
}

func TestSoManyKindsHaveRulesOfTheirOwnAndNoMore(t *testing.T) {
	c := newChoosing(t)
	if _, err := c.pool.Exec(t.Context(), `
		INSERT INTO visit_kinds SELECT (jsonb_populate_record(k, jsonb_build_object('id', gen_random_uuid(), 'key', 'more-' || n))).* FROM visit_kinds k, generate_series(1, $2::integer) n WHERE k.id = $1`,
		c.PutVisitKind(t, 1).ID, reminder.MaxRuleSets); err != nil {
		t.Fatal(err)
	}
	if _, err := c.pool.Exec(t.Context(), `INSERT INTO reminder_rules (organization_id, id, visit_kind_id, key, kind)
		SELECT organization_id, gen_random_uuid(), id, 'none', 'OFF' FROM visit_kinds WHERE key LIKE 'more-%' LIMIT $1`, reminder.MaxRuleSets-1); err != nil {
		t.Fatal(err)
	}
	for n, want := range []errs.Kind{errs.Internal, errs.InvalidInput} {
		kind := c.PutVisitKind(t, 10+n)
		_, err := c.SetRules(t.Context(), c.Admin, reminder.SetRules{VisitKind: &clinic.Ref{Organization: c.Organization, ID: kind.ID}, Rules: []reminder.RuleTime{}})
		if (err != nil) != (n == 1) || n == 1 && errs.Of(err) != want {
			t.Errorf("kind %d: %v", n, err)
		}
	}
	if _, err := c.SetRules(t.Context(), c.Admin, reminder.SetRules{Rules: []reminder.RuleTime{}}); err != nil {
		t.Errorf("those of all other kinds: %v", err)
	}
}
