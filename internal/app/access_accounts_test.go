package app

import (
	"testing"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/graph/policy"
	"github.com/mediconnect/mediconnect/internal/access"
)

const choosing = "correct horse battery staple 7"

// accounting are inputs of changes by which people come to have accounts.
func (r *realm) accounting(t *testing.T, p person) map[string]func() []inputFor {
	s := r.here
	organization := globalid.OfOrganization(s.Organization)
	one := func(about subject, input func() vars) func() []inputFor {
		return func() []inputFor { return []inputFor{{about: about, input: input}} }
	}
	ours := subject{organization: s.Organization}
	return map[string]func() []inputFor{
		"signUp":               one(subject{}, func() vars { return vars{"organizationId": organization, "email": addressNobodyHas()} }),
		"requestPasswordReset": one(subject{}, func() vars { return vars{"organizationId": organization, "email": addressNobodyHas()} }),
		"verifyEmail": one(subject{}, func() vars {
			email := addressNobodyHas()
			r.done(t, r.Client, "signUp", "accepted", vars{"organizationId": organization, "email": email})
			return vars{"code": r.codeFor(t, email), "password": choosing, "client": "app"}
		}),
		"resetPassword": one(subject{}, func() vars {
			email := addressNobodyHas()
			r.account(t, s.Organization, access.PatientRole, email)
			r.done(t, r.Client, "requestPasswordReset", "accepted", vars{"organizationId": organization, "email": email})
			return vars{"code": r.codeFor(t, email), "newPassword": choosing}
		}),
		"inviteAccount": one(ours, func() vars {
			to := organization
			if p.column == policy.Platform { // invites the first administrator of an organisation
				made := r.done(t, p.Client, "createOrganization", "organization { id }", vars{"name": "Hillside", "idempotencyKey": r.key()})
				to = made.Text("createOrganization", "organization", "id")
			}
			return vars{"organizationId": to, "email": addressNobodyHas(), "role": "ADMIN", "idempotencyKey": r.key()}
		}),
		"acceptAccountInvitation": one(subject{}, func() vars {
			email := addressNobodyHas()
			r.done(t, s.admin, "inviteAccount", "accepted", vars{"email": email, "role": "CAREGIVER", "idempotencyKey": r.key()})
			return vars{"code": r.codeFor(t, email), "password": choosing, "client": "app"}
		}),
	}
}
