package app

import (
	"fmt"
	"testing"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/internal/testkit/gqltest"
)

// keepPatients has one legal hold that stands and one that is released, of the first patient, who has said how to be told of visits; the
// clinic has said when to remind.
func (r *realm) keepPatients(t *testing.T, s *site) {
	t.Helper()
	r.done(t, s.admin, "changeContactPreferences", "contactPreferences { version }", r.contacts(s))
	r.done(t, s.admin, "setReminderRules", "reminderRules { byDefault }", r.reminding(s))
	r.placed(t, s, 0)
	r.done(t, s.admin, "releaseLegalHold", "legalHold { id }", vars{"legalHoldId": r.placed(t, s, 0)})
}

// placed is a legal hold on the n-th patient.
func (r *realm) placed(t *testing.T, s *site, n int) string {
	t.Helper()
	id := r.done(t, s.admin, "placeLegalHold", "legalHold { id }", r.lawsuit(s, n)).Text("placeLegalHold", "legalHold", "id")
	r.know(id, subject{kind: globalid.LegalHold, organization: s.Organization, patient: s.patients[n].ID})
	return id
}

// contacts are preferences that differ each time.
func (r *realm) contacts(s *site) vars {
	r.lastKey++
	return vars{"patientId": s.id(globalid.Patient, s.patients[0].ID), "channels": []vars{{"channel": "EMAIL", "allowed": true}},
		"remindBefore": []string{fmt.Sprintf("PT%dM", 15+r.lastKey)}}
}

// reminding are rules that differ each time.
func (r *realm) reminding(s *site) vars {
	r.lastKey++
	return vars{"organizationId": globalid.OfOrganization(s.Organization), "visitKindId": s.id(globalid.VisitKind, s.VisitKind),
		"rules": []vars{{"before": fmt.Sprintf("PT%dM", 15+r.lastKey)}, {"localTime": vars{"daysBefore": 1, "at": "09:30"}}}}
}

func (r *realm) lawsuit(s *site, n int) vars {
	return vars{"patientId": s.id(globalid.Patient, s.patients[n].ID), "reason": "A lawsuit over Palpitations", "idempotencyKey": r.key()}
}

// newcomer is a patient whom nobody misses.
func (r *realm) newcomer(t *testing.T, s *site) string {
	t.Helper()
	id := r.done(t, s.admin, "registerPatient", "patient { id }", vars{"identifier": vars{"system": "https://clinic.example/mrn", "value": r.key()},
		"givenName": "Zelda", "familyName": "Quillon"}).Text("registerPatient", "patient", "id")
	r.subjects[id] = subject{kind: globalid.Patient, organization: s.Organization, patient: mustRef(t, id).ID}
	return id
}

// keeping are inputs of changes of what is kept of patients.
func (r *realm) keeping(t *testing.T) map[string]func() []inputFor {
	s := r.here
	ours := subject{organization: s.Organization}
	one := func(input func() vars) func() []inputFor {
		return func() []inputFor { return []inputFor{{about: ours, input: input}} }
	}
	return map[string]func() []inputFor{
		"changeContactPreferences": func() []inputFor {
			return []inputFor{{about: subject{organization: s.Organization, patient: s.patients[0].ID}, input: func() vars { return r.contacts(s) }}}
		},
		"setReminderRules": one(func() vars { return r.reminding(s) }),
		"erasePatient":     one(func() vars { return vars{"patientId": r.newcomer(t, s), "reason": "REQUESTED"} }),
		"placeLegalHold": func() []inputFor {
			in := inputFor{about: ours, input: func() vars { return r.lawsuit(s, 0) }}
			in.done = func(answer gqltest.Answer) {
				id := answer.Text("placeLegalHold", "legalHold", "id")
				r.know(id, subject{kind: globalid.LegalHold, organization: s.Organization, patient: s.patients[0].ID})
			}
			return []inputFor{in}
		},
		"releaseLegalHold": one(func() vars { return vars{"legalHoldId": r.placed(t, s, 0)} }),
	}
}
