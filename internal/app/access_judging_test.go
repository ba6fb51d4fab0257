package app

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/graph/policy"
	"github.com/mediconnect/mediconnect/internal/testkit/gqltest"
)

// firstTold is a value and who was told it first.
type firstTold struct{ value, column string }

// reading goes through an answer and holds every field in it to the table.
type reading struct {
	*realm
	t      *testing.T
	by     person
	asked  string
	made   subject           // what things are about that are new
	failed map[string]string // code by path
}

// spot is where in an answer a reading is.
type spot struct {
	path   string
	about  subject
	thing  string // the id of the nearest thing around it
	within string // path from there
}

func (r *realm) judge(t *testing.T, p person, q question, answer gqltest.Answer) {
	t.Helper()
	document, failures := gqlparser.LoadQueryWithRules(r.schema, q.text, nil)
	if failures != nil {
		t.Fatalf("%s: %v", q.text, failures)
	}
	g := reading{realm: r, t: t, by: p, asked: q.text, made: q.about, failed: map[string]string{}}
	for _, e := range answer.Errors() {
		path, _ := gqltest.At(e, "path").([]any)
		code, _ := gqltest.At(e, "extensions", "code").(string)
		if len(path) == 0 || code == "INTERNAL_SERVER_ERROR" || code == "SERVICE_BUSY" || code == "INVALID_INPUT" {
			g.wrong(fmt.Sprintf("%s is told %v, %q", p.column, code, gqltest.At(e, "message")), q.text)
		}
		g.failed[fmt.Sprint(path)] = code
	}
	data, _ := answer.Body["data"].(map[string]any)
	operation := document.Operations[0]
	root := r.schema.Query
	switch operation.Operation {
	case ast.Mutation:
		root = r.schema.Mutation
	case ast.Subscription:
		root = r.schema.Subscription
	}
	if q.part != "" { // whether the change is made is told by the payload
		change := operation.SelectionSet[0].(*ast.Field)
		g.value(change.SelectionSet, change.Definition.Type.Name(), data[q.part], spot{path: q.part})
		return
	}
	g.object(operation.SelectionSet, root.Name, data, spot{path: "", about: q.about})
	if q.id != "" && data["node"] == nil {
		g.absent(q.id)
	}
}

// wrong tells what isn't as the table says, once with an example.
func (g reading) wrong(what, example string) {
	if g.wronged[what]++; g.wronged[what] == 1 {
		g.t.Errorf("%s: %s", what, example)
	}
}

// absent is for a thing that wasn't there: so says the row of its id, and so the rows of all of its fields.
func (g reading) absent(id string) {
	about := g.subjects[id]
	column := g.columnOf(g.by, about)
	name := typeNames[mustType(g.t, id)]
	if about != (subject{}) && g.sees(g.by, id) || about == (subject{}) {
		g.wrong(fmt.Sprintf("%s (%s) is told of no %s", g.by.column, column, name), g.asked)
		return
	}
	for _, field := range g.schema.Types[name].Fields {
		g.sighted(name+"."+field.Name, column)
	}
}

func (r *realm) sighted(coordinate, column string) {
	if r.sightings[coordinate] == nil {
		r.sightings[coordinate] = map[string]bool{}
	}
	r.sightings[coordinate][column] = true
}

func (g reading) object(set ast.SelectionSet, typeName string, object map[string]any, here spot) {
	if id, ok := object["id"].(string); ok && typeName != "Query" {
		here.about, here.thing, here.within = g.subjects[id], id, ""
		if here.about == (subject{}) {
			here.about = g.unknown(id)
		}
	}
	for event, part := range followed {
		if thing, ok := gqltest.At(object, part, "id").(string); ok && typeName == event {
			here.about = g.subjects[thing]
		}
	}
	for _, field := range flat(g.schema, set, typeName) {
		if strings.HasPrefix(field.Name, "__") {
			continue
		}
		inside := here
		inside.path, inside.within = strings.TrimSpace(here.path+" "+field.Alias), here.within+"."+field.Alias
		g.field(field, typeName, object[field.Alias], inside)
		g.value(field.SelectionSet, field.Definition.Type.Name(), object[field.Alias], inside)
	}
}

// unknown is what a thing is about that isn't among those of the world.
func (g reading) unknown(id string) subject {
	switch mustType(g.t, id) {
	case globalid.Session:
		return subject{organization: mustRef(g.t, id).Organization, actor: g.by.actor.ID}
	case globalid.Appointment, globalid.Hold, globalid.BreakGlassGrant, globalid.Series, globalid.WaitlistEntry, globalid.WaitlistOffer:
		return subject{organization: g.made.organization, patient: g.made.patient, actor: g.by.actor.ID}
	}
	return subject{organization: mustRef(g.t, id).Organization}
}

// value goes on into what a field answered.
func (g reading) value(set ast.SelectionSet, typeName string, value any, here spot) {
	switch value := value.(type) {
	case []any:
		for i, item := range value {
			inside := here
			inside.path, inside.within = fmt.Sprint(here.path, " ", i), fmt.Sprint(here.within, ".", i)
			g.value(set, typeName, item, inside)
		}
	case map[string]any:
		if name, ok := value["__typename"].(string); ok {
			typeName = name
		}
		g.object(set, typeName, value, here)
	}
}

// flat are the fields of a selection that an object of a type has.
func flat(schema *ast.Schema, set ast.SelectionSet, typeName string) (fields []*ast.Field) {
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			fields = append(fields, s)
		case *ast.InlineFragment:
			if s.TypeCondition == typeName || slices.Contains(schema.Types[typeName].Interfaces, s.TypeCondition) {
				fields = append(fields, flat(schema, s.SelectionSet, typeName)...)
			}
		}
	}
	return fields
}

// field holds one field to its cell.
func (g reading) field(field *ast.Field, typeName string, value any, here spot) {
	coordinate := typeName + "." + field.Name
	row, ok := g.table.Row(typeName, field.Name)
	if !ok {
		g.t.Fatalf("%s has no row", coordinate)
	}
	column := g.columnOf(g.by, here.about)
	cell, got := row.For(column), g.outcome(field, value, here)
	if ways := policy.Required(field.Definition); ways != nil && column == policy.OtherTenant && !policy.Holds(g.by.actor.Effective(), ways) {
		cell = policy.Refused // the column is of somebody who has them
	}
	if !fits(cell, got, g.lists(field) || g.owns(here)) {
		g.wrong(fmt.Sprintf("%s (%s) gets %s of %s, which the table says is %q", g.by.column, column, got, coordinate, cell),
			fmt.Sprintf("%s at %q in %s", shortened(value), here.path, g.asked))
		return
	}
	g.sighted(coordinate, column)
	if got == "value" {
		g.valued[coordinate] = true
		g.whole(coordinate, cell, field, value, here)
	}
	if (cell == policy.Sees || cell == policy.Own) && len(field.SelectionSet) == 0 {
		g.same(coordinate, here, value)
	}
}

// lists says whether a field lists things, one after the other if need be, so that what of them is the caller's own is told by the things.
func (g reading) lists(field *ast.Field) bool {
	return field.Definition.Type.Elem != nil && len(field.SelectionSet) > 0 || strings.HasSuffix(field.Definition.Type.Name(), "Connection") ||
		field.ObjectDefinition == g.schema.Subscription
}

// owns says whether what is read is the caller's own. An audit event is to whoever sees the appointment in whose history it is.
func (g reading) owns(here spot) bool {
	return here.about.actor == g.by.actor.ID || strings.Contains(here.path, " history ")
}

// outcome is what a field answered: "value", "nothing", or the code of its failure.
func (g reading) outcome(field *ast.Field, value any, here spot) string {
	if code := g.failed["["+here.path+"]"]; code != "" {
		return code
	}
	list, isList := value.([]any)
	edges, isConnection := gqltest.At(value, "edges").([]any)
	if value == nil || isList && len(list) == 0 || isConnection && len(edges) == 0 {
		return "nothing"
	}
	return "value"
}

func fits(cell policy.Cell, got string, own bool) bool {
	switch cell {
	case policy.Sees:
		return got == "value" || got == "nothing"
	case policy.Own:
		return got == "nothing" || got == "value" && own || got == "NOT_FOUND" && !own
	case policy.Null:
		return got == "nothing"
	case policy.Refused:
		return got == "FORBIDDEN"
	case policy.SignIn:
		return got == "UNAUTHENTICATED"
	case policy.Unknown:
		return got == "NOT_FOUND" || got == "nothing"
	}
	return got != "value"
}

func shortened(value any) string {
	text, _ := json.Marshal(value)
	return fmt.Sprintf("%.200s", text)
}

// differing are what tells each caller something of their own.
var differing = regexp.MustCompile(`^((Slot|Viewer|AvailabilityMatch|AppointmentActionState|PageInfo|\w*Connection|\w*Edge)\..*|Patient\.viewerRelation|AuditEvent\.times)$`)

// same holds what somebody is told of a thing to what others were told, so that nothing is kept from one of them unnoticed.
func (g reading) same(coordinate string, here spot, value any) {
	if here.thing == "" || differing.MatchString(coordinate) {
		return
	}
	key := g.asked + here.thing + here.within
	text := shortened(value)
	if first, ok := g.values[key]; ok && first.value != text {
		g.t.Errorf("of %s %s is told %s and %s %s by %s", coordinate, first.column, first.value, g.by.column, text, g.asked)
	}
	g.values[key] = firstTold{text, g.by.column}
}
