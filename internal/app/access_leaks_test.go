package app

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/graph/policy"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/testkit/gqltest"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

// kindOf are the kinds of thing that fields of inputs name by their ids.
var kindOf = map[string]globalid.Type{
	"patientId": globalid.Patient, "appointmentId": globalid.Appointment, "reschedulingAppointmentId": globalid.Appointment,
	"holdId": globalid.Hold, "exceptionId": globalid.ScheduleException, "grantId": globalid.BreakGlassGrant, "legalHoldId": globalid.LegalHold, "accountId": globalid.Account, "sessionId": globalid.Session,
	"currentAppointmentId": globalid.Appointment, "entryId": globalid.WaitlistEntry, "offerId": globalid.WaitlistOffer, "closureId": globalid.Closure,
	"apiClientId": globalid.APIClient, "apiKeyId": globalid.APIKey, "deadLetterIds": globalid.DeadLetter,
	"firstAppointmentId": globalid.Appointment, "secondAppointmentId": globalid.Appointment,
}

// everybodys are fields that name what everybody may know of.
var everybodys = []string{"organizationId", "providerId", "providerIds", "locationId", "locationIds", "visitKindId", "visitKindIds", "specialtyId", "insurancePlanId", "slotId", "firstSlotId"}

// namings are the ways in which a query names something by its id.
func (r *realm) namings() map[string][]string {
	s := r.here
	explain := fmt.Sprintf(`providerId: %q, locationId: %q, visitKindId: %q, start: "2026-06-08T19:30:00Z"`,
		s.id(globalid.Provider, s.providers[0].ID), s.id(globalid.Location, s.Location), s.id(globalid.VisitKind, s.VisitKind))
	return map[string][]string{
		"":                                 {`{ node(id: "ID") { __typename id } }`, `{ nodes(ids: ["ID"]) { __typename id } }`},
		"AuditFilterInput.patientId":       {}, // whoever reads the trail knows patients by their ids, and sees none
		"AuditFilterInput.entityId":        {},
		"AppointmentFilterInput.patientId": {`{ appointments(where: {patientId: "ID"}) { totalCount edges { node { id } } } }`},
		"WaitlistFilterInput.patientId":    {`{ waitlistEntries(where: {patientId: "ID"}) { totalCount edges { node { id } } } }`},
		"ExplainSlotInput.patientId":       {`{ explainSlot(where: {` + explain + `, patientId: "ID"}) { bookable blockedBy } }`},
		"AvailabilitySearchInput.reschedulingAppointmentId": {
			`{ searchAvailability(where: {reschedulingAppointmentId: "ID"}, first: 1) { edges { node { id } } } }`,
			`{ availabilityCalendar(where: {reschedulingAppointmentId: "ID"}, from: "2026-06-08", days: 1) { days { openingCount } } }`},
	}
}

// request names something by its id. It is prepared before it is sent.
type request struct {
	what    string
	prepare func(id string) (send func() gqltest.Answer)
}

// requests are all ways in which a caller can name a thing of a kind.
func (r *realm) requests(t *testing.T, p person, kind globalid.Type) (list []request) {
	for field, texts := range r.namings() {
		_, name, _ := strings.Cut(field, ".")
		if name != "" && kindOf[name] != kind {
			continue
		}
		for _, text := range texts {
			list = append(list, request{text, func(id string) func() gqltest.Answer {
				return func() gqltest.Answer { return p.Post(t, strings.ReplaceAll(text, `"ID"`, `"`+id+`"`), nil) }
			}})
		}
	}
	changes := r.changes(t, p)
	for _, field := range r.schema.Mutation.Fields {
		for _, at := range r.naming(field.Arguments.ForName("input").Type.Name(), kind) {
			list = append(list, request{field.Name + " " + strings.Join(at, "."), func(id string) func() gqltest.Answer {
				input := changes[field.Name]()[0].input()
				putAt(input, at, id)
				return func() gqltest.Answer {
					return p.Post(t, document(field.Name, r.all(field.Type.Name(), r.here)), vars{"input": input})
				}
			}})
		}
	}
	return list
}

func putAt(input vars, path []string, id string) {
	for ; len(path) > 1; path = path[1:] {
		input[path[0]] = vars{}
		input = input[path[0]].(vars)
	}
	input[path[0]] = id
}

// naming are the paths in an input at which a thing of a kind is named.
func (r *realm) naming(input string, kind globalid.Type) (paths [][]string) {
	for _, f := range r.schema.Types[input].Fields {
		switch of := r.schema.Types[f.Type.Name()]; {
		case of.Name == "ID" && kindOf[f.Name] == kind:
			paths = append(paths, []string{f.Name})
		case of.Name == "ID" && kindOf[f.Name] == 0 && !slices.Contains(everybodys, f.Name):
			r.t.Errorf("%s.%s names something: say what in kindOf or everybodys, access_leaks_test.go", input, f.Name)
		case of.Kind == ast.InputObject && f.Type.Elem == nil:
			for _, inner := range r.naming(of.Name, kind) {
				paths = append(paths, append([]string{f.Name}, inner...))
			}
		}
	}
	return paths
}

// Every id in an input of a question has a naming.
func (r *realm) namedByQuestions(t *testing.T) {
	t.Helper()
	for name, definition := range r.schema.Types {
		if definition.Kind != ast.InputObject || !strings.HasSuffix(name, "FilterInput") && !strings.HasSuffix(name, "SearchInput") && name != "ExplainSlotInput" {
			continue
		}
		for _, f := range definition.Fields {
			if f.Type.Name() == "ID" && !slices.Contains(everybodys, f.Name) && r.namings()[name+"."+f.Name] == nil {
				t.Errorf("%s.%s names something: say how to ask by it in namings, access_leaks_test.go", name, f.Name)
			}
		}
	}
}

var (
	requestIDs = regexp.MustCompile(`"requestId":"[^"]*"`)
	parameters = regexp.MustCompile(`\s+`)
)

// heard is what an answer says apart from the id that was asked for, and the statements that it took.
func (r *realm) heard(t *testing.T, p person, ask request, id string) (answer string, statements []string) {
	send := ask.prepare(id)
	r.listen()
	said := send()
	for _, s := range r.overheard() {
		statements = append(statements, parameters.ReplaceAllString(s, " "))
	}
	r.mind(t, p, said)
	return strings.ReplaceAll(requestIDs.ReplaceAllString(string(said.Raw), ""), id, "ID"), statements
}

func TestWhatACallerMayNotSeeIsToldFromWhatNeverWasByNobody(t *testing.T) {
	r := newRealm(t)
	r.namedByQuestions(t)
	for _, p := range r.people {
		if p.column == policy.OtherTenant {
			continue // what is theirs and what isn't is the other way round; the front desk stands for them
		}
		for kind := range typeNames {
			if !slices.ContainsFunc(r.specimens, func(id string) bool { return r.subjects[id].kind == kind }) || kind == globalid.Viewer {
				continue
			}
			for _, ask := range r.requests(t, p, kind) {
				r.alike(t, p, kind, ask)
			}
		}
	}
}

// alike compares what is told of things that are there and hidden with what is told of those that never were.
func (r *realm) alike(t *testing.T, p person, kind globalid.Type, ask request) {
	t.Helper()
	never := func(s *site) string { return s.id(kind, sample.NewID()) }
	first, statements := r.heard(t, p, ask, never(r.here))
	for name, s := range map[string]*site{"their own organisation": r.here, "another one": r.there} {
		text, unknown := first, statements
		if s == r.there {
			// The id of an account says which organisation's it is, and some answers follow from that alone.
			if text, unknown = r.heard(t, p, ask, never(s)); text != first && kind != globalid.Account {
				t.Errorf("%s: %s of %s that never was is told\n%.300s\nand in another organisation\n%.300s", p.column, ask.what, typeNames[kind], first, text)
			}
		}
		for _, id := range r.specimens {
			about := r.subjects[id]
			if about.kind != kind || about.organization != s.Organization || r.sees(p, id) {
				continue
			}
			if s == r.here && ask.what == "breakGlass target.patientId" && p.actor.Role == access.Provider {
				break // that is what it is for
			}
			hidden, needed := r.heard(t, p, ask, id)
			if hidden != text {
				t.Errorf("%s: %s of a hidden %s in %s is told\n%.300s\nand of one that never was\n%.300s", p.column, ask.what, typeNames[kind], name, hidden, text)
			}
			if !slices.Equal(needed, unknown) {
				t.Errorf("%s: %s of a hidden %s in %s takes %d statements, of one that never was %d:\n%s\nand\n%s", p.column, ask.what, typeNames[kind],
					name, len(needed), len(unknown), strings.Join(needed, "\n"), strings.Join(unknown, "\n"))
			}
			break
		}
	}
}

func TestCallersOfOneMomentDontShareWhatIsLoaded(t *testing.T) {
	r := newRealm(t)
	mine := r.visit(t, r.here, 0, r.freeSlot(r.here), 0, false)
	ask := fmt.Sprintf(`{ node(id: %q) { id } patient: node(id: %q) { id } }`, mine, r.here.id(globalid.Patient, r.here.patients[0].ID))
	var all sync.WaitGroup
	for range 40 {
		for _, p := range []person{r.person(policy.Patient), r.person(policy.OtherPatient), r.person(policy.FrontDesk), r.person(policy.OtherTenant)} {
			all.Go(func() {
				answer := p.Post(t, ask, nil)
				if sees := p.column == policy.Patient || p.column == policy.FrontDesk; (answer.Data("node") != nil) != sees || (answer.Data("patient") != nil) != sees {
					t.Errorf("%s: %s", p.column, answer.Raw)
				}
			})
		}
	}
	all.Wait()
}
