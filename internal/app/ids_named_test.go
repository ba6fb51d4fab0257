package app

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/graph/policy"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/testkit/gqltest"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

// everybodysKind are the kinds of thing that fields for what everybody may know name.
var everybodysKind = map[string]globalid.Type{
	"organizationId": globalid.Organization, "providerId": globalid.Provider, "providerIds": globalid.Provider, "locationId": globalid.Location,
	"locationIds": globalid.Location, "visitKindId": globalid.VisitKind, "visitKindIds": globalid.VisitKind,
}

// named is a field of an input that names something, wherever in it.
type named struct {
	path []string
	kind globalid.Type // zero: a slot, or something that has no ids of its own
	list bool
}

func (r *realm) names(input string) (all []named) {
	for _, f := range r.schema.Types[input].Fields {
		of := r.schema.Types[f.Type.Name()]
		switch {
		case of.Name == "ID":
			kind := kindOf[f.Name]
			if kind == 0 {
				kind = everybodysKind[f.Name]
			}
			all = append(all, named{[]string{f.Name}, kind, f.Type.Elem != nil})
		case of.Kind == ast.InputObject && f.Type.Elem == nil:
			for _, inner := range r.names(of.Name) {
				inner.path = append([]string{f.Name}, inner.path...)
				all = append(all, inner)
			}
		}
	}
	return all
}

func (n named) in(input vars, id string, whoever vars) {
	for _, name := range n.path[:len(n.path)-1] {
		input[name] = vars{}
		if name == "anyProvider" { // which needs more than what is named
			input[name] = maps.Clone(whoever)
		}
		input = input[name].(vars)
	}
	if input[n.path[len(n.path)-1]] = id; n.list {
		input[n.path[len(n.path)-1]] = []string{id}
	}
}

// forStrangers are changes by which somebody comes to be known to an organisation that they aren't of: which there are is public.
var forStrangers = map[string]bool{"signUp": true, "requestPasswordReset": true}

// Every id that a change takes is one of a thing of its own kind, and of the caller's own organisation: another is told from one that
// never was by nobody, and changes nothing.
func TestEveryIdOfAChangeIsOfItsKindAndTenant(t *testing.T) {
	r := newRealm(t)
	admin := r.person(policy.Admin)
	fields, whoever := 0, vars{
		"visitKindId": r.here.id(globalid.VisitKind, r.here.VisitKind), "locationId": r.here.id(globalid.Location, r.here.Location), "start": "2026-06-08T19:30:00Z",
	}
	for _, mutation := range r.schema.Mutation.Fields {
		who := admin
		if mutation.Name == "breakGlass" {
			who = r.person(policy.OwnProvider)
		}
		changes := r.changes(t, who)
		of := mutation.Arguments.ForName("input").Type.Name()
		for _, n := range r.names(of) {
			fields++
			send := func(id string) gqltest.Answer {
				input := changes[mutation.Name]()[0].input()
				n.in(input, id, whoever)
				return who.Post(t, fmt.Sprintf("mutation($input: %s!) { %s(input: $input) { errors { __typename ... on UserError { code path } } } }", of, mutation.Name), vars{"input": input})
			}
			what, at := mutation.Name+" "+strings.Join(n.path, "."), append([]string{"input"}, n.path...)
			for name, id := range map[string]string{
				"an account": r.here.id(globalid.Account, sample.NewID()), "a viewer": r.here.id(globalid.Viewer, sample.NewID()), "nothing": "x", "empty text": "", "a UUID": sample.NewID().String(),
			} {
				if n.kind == globalid.Account && name == "an account" {
					continue
				}
				answer := send(id)
				code, path := answer.Text(mutation.Name, "errors", 0, "code"), words(answer.Data(mutation.Name, "errors", 0, "path"))
				if code != "INVALID_INPUT" || !strings.HasPrefix(path, strings.Join(at, " ")) {
					t.Errorf("%s for %s: %s", name, what, answer.Raw)
				}
			}
			if n.kind == 0 || n.kind == globalid.Organization && forStrangers[mutation.Name] {
				continue
			}
			never, foreign := r.theirs(n.kind, true), r.theirs(n.kind, false)
			if foreign == "" {
				t.Errorf("%s: nothing of this kind is in the other organisation", what)
				continue
			}
			first, second := send(never), send(foreign)
			if told := first.Text(mutation.Name, "errors", 0, "code"); told == "" || string(requestIDs.ReplaceAll(first.Raw, nil)) != string(requestIDs.ReplaceAll(second.Raw, nil)) {
				t.Errorf("%s: of another organisation's is told\n%s\nand of what never was\n%s", what, second.Raw, first.Raw)
			}
		}
	}
	if fields < 30 {
		t.Errorf("only %d fields name something", fields)
	}
}

// theirs is an id in another organisation: of something, or of what never was.
func (r *realm) theirs(kind globalid.Type, never bool) string {
	s := r.there
	if never {
		if kind == globalid.Organization {
			return globalid.OfOrganization(sample.NewID())
		}
		return s.id(kind, sample.NewID())
	}
	switch kind {
	case globalid.Organization:
		return globalid.OfOrganization(s.Organization)
	case globalid.Provider:
		return s.id(kind, s.providers[0].ID)
	case globalid.Location:
		return globalid.Of(kind, clinic.Ref{Organization: s.Organization, ID: s.Location})
	case globalid.VisitKind:
		return s.id(kind, s.VisitKind)
	case globalid.Session:
		return s.id(kind, r.openSession(r.t, staffOf(s.Organization, access.FrontDesk)).SessionID)
	case globalid.Hold:
		return r.held(r.t, person{Client: r.by(staffOf(s.Organization, access.Admin))}, s)
	}
	var all []string
	for id, about := range r.subjects {
		if about.kind == kind && about.organization == s.Organization && !r.revoked[id] {
			all = append(all, id)
		}
	}
	if len(all) == 0 {
		return ""
	}
	return slices.Min(all)
}

// askedBy is a question with an argument where that names something, beside what else it needs.
type askedBy struct {
	field, name string
	ask         func(id string) string
}

// askedBys are all questions of the root that name something.
func (r *realm) askedBys() (all []askedBy) {
	here := map[string]string{
		"providerId": r.here.id(globalid.Provider, r.here.providers[0].ID), "locationId": r.here.id(globalid.Location, r.here.Location),
		"visitKindId": r.here.id(globalid.VisitKind, r.here.VisitKind), "start": "2026-06-08T19:30:00Z", "from": "2026-06-08", "to": "2026-06-09",
	}
	for _, question := range r.schema.Query.Fields {
		where := question.Arguments.ForName("where")
		if where == nil {
			continue
		}
		more := ""
		for _, a := range question.Arguments {
			if a.Type.NonNull && a.Name != "where" && a.DefaultValue == nil {
				more += map[string]string{"from": `, from: "2026-06-08"`, "days": `, days: 1`}[a.Name]
			}
		}
		fields := r.schema.Types[where.Type.Name()].Fields
		for _, f := range fields {
			if f.Type.Name() != "ID" {
				continue
			}
			beside := ""
			for _, other := range fields {
				if other.Type.NonNull && other.Name != f.Name {
					beside += fmt.Sprintf(", %s: %q", other.Name, here[other.Name])
				}
			}
			all = append(all, askedBy{question.Name, f.Name, func(id string) string {
				value := fmt.Sprintf("%q", id)
				if f.Type.Elem != nil {
					value = "[" + value + "]"
				}
				return fmt.Sprintf(`{ %s(where: {%s: %s%s}%s) { __typename } }`, question.Name, f.Name, value, beside, more)
			}})
		}
	}
	return all
}

// anyKind are fields that name a thing of whichever kind.
var anyKind = map[string]bool{"entityId": true}

// Every id that a question takes is one of a thing of its own kind.
func TestEveryIdOfAQuestionIsOfItsKind(t *testing.T) {
	r := newRealm(t)
	admin, explained := r.person(policy.Admin), 0
	all := r.askedBys()
	for _, q := range all {
		wrong := map[string]string{"nothing": "x", "empty text": "", "a UUID": sample.NewID().String()}
		if !anyKind[q.name] {
			wrong["a viewer"], wrong["a session"] = r.here.id(globalid.Viewer, sample.NewID()), r.here.id(globalid.Session, sample.NewID())
		}
		for name, id := range wrong {
			answer := admin.Post(t, q.ask(id), nil)
			if answer.Code() != "INVALID_INPUT" || !strings.Contains(words(gqltest.At(answer.Body, "errors", 0, "extensions", "path")), "where "+q.name) {
				t.Errorf("%s by %s for %s: %s", q.field, q.name, name, answer.Raw)
			}
		}
		if q.field == "explainSlot" {
			explained++
		}
	}
	if len(all) < 10 || explained != 4 {
		t.Errorf("only %d fields are asked by, %d of them of explainSlot", len(all), explained)
	}
}

// What a question is asked about that is another organisation's is told from what never was by nobody: an id isn't all that is known of
// what everybody may see, so those of the directory are left out.
func TestAQuestionAboutAnotherOrganisationsIsAsAboutWhatNeverWas(t *testing.T) {
	r := newRealm(t)
	admin, asked := r.person(policy.Admin), 0
	for _, q := range r.askedBys() {
		kinds := []globalid.Type{kindOf[q.name]}
		if anyKind[q.name] {
			kinds = []globalid.Type{globalid.Patient, globalid.Appointment, globalid.Hold, globalid.Account, globalid.Session, globalid.APIClient, globalid.APIKey, globalid.LegalHold}
		}
		for _, kind := range kinds {
			if kind == 0 {
				continue
			}
			asked++
			foreign := r.theirs(kind, false)
			if foreign == "" {
				t.Errorf("%s by %s: nothing of kind %v is in the other organisation", q.field, q.name, kind)
				continue
			}
			said := func(id string) string {
				answer := admin.Post(t, q.ask(id), nil)
				return strings.ReplaceAll(requestIDs.ReplaceAllString(string(answer.Raw), ""), id, "ID")
			}
			if first, second := said(r.theirs(kind, true)), said(foreign); first != second {
				t.Errorf("%s by %s: of another organisation's is told\n%s\nand of what never was\n%s", q.field, q.name, second, first)
			}
		}
	}
	if asked < 12 {
		t.Errorf("only %d are asked", asked)
	}
}
