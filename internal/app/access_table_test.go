package app

import (
	"strings"
	"testing"

	"github.com/mediconnect/mediconnect/graph/policy"
)

const inPayload = "shown in payloads alone: TestEveryChangeIsMadeByWhoeverTheTableSaysAndByNobodyElse"

// unvalued are fields that have no value in this world, each with the reason.
var unvalued = map[string]string{
	"Patient.erasedAt":    "who is erased has nothing else: TestAnAdministratorErasesAndWhatKeepsThePatientIsNamed",
	"SlotsChanged.cursor": "not told yet", "SlotsChanged.occurredAt": "not told yet", "SlotsChanged.slots": "not told yet", "SlotsChanged.removedSlotIds": "not told yet",
	"SessionTokens.accessToken": inPayload, "SessionTokens.expiresAt": inPayload, "SessionTokens.refreshToken": inPayload,
	"SignInChallenge.kind": inPayload, "SignInChallenge.challenge": inPayload, "SignInChallenge.secret": inPayload, "SignInChallenge.uri": inPayload,
	"SignInChallenge.expiresAt":      inPayload,
	"SessionTokens.sessionExpiresAt": inPayload, "SessionTokens.sessionId": inPayload,
	"BookingWarning.code": inPayload, "BookingWarning.message": inPayload, "BookingWarning.organization": inPayload, "BookingWarning.start": inPayload, "BookingWarning.end": inPayload,
	"ReplayOutcomeCount.outcome": inPayload, "ReplayOutcomeCount.count": inPayload,
	"ReminderFunnel.noShowRate":        "no visit is over: TestAFunnelCountsWhatBecameOfMessages",
	"AuditEvent.flags":                 "no flag was asked about: TestAnEventTellsUnderWhichFlagsItWasDone",
	"ServiceInfo.deprecations":         "nothing is deprecated",
	"Deprecation.coordinate":           "nothing is deprecated",
	"Deprecation.replacement":          "nothing is deprecated",
	"Deprecation.removalDate":          "nothing is deprecated",
	"ConflictDetectionReport.fallback": "the server hasn't fallen back: TestAServerThatFallsBackSaysSoAndKeepsItAndGoesOnOnceItIsRearmed",
}

func TestEveryFieldAnswersEveryCallerAsTheTableSays(t *testing.T) {
	r := newRealm(t)
	for _, q := range r.questions() {
		for _, p := range r.people {
			answer := p.Post(t, q.text, nil)
			r.judge(t, p, q, answer)
			r.mind(t, p, answer)
		}
	}
	r.streams(t)
	r.complete(t)
}

// complete fails for every cell of the table that nothing was held to.
func (r *realm) complete(t *testing.T) {
	t.Helper()
	for _, row := range r.table.Rows {
		at := row.Coordinate()
		if strings.HasPrefix(at, "*") || strings.HasPrefix(at, "Mutation.") || strings.Contains(at, "Payload.") || unvalued[at] != "" {
			continue
		}
		if !r.valued[at] {
			t.Errorf("nobody gets a value of %s: put one into the world of access_world_test.go", at)
		}
		for _, c := range policy.Columns {
			if row.For(c.Name) != policy.Nowhere && !r.sightings[at][c.Name] {
				t.Errorf("%s: nothing is asked as %s, whom the table gives %q", at, c.Name, row.For(c.Name))
			}
		}
	}
}
