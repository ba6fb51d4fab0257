package postgres_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/identity"
)

func TestSigningOutEndsWhatItSaysAndIsRecorded(t *testing.T) {
	s := newSessions(t)
	admin := identity.Account{OrganizationID: clerk.OrganizationID, ID: uuid.UUID{15: 9}, Role: access.Admin}
	colleague := identity.Account{OrganizationID: clerk.OrganizationID, ID: uuid.UUID{15: 8}, Role: access.FrontDesk}
	stranger := identity.Account{OrganizationID: uuid.UUID{0: 2, 15: 1}, ID: clerk.ID, Role: access.Admin}
	one, two, three := s.open(t, clerk), s.open(t, clerk), s.open(t, clerk)
	theirs, boss, far := s.open(t, colleague), callerOf(admin, s.open(t, admin)), callerOf(stranger, s.open(t, stranger))
	mine := callerOf(clerk, one)
	if list, err := s.List(t.Context(), mine); err != nil || len(list) != 3 {
		t.Errorf("open are %v, %v", list, err)
	}
	for why, err := range map[string]error{
		"a colleague's session":                  errOf(s.RevokeSession(t.Context(), mine, clinic.Ref{Organization: clerk.OrganizationID, ID: theirs.SessionID})),
		"a colleague":                            errOf(s.SignOutEverywhere(t.Context(), mine, &clinic.Ref{Organization: colleague.OrganizationID, ID: colleague.ID})),
		"an administrator elsewhere: a session":  errOf(s.RevokeSession(t.Context(), far, clinic.Ref{Organization: clerk.OrganizationID, ID: one.SessionID})),
		"an administrator elsewhere: an account": errOf(s.SignOutEverywhere(t.Context(), far, &clinic.Ref{Organization: clerk.OrganizationID, ID: clerk.ID})),
		"a session that never was":               errOf(s.RevokeSession(t.Context(), boss, clinic.Ref{Organization: clerk.OrganizationID, ID: uuid.New()})),
	} {
		if errs.Of(err) != errs.NotFound {
			t.Errorf("%s: %v", why, err)
		}
	}
	if _, err := s.SignOut(t.Context(), access.Actor{Kind: access.Staff, ID: clerk.ID, Organization: clerk.OrganizationID}, nil); errs.Of(err) != errs.Forbidden {
		t.Errorf("without a session: %v", err)
	}
	done(t, errOf(s.SignOut(t.Context(), mine, nil)))
	s.stands(t, "signed out", mine, false)
	s.refuses(t, "signed out", one.Refresh)
	s.stands(t, "another session", callerOf(clerk, two), true)
	done(t, errOf(s.RevokeSession(t.Context(), callerOf(clerk, two), clinic.Ref{Organization: clerk.OrganizationID, ID: three.SessionID})))
	s.stands(t, "revoked by its holder", callerOf(clerk, three), false)
	done(t, errOf(s.SignOut(t.Context(), access.Nobody("r"), &two.Refresh)))
	s.stands(t, "signed out by a refresh token", callerOf(clerk, two), false)
	done(t, errOf(s.SignOutEverywhere(t.Context(), boss, &clinic.Ref{Organization: colleague.OrganizationID, ID: colleague.ID})))
	s.stands(t, "signed out by an administrator", callerOf(colleague, theirs), false)
	s.stands(t, "the administrator", boss, true)
	kept, gone := s.open(t, clerk), s.open(t, clerk)
	done(t, s.EndAll(t.Context(), clerk.OrganizationID, clerk.ID, kept.SessionID))
	s.stands(t, "all but one", callerOf(clerk, kept), true)
	s.stands(t, "all but another", callerOf(clerk, gone), false)
	done(t, errOf(s.SignOut(t.Context(), mine, nil))) // once more
	rows, err := s.pool.Query(t.Context(), `SELECT action || ' ' || entity_kind || ' ' || actor_id FROM audit_events ORDER BY position`)
	done(t, err)
	var lines []string
	for rows.Next() {
		var line string
		done(t, rows.Scan(&line))
		lines = append(lines, line)
	}
	want := []string{
		fmt.Sprint("session.signOut Session ", clerk.ID), fmt.Sprint("session.revoke Session ", clerk.ID), fmt.Sprint("session.signOut Session ", clerk.ID),
		fmt.Sprint("session.signOutEverywhere Account ", admin.ID),
	}
	if !slices.Equal(lines, want) {
		t.Errorf("recorded are\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
}

func TestAnAdministratorsTokenEndsSessionsOfOthersByItsScope(t *testing.T) {
	s := newSessions(t)
	theirs := s.open(t, clerk)
	outside := access.Actor{Kind: access.Staff, ID: uuid.UUID{15: 9}, Organization: clerk.OrganizationID, Role: access.Admin, Scopes: []string{access.AuditRead}}
	session, account := clinic.Ref{Organization: clerk.OrganizationID, ID: theirs.SessionID}, clinic.Ref{Organization: clerk.OrganizationID, ID: clerk.ID}
	never := clinic.Ref{Organization: clerk.OrganizationID, ID: uuid.New()}
	for why, err := range map[string]error{
		"a session": errOf(s.RevokeSession(t.Context(), outside, session)), "a session that never was": errOf(s.RevokeSession(t.Context(), outside, never)),
		"an account": errOf(s.SignOutEverywhere(t.Context(), outside, &account)), "an account that never was": errOf(s.SignOutEverywhere(t.Context(), outside, &never)),
	} {
		if errs.Of(err) != errs.Forbidden {
			t.Errorf("%s, without the scope: %v", why, err)
		}
	}
	s.stands(t, "what nobody might end", callerOf(clerk, theirs), true)
	outside.Scopes = []string{access.AccountsManage}
	done(t, errOf(s.RevokeSession(t.Context(), outside, session)))
	s.stands(t, "revoked", callerOf(clerk, theirs), false)
	other := s.open(t, clerk)
	done(t, errOf(s.SignOutEverywhere(t.Context(), outside, &account)))
	s.stands(t, "signed out", callerOf(clerk, other), false)
}

func errOf[T any](_ T, err error) error { return err }

func done(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestAnAccountHasAHundredSessionsAndNoMore(t *testing.T) {
	s := newSessions(t)
	oldest := s.open(t, clerk)
	for range 100 {
		s.clock.Advance(time.Millisecond)
		s.open(t, clerk)
	}
	s.stands(t, "the one used the longest ago", callerOf(clerk, oldest), false)
	if list, err := s.List(t.Context(), access.Actor{Kind: access.Staff, ID: clerk.ID, Organization: clerk.OrganizationID, Credential: uuid.UUID{1}}); err != nil || len(list) != 100 {
		t.Errorf("%d are open, %v", len(list), err)
	}
}

func TestWhatIsOverOfSessionsIsSweptAndNothingElse(t *testing.T) {
	s := newSessions(t)
	ended, open := s.open(t, clerk), s.open(t, identity.Account{OrganizationID: clerk.OrganizationID, ID: uuid.New(), Role: access.PatientRole})
	next := s.refreshes(t, open.Refresh)
	done(t, s.EndAll(t.Context(), clerk.OrganizationID, clerk.ID, uuid.Nil))
	for _, key := range []string{"A", "B"} {
		if _, err := s.pool.Exec(t.Context(), `INSERT INTO signing_keys VALUES (repeat($1, 43), decode(repeat('00', 32), 'hex'), '', $2, $2, $2::timestamptz + interval '1 s',
			$2::timestamptz + CASE $1 WHEN 'A' THEN interval '2 s' ELSE interval '1 year' END)`, key, s.clock.Now()); err != nil {
			t.Fatal(err)
		}
	}
	count := func() (all [4]int) {
		t.Helper()
		if _, err := s.db.TidySignIn(t.Context(), s.clock.Now(), 100); err != nil {
			t.Fatal(err)
		}
		if err := s.pool.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM sessions), (SELECT count(*) FROM session_refreshes),
			(SELECT count(*) FROM revocations), (SELECT count(*) FROM signing_keys)`).Scan(&all[0], &all[1], &all[2], &all[3]); err != nil {
			t.Fatal(err)
		}
		return all
	}
	if got := count(); got != [4]int{2, 3, 1, 2} {
		t.Errorf("at first there are %v", got)
	}
	s.clock.Advance(61 * time.Minute)
	if got := count(); got != [4]int{2, 3, 0, 1} {
		t.Errorf("after an hour there are %v", got)
	}
	s.refuses(t, "ended", ended.Refresh)
	s.clock.Advance(24 * time.Hour)
	if got := count(); got != [4]int{1, 2, 0, 1} {
		t.Errorf("after a day there are %v", got)
	}
	s.clock.Advance(28 * 24 * time.Hour)
	s.refreshes(t, next.Refresh)
	s.clock.Advance(24 * time.Hour)
	if got := count(); got != [4]int{1, 2, 0, 1} {
		t.Errorf("after a month there are %v", got)
	}
	s.clock.Advance(62 * 24 * time.Hour)
	if got := count(); got != [4]int{0, 0, 0, 1} {
		t.Errorf("after three months there are %v", got)
	}
}
