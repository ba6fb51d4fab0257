package reminder_test

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/reminder"
)

// shelf is a store of one patient in memory.
type shelf struct {
	kept  reminder.Preferences
	set   reminder.RuleSet
	saved int
	races int // saves that somebody else wins
}

func (s *shelf) Preferences(_ context.Context, patients []clinic.Ref) (map[clinic.Ref]reminder.Preferences, error) {
	found := map[clinic.Ref]reminder.Preferences{}
	for _, p := range patients {
		if p == s.kept.Patient() {
			found[p] = s.kept
		}
	}
	return found, nil
}

func (s *shelf) SavePreferences(_ context.Context, _ clinic.Stamp, p reminder.Preferences, _ []string) (bool, error) {
	if s.races > 0 {
		s.races--
		s.kept.Version++
		return false, nil
	}
	s.kept = p
	s.saved++
	return true, nil
}

func (s *shelf) RuleSets(context.Context, uuid.UUID) ([]reminder.RuleSet, error) { return nil, nil }

func (s *shelf) SetRules(_ context.Context, _ clinic.Stamp, set reminder.RuleSet, _ func() uuid.UUID) ([]reminder.RuleSet, error) {
	s.set = set
	return []reminder.RuleSet{set}, nil
}

var (
	whose   = clinic.Ref{Organization: organization, ID: ann}
	now     = utc("2026-06-01T12:00:00Z")
	desk    = access.Actor{ID: uuid.New(), Kind: access.Staff, Role: access.FrontDesk, Organization: organization, Scopes: access.ScopesOf(access.FrontDesk)}
	herself = access.Actor{ID: uuid.New(), Kind: access.Patient, Role: access.PatientRole, Organization: organization, Scopes: access.ScopesOf(access.PatientRole), PatientID: ann}
	boss    = access.Actor{ID: uuid.New(), Kind: access.Staff, Role: access.Admin, Organization: organization, Scopes: access.ScopesOf(access.Admin)}
)

func open() (*shelf, *reminder.Choices) {
	s := &shelf{kept: reminder.DefaultPreferences(whose)}
	return s, reminder.NewChoices(s, clinic.Source{Clock: clock.FrozenAt(now), NewID: uuid.New})
}

func yes(k reminder.ChannelKind) reminder.ChannelChange {
	return reminder.ChannelChange{Channel: k, Allowed: true}
}

func no(k reminder.ChannelKind) reminder.ChannelChange { return reminder.ChannelChange{Channel: k} }

func quietFrom(h1, m1, h2, m2 int) *reminder.QuietHours {
	return &reminder.QuietHours{From: civil.Time{Hour: h1, Minute: m1}, Until: civil.Time{Hour: h2, Minute: m2}}
}

func TestAPatientChoosesChannels(t *testing.T) {
	s, choices := open()
	p, err := choices.Change(t.Context(), herself, reminder.ChangePreferences{Patient: whose, Channels: []reminder.ChannelChange{yes(reminder.Email), no(reminder.SMS)}})
	by := reminder.ByPatient
	want := []reminder.ChannelChoice{
		{Channel: reminder.Email, Allowed: true, Since: &now, By: &by, Account: herself.ID}, {Channel: reminder.SMS, Since: &now, By: &by, Account: herself.ID},
		{Channel: reminder.Push, Allowed: true},
	}
	if err != nil || p.Version != 1 || !reflect.DeepEqual(p.Channels, want) || !reflect.DeepEqual(s.kept, p) {
		t.Fatalf("%+v, %v", p, err)
	}
	if got := p.Contact().Channels; !reflect.DeepEqual(got, []reminder.ChannelKind{reminder.Email, reminder.Push}) {
		t.Errorf("they are reached by %v", got)
	}
	again, err := choices.Change(t.Context(), desk, reminder.ChangePreferences{Patient: whose, Channels: []reminder.ChannelChange{yes(reminder.Email)}})
	if err != nil || s.saved != 1 || !reflect.DeepEqual(again, p) {
		t.Errorf("the same again is %+v, %v, saved %d times", again, err, s.saved)
	}
	if p, err = choices.Change(t.Context(), desk, reminder.ChangePreferences{Patient: whose, Channels: []reminder.ChannelChange{yes(reminder.SMS)}}); err != nil ||
		p.Channels[0].Channel != reminder.SMS || *p.Channels[0].By != reminder.ByClinic || *p.Channels[1].By != reminder.ByPatient || p.Version != 2 {
		t.Errorf("the desk's change is %+v, %v", p, err)
	}
}

func TestAReplyTakesOneChannelAway(t *testing.T) {
	s, choices := open()
	for range 2 {
		if err := choices.Refuse(t.Context(), whose, reminder.SMS, "reply"); err != nil {
			t.Fatal(err)
		}
	}
	by := reminder.ByReply
	want := []reminder.ChannelChoice{{Channel: reminder.SMS, Since: &now, By: &by}, {Channel: reminder.Email, Allowed: true}, {Channel: reminder.Push, Allowed: true}}
	if !reflect.DeepEqual(s.kept.Channels, want) || s.saved != 1 {
		t.Errorf("%+v, saved %d times", s.kept, s.saved)
	}
	if err := choices.Refuse(t.Context(), clinic.Ref{Organization: organization, ID: uuid.New()}, reminder.SMS, "reply"); errs.Of(err) != errs.NotFound {
		t.Errorf("of nobody: %v", err)
	}
}

func TestWhatIsLeftOutStaysAsItIs(t *testing.T) {
	_, choices := open()
	off := false
	first, err := choices.Change(t.Context(), herself, reminder.ChangePreferences{Patient: whose, Reminders: &off,
		RemindBefore: []time.Duration{hour, 60 * 24 * hour, 15 * minute}, Quiet: quietFrom(22, 0, 18, 0)})
	if err != nil || !reflect.DeepEqual(first.RemindBefore, []time.Duration{60 * 24 * hour, hour, 15 * minute}) {
		t.Fatalf("%+v, %v", first, err)
	}
	none, err := choices.Change(t.Context(), herself, reminder.ChangePreferences{Patient: whose})
	if err != nil || !reflect.DeepEqual(none, first) {
		t.Errorf("no change makes it %+v, %v", none, err)
	}
	back, err := choices.Change(t.Context(), herself, reminder.ChangePreferences{Patient: whose, RemindBefore: []time.Duration{}})
	if err != nil || len(back.RemindBefore) > 0 || back.Reminders || back.QuietHours() != *first.Quiet {
		t.Errorf("the clinic's times again: %+v, %v", back, err)
	}
	if c := back.Contact(); !c.Wants.NoReminders || c.Quiet != *first.Quiet {
		t.Errorf("planned is by %+v", c)
	}
}

func TestAChangeThatCannotBeNamesTheField(t *testing.T) {
	all := []time.Duration{15 * minute, 16 * minute, 17 * minute, 18 * minute, 19 * minute}
	before := func(d ...time.Duration) reminder.ChangePreferences {
		return reminder.ChangePreferences{RemindBefore: d}
	}
	channels := func(c ...reminder.ChannelChange) reminder.ChangePreferences {
		return reminder.ChangePreferences{Channels: c}
	}
	between := func(q *reminder.QuietHours) reminder.ChangePreferences { return reminder.ChangePreferences{Quiet: q} }
	for _, c := range []struct {
		in   reminder.ChangePreferences
		path []string // nil: it is good
	}{
		{before(all...), nil}, {before(append(all, 20*minute)...), []string{"remindBefore"}},
		{before(15*minute - time.Second), []string{"remindBefore", "0"}}, {before(60 * 24 * hour), nil}, {before(hour, 60*24*hour+minute), []string{"remindBefore", "1"}},
		{before(hour + time.Second), []string{"remindBefore", "0"}}, {before(hour, 60*minute), []string{"remindBefore", "1"}}, {before(-hour), []string{"remindBefore", "0"}},
		{channels(yes(reminder.Voice)), []string{"channels", "0", "channel"}}, {channels(yes(reminder.SMS), yes("FAX")), []string{"channels", "1", "channel"}},
		{channels(yes(reminder.SMS), no(reminder.SMS)), []string{"channels", "1", "channel"}}, {channels(yes(reminder.SMS), no(reminder.Push), no(reminder.Email)), nil},
		{between(quietFrom(0, 0, 20, 0)), nil}, {between(quietFrom(0, 0, 20, 1)), []string{"quietHours"}}, {between(quietFrom(12, 0, 8, 0)), nil},
		{between(quietFrom(12, 0, 8, 1)), []string{"quietHours"}}, {between(quietFrom(5, 0, 5, 0)), nil}, {between(quietFrom(0, 0, 24, 0)), []string{"quietHours", "until"}},
		{between(&reminder.QuietHours{From: civil.Time{Hour: 5, Second: 1}}), []string{"quietHours", "from"}},
	} {
		s, choices := open()
		c.in.Patient = whose
		_, err := choices.Change(t.Context(), desk, c.in)
		wantFault(t, c.in, err, c.path)
		if c.path != nil && s.saved > 0 {
			t.Errorf("%+v is refused, and saved", c.in)
		}
	}
}

func wantFault(t *testing.T, in any, err error, path []string) {
	t.Helper()
	e, refused := errors.AsType[*errs.Error](err)
	if refused != (path != nil) || refused && (e.Kind != errs.InvalidInput || !reflect.DeepEqual(e.Path, path)) || !refused && err != nil {
		t.Errorf("%+v: %v, want a fault at %v", in, err, path)
	}
}

func TestWhoMayChangePreferences(t *testing.T) {
	change := reminder.ChangePreferences{Patient: whose, RemindBefore: []time.Duration{hour}}
	with := func(a access.Actor, f func(*access.Actor)) access.Actor { f(&a); return a }
	for why, c := range map[string]struct {
		by   access.Actor
		want errs.Kind
	}{
		"nobody":           {access.Nobody(""), errs.Unauthenticated},
		"another patient":  {with(herself, func(a *access.Actor) { a.PatientID = uuid.New() }), errs.NotFound},
		"a reader":         {with(herself, func(a *access.Actor) { a.Scopes = []string{access.AppointmentsRead} }), errs.Forbidden},
		"a provider":       {with(desk, func(a *access.Actor) { a.Role, a.Scopes = access.Provider, access.ScopesOf(access.Provider) }), errs.Forbidden},
		"another's clinic": {with(desk, func(a *access.Actor) { a.Organization = uuid.New() }), errs.NotFound},
	} {
		s, choices := open()
		if _, err := choices.Change(t.Context(), c.by, change); errs.Of(err) != c.want || s.saved > 0 {
			t.Errorf("%s: %v, saved %d times", why, err, s.saved)
		}
		if found, err := choices.Of(t.Context(), c.by, []clinic.Ref{whose}); why != "a reader" && why != "a provider" && (len(found) > 0 || err != nil) {
			t.Errorf("%s is shown %v, %v", why, found, err)
		}
	}
	for _, by := range []access.Actor{desk, herself} {
		_, choices := open()
		if found, err := choices.Of(t.Context(), by, []clinic.Ref{whose}); err != nil || !found[whose].Reminders {
			t.Errorf("%s is shown %v, %v", by.Role, found, err)
		}
	}
}

func TestAStaleChangeIsRefusedAndALostRaceDecidedAnew(t *testing.T) {
	s, choices := open()
	s.kept.Version = 7
	at := func(v int) reminder.ChangePreferences {
		return reminder.ChangePreferences{Patient: whose, ExpectedVersion: &v, RemindBefore: []time.Duration{hour}}
	}
	trail := &access.Trail{}
	by := desk
	by.Trail = trail
	_, err := choices.Change(t.Context(), by, at(6))
	if stale, ok := errors.AsType[reminder.StaleVersion](err); !ok || stale.Current.Version != 7 {
		t.Errorf("%v", err)
	}
	if seen, _ := trail.Sights(); len(seen) != 1 || seen[0].Patient != ann {
		t.Errorf("what a refusal shows isn't recorded: %v", seen)
	}
	s.races = 1
	if _, err := choices.Change(t.Context(), desk, at(7)); !isStale(err) {
		t.Errorf("somebody was faster: %v", err)
	}
	s.races = 2
	if p, err := choices.Change(t.Context(), desk, reminder.ChangePreferences{Patient: whose, RemindBefore: []time.Duration{hour}}); err != nil || p.Version != 11 {
		t.Errorf("%+v, %v", p, err)
	}
	s.races = 5
	if _, err := choices.Change(t.Context(), desk, reminder.ChangePreferences{Patient: whose, RemindBefore: []time.Duration{2 * hour}}); errs.Of(err) != errs.Busy {
		t.Errorf("%v", err)
	}
}

func isStale(err error) bool { _, ok := errors.AsType[reminder.StaleVersion](err); return ok }

func TestRulesThatCannotBeNameTheField(t *testing.T) {
	before := func(d time.Duration) reminder.RuleTime { return reminder.RuleTime{Before: &d} }
	local := func(days, h, m int) reminder.RuleTime {
		return reminder.RuleTime{DaysBefore: days, At: &civil.Time{Hour: h, Minute: m}}
	}
	for _, c := range []struct {
		rules []reminder.RuleTime
		path  []string
	}{
		{nil, nil}, {[]reminder.RuleTime{}, nil}, {[]reminder.RuleTime{before(15 * minute), before(60 * 24 * hour), local(0, 0, 0), local(60, 23, 59), local(60, 23, 58)}, nil},
		{[]reminder.RuleTime{before(hour), before(2 * hour), before(3 * hour), before(4 * hour), before(5 * hour), before(6 * hour)}, []string{"rules"}},
		{[]reminder.RuleTime{before(15*minute - 1)}, []string{"rules", "0", "before"}}, {[]reminder.RuleTime{before(60*24*hour + minute)}, []string{"rules", "0", "before"}},
		{[]reminder.RuleTime{before(hour), before(hour + time.Second)}, []string{"rules", "1", "before"}},
		{[]reminder.RuleTime{before(hour), before(60 * minute)}, []string{"rules", "1"}},
		{[]reminder.RuleTime{local(-1, 9, 0)}, []string{"rules", "0", "localTime", "daysBefore"}}, {[]reminder.RuleTime{local(61, 9, 0)}, []string{"rules", "0", "localTime", "daysBefore"}},
		{[]reminder.RuleTime{local(1, 24, 0)}, []string{"rules", "0", "localTime", "at"}},
	} {
		s, choices := open()
		_, err := choices.SetRules(t.Context(), boss, reminder.SetRules{Rules: c.rules})
		wantFault(t, c.rules, err, c.path)
		if c.path == nil && (s.set.OrganizationID != organization || len(s.set.Rules) != len(c.rules) || (s.set.Rules == nil) != (c.rules == nil)) {
			t.Errorf("%+v is set as %+v", c.rules, s.set)
		}
	}
}

func TestWhoSetsRules(t *testing.T) {
	_, choices := open()
	foreign := clinic.Ref{Organization: uuid.New(), ID: flu}
	for why, c := range map[string]struct {
		by   access.Actor
		in   reminder.SetRules
		want errs.Kind
	}{
		"the desk":           {desk, reminder.SetRules{}, errs.Forbidden},
		"another's kind":     {boss, reminder.SetRules{VisitKind: &foreign}, errs.NotFound},
		"another's clinic":   {boss, reminder.SetRules{Organization: foreign.Organization}, errs.NotFound},
		"nobody":             {access.Nobody(""), reminder.SetRules{}, errs.Unauthenticated},
		"the patient's side": {herself, reminder.SetRules{}, errs.Forbidden},
	} {
		if _, err := choices.SetRules(t.Context(), c.by, c.in); errs.Of(err) != c.want {
			t.Errorf("%s: %v", why, err)
		}
		if _, err := choices.Rules(t.Context(), c.by, c.in.Organization); c.in.VisitKind == nil && errs.Of(err) != c.want {
			t.Errorf("%s reads: %v", why, err)
		}
	}
	sets, err := choices.Rules(t.Context(), boss, uuid.Nil)
	if err != nil || len(sets) != 1 || !sets[0].ByDefault || !reflect.DeepEqual(sets[0].Rules, reminder.DefaultRules()) {
		t.Errorf("nothing is set: %+v, %v", sets, err)
	}
}
