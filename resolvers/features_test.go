package resolvers_test

import (
	"strings"
	"testing"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/audit"
)

type featureRoom struct{}

func (featureRoom) Of(a access.Actor) []access.Feature {
	return []access.Feature{
		{Key: "booking.conflict-detection", Enabled: true, Variant: "shadow", Reason: access.FeatureRollout},
		{Key: "booking.staff-overrides", Enabled: a.Kind == access.Staff, Reason: access.FeatureDefault},
	}
}

func TestTheViewerSeesHowFlagsAreForThem(t *testing.T) {
	a := serve(t, open())
	const asked = `{ viewer { features { key enabled variant reason } } }`
	const detection = `{"key":"booking.conflict-detection","enabled":true,"variant":"shadow","reason":"ROLLOUT"}`
	for _, c := range []struct{ got, want string }{
		{string(a.Post(t, asked, nil).OK(t).Raw), `[` + detection + `,{"key":"booking.staff-overrides","enabled":false,"variant":null,"reason":"DEFAULT"}]`},
		{string(a.as(t, access.FrontDesk).Post(t, asked, nil).OK(t).Raw), `[` + detection + `,{"key":"booking.staff-overrides","enabled":true,"variant":null,"reason":"DEFAULT"}]`},
	} {
		if !strings.Contains(c.got, c.want) {
			t.Errorf("%s\nis not %s", c.got, c.want)
		}
	}
}

func TestAnEventTellsUnderWhichFlagsItWasDone(t *testing.T) {
	a := serve(t, open())
	event := func(n byte, flags string) audit.Event {
		return audit.Event{
			Organization: a.rooms.organization.ID, ID: id(n), At: start, Action: "appointment.book", Effect: audit.Write, Outcome: audit.Done,
			Purpose: access.Treatment, Times: 1, Flags: flags,
		}
	}
	a.rooms.events = []audit.Event{
		event(90, `[{"key":"booking.conflict-detection","enabled":true,"variant":"enforce","reason":"OVERRIDE"},{"key":"booking.staff-overrides","enabled":true,"reason":"EVERYBODY"}]`),
		event(91, audit.NoFlags),
	}
	answer := a.as(t, access.Admin).Post(t, `{ auditEvents(first: 2) { edges { node { flags { key enabled variant reason } } } } }`, nil).OK(t)
	for _, want := range []string{
		`{"flags":[{"key":"booking.conflict-detection","enabled":true,"variant":"enforce","reason":"OVERRIDE"},{"key":"booking.staff-overrides","enabled":true,"variant":null,"reason":"EVERYBODY"}]}`,
		`{"flags":[]}`,
	} {
		if !strings.Contains(string(answer.Raw), want) {
			t.Errorf("%s\nlacks %s", answer.Raw, want)
		}
	}
	a.rooms.events = []audit.Event{event(92, "broken")}
	if answer := a.as(t, access.Admin).Post(t, `{ auditEvents(first: 2) { edges { node { flags { key } } } } }`, nil); answer.Code() != "INTERNAL_SERVER_ERROR" {
		t.Errorf("%s", answer.Raw)
	}
}
