package app

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/graph/policy"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/testkit/gqltest"
)

// scopes say what a list is of, for lists of things that not everybody may see.
func (r *realm) scopes(p person, coordinate, of string) (all []string, known bool) {
	own := func(_ string, s subject) bool { return s.organization == p.actor.Organization }
	good := func(id string, s subject) bool { return own(id, s) && !r.revoked[id] }
	held := func(id string, _ subject) bool { return r.with[id] == of }
	list, known := map[string]struct {
		kind globalid.Type
		has  func(id string, s subject) bool
	}{
		"Query.appointments":                 {globalid.Appointment, own},
		"Query.resources":                    {globalid.Resource, func(_ string, s subject) bool { return s.organization == r.here.Organization }},
		"Query.appointmentsWithoutResources": {globalid.Appointment, func(id string, s subject) bool { return own(id, s) && r.lacking[id] }},
		"Query.patients":                     {globalid.Patient, own},
		"Query.accounts":                     {globalid.Account, own},
		"Query.breakGlassGrants":             {globalid.BreakGlassGrant, own},
		"Query.apiClients":                   {globalid.APIClient, good},
		"Query.deadLetters":                  {globalid.DeadLetter, own},
		"Appointment.reminders":              {globalid.Reminder, held},
		"Query.closures":                     {globalid.Closure, func(_ string, s subject) bool { return s.organization == r.here.Organization }},
		"Closure.items":                      {globalid.ClosureItem, held},
		"ClosurePreview.appointments":        {globalid.Appointment, r.ahead(`'BOOKED', 'PENDING'`)},
		"ClosurePreview.arrived":             {globalid.Appointment, r.ahead(`'ARRIVED', 'CHECKED_IN'`)},
		"Query.waitlistEntries":              {globalid.WaitlistEntry, own},
		"WaitlistEntry.offers":               {globalid.WaitlistOffer, held},
		"Patient.waitlistEntries":            {globalid.WaitlistEntry, func(_ string, s subject) bool { return s.patient == mustRef(r.t, of).ID }},
		"Query.apiKeys":                      {globalid.APIKey, good},
		"Provider.appointments":              {globalid.Appointment, held},
		"AppointmentSeries.appointments":     {globalid.Appointment, func(id string, _ subject) bool { return r.in[id] == of }},
		"Provider.scheduleExceptions":        {globalid.ScheduleException, held},
		"Patient.appointments":               {globalid.Appointment, func(_ string, s subject) bool { return s.patient == mustRef(r.t, of).ID }},
		"Viewer.patients":                    {globalid.Patient, func(_ string, s subject) bool { return r.links[[2]uuid.UUID{p.actor.ID, s.patient}] != "" }},
	}[coordinate]
	for id, s := range r.subjects {
		if known && s.kind == list.kind && list.has(id, s) {
			all = append(all, id)
		}
	}
	return all, known
}

// whole holds a list to all that it is of: whatever of that the table lets the caller see is in it, and nothing else is, and
// totalCount says how many that are.
func (g reading) whole(coordinate string, cell policy.Cell, field *ast.Field, value any, here spot) {
	if coordinate == "Appointment.history" && !g.by.actor.Has(access.AuditRead) && strings.Contains(fmt.Sprint(value), "effect:READ") {
		g.t.Errorf("%s is told who looked: %s", g.by.column, g.asked)
	}
	listed, of, connected := g.listed(field, value)
	if of == "" || of == "AuditEvent" { // events come while they are read
		return
	}
	all, known := g.scopes(g.by, coordinate, here.thing)
	if !known {
		if connected && !strings.Contains(coordinate, "OutsideHours") {
			g.t.Errorf("%s lists what not everybody may see: say in scopes, access_lists_test.go, what it is of", coordinate)
		}
		return
	}
	var want []string
	for _, id := range all {
		if g.sees(g.by, id) {
			want = append(want, id)
		}
	}
	slices.Sort(want)
	slices.Sort(listed)
	if !slices.Equal(want, listed) {
		g.t.Errorf("%s gets %d of %d by %s, not what the table says: %s", g.by.column, len(listed), len(want), coordinate, g.asked)
	}
	if cell == policy.Sees && len(want) != len(all) {
		g.t.Errorf("%s: %s sees %d of %d, which isn't %q", coordinate, g.by.column, len(want), len(all), cell)
	}
	if gqltest.At(value, "pageInfo", "hasNextPage") == true {
		g.t.Errorf("%s: %s is told that more follows on all there is", coordinate, g.by.column)
	}
	if total, asked := gqltest.At(value, "totalCount").(float64); asked && int(total) != len(listed) {
		g.t.Errorf("%s: %s is told of %v where %d are listed", coordinate, g.by.column, total, len(listed))
	}
}

// listed are the ids in a list or connection of things that not everybody may see, and their type.
func (g reading) listed(field *ast.Field, value any) (ids []string, typeName string, connected bool) {
	items, _ := value.([]any)
	typeName = field.Definition.Type.Name()
	if edge, ok := strings.CutSuffix(typeName, "Connection"); ok {
		typeName, connected = edge, true
		edges, _ := gqltest.At(value, "edges").([]any)
		for _, e := range edges {
			items = append(items, gqltest.At(e, "node"))
		}
	}
	if row, ok := g.table.Row(typeName, "id"); !ok || row.For(policy.Anonymous) == policy.Sees || typeName == "Viewer" {
		return nil, "", connected
	}
	for _, item := range items {
		if id, ok := gqltest.At(item, "id").(string); ok {
			ids = append(ids, id)
		}
	}
	return ids, typeName, connected
}

func mustType(t *testing.T, id string) globalid.Type {
	t.Helper()
	parsed, err := globalid.Parse(id)
	if err != nil {
		t.Fatal(err)
	}
	return parsed.Type
}
