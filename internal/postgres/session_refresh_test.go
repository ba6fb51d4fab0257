package postgres_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/identity"
	"github.com/mediconnect/mediconnect/internal/postgres"
)

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

// A thief could refresh until the token that was stolen is forgotten, and whoever comes with it would end nothing.
func TestASessionThatIsRefreshedWithoutAnEndEndsBeforeATokenIsForgotten(t *testing.T) {
	s := newSessions(t)
	first := s.open(t, clerk)
	token := s.refreshes(t, first.Refresh).Refresh
	fill := func(from, to int) {
		t.Helper()
		if _, err := s.pool.Exec(t.Context(), `INSERT INTO session_refreshes (organization_id, session_id, digest, generation, created_at, used_at, void_at)
			SELECT s.organization_id, s.id, sha256((g::text || ' ' || n)::bytea), g, s.created_at, CASE n WHEN 1 THEN s.created_at END, CASE n WHEN 2 THEN s.created_at END
			FROM sessions s, generate_series(-$1::integer, -$2::integer, -1) g, generate_series(1, 2) n`, from, to); err != nil {
			t.Fatal(err)
		}
	}
	fill(1, 24_900)
	for range 100 {
		token = s.refreshes(t, token).Refresh
	}
	s.stands(t, "who refreshes often", callerOf(clerk, first), true)
	fill(24_901, 25_000)
	var err error
	for range 100 {
		var got identity.Tokens
		if got, err = s.Refresh(t.Context(), token, "test"); err != nil {
			break
		}
		token = got.Refresh
	}
	if !errors.As(err, new(identity.SessionEnded)) {
		t.Errorf("who refreshes without an end: %v", err)
	}
	s.stands(t, "after that", callerOf(clerk, first), false)
	var action string
	if err := s.pool.QueryRow(t.Context(), `SELECT action FROM audit_events WHERE entity_id = $1`, first.SessionID).Scan(&action); err != nil || action != "session.exhausted" {
		t.Errorf("recorded is %s, %v", action, err)
	}
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
