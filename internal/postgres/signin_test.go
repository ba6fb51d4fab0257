package postgres_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/identity"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

func TestAPatientSignsInByAPassword(t *testing.T) {
	r := newReception(t)
	ann := r.account(r.organization, access.PatientRole, "ann@example.org", goodPassword)
	in, err := r.signIn(" ANN@example.org ", goodPassword)
	if err != nil || in.Tokens == nil || in.Challenge != nil {
		t.Fatalf("%+v, %v", in, err)
	}
	start := r.sessions.opened[0]
	if start.Account.ID != ann.ID || start.Account.Email != "ann@example.org" || start.Client != "test" {
		t.Errorf("a session of %+v", start)
	}
	if told := r.told(); !slices.Equal(told, []string{"account.create", "account.signIn"}) {
		t.Errorf("told of %v", told)
	}
	found, err := r.Accounts(t.Context(), r.admin(), []clinic.Ref{ann.Ref()})
	if err != nil || !found[ann.Ref()].LastSignInAt.Equal(r.clock.Now()) {
		t.Errorf("%+v, %v", found, err)
	}
}

func TestAnAdministratorOfThePlatformSignsIn(t *testing.T) {
	r := newReception(t)
	r.account(uuid.Nil, access.PlatformAdmin, "root@example.org", goodPassword)
	r.organization = uuid.Nil
	r.enrolled("root@example.org")
	if len(r.sessions.opened) != 1 || r.sessions.opened[0].Account.Role != access.PlatformAdmin {
		t.Errorf("%+v", r.sessions.opened)
	}
}

// Whoever asks learns nothing about whether an address has an account: neither from the answer nor from the work.
func TestWhateverIsWrongWithASignInTheAnswerAndTheWorkAreTheSame(t *testing.T) {
	r := newReception(t)
	r.account(r.organization, access.PatientRole, "ann@example.org", goodPassword)
	r.account(r.organization, access.FrontDesk, "desk@example.org", goodPassword)
	r.account(r.organization, access.PatientRole, "none@example.org", "")
	gone := r.account(r.organization, access.PatientRole, "gone@example.org", goodPassword)
	if _, err := r.Suspend(t.Context(), r.admin(), identity.ChangeAccount{Account: gone.Ref()}); err != nil {
		t.Fatal(err)
	}
	nobody := func() { _, _ = r.signIn("x@example.org", "wrong") }
	nobody() // connections are made, statements are prepared
	r.sent.since()
	r.compared.Store(0)
	nobody()
	want := r.sent.since()
	if strings.Count(want, "\n") < 8 || r.compared.Load() != 1 {
		t.Fatalf("compared %d times, with\n%s", r.compared.Load(), want)
	}
	for name, c := range map[string]struct{ email, password access.Private }{
		"wrong":                 {"ann@example.org", "wrong"},
		"wrong, staff":          {"desk@example.org", "wrong"},
		"no password set":       {"none@example.org", goodPassword},
		"suspended":             {"gone@example.org", goodPassword},
		"suspended and wrong":   {"gone@example.org", "wrong"},
		"nobody's":              {"nobody@example.org", goodPassword},
		"another account's":     {"none@example.org", goodPassword},
		"the longest there are": {"ann@example.org", access.Private(strings.Repeat("漢", 128))},
	} {
		r.compared.Store(0)
		in, err := r.signIn(c.email, c.password)
		if !reflect.DeepEqual(err, identity.SignInRefused{}) {
			t.Errorf("%s: %+v, %v", name, in, err)
		}
		if sent := r.sent.since(); sent != want || r.compared.Load() != 1 {
			t.Errorf("%s: compared %d times, with\n%s\nwant\n%s", name, r.compared.Load(), sent, want)
		}
	}
}

func TestAfterFiveWrongTriesAnAddressIsRefusedWhoeverHasIt(t *testing.T) {
	r := newReception(t)
	r.account(r.organization, access.PatientRole, "ann@example.org", goodPassword)
	for _, email := range []access.Private{"ann@example.org", "nobody@example.org"} {
		began := r.clock.Now()
		for i := range 5 {
			if _, err := r.signIn(email, "wrong"); !isRefused(err) {
				t.Fatalf("%s, try %d: %v", email.Reveal(), i+1, err)
			}
			r.clock.Advance(time.Minute)
		}
		r.compared.Store(0)
		for _, password := range []access.Private{"wrong", goodPassword} {
			_, err := r.signIn(access.Private(strings.ToUpper(email.Reveal())), password)
			if locked, ok := errors.AsType[identity.LockedOut](err); !ok || !locked.Until.Equal(began.Add(15*time.Minute)) || r.compared.Load() != 0 {
				t.Errorf("%s: %v, compared %d times", email.Reveal(), err, r.compared.Load())
			}
		}
		r.clock.Set(began.Add(15*time.Minute - time.Microsecond))
		if _, err := r.signIn(email, "wrong"); !isLocked(err) {
			t.Errorf("%s, too soon: %v", email.Reveal(), err)
		}
		r.clock.Set(began.Add(15 * time.Minute))
		if _, err := r.signIn(email, "wrong"); !isRefused(err) {
			t.Errorf("%s, in time: %v", email.Reveal(), err)
		}
		if _, err := r.signIn(email, goodPassword); !isLocked(err) { // five within the last fifteen minutes still
			t.Errorf("%s, once more: %v", email.Reveal(), err)
		}
	}
	locked := 0
	for _, action := range r.told() {
		if action == "account.signIn.locked" {
			locked++
		}
	}
	if locked != 4 { // each time once
		t.Errorf("told of %d: %v", locked, r.told())
	}
}

func TestARightSignInForgetsTheWrongTries(t *testing.T) {
	r := newReception(t)
	r.account(r.organization, access.PatientRole, "ann@example.org", goodPassword)
	for range 3 {
		for range 4 {
			if _, err := r.signIn("ann@example.org", "wrong"); !isRefused(err) {
				t.Fatal(err)
			}
		}
		if _, err := r.signIn("ann@example.org", goodPassword); err != nil {
			t.Fatal(err)
		}
	}
}

// However many ways lead to the door, five tries reach the comparison.
func TestAHundredTriesAtOnceAreFive(t *testing.T) {
	r := newReception(t)
	r.account(r.organization, access.PatientRole, "ann@example.org", goodPassword)
	for _, email := range []access.Private{"ann@example.org", "nobody@example.org"} {
		r.compared.Store(0)
		var all sync.WaitGroup
		var mu sync.Mutex
		refused, locked := 0, 0
		for range 100 {
			all.Go(func() {
				_, err := r.signIn(email, "wrong")
				mu.Lock()
				defer mu.Unlock()
				switch {
				case isRefused(err):
					refused++
				case isLocked(err):
					locked++
				default:
					t.Error(err)
				}
			})
		}
		all.Wait()
		if refused != 5 || locked != 95 || r.compared.Load() != 5 {
			t.Errorf("%s: %d refused, %d locked out, %d compared", email.Reveal(), refused, locked, r.compared.Load())
		}
	}
}

func TestWhoFindsTooManyInTheLineLosesNoTry(t *testing.T) {
	r := newReception(t)
	r.account(r.organization, access.PatientRole, "ann@example.org", goodPassword)
	full := identity.NewPasswords(identity.Cost{Memory: 64, Iterations: 1, Parallelism: 1}, identity.Bulkhead{})
	busy := identity.NewService(postgres.NewAccounts(r.db), r.sessions, full, clinic.Source{Clock: r.clock, NewID: sample.NewID}, nil)
	for range 10 {
		_, err := busy.SignIn(t.Context(), access.Nobody("test"), identity.SignIn{Organization: r.organization, Email: "ann@example.org", Password: goodPassword, Client: "test"})
		if errs.Of(err) != errs.Busy {
			t.Fatal(err)
		}
	}
	if _, err := r.signIn("ann@example.org", goodPassword); err != nil {
		t.Error(err)
	}
}

func TestWhoIsSuspendedWhileTheirSessionBeginsGetsNone(t *testing.T) {
	r := newReception(t)
	ann := r.account(r.organization, access.PatientRole, "ann@example.org", goodPassword)
	r.sessions.during = func() {
		if _, err := r.Suspend(t.Context(), r.admin(), identity.ChangeAccount{Account: ann.Ref()}); err != nil {
			t.Error(err)
		}
	}
	if in, err := r.signIn("ann@example.org", goodPassword); !isRefused(err) || in.Tokens != nil {
		t.Errorf("%+v, %v", in, err)
	}
}

func TestAHashOfAnotherCostIsMadeAnewWhenItsPasswordIsGiven(t *testing.T) {
	r := newReception(t)
	ann := r.account(r.organization, access.PatientRole, "ann@example.org", goodPassword)
	dearer := identity.NewPasswords(identity.Cost{Memory: 128, Iterations: 1, Parallelism: 1}, identity.Bulkhead{AtOnce: 1, Waiting: 1, Wait: time.Minute})
	later := identity.NewService(postgres.NewAccounts(r.db), r.sessions, dearer, clinic.Source{Clock: r.clock, NewID: sample.NewID}, nil)
	for range 2 {
		_, err := later.SignIn(t.Context(), access.Nobody("test"), identity.SignIn{Organization: r.organization, Email: "ann@example.org", Password: goodPassword, Client: "test"})
		if err != nil {
			t.Fatal(err)
		}
	}
	var hash string
	if err := r.pool.QueryRow(t.Context(), `SELECT password_hash FROM accounts WHERE id = $1`, ann.ID).Scan(&hash); err != nil || !strings.Contains(hash, "m=128,") {
		t.Errorf("%s, %v", hash, err)
	}
}

func TestTriesOfAnOrganizationThereIsntAreToldOfAsThePlatforms(t *testing.T) {
	r := newReception(t)
	r.organization = sample.NewID()
	if _, err := r.signIn("ann@example.org", "wrong"); !isRefused(err) {
		t.Fatal(err)
	}
	var of uuid.UUID
	err := r.pool.QueryRow(t.Context(), `SELECT organization_id FROM audit_events WHERE action = 'account.signIn.refused' AND client = 'test'`).Scan(&of)
	if err != nil || of != uuid.Nil {
		t.Errorf("%s, %v", of, err)
	}
}

func TestTriesAreSweptOnceTheyCountNoMore(t *testing.T) {
	r := newReception(t)
	if _, err := r.signIn("nobody@example.org", "wrong"); !isRefused(err) {
		t.Fatal(err)
	}
	r.account(r.organization, access.FrontDesk, "desk@example.org", goodPassword)
	r.challenged("desk@example.org", goodPassword)
	for _, c := range []struct {
		after             time.Duration
		tries, challenges int
	}{{5*time.Minute - time.Microsecond, 2, 1}, {5 * time.Minute, 2, 0}, {15*time.Minute - time.Microsecond, 2, 0}, {15 * time.Minute, 0, 0}} {
		if _, err := r.db.TidySignIn(t.Context(), sample.Dawn.Add(c.after), 100); err != nil {
			t.Fatal(err)
		}
		var tries, challenges int
		err := r.pool.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM sign_in_tries), (SELECT count(*) FROM sign_in_challenges)`).Scan(&tries, &challenges)
		if err != nil || tries != c.tries || challenges != c.challenges {
			t.Errorf("after %v: %d tries, %d challenges, %v", c.after, tries, challenges, err)
		}
	}
}

func isRefused(err error) bool { _, ok := errors.AsType[identity.SignInRefused](err); return ok }
func isLocked(err error) bool  { _, ok := errors.AsType[identity.LockedOut](err); return ok }

func TestAClockThatIsSetBackAnHourUnlocksNobodyAndLocksNobodyOutForAnHour(t *testing.T) {
	r := newReception(t)
	r.account(r.organization, access.PatientRole, "ann@example.org", goodPassword)
	for range 5 {
		if _, err := r.signIn("ann@example.org", "wrong"); !isRefused(err) {
			t.Fatal(err)
		}
	}
	r.clock.Advance(-time.Hour)
	if _, err := r.signIn("ann@example.org", goodPassword); !isLocked(err) {
		t.Errorf("an hour before: %v", err)
	}
	r.clock.Advance(identity.TriesWithin)
	if in, err := r.signIn("ann@example.org", goodPassword); err != nil || in.Tokens == nil {
		t.Errorf("fifteen minutes later: %+v, %v", in, err)
	}
}
