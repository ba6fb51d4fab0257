package app

import (
	"slices"
	"testing"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/testkit/gqltest"
)

// counted posts and answers how many statements that took.
func (a *api) counted(t *testing.T, c gqltest.Client, document string, variables vars) (gqltest.Answer, int64) {
	t.Helper()
	before := a.statements.Load()
	answer := c.Post(t, document, variables).OK(t)
	return answer, a.statements.Load() - before
}

func (a *api) kindID() string {
	return a.id(globalid.VisitKind, clinic.Ref{Organization: a.clinic.Organization, ID: a.clinic.VisitKind})
}

func TestSlotsOfOneProviderCostAConstantNumberOfStatements(t *testing.T) {
	a := newAPI(t)
	of := a.clinic.Provider(1)
	var ids []string
	for day := range 7 {
		for half := range 16 {
			slot := a.clinic.Slot(of, 9, 30*half)
			slot.Start = slot.Start.AddDate(0, 0, day)
			ids = append(ids, globalid.OfSlot(slot))
		}
	}
	odd := a.clinic.Slot(of, 9, 7)
	const query = `query($ids: [ID!]!) { nodes(ids: $ids) { ... on Slot { id status provider { name } location { name } visitKind { name } } } }`
	var counts []int64
	for _, size := range []int{1, 10, 99} {
		answer, n := a.counted(t, a.Client, query, vars{"ids": append(slices.Clone(ids[:size]), globalid.OfSlot(odd))})
		counts = append(counts, n)
		for i, id := range ids[:size] {
			if answer.Text("nodes", i, "id") != id || answer.Text("nodes", i, "status") != "FREE" {
				t.Fatalf("node %d of %d: %v", i, size, answer.Data("nodes", i))
			}
		}
		if answer.Data("nodes", size) != nil {
			t.Errorf("a time off the grid is a slot: %v", answer.Data("nodes", size))
		}
	}
	if counts[0] == 0 || counts[1] != counts[0] || counts[2] != counts[0] {
		t.Errorf("1, 10 and 99 slots cost %v statements", counts)
	}
}

func TestHoldsWithTheirSlotsCostAConstantNumberOfStatements(t *testing.T) {
	a := newAPI(t)
	desk := a.by(a.clinic.FrontDesk())
	of := a.clinic.Provider(8)
	var ids []string
	for half := range 8 {
		answer := desk.Post(t, holdIt, vars{"input": vars{"slotId": globalid.OfSlot(a.clinic.Slot(of, 9, 30*half)), "idempotencyKey": string(rune('a' + half))}}).OK(t)
		ids = append(ids, answer.Text("holdSlot", "hold", "id"))
	}
	const query = `query($ids: [ID!]!) { nodes(ids: $ids) { ... on SlotHold { slot { status } } } }`
	answer, one := a.counted(t, desk, query, vars{"ids": ids[:1]})
	if answer.Text("nodes", 0, "slot", "status") != "FREE" {
		t.Fatalf("%s", answer.Raw)
	}
	if _, all := a.counted(t, desk, query, vars{"ids": ids}); all != one {
		t.Errorf("one hold costs %d statements, eight cost %d", one, all)
	}
}

func TestATotalOfSlotsCostsNoFurtherStatement(t *testing.T) {
	a := newAPI(t)
	where := vars{"p": a.id(globalid.Provider, a.clinic.Provider(1)), "k": a.kindID()}
	page := func(total string) string {
		return `query($p: ID!, $k: ID!) { node(id: $p) { ... on Provider { slots(visitKindId: $k, from: "2026-06-08T00:00:00Z", to: "2026-07-09T00:00:00Z", first: 3) { edges { cursor } ` + total + ` } } } }`
	}
	a.Post(t, page(""), where).OK(t)
	_, without := a.counted(t, a.Client, page(""), where)
	answer, with := a.counted(t, a.Client, page("totalCount"), where)
	if with != without || answer.Data("node", "slots", "totalCount") != 31.0*16 {
		t.Errorf("%d statements without a total, %d with: %s", without, with, answer.Raw)
	}
}
