package providertest

import (
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clinic/clinictest"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/provider"
)

func acceptPlans(t *testing.T, w World) {
	gold, silver := clinic.PlanOf(w.Organization, "Horizon", "Gold"), clinic.PlanOf(w.Organization, "Horizon", "Silver")
	put := func(number int, plans ...clinic.InsurancePlan) provider.Provider {
		in := w.Input(number)
		for _, p := range plans {
			in.AcceptedPlans = append(in.AcceptedPlans, provider.AcceptedPlan{Carrier: p.Carrier, Name: p.Name})
		}
		made, err := w.Service.PutProvider(t.Context(), w.Admin, in)
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	both := put(1, silver, gold)
	found, err := w.Service.Providers(t.Context(), []clinic.Ref{w.P})
	if err != nil || !found[w.P].Same(both) || len(both.PlanIDs) != 2 {
		t.Errorf("stored as %+v (%v), want %+v", found, err, both)
	}
	put(2, gold)
	page, err := w.Service.ListProviders(t.Context(), w.Admin, provider.Filter{}, paging.Window{Size: 2})
	if err != nil || !page.Items[0].Same(both) || !slices.Equal(page.Items[1].PlanIDs, []uuid.UUID{gold.ID}) {
		t.Errorf("listed as %+v (%v)", page.Items, err)
	}
	if put(1, silver); !slices.Equal(w.provider(t).PlanIDs, []uuid.UUID{silver.ID}) {
		t.Errorf("a plan that isn't named any more is still accepted: %+v", w.provider(t))
	}
	if put(1); len(w.provider(t).PlanIDs) != 0 {
		t.Errorf("no plans named, and still accepted: %+v", w.provider(t))
	}
	w.knownPlans(t, gold, silver)
}

// knownPlans finds plans of one name in two organisations apart, and none that was never named.
func (w World) knownPlans(t *testing.T, own ...clinic.InsurancePlan) {
	t.Helper()
	foreign := w.NewOrganization(t)
	in := w.Input(1)
	in.Organization, in.VisitKinds, in.AcceptedPlans = foreign, nil, []provider.AcceptedPlan{{Carrier: own[0].Carrier, Name: own[0].Name}}
	if _, err := w.Service.PutProvider(t.Context(), clinictest.Actor(access.Admin, foreign), in); err != nil {
		t.Fatal(err)
	}
	theirs := clinic.PlanOf(foreign, own[0].Carrier, own[0].Name)
	unknown := []clinic.Ref{w.Ref(theirs.ID), {Organization: foreign, ID: own[0].ID}, w.Ref(clinic.PlanOf(w.Organization, "Nobody", "Gold").ID)}
	refs := append(unknown, theirs.Ref())
	for _, p := range own {
		refs = append(refs, p.Ref())
	}
	plans, err := w.Service.InsurancePlans(t.Context(), refs)
	if err != nil || len(plans) != len(own)+1 || plans[own[0].Ref()] != own[0] || plans[own[1].Ref()] != own[1] || plans[theirs.Ref()] != theirs {
		t.Errorf("found %+v (%v)", plans, err)
	}
}

// provider is the world's provider as it is stored.
func (w World) provider(t *testing.T) provider.Provider {
	t.Helper()
	found, err := w.Service.Providers(t.Context(), []clinic.Ref{w.P})
	if err != nil {
		t.Fatal(err)
	}
	return found[w.P]
}
