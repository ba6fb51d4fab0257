package provider

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/paging"
)

func manyPlans(n int) []AcceptedPlan {
	list := make([]AcceptedPlan, n)
	for i := range list {
		list[i] = AcceptedPlan{"Horizon", fmt.Sprint(i)}
	}
	return list
}

func TestAPlanIsKnownByItsNamesInWhateverOrder(t *testing.T) {
	in := goodProvider()
	in.AcceptedPlans = manyPlans(maxPlans)
	first, _, err := in.provider()
	slices.Reverse(in.AcceptedPlans)
	second, plans, again := in.provider()
	if err != nil || again != nil || !first.Same(second) || len(plans) != maxPlans {
		t.Errorf("%d plans in another order are others (%v, %v)", len(plans), err, again)
	}
	if id := plans[0].ID; id.Version() != 5 || id.Variant() != uuid.RFC4122 {
		t.Errorf("id %v", id)
	}
	for _, other := range []clinic.InsurancePlan{
		clinic.PlanOf(home, "Horizon", "Gold"), clinic.PlanOf(home, "HorizonGold", ""), clinic.PlanOf(uuid.New(), "Horizon", "Silver"),
	} {
		if other.ID == clinic.PlanOf(home, "Horizon", "Silver").ID {
			t.Errorf("%+v has the id of another", other)
		}
	}
}

func TestPlansArePagedByCarrierAndName(t *testing.T) {
	all := []clinic.InsurancePlan{clinic.PlanOf(home, "B", "1"), clinic.PlanOf(home, "A", "2"), clinic.PlanOf(home, "A", "1")}
	for _, c := range []struct {
		window paging.Window
		want   string
		more   [2]bool
	}{
		{paging.Window{Size: 3}, "A1 A2 B1 ", [2]bool{}},
		{paging.Window{Size: 2}, "A1 A2 ", [2]bool{true, false}},
		{paging.Window{Size: 2, After: PlanKey(all[2])}, "A2 B1 ", [2]bool{false, true}},
		{paging.Window{Size: 1, After: PlanKey(all[2]), Before: PlanKey(all[0])}, "A2 ", [2]bool{false, true}},
		{paging.Window{Size: 2, Backward: true}, "A2 B1 ", [2]bool{false, true}},
		{paging.Window{Size: 2, Backward: true, Before: PlanKey(all[1])}, "A1 ", [2]bool{true, false}},
	} {
		page, err := PagePlans(slices.Clone(all), c.window)
		var got string
		for _, p := range page.Items {
			got += p.Carrier + p.Name + " "
		}
		if got != c.want || err != nil || [2]bool{page.HasNext, page.HasPrevious} != c.more {
			t.Errorf("%+v: %s, %+v, %v", c.window, got, page, err)
		}
	}
	_, err := PagePlans(all, paging.Window{Size: 1, After: []string{"A", "1", "x"}})
	refused(t, "no id", err, errs.InvalidInput, "after")
}
