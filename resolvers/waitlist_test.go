package resolvers_test

import (
	"fmt"
	"testing"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/testkit/gqltest"
	"github.com/mediconnect/mediconnect/internal/waitlist"
)

func TestTheTimeOfAnOfferIsHeldForAsLongAsItIsOpen(t *testing.T) {
	a := serve(t, open())
	ask := `query($id: ID!) { node(id: $id) { ... on WaitlistOffer { status slot { id status start } } } }`
	for state, want := range map[waitlist.OfferState]string{waitlist.OfferOpen: "HELD", waitlist.OfferDeclined: "FREE"} {
		a.rooms.state = state
		got := a.as(t, access.FrontDesk).Post(t, ask, vars{"id": a.offerID()}).OK(t)
		if got.Text("node", "slot", "status") != want || got.Text("node", "slot", "id") == "" || got.Text("node", "status") != string(state) {
			t.Errorf("%s: %s", state, got.Raw)
		}
	}
}

func TestPatientsArentToldWhoComesBeforeThem(t *testing.T) {
	a := serve(t, open())
	ask := `query($entry: ID!, $offer: ID!) { entry: node(id: $entry) { ... on WaitlistEntry { priority status } } offer: node(id: $offer) { ... on WaitlistOffer { wave passedOver { reason entry { id } } } } }`
	for role, told := range map[access.Role]bool{
		access.FrontDesk: true, access.Admin: true, access.Provider: true, access.Integrator: true, access.PatientRole: false, access.Caregiver: false,
	} {
		got := a.as(t, role).Post(t, ask, vars{"entry": a.entryID(), "offer": a.offerID()}).OK(t)
		priority, passed := got.Data("entry", "priority"), got.Data("offer", "passedOver")
		if (priority != nil) != told || (passed != nil) != told {
			t.Errorf("%s: %s", role, got.Raw)
		}
		if told && (priority != float64(2) || gqltest.At(passed, 0, "reason") != "FATIGUE" || gqltest.At(passed, 0, "entry", "id") != a.entryID()) {
			t.Errorf("%s: %s", role, got.Raw)
		}
	}
}

func TestAFaultOfAWishIsWhereItWasMade(t *testing.T) {
	a := serve(t, open())
	join := `mutation($input: JoinWaitlistInput!) { joinWaitlist(input: $input) { entry { id } errors { ... on UserError { code path } } } }`
	for name, c := range map[string]struct {
		input vars
		code  string
		path  string
	}{
		"a kind that is none":    {vars{"wanted": vars{"visitKindId": "kind"}}, "INVALID_INPUT", "input wanted visitKindId"},
		"a provider of no kind":  {vars{"wanted": vars{"visitKindId": a.kindID(), "providerIds": []string{a.providerID(), "provider"}}}, "INVALID_INPUT", "input wanted providerIds 1"},
		"a place of no kind":     {vars{"wanted": vars{"visitKindId": a.kindID(), "near": vars{"locationIds": []string{"place"}}}}, "INVALID_INPUT", "input wanted near locationIds 0"},
		"a patient of no kind":   {vars{"patientId": "patient", "wanted": vars{"visitKindId": a.kindID()}}, "INVALID_INPUT", "input patientId"},
		"a visit that is none":   {vars{"currentAppointmentId": "visit", "wanted": vars{}}, "INVALID_INPUT", "input currentAppointmentId"},
		"the first of two alone": {vars{"patientId": "patient", "wanted": vars{"visitKindId": "kind"}}, "INVALID_INPUT", "input patientId"},
	} {
		c.input["idempotencyKey"] = "k"
		got := a.as(t, access.FrontDesk).Post(t, join, vars{"input": c.input}).OK(t)
		failure := got.Data("joinWaitlist", "errors", 0)
		if gqltest.At(failure, "code") != c.code || fmt.Sprint(gqltest.At(failure, "path")) != "["+c.path+"]" {
			t.Errorf("%s: %s", name, got.Raw)
		}
		if calls(a.rooms.asked, "Join") > 0 {
			t.Errorf("%s: it is tried", name)
		}
	}
}
