package postgres_test

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
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

func TestWhoIsSuspendedIsOutUntilReinstated(t *testing.T) {
	r := newReception(t)
	ann := r.account(r.organization, access.PatientRole, "ann@example.org", goodPassword)
	change := identity.ChangeAccount{Account: ann.Ref(), ExpectedVersion: new(int)}
	*change.ExpectedVersion = 7
	if _, err := r.Suspend(t.Context(), r.admin(), change); !isStale(err) {
		t.Errorf("of another version: %v", err)
	}
	*change.ExpectedVersion = 1
	for range 2 { // repeating it changes nothing, and ends what sessions there may be
		if out, err := r.Suspend(t.Context(), r.admin(), change); err != nil || out.Version != 2 || !out.SuspendedAt.Equal(sample.Dawn) {
			t.Errorf("%+v, %v", out, err)
		}
	}
	if len(r.sessions.ended) != 2 || r.sessions.ended[0] != (ending{ann.ID, uuid.Nil}) {
		t.Errorf("ended %v", r.sessions.ended)
	}
	if _, err := r.signIn("ann@example.org", goodPassword); !isRefused(err) {
		t.Errorf("a suspended account signs in: %v", err)
	}
	if _, err := r.Reinstate(t.Context(), r.admin(), identity.ChangeAccount{Account: ann.Ref()}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.signIn("ann@example.org", goodPassword); err != nil {
		t.Errorf("after it was reinstated: %v", err)
	}
}

func TestALostSecondFactorIsSetUpAnewOnceItIsReset(t *testing.T) {
	r := newReception(t)
	desk := r.account(r.organization, access.FrontDesk, "desk@example.org", goodPassword)
	_, codes := r.enrolled("desk@example.org")
	if _, err := r.ResetFactor(t.Context(), r.admin(), identity.ChangeAccount{Account: desk.Ref()}); err != nil {
		t.Fatal(err)
	}
	asked := r.challenged("desk@example.org", goodPassword)
	if asked.Kind != identity.Enroll {
		t.Errorf("asked for %s", asked.Kind)
	}
	if _, err := r.answer(asked, codes[0]); !isRefused(err) {
		t.Errorf("a recovery code of what was reset: %v", err)
	}
	r.enrolled("desk@example.org")
	if r.sessions.ended[0] != (ending{desk.ID, uuid.Nil}) {
		t.Errorf("ended %v", r.sessions.ended)
	}
}

func TestARoleIsOneThatPeopleOfTheOrganizationHave(t *testing.T) {
	r := newReception(t)
	ann := r.account(r.organization, access.PatientRole, "ann@example.org", goodPassword)
	provider := sample.NewClinic(t, r.pool).Provider(1) // of another clinic
	unknown := clinic.Ref{Organization: r.organization, ID: sample.NewID()}
	for _, c := range []struct {
		role     access.Role
		provider *clinic.Ref
		kind     errs.Kind
	}{
		{access.Integrator, nil, errs.InvalidInput}, {access.PlatformAdmin, nil, errs.InvalidInput}, {"JANITOR", nil, errs.InvalidInput},
		{access.FrontDesk, &unknown, errs.InvalidInput}, {access.Provider, &provider, errs.NotFound}, {access.Provider, &unknown, errs.NotFound},
	} {
		_, err := r.ChangeRole(t.Context(), r.admin(), identity.ChangeRole{ChangeAccount: identity.ChangeAccount{Account: ann.Ref()}, Role: c.role, Provider: c.provider})
		if errs.Of(err) != c.kind {
			t.Errorf("%s of %v: %v", c.role, c.provider, err)
		}
	}
	desk, err := r.ChangeRole(t.Context(), r.admin(), identity.ChangeRole{ChangeAccount: identity.ChangeAccount{Account: ann.Ref()}, Role: access.FrontDesk})
	if err != nil || desk.Role != access.FrontDesk || len(r.sessions.ended) != 1 {
		t.Errorf("%+v, %v", desk, err)
	}
	r.enrolled("ann@example.org")
}

func TestAccountsAreManagedByAdministratorsOfTheirOrganizationAndNobodyTheirOwn(t *testing.T) {
	r := newReception(t)
	ann := r.account(r.organization, access.PatientRole, "ann@example.org", goodPassword)
	root := r.account(uuid.Nil, access.PlatformAdmin, "root@example.org", goodPassword)
	stranger, desk, platform, self := r.admin(), r.admin(), r.admin(), r.admin()
	stranger.Organization = sample.NewClinic(t, r.pool).Organization
	desk.Role, desk.Scopes = access.FrontDesk, access.ScopesOf(access.Admin)
	platform.Organization, platform.Role, platform.Scopes = uuid.Nil, access.PlatformAdmin, access.ScopesOf(access.PlatformAdmin)
	self.ID = ann.ID
	for name, c := range map[string]struct {
		actor access.Actor
		of    identity.Account
		kind  errs.Kind
	}{
		"nobody": {access.Nobody("test"), ann, errs.Unauthenticated}, "another tenant": {stranger, ann, errs.NotFound},
		"the front desk": {desk, ann, errs.Forbidden}, "the platform": {platform, ann, errs.NotFound}, "oneself": {self, ann, errs.Forbidden},
		"an administrator of a clinic, the platform's": {r.admin(), root, errs.NotFound},
	} {
		if _, err := r.Suspend(t.Context(), c.actor, identity.ChangeAccount{Account: c.of.Ref()}); errs.Of(err) != c.kind {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := r.Suspend(t.Context(), platform, identity.ChangeAccount{Account: root.Ref()}); err != nil {
		t.Errorf("the platform, its own: %v", err)
	}
}

func TestAccountsAreListedTheNewestFirst(t *testing.T) {
	r := newReception(t)
	ann := r.account(r.organization, access.PatientRole, "ann@example.org", goodPassword)
	bob := r.account(r.organization, access.FrontDesk, "bob@example.org", goodPassword)
	r.account(sample.NewClinic(t, r.pool).Organization, access.PatientRole, "ann@example.org", goodPassword)
	page, err := r.List(t.Context(), r.admin(), identity.Filter{}, everything)
	if err != nil || len(page.Items) != 2 || page.Items[0].ID != bob.ID || page.Items[1].Email != "ann@example.org" {
		t.Fatalf("%+v, %v", page, err)
	}
	role, address := access.FrontDesk, access.Private("ANN@example.org")
	for name, c := range map[string]struct {
		filter identity.Filter
		want   uuid.UUID
	}{"by role": {identity.Filter{Role: &role}, bob.ID}, "by address": {identity.Filter{Email: &address}, ann.ID}} {
		page, err := r.List(t.Context(), r.admin(), c.filter, everything)
		n, countErr := r.Count(t.Context(), r.admin(), c.filter)
		if err != nil || countErr != nil || n != 1 || len(page.Items) != 1 || page.Items[0].ID != c.want {
			t.Errorf("%s: %+v, %d, %v, %v", name, page, n, err, countErr)
		}
	}
}

func TestAPasswordIsChangedByWhoKnowsItAndOtherSessionsEnd(t *testing.T) {
	r := newReception(t)
	ann := r.account(r.organization, access.PatientRole, "ann@example.org", goodPassword)
	session := sample.NewID()
	who := access.Actor{Kind: access.Patient, ID: ann.ID, Organization: r.organization, Role: access.PatientRole, Credential: session, RequestID: "test"}
	const fresh = access.Private("eight dry badgers whistle")
	if _, err := r.ChangePassword(t.Context(), who, identity.ChangePassword{Current: "wrong", New: fresh}); !isRefused(err) {
		t.Errorf("the wrong one: %v", err)
	}
	if _, err := r.ChangePassword(t.Context(), who, identity.ChangePassword{Current: goodPassword, New: "password"}); errs.Of(err) != errs.InvalidInput {
		t.Errorf("a common one: %v", err)
	}
	if _, err := r.ChangePassword(t.Context(), access.Nobody("test"), identity.ChangePassword{Current: goodPassword, New: fresh}); errs.Of(err) != errs.Unauthenticated {
		t.Errorf("nobody: %v", err)
	}
	if _, err := r.ChangePassword(t.Context(), who, identity.ChangePassword{Current: goodPassword, New: fresh}); err != nil {
		t.Fatal(err)
	}
	if len(r.sessions.ended) != 2 || r.sessions.ended[0] != (ending{ann.ID, session}) || r.sessions.ended[1] != r.sessions.ended[0] {
		t.Errorf("ended %v", r.sessions.ended)
	}
	if _, err := r.signIn("ann@example.org", goodPassword); !isRefused(err) {
		t.Errorf("the former one: %v", err)
	}
	if _, err := r.signIn("ann@example.org", fresh); err != nil {
		t.Errorf("the new one: %v", err)
	}
	r.clock.Advance(time.Hour)
	for range 5 {
		_, _ = r.ChangePassword(t.Context(), who, identity.ChangePassword{Current: "wrong", New: fresh})
	}
	if _, err := r.ChangePassword(t.Context(), who, identity.ChangePassword{Current: fresh, New: goodPassword}); !isLocked(err) {
		t.Errorf("guesses are tries: %v", err)
	}
}

func isStale(err error) bool { _, ok := errors.AsType[identity.StaleVersion](err); return ok }

// What an administrator has done stands, and a list of accounts says so, whether anybody hears the answer: nobody would ask again.
func TestASessionOfAnAccountThatWasChangedHasEndedWhateverComesAfterwards(t *testing.T) {
	r := newReception(t)
	r.sessions.stuck = errs.TryAgain(errors.New("the process ends here"))
	store := postgres.NewSessions(r.db)
	for name, change := range map[string]func(identity.ChangeAccount) (identity.Account, error){
		"suspended": func(c identity.ChangeAccount) (identity.Account, error) { return r.Suspend(t.Context(), r.admin(), c) },
		"another role": func(c identity.ChangeAccount) (identity.Account, error) {
			return r.ChangeRole(t.Context(), r.admin(), identity.ChangeRole{ChangeAccount: c, Role: access.Caregiver})
		},
	} {
		ann := r.account(r.organization, access.PatientRole, access.Private(sample.NewID().String()+"@example.org"), goodPassword)
		now := r.clock.Now()
		open := identity.Session{
			OrganizationID: r.organization, ID: sample.NewID(), AccountID: ann.ID, Role: ann.Role, Client: "test", CreatedAt: now, LastUsedAt: now,
			ExpiresAt: now.Add(time.Hour), RotatedAt: now,
		}
		if err := store.OpenSession(t.Context(), open, identity.RefreshDigest{}, 100); err != nil {
			t.Fatal(err)
		}
		if _, err := change(identity.ChangeAccount{Account: ann.Ref()}); errs.Of(err) != errs.Busy {
			t.Errorf("%s: %v", name, err)
		}
		is, found, err := store.FindSession(t.Context(), open.Ref())
		revoked, lookErr := postgres.NewRevocations(r.db).Among(t.Context(), []uuid.UUID{open.ID})
		if err != nil || lookErr != nil || !found || is.EndedAt.IsZero() || !slices.Equal(revoked, []uuid.UUID{open.ID}) {
			t.Errorf("%s: %+v, revoked %v; %v, %v", name, is, revoked, err, lookErr)
		}
	}
}

// leaving is a store whose caller goes away as soon as something was kept.
type leaving struct {
	identity.Store
	leave func()
}

func (l leaving) SetPassword(ctx context.Context, by clinic.Stamp, a identity.Account, hash string) (bool, error) {
	defer l.leave()
	return l.Store.SetPassword(ctx, by, a, hash)
}

func (l leaving) Change(ctx context.Context, by clinic.Stamp, action string, from, to identity.Account) (bool, error) {
	defer l.leave()
	return l.Store.Change(ctx, by, action, from, to)
}

func TestWhoGoesAwayBeforeTheAnswerHasSessionsEndedAllTheSame(t *testing.T) {
	r := newReception(t)
	ann := r.account(r.organization, access.PatientRole, "ann@example.org", goodPassword)
	who := access.Actor{Kind: access.Patient, ID: ann.ID, Organization: r.organization, Role: access.PatientRole, Credential: sample.NewID(), RequestID: "test"}
	const fresh = access.Private("eight dry badgers whistle")
	for name, do := range map[string]func(context.Context, *identity.Service) error{
		"a password": func(ctx context.Context, s *identity.Service) error {
			_, err := s.ChangePassword(ctx, who, identity.ChangePassword{Current: goodPassword, New: fresh})
			return err
		},
		"an account": func(ctx context.Context, s *identity.Service) error {
			_, err := s.Suspend(ctx, r.admin(), identity.ChangeAccount{Account: r.account(r.organization, access.PatientRole, "ben@example.org", "").Ref()})
			return err
		},
	} {
		ctx, leave := context.WithCancel(t.Context())
		source := clinic.Source{Clock: r.clock, NewID: sample.NewID}
		r.sessions.ended = nil
		err := do(ctx, identity.NewService(leaving{postgres.NewAccounts(r.db), func() { leave(); r.sessions.ended = nil }}, r.sessions, r.passwords, source, rand.Reader))
		if err != nil || len(r.sessions.ended) != 1 {
			t.Errorf("%s: ended %v afterwards, %v", name, r.sessions.ended, err)
		}
	}
}

func TestAPasswordStaysUntilOtherSessionsHaveEnded(t *testing.T) {
	r := newReception(t)
	ann := r.account(r.organization, access.PatientRole, "ann@example.org", goodPassword)
	who := access.Actor{Kind: access.Patient, ID: ann.ID, Organization: r.organization, Role: access.PatientRole, Credential: sample.NewID(), RequestID: "test"}
	change := identity.ChangePassword{Current: goodPassword, New: "eight dry badgers whistle"}
	r.sessions.stuck = errs.TryAgain(errors.New("away"))
	for range 6 { // the right one is no wrong try
		if _, err := r.ChangePassword(t.Context(), who, change); errs.Of(err) != errs.Busy {
			t.Errorf("while none ends: %v", err)
		}
	}
	r.sessions.stuck = nil
	if _, err := r.ChangePassword(t.Context(), who, change); err != nil {
		t.Errorf("the same again: %v", err)
	}
}
