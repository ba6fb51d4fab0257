package clinic

import "github.com/google/uuid"

// InsurancePlan is a plan that providers of an organisation accept, found again by carrier and name.
type InsurancePlan struct {
	ID, OrganizationID uuid.UUID
	Carrier, Name      string // lines, so that neither holds a line break
}

// PlanOf is the plan of a carrier and a name. Its id follows from them: whoever names it again means the same, without asking.
func PlanOf(organization uuid.UUID, carrier, name string) InsurancePlan {
	id := uuid.NewSHA1(organization, []byte(carrier+"\n"+name))
	return InsurancePlan{ID: id, OrganizationID: organization, Carrier: carrier, Name: name}
}

// Ref names the plan.
func (p InsurancePlan) Ref() Ref { return Ref{Organization: p.OrganizationID, ID: p.ID} }
