package app

import (
	"fmt"
	"slices"
	"testing"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

func TestTheRecordTellsWhatIsDoneInAnEmergencyAndWhatIsNot(t *testing.T) {
	f := newFamily(t)
	ben := f.child("Ben")
	visit := f.book(f.desk, 11, vars{"patientId": ben}).Text("bookAppointment", "appointment", "id")
	doc := f.by(f.doctor())
	auditor := f.by(f.staff(access.Auditor))
	told := func(where vars) (found []string) {
		t.Helper()
		for _, e := range nodes(auditor.Post(t, listEvents, vars{"where": where}).OK(t), "auditEvents") {
			found = append(found, fmt.Sprint(e["action"], " ", e["outcome"], " ", e["purpose"]))
			if where["entityId"] != nil && e["entityId"] != where["entityId"] {
				t.Errorf("of another thing: %v", e)
			}
		}
		slices.Reverse(found)
		return found
	}
	input := vars{"target": vars{"patientId": ben}, "idempotencyKey": "btg"}
	grant := f.breaks(doc, input).Text("breakGlass", "grant", "id")
	f.breaks(doc, input)
	f.by(f.doctor()).Post(t, endIt, vars{"input": vars{"grantId": grant}}).OK(t)
	f.by(f.staff(access.Admin)).Post(t, endIt, vars{"input": vars{"grantId": grant}}).OK(t)
	if got := told(vars{"entityId": grant}); !slices.Equal(got, []string{
		"breakGlass DONE BTG", "breakGlass.read DONE TREAT", "Mutation.endBreakGlass NOT_FOUND TREAT", "breakGlass.end DONE HOPERAT",
	}) {
		t.Errorf("of the grant: %q", got)
	}

	f.breaks(doc, vars{"target": vars{"patientId": ben}})
	doc.Post(t, `query($p: ID!, $v: ID!, $l: ID!, $k: ID!) { explainSlot(where: {patientId: $p, providerId: $v, locationId: $l, visitKindId: $k, start: "2026-06-08T14:00:00Z"}) { bookable } }`,
		vars{"p": ben, "v": f.ids["provider"], "l": f.ids["location"], "k": f.ids["kind"]}).OK(t)
	if got := told(vars{"entityId": ben, "action": "patient.read"}); len(got) == 0 || slices.ContainsFunc(got, func(e string) bool { return e != "patient.read DONE BTG" }) {
		t.Errorf("of the patient: %q", got)
	}
	slot := f.clinic.Slot(f.providerRef(t), 11, 0)
	slot.Provider = f.clinic.Provider(1).ID
	busy := f.book(doc, 11, vars{"patientId": ben, "target": vars{"slotId": globalid.OfSlot(slot)}, "idempotencyKey": sample.NewID().String()})
	if got := failure(busy, "bookAppointment"); got != "PATIENT_CONFLICT input patientId" {
		t.Fatalf("%s", busy.Raw)
	}
	if got := told(vars{"entityId": visit, "action": "appointment.read"}); !slices.Equal(got, []string{"appointment.read DONE BTG"}) {
		t.Errorf("of the visit that stood in the way: %q", got)
	}
	held := f.by(f.staff(access.Admin)).Post(t, keepIt, vars{"input": vars{"patientId": ben, "reason": "A claim of theirs", "idempotencyKey": "hold"}}).OK(t)
	hold := held.Text("placeLegalHold", "legalHold", "id")
	if got := told(vars{"entityId": hold}); hold == "" || len(got) == 0 {
		t.Errorf("of the legal hold %q: %q, %s", hold, got, held.Raw)
	}
}
