package provider

import (
	"slices"
	"strconv"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/form"
	"github.com/mediconnect/mediconnect/internal/paging"
)

const maxPlans = 200

// plans are those that the input accepts once they are checked, in order of their ids.
func (in PutProvider) plans(check *form.Check) []clinic.InsurancePlan {
	field := []string{"acceptedPlans"}
	list := in.AcceptedPlans[:min(len(in.AcceptedPlans), maxPlans)]
	check.That(len(in.AcceptedPlans) <= maxPlans, "At most "+strconv.Itoa(maxPlans)+" insurance plans.", field...)
	checked := make([]clinic.InsurancePlan, 0, len(list))
	for i, p := range list {
		plan := clinic.PlanOf(in.Organization,
			check.Line(p.Carrier, form.MaxName, form.At(field, i, "carrier")...),
			check.Line(p.Name, form.MaxName, form.At(field, i, "name")...))
		check.That(!slices.Contains(checked, plan), "This is named twice.", form.At(field, i)...)
		checked = append(checked, plan)
	}
	slices.SortFunc(checked, func(a, b clinic.InsurancePlan) int { return compareIDs(a.ID, b.ID) })
	return checked
}

func idsOf(plans []clinic.InsurancePlan) []uuid.UUID {
	ids := make([]uuid.UUID, len(plans))
	for i, p := range plans {
		ids[i] = p.ID
	}
	return ids
}

// PlanKeyParts is how many values the key of a plan in a provider's list has: carrier, name, id.
const PlanKeyParts = 3

// PlanKey is the key of a plan in a provider's list.
func PlanKey(p clinic.InsurancePlan) []string { return []string{p.Carrier, p.Name, p.ID.String()} }

// PagePlans pages all plans of a provider by their keys. It fails with errs.InvalidInput at "after" or "before".
func PagePlans(plans []clinic.InsurancePlan, w paging.Window) (paging.Page[clinic.InsurancePlan], error) {
	for field, key := range map[string][]string{"after": w.After, "before": w.Before} {
		if key == nil {
			continue
		}
		if _, err := uuid.Parse(key[PlanKeyParts-1]); err != nil {
			return paging.Page[clinic.InsurancePlan]{}, errs.Invalid("This is not a cursor of this list.", field)
		}
	}
	against := func(p clinic.InsurancePlan, key []string) int { return slices.Compare(PlanKey(p), key) }
	slices.SortFunc(plans, func(a, b clinic.InsurancePlan) int { return against(a, PlanKey(b)) })
	return paging.Whole(plans, w, against), nil
}
