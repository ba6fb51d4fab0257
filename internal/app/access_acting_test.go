package app

import (
	"fmt"
	"testing"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/graph/policy"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/testkit/gqltest"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

// birthday is the n-th patient's birth date.
func birthday(n int) string { return fmt.Sprintf("1971-02-%02d", n+3) }

// invited is a code that lets somebody act for the n-th patient.
func (r *realm) invited(t *testing.T, s *site, n int, relation string) string {
	t.Helper()
	return r.done(t, s.admin, "invitePatientAccount", "code", vars{"patientId": s.id(globalid.Patient, s.patients[n].ID), "relation": relation,
		"idempotencyKey": r.key()}).Text("invitePatientAccount", "code")
}

// link has an account act for the n-th patient of its organisation.
func (r *realm) link(t *testing.T, p person, s *site, n int, relation string) {
	t.Helper()
	r.done(t, p.Client, "acceptPatientInvitation", "patient { id }", vars{"code": r.invited(t, s, n, relation), "birthDate": birthday(n)})
	r.linked(p, s.patients[n].ID, map[string]string{"SELF": policy.Patient, "CAREGIVER": policy.Caregiver}[relation])
}

// linked notes for whom an account acts, or with "" that it doesn't any more.
func (r *realm) linked(p person, patient uuid.UUID, column string) {
	r.links[[2]uuid.UUID{p.actor.ID, patient}] = column
}

// actFor lets the callers act for whom their column says.
func (r *realm) actFor(t *testing.T) {
	t.Helper()
	r.linked(r.person(policy.Patient), r.here.patients[0].ID, policy.Patient) // the token names the patient
	r.link(t, r.person(policy.Caregiver), r.here, 0, "CAREGIVER")
	r.link(t, r.person(policy.OtherPatient), r.here, 1, "SELF")
}

// breakGlasses has providers see patients who aren't theirs: one still does, one no longer, and one elsewhere.
func (r *realm) breakGlasses(t *testing.T) {
	t.Helper()
	third := r.provider(r.here, 2)
	third.column, third.Client = policy.OtherProvider, r.enter(policy.OtherProvider, third.actor)
	r.admit(third)
	r.broken(t, third, r.here, 0)
	r.treats(r.here, 2, 0) // as long as it lasts, the patient is as good as theirs
	over := r.broken(t, r.person(policy.OwnProvider), r.here, 1)
	r.reviewed(t, r.person(policy.OwnProvider).Client, over)
	r.broken(t, r.provider(r.there, 2), r.there, 0)
}

func (r *realm) provider(s *site, n int) person {
	actor := staffOf(s.Organization, access.Provider)
	actor.ProviderID = s.providers[n].ID
	return person{column: policy.OwnProvider, actor: actor, Client: r.by(actor)}
}

// broken is a grant of a provider's for the n-th patient.
func (r *realm) broken(t *testing.T, p person, s *site, n int) string {
	t.Helper()
	id := r.done(t, p.Client, "breakGlass", "grant { id }", r.emergency(s, n)).Text("breakGlass", "grant", "id")
	r.know(id, subject{kind: globalid.BreakGlassGrant, organization: s.Organization, patient: s.patients[n].ID, actor: p.actor.ID})
	return id
}

func (r *realm) emergency(s *site, n int) vars {
	return vars{"target": vars{"patientId": s.id(globalid.Patient, s.patients[n].ID)}, "reason": "Unconscious in the waiting room", "idempotencyKey": r.key()}
}

func (r *realm) ended(t *testing.T, by gqltest.Client, grant string) string {
	t.Helper()
	r.done(t, by, "endBreakGlass", "grant { id }", vars{"grantId": grant})
	return grant
}

func (r *realm) reviewed(t *testing.T, by gqltest.Client, grant string) {
	t.Helper()
	r.done(t, r.here.admin, "reviewBreakGlass", "grant { id }", vars{"grantId": r.ended(t, by, grant), "finding": "JUSTIFIED", "note": "Palpitations were seen to"})
}

// acting are inputs of changes of who acts for whom and sees whom.
func (r *realm) acting(t *testing.T, p person) map[string]func() []inputFor {
	s := r.here
	ours := subject{organization: s.Organization}
	last := len(s.patients) - 1
	acts := r.links[[2]uuid.UUID{p.actor.ID, s.patients[0].ID}] != "" || r.links[[2]uuid.UUID{p.actor.ID, s.patients[1].ID}] != ""
	stranger := func() person { return r.provider(s, 2) }
	breaks := p.actor.Role == access.Provider
	return map[string]func() []inputFor{
		"invitePatientAccount": func() []inputFor {
			return []inputFor{{about: ours, input: func() vars {
				return vars{"patientId": s.id(globalid.Patient, s.patients[0].ID), "relation": "CAREGIVER", "idempotencyKey": r.key()}
			}}}
		},
		"acceptPatientInvitation": func() []inputFor {
			return []inputFor{{input: func() vars {
				if acts {
					r.linked(p, s.patients[last].ID, policy.Caregiver)
				}
				return vars{"code": r.invited(t, s, last, "CAREGIVER"), "birthDate": birthday(last)}
			}, done: func(gqltest.Answer) {
				r.done(t, p.Client, "unlinkPatient", "patientId", vars{"patientId": s.id(globalid.Patient, s.patients[last].ID)})
				r.linked(p, s.patients[last].ID, "")
			}}}
		},
		"unlinkPatient": func() []inputFor {
			account := p
			if !acts {
				account.actor = staffOf(s.Organization, access.Caregiver)
				account.Client = r.by(account.actor)
			}
			linked := inputFor{about: ours, own: true, input: func() vars {
				r.link(t, account, s, last, "CAREGIVER")
				r.linked(account, s.patients[last].ID, "")
				return vars{"patientId": s.id(globalid.Patient, s.patients[last].ID), "accountId": s.id(globalid.Account, account.actor.ID)}
			}}
			if !acts {
				return []inputFor{linked}
			}
			return []inputFor{{about: ours, input: func() vars { return vars{"patientId": s.id(globalid.Patient, sample.NewID())} }}, linked}
		},
		"issueStreamTicket": func() []inputFor { return []inputFor{{input: func() vars { return vars{} }}} },
		"breakGlass": func() []inputFor {
			n := map[bool]int{true: 1, false: 0}[p.column == policy.OwnProvider]
			in := inputFor{about: ours, input: func() vars { return r.emergency(s, n) }}
			in.done = func(answer gqltest.Answer) { r.ended(t, p.Client, answer.Text("breakGlass", "grant", "id")) }
			return []inputFor{in}
		},
		"endBreakGlass": func() []inputFor {
			list := []inputFor{{about: ours, input: func() vars { return vars{"grantId": r.broken(t, stranger(), s, 1)} }}}
			if breaks {
				n := map[bool]int{true: 1, false: 0}[p.column == policy.OwnProvider]
				list = append(list, inputFor{about: ours, own: true, input: func() vars { return vars{"grantId": r.broken(t, p, s, n)} }})
			}
			return list
		},
		"reviewBreakGlass": func() []inputFor {
			return []inputFor{{about: ours, input: func() vars {
				by := stranger()
				return vars{"grantId": r.ended(t, by.Client, r.broken(t, by, s, 1)), "finding": "UNJUSTIFIED"}
			}}}
		},
	}
}
