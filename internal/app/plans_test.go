package app

import (
	"fmt"
	"strings"
	"testing"

	"github.com/mediconnect/mediconnect/graph/globalid"
)

// listPlans pages the plans of all providers.
const listPlans = `query($first: Int, $after: String) { providers(first: 100) { edges { node { id
	acceptedPlans(first: $first, after: $after) { totalCount pageInfo { hasNextPage endCursor } edges { node { id carrier name } } } } } } }`

// A plan's names may be as long as any, and of characters that JSON spells long.
var longest = "Z" + strings.Repeat("<", 199)

func TestPlansOfAPageOfProvidersCostOneStatement(t *testing.T) {
	w := newWorld(t)
	put := func(number int, plans []vars) string {
		input := vars{"identifier": vars{"system": "https://example.org/ids", "value": fmt.Sprint(number)}, "name": "A provider", "visitKindIds": []string{}, "acceptedPlans": plans}
		answer := w.admin.Post(t, document("putProvider", "provider { id acceptedPlans { totalCount edges { node { carrier } } } }"), vars{"input": input}).OK(t)
		if edges := answer.Data("putProvider", "provider", "acceptedPlans", "edges").([]any); len(edges) != len(plans) {
			t.Fatalf("%s", answer.Raw)
		}
		return answer.Text("putProvider", "provider", "id")
	}
	gold, last := vars{"carrier": "Horizon", "name": "Gold"}, vars{"carrier": longest, "name": longest}
	put(1, nil)
	_, none := w.counted(t, w.desk, `{ providers(first: 100) { edges { node { id } } } }`, nil)
	for n := range 20 {
		put(n, []vars{last, {"carrier": "Horizon", "name": fmt.Sprintf("Of provider %d", n)}, gold})
	}
	first, n := w.counted(t, w.desk, listPlans, vars{"first": 2})
	if n != none+1 {
		t.Errorf("providers cost %d statements, with their plans %d", none, n)
	}
	at := func(parts ...any) []any {
		return append([]any{"providers", "edges", 1, "node", "acceptedPlans"}, parts...)
	}
	if first.Data(at("totalCount")...) != 3.0 || first.Text(at("edges", 0, "node", "name")...) != "Gold" || !strings.HasPrefix(first.Text(at("edges", 1, "node", "name")...), "Of provider") {
		t.Fatalf("%.600s", first.Raw)
	}
	second := w.desk.Post(t, listPlans, vars{"first": 2, "after": first.Text(at("pageInfo", "endCursor")...)}).OK(t)
	if second.Text(at("edges", 0, "node", "name")...) != longest || second.Data(at("pageInfo", "hasNextPage")...) != false {
		t.Fatalf("%.600s", second.Raw)
	}
	again := w.desk.Post(t, listPlans, vars{"first": 2, "after": second.Text(at("pageInfo", "endCursor")...)}).OK(t)
	if edges := again.Data(at("edges")...).([]any); len(edges) != 0 {
		t.Errorf("after the last plan: %.600s", again.Raw)
	}
	plan := first.Text(at("edges", 0, "node", "id")...)
	if node := w.Post(t, `query($id: ID!) { node(id: $id) { ... on InsurancePlan { id carrier name } } }`, vars{"id": plan}).OK(t); node.Text("node", "id") != plan || node.Text("node", "carrier") != "Horizon" {
		t.Errorf("%s", node.Raw)
	}
	if id, err := globalid.ParseAs(globalid.InsurancePlan, plan); err != nil || id.Ref.ID.Version() != 5 {
		t.Errorf("%+v, %v", id, err)
	}
}

func TestPuttingTheSamePlansAgainWritesNothing(t *testing.T) {
	w := newWorld(t)
	input := w.inputs()["putProvider"]
	put := func(plans ...vars) {
		input["acceptedPlans"] = plans
		w.admin.Post(t, document("putProvider", "errors { ... on UserError { code } }"), vars{"input": input}).OK(t)
	}
	gold, silver := vars{"carrier": "Horizon", "name": "Gold"}, vars{"carrier": "Horizon", "name": "Silver"}
	put(gold, silver)
	before := w.rows()
	if put(silver, vars{"carrier": " Horizon", "name": "Gold "}); w.rows() != before {
		t.Errorf("%d rows more", w.rows()-before)
	}
	if put(gold); w.rows() == before {
		t.Error("a plan that is accepted no longer leaves no trace")
	}
}
