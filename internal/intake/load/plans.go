package load

import "github.com/google/uuid"

// carriers are invented, and so are their plans.
var carriers = []string{"Harborline Health", "Juniper Mutual", "Northmeadow Care", "Palisade Benefit", "Redbrook Assurance"}

var planNames = []string{"Basic HMO", "Choice PPO", "Family Plus", "Senior Advantage"}

// plansOf gives each plan the id that follows from its names.
func plansOf(organization uuid.UUID) []Plan {
	var list []Plan
	for _, carrier := range carriers {
		for _, name := range planNames {
			list = append(list, Plan{ID: uuid.NewSHA1(organization, []byte(carrier+"\n"+name)), Carrier: carrier, Name: name})
		}
	}
	return list
}
