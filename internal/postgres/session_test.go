package postgres_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/identity"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
)

// signedIn is a server's sessions over a database of its own, and the time that a test tells.
type signedIn struct {
	*identity.Sessions
	pool  *pgxpool.Pool
	db    *postgres.DB
	clock *clock.Frozen
}

// bare signs nothing: its tokens are the sessions' ids.
type bare struct{}

func (bare) Sign(_ context.Context, a access.Actor, _ time.Duration) (string, time.Time, error) {
	return a.Credential.String(), time.Time{}, nil
}

func newSessions(t *testing.T) *signedIn {
	t.Helper()
	pool := pgtest.New(t)
	s := &signedIn{pool: pool, db: postgres.New(pool, keytest.Of(t, pool)), clock: clock.FrozenAt(time.Now().UTC())}
	t.Cleanup(s.db.Close)
	s.Sessions = s.server()
	return s
}

// server is one more process.
func (s *signedIn) server() *identity.Sessions {
	guard := &identity.Guard{Store: postgres.NewRevocations(s.db), Clock: clock.System{}, Uptime: clock.Uptime,
		Wait: func(context.Context, time.Duration) error { return nil }}
	return identity.NewSessions(identity.Sessions{
		Source: clinic.Source{Clock: s.clock, NewID: uuid.New}, Store: postgres.NewSessions(s.db), Guard: guard, Signer: bare{},
		Random: rand.Reader, Limits: identity.UsualLimits(),
	}, identity.NoCache{})
}

var clerk = identity.Account{OrganizationID: uuid.UUID{0: 1, 15: 1}, ID: uuid.UUID{0: 1, 15: 2}, Role: access.FrontDesk}

func (s *signedIn) open(t *testing.T, a identity.Account) identity.Tokens {
	t.Helper()
	tokens, err := s.Open(t.Context(), identity.Start{Account: a, Client: "app"})
	if err != nil {
		t.Fatal(err)
	}
	return tokens
}

func callerOf(a identity.Account, tokens identity.Tokens) access.Actor {
	kind, _ := access.KindOf(a.Role)
	return access.Actor{Kind: kind, ID: a.ID, Organization: a.OrganizationID, Role: a.Role, Credential: tokens.SessionID}
}

func (s *signedIn) refreshes(t *testing.T, token access.Private) identity.Tokens {
	t.Helper()
	tokens, err := s.Refresh(t.Context(), token, "request")
	if err != nil {
		t.Fatalf("a good token isn't refreshed: %v", err)
	}
	return tokens
}

func (s *signedIn) refuses(t *testing.T, why string, token access.Private) {
	t.Helper()
	if tokens, err := s.Refresh(t.Context(), token, "request"); !errors.Is(err, identity.SessionEnded{}) || tokens != (identity.Tokens{}) {
		t.Errorf("%s: %v, %+v", why, err, tokens)
	}
}

func (s *signedIn) stands(t *testing.T, why string, a access.Actor, want bool) {
	t.Helper()
	err := s.Stands(t.Context(), a)
	if (err == nil) != want || err != nil && errs.Of(err) != errs.Unauthenticated {
		t.Errorf("%s: stands is %v, want %v", why, err, want)
	}
}

func TestARefreshTokenIsGoodOnceAndUsedAgainEndsItsSession(t *testing.T) {
	s := newSessions(t)
	first := s.open(t, clerk)
	who := callerOf(clerk, first)
	s.stands(t, "just opened", who, true)
	second := s.refreshes(t, first.Refresh)
	third := s.refreshes(t, second.Refresh)
	if second.SessionID != first.SessionID || slices.Contains([]access.Private{first.Refresh, second.Refresh}, third.Refresh) {
		t.Errorf("the tokens are %+v and %+v", second, third)
	}
	s.stands(t, "refreshed", who, true)
	s.refuses(t, "an old one", first.Refresh)
	s.stands(t, "after an old token was used again", who, false)
	if revoked, err := (&identity.Guard{Store: postgres.NewRevocations(s.db), Clock: clock.System{}, Uptime: clock.Uptime}).Revoked(t.Context(), first.SessionID); err != nil || !revoked {
		t.Errorf("in another process, whose cache may have it as it was: revoked is %v, %v", revoked, err)
	}
	s.refuses(t, "the newest one after that", third.Refresh)
	var action, kind, actor string
	if err := s.pool.QueryRow(t.Context(), `SELECT action, entity_kind, actor_id::text FROM audit_events WHERE entity_id = $1`,
		first.SessionID).Scan(&action, &kind, &actor); err != nil || action != "session.reused" || kind != "Session" || actor != clerk.ID.String() {
		t.Errorf("recorded is %s of %s by %s, %v", action, kind, actor, err)
	}
}

func TestALostAnswerIsAskedForAgainWithinAMinute(t *testing.T) {
	s := newSessions(t)
	first := s.open(t, clerk)
	lost := s.refreshes(t, first.Refresh)
	s.clock.Advance(60 * time.Second)
	again := s.refreshes(t, first.Refresh)
	if again.Refresh == lost.Refresh {
		t.Error("the same token was given twice")
	}
	s.refreshes(t, again.Refresh)
	s.refuses(t, "the lost one, which another was used instead of", lost.Refresh)
	s.stands(t, "when both of two have been used", callerOf(clerk, first), false)

	other := s.open(t, clerk)
	s.refreshes(t, other.Refresh)
	s.clock.Advance(61 * time.Second)
	s.refuses(t, "after a minute", other.Refresh)
	s.stands(t, "which looks stolen", callerOf(clerk, other), false)

	used := s.open(t, clerk)
	next := s.refreshes(t, used.Refresh)
	s.refreshes(t, next.Refresh)
	s.refuses(t, "once what it brought was used", used.Refresh)
}

// What was made for lost answers is told when it comes late, and kept for no longer than what was used.
func TestWhatALostAnswerBroughtIsKeptForAMonth(t *testing.T) {
	s := newSessions(t)
	patient := identity.Account{OrganizationID: clerk.OrganizationID, ID: uuid.New(), Role: access.PatientRole}
	kept := func() (n int) {
		t.Helper()
		if _, err := s.db.TidySignIn(t.Context(), s.clock.Now(), 100); err != nil {
			t.Fatal(err)
		}
		if err := s.pool.QueryRow(t.Context(), `SELECT count(*) FROM session_refreshes`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	first := s.open(t, patient)
	var lost []access.Private
	for range 5 {
		lost = append(lost, s.refreshes(t, first.Refresh).Refresh)
	}
	token := s.refreshes(t, lost[2]).Refresh
	if n := kept(); n != 7 {
		t.Errorf("at first %d are kept", n)
	}
	for range 2 { // it goes on
		s.clock.Advance(15*24*time.Hour + time.Minute)
		token = s.refreshes(t, token).Refresh
	}
	if n := kept(); n != 3 { // those that were used within the month, and the last
		t.Errorf("after a month %d are kept", n)
	}
	s.refuses(t, "which is forgotten", lost[0])
	s.stands(t, "when one came that is forgotten", callerOf(patient, first), true)

	other := s.open(t, patient)
	late := s.refreshes(t, other.Refresh)
	s.refreshes(t, s.refreshes(t, other.Refresh).Refresh)
	s.clock.Advance(29 * 24 * time.Hour)
	kept()
	s.refuses(t, "one that another was used instead of", late.Refresh)
	s.stands(t, "when it came within the month", callerOf(patient, other), false)
}

func TestASessionKeepsTenThousandRefreshTokensAtMost(t *testing.T) {
	s := newSessions(t)
	first := s.open(t, clerk)
	token, after := s.refreshes(t, first.Refresh).Refresh, 0
	if _, err := s.pool.Exec(t.Context(), `UPDATE session_refreshes SET generation = generation + 7000`); err != nil {
		t.Fatal(err)
	}
	if _, err := s.pool.Exec(t.Context(), `UPDATE sessions SET generation = generation + 7000`); err != nil {
		t.Fatal(err)
	}
	if _, err := s.pool.Exec(t.Context(), `INSERT INTO session_refreshes (organization_id, session_id, digest, generation, created_at, used_at, void_at)
		SELECT s.organization_id, s.id, sha256((g::text || ' ' || n)::bytea), g, s.created_at, CASE n WHEN 1 THEN s.created_at END, CASE n WHEN 2 THEN s.created_at END
		FROM sessions s, generate_series(1, 6999) g, generate_series(1, 2) n`); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		token = s.refreshes(t, token).Refresh
	}
	var oldest int
	if err := s.pool.QueryRow(t.Context(), `SELECT count(*), min(generation) FROM session_refreshes`).Scan(&after, &oldest); err != nil || after > 10_050 || after < 9_900 || oldest < 1000 {
		t.Errorf("%d are kept, from generation %d on, %v", after, oldest, err)
	}
	s.stands(t, "who refreshes all the time", callerOf(clerk, first), true)
	s.refuses(t, "one of those that are kept", first.Refresh)
	s.stands(t, "after that", callerOf(clerk, first), false)
}

func TestAStormOfRefreshesSignsNobodyOut(t *testing.T) {
	s := newSessions(t)
	servers := []*identity.Sessions{s.Sessions, s.server(), s.server()}
	who := s.open(t, clerk)
	token := who.Refresh
	for range 4 {
		answers := make([]access.Private, 50)
		var all sync.WaitGroup
		for i := range answers {
			all.Go(func() {
				got, err := servers[i%len(servers)].Refresh(t.Context(), token, "storm")
				if err != nil {
					t.Errorf("one of many at once: %v", err)
				}
				answers[i] = got.Refresh
			})
		}
		all.Wait()
		slices.Sort(answers)
		if len(slices.Compact(slices.Clone(answers))) != len(answers) {
			t.Error("two were given the same token")
		}
		token = answers[17] // whichever the app has kept
	}
	s.stands(t, "after the storm", callerOf(clerk, who), true)
	var ended int
	if err := s.pool.QueryRow(t.Context(), `SELECT count(*) FROM sessions WHERE ended_at IS NOT NULL`).Scan(&ended); err != nil || ended > 0 {
		t.Errorf("%d sessions ended, %v", ended, err)
	}
}

func TestWhateverIsWrongWithARefreshTokenTheAnswerIsTheSame(t *testing.T) {
	s := newSessions(t)
	good := s.open(t, clerk).Refresh.Reveal()
	over := s.open(t, clerk)
	if err := s.EndAll(t.Context(), clerk.OrganizationID, clerk.ID, uuid.Nil); err != nil {
		t.Fatal(err)
	}
	elsewhere := identity.Account{OrganizationID: uuid.UUID{0: 2, 15: 1}, ID: uuid.UUID{15: 3}, Role: access.FrontDesk}
	there := s.open(t, elsewhere).Refresh.Reveal()
	open := s.open(t, clerk).Refresh.Reveal()
	for why, text := range map[string]string{
		"ended":          over.Refresh.Reveal(),
		"nothing":        "",
		"words":          "not a token",
		"the prefix":     "mcr_",
		"cut":            good[:len(good)-1],
		"longer":         good + "A",
		"of nobody's":    "mcr_" + strings.Repeat("A", 86),
		"another secret": open[:60] + "AAAA" + open[64:],
		"SQL":            "mcr_' OR 1=1; --" + strings.Repeat("x", 74),
		"one organisation's session with another's secret": "mcr_" + there[4:46] + open[46:],
		"100 KB": good + strings.Repeat("A", 100<<10),
	} {
		s.refuses(t, why, access.Private(text))
	}
	s.refreshes(t, access.Private(open))
	s.refreshes(t, access.Private(there))
}

func TestSessionsEndWhenIdleAndAtTheLatest(t *testing.T) {
	for name, c := range map[string]struct {
		role           access.Role
		idle, absolute time.Duration
	}{
		"staff":    {access.Provider, 15 * time.Minute, 12 * time.Hour},
		"a clerk":  {access.FrontDesk, 15 * time.Minute, 12 * time.Hour},
		"platform": {access.PlatformAdmin, 15 * time.Minute, 12 * time.Hour},
		"patient":  {access.PatientRole, 30 * 24 * time.Hour, 90 * 24 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSessions(t)
			account := identity.Account{OrganizationID: clerk.OrganizationID, ID: uuid.New(), Role: c.role}
			if c.role == access.PlatformAdmin {
				account.OrganizationID = uuid.Nil
			}
			idle := s.open(t, account)
			busy := s.open(t, account)
			for s.clock.Advance(c.idle - time.Minute); s.clock.Now().Before(busy.SessionExpires); s.clock.Advance(c.idle - time.Minute) {
				// It is used by requests alone, now here and now there, and what one process knows the others learn.
				elsewhere := s.server()
				if err := elsewhere.Stands(t.Context(), callerOf(account, busy)); err != nil {
					t.Fatalf("used %v before it ends: %v", busy.SessionExpires.Sub(s.clock.Now()), err)
				}
				if err := elsewhere.FlushUses(t.Context()); err != nil {
					t.Fatal(err)
				}
				if s.clock.Now().Sub(idle.SessionExpires.Add(-c.absolute)) > c.idle+2*time.Minute {
					s.stands(t, "idle for long", callerOf(account, idle), false)
					s.refuses(t, "idle for long", idle.Refresh)
				}
			}
			s.stands(t, "at its end", callerOf(account, busy), false)
			s.refuses(t, "at its end", busy.Refresh)
		})
	}
}

func TestManyUsesAreNotedOnceAMinute(t *testing.T) {
	s := newSessions(t)
	patients := make([]identity.Tokens, 20)
	for i := range patients {
		patients[i] = s.open(t, clerk)
	}
	last := func() (count int) {
		t.Helper()
		if err := s.FlushUses(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := s.pool.QueryRow(t.Context(), `SELECT count(*) FROM sessions WHERE last_used_at = $1`, s.clock.Now()).Scan(&count); err != nil {
			t.Fatal(err)
		}
		return count
	}
	use := func() {
		for _, p := range patients {
			s.stands(t, "used", callerOf(clerk, p), true)
		}
	}
	s.clock.Advance(59 * time.Second)
	use()
	if n := last(); n != 0 {
		t.Errorf("%d were noted within a minute", n)
	}
	s.clock.Advance(time.Second)
	use()
	use()
	if n := last(); n != 20 {
		t.Errorf("%d of 20 uses were noted", n)
	}
	if _, err := s.pool.Exec(t.Context(), `UPDATE sessions SET last_used_at = last_used_at + interval '1 hour'`); err != nil {
		t.Fatal(err)
	}
	s.clock.Advance(2 * time.Minute)
	use()
	if n := last(); n != 0 {
		t.Errorf("%d went back to a use before", n)
	}
}

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
