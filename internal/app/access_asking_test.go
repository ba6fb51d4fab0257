package app

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

// question is a query that everybody asks.
type question struct {
	text  string
	id    string  // what it is about, when that has one
	part  string  // the mutation whose payload is looked at
	about subject // what the mutation was of, and what it has made
}

// questions ask for every field of the contract: those of each specimen by its id, and what can be asked for at the root.
func (r *realm) questions() (list []question) {
	for _, id := range r.specimens {
		parsed, err := globalid.Parse(id)
		if err != nil {
			r.t.Fatal(err)
		}
		name := typeNames[parsed.Type]
		for _, fields := range r.apart(name, r.siteOf(parsed.Ref)) {
			list = append(list, question{id: id, text: fmt.Sprintf(`{ node(id: %q) { __typename id ... on %s { %s } } }`, id, name, fields)})
		}
		list = append(list, question{text: fmt.Sprintf(`{ nodes(ids: [%q]) { __typename id } }`, id)})
	}
	for _, field := range r.schema.Query.Fields {
		if strings.HasPrefix(field.Name, "__") || field.Name == "node" || field.Name == "nodes" {
			continue
		}
		for _, arguments := range r.variants("Query."+field.Name, r.here) {
			for _, fields := range r.inside(field.Type.Name(), r.here) {
				about := subject{}
				if field.Name == "seriesOptions" { // which names a patient
					about = subject{organization: r.here.Organization, patient: r.here.patients[0].ID}
				}
				list = append(list, question{text: fmt.Sprintf("{ %s%s { %s } }", field.Name, arguments, fields), about: about})
			}
		}
	}
	return append(list, r.detours()...)
}

// detours lead to patients in ways that the rest doesn't: from one thing over another, and by lists that are read in part.
func (r *realm) detours() (list []question) {
	visits := `appointments(first: 20) { edges { node { __typename id %s } } }`
	who := `patient { __typename id name birthDate identifiers { __typename value } }`
	for _, text := range []string{
		`{ providers(first: 10) { edges { node { __typename id ` + fmt.Sprintf(visits, `status `+who) + ` } } } }`,
		`{ providers(first: 10) { edges { node { __typename id ` + fmt.Sprintf(visits, `reason `+who) + ` } } } }`,
		`{ ` + fmt.Sprintf(visits, who+` provider { __typename id `+fmt.Sprintf(visits, `id `+who)+` }`) + ` }`,
		`{ ` + fmt.Sprintf(visits, `patient { __typename id phone `+fmt.Sprintf(visits, `reason identifiers { __typename value }`)+` }`) + ` }`,
		`{ viewer { __typename id asPatient { __typename id name ` + fmt.Sprintf(visits, `reason `+who) + ` } } }`,
		`{ viewer { __typename id asProvider { __typename id ` + fmt.Sprintf(visits, `reason `+who) + ` } } }`,
	} {
		list = append(list, question{text: text})
	}
	return list
}

func (r *realm) siteOf(ref clinic.Ref) *site {
	if ref.Organization == r.there.Organization {
		return r.there
	}
	return r.here
}

// apart is what to ask of a type that has an id: what it holds itself at once, and each thing that hangs on it by itself.
func (r *realm) apart(typeName string, s *site) (list []string) {
	list = append(list, r.plain(typeName))
	for _, field := range r.schema.Types[typeName].Fields {
		if of := r.schema.Types[field.Type.Name()]; of.IsLeafType() && !required(field) {
			continue
		}
		for _, arguments := range r.variants(typeName+"."+field.Name, s) {
			list = append(list, field.Name+arguments+r.braced(field.Type.Name(), s))
		}
	}
	return list
}

// inside is what to ask of what a root field answers.
func (r *realm) inside(typeName string, s *site) []string {
	if r.isNode(typeName) {
		list := r.apart(typeName, s)
		for i := range list {
			list[i] = "__typename id " + list[i]
		}
		return list
	}
	return []string{r.all(typeName, s)}
}

func (r *realm) isNode(typeName string) bool {
	return slices.Contains(r.schema.Types[typeName].Interfaces, "Node")
}

// plain are the fields that a type holds itself.
func (r *realm) plain(typeName string) string {
	fields := []string{"__typename"}
	for _, field := range r.schema.Types[typeName].Fields {
		if of := r.schema.Types[field.Type.Name()]; of != nil && of.IsLeafType() && !required(field) && !strings.HasPrefix(field.Name, "__") {
			fields = append(fields, field.Name)
		}
	}
	return strings.Join(fields, " ")
}

func required(field *ast.FieldDefinition) bool {
	return slices.ContainsFunc(field.Arguments, func(a *ast.ArgumentDefinition) bool { return a.Type.NonNull && a.DefaultValue == nil })
}

// all is everything that a type without an id leads to, up to the things with one.
func (r *realm) all(typeName string, s *site) string {
	fields := []string{r.plain(typeName)}
	for _, field := range r.schema.Types[typeName].Fields {
		of := r.schema.Types[field.Type.Name()]
		if of.IsLeafType() || strings.HasPrefix(field.Name, "__") || of == r.schema.Query {
			continue
		}
		fields = append(fields, field.Name+r.variants(typeName+"."+field.Name, s)[0]+r.braced(of.Name, s))
	}
	return strings.Join(fields, " ")
}

func (r *realm) braced(typeName string, s *site) string {
	switch of := r.schema.Types[typeName]; {
	case of.IsLeafType():
		return ""
	case of.Kind == ast.Union:
		parts := []string{"__typename"}
		for _, member := range of.Types {
			parts = append(parts, "... on "+member+" { "+r.all(member, s)+" }")
		}
		return " { " + strings.Join(parts, " ") + " }"
	case r.isNode(typeName):
		return " { " + r.plain(typeName) + " }"
	}
	return " { " + r.all(typeName, s) + " }"
}

// variants are the arguments to give a field, each in brackets. Lists are asked for whole.
func (r *realm) variants(coordinate string, s *site) []string {
	given, ok := r.arguments(s)[coordinate]
	typeName, name, _ := strings.Cut(coordinate, ".")
	field := r.schema.Types[typeName].Fields.ForName(name)
	switch {
	case !ok && required(field):
		r.t.Fatalf("%s takes arguments: say in arguments, access_asking_test.go, which to ask it with", coordinate)
	case !ok && field.Arguments.ForName("first") != nil:
		return []string{"(first: 50)"}
	case !ok:
		return []string{""}
	}
	return given
}

// arguments are those that fields can't do without, or tell more with.
func (r *realm) arguments(s *site) map[string][]string {
	kind, location, provider := s.id(globalid.VisitKind, s.VisitKind), s.id(globalid.Location, s.Location), s.id(globalid.Provider, s.providers[0].ID)
	day := `from: "2026-06-08T00:00:00Z", to: "2026-06-09T12:00:00Z"`
	near := `where: {near: {circle: {latitude: 40.7, longitude: -74}}}`
	return map[string][]string{
		"Provider.slots":                {fmt.Sprintf(`(visitKindId: %q, %s, first: 5)`, kind, day)},
		"Provider.nextAvailable":        {fmt.Sprintf(`(visitKindId: %q)`, kind)},
		"Provider.weeklyHours":          {fmt.Sprintf(`(locationId: %q)`, location)},
		"Provider.scheduleExceptions":   {`(` + day + `, first: 50)`},
		"Query.reminderRules":           {fmt.Sprintf(`(organizationId: %q)`, globalid.OfOrganization(s.Organization))},
		"Query.closurePreview":          {r.closed(s)},
		"Query.closures":                {fmt.Sprintf(`(organizationId: %q, first: 50)`, globalid.OfOrganization(s.Organization))},
		"Query.waitlistRules":           {fmt.Sprintf(`(organizationId: %q)`, globalid.OfOrganization(s.Organization))},
		"Query.resources":               {fmt.Sprintf(`(organizationId: %q, first: 50)`, globalid.OfOrganization(s.Organization))},
		"Query.patients":                {`(where: {name: "Quillon"}, first: 50)`},
		"Query.searchAvailability":      {`(` + near + `, first: 2)`},
		"Query.availabilityCalendar":    {`(` + near + `, from: "2026-06-08", days: 3)`, `(` + near + `, from: "2026-06-01", days: 3)`},
		"Query.locations":               {`(` + near + `, first: 2)`},
		"Query.conflictDetectionReport": {`(` + day + `)`},
		"Query.reminderFunnel":          {`(where: {from: "2026-06-01", to: "2026-06-30"})`},
		"Query.seriesOptions":           {fmt.Sprintf(`(firstSlotId: %q, everyWeeks: 26, count: 4, patientId: %q)`, globalid.OfSlot(s.Slot(s.providers[0], 14, 30)), s.id(globalid.Patient, s.patients[0].ID))},
		"Query.explainSlot": {
			fmt.Sprintf(`(where: {providerId: %q, locationId: %q, visitKindId: %q, start: "2026-06-08T19:30:00Z"})`, provider, location, kind),
			fmt.Sprintf(`(where: {providerId: %q, locationId: %q, visitKindId: %q, start: "2026-06-08T14:00:00Z"})`, provider, location, kind),
		},
	}
}
