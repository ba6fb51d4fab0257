package app

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/graph/policy"
	"github.com/mediconnect/mediconnect/internal/testkit/gqltest"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

// inputFor is an input that somebody with the right would succeed with.
type inputFor struct {
	input func() vars // made when it is needed: it may take changes
	about subject
	own   bool                 // of something that is the caller's own
	done  func(gqltest.Answer) // what there is to do then, so that the world stays as it is
}

// changes make an input for each mutation, about the first patient or the first organisation, or about something that is the
// caller's own and something that isn't.
func (r *realm) changes(t *testing.T, p person) map[string]func() []inputFor {
	s, patient := r.here, r.here.patients[0]
	his := subject{organization: s.Organization, patient: patient.ID}
	ours := subject{organization: s.Organization}
	patientID, provider, location := s.id(globalid.Patient, patient.ID), s.id(globalid.Provider, s.providers[2].ID), s.id(globalid.Location, s.Location)
	named := func() vars { return vars{"system": "https://example.org/ids", "value": r.key()} }
	one := func(about subject, input func() vars) func() []inputFor {
		return func() []inputFor { return []inputFor{{input: input, about: about}} }
	}
	visit := func() string { return r.visit(t, s, 0, r.freeSlot(s), 0, false) }
	holds := func() []inputFor {
		admin := r.person(policy.Admin)
		list := []inputFor{{input: func() vars { return vars{"holdId": r.held(t, admin, s)} }, about: ours, own: p.column == policy.Admin}}
		if row, _ := r.table.Row("SlotHold", "id"); row.For(p.column) == policy.Own {
			list = append(list, inputFor{input: func() vars { return vars{"holdId": r.held(t, p, s)} }, about: ours, own: true})
		}
		return list
	}
	organization := globalid.OfOrganization(s.Organization)
	list := map[string]func() []inputFor{
		"holdSlot":   one(his, func() vars { return vars{"slotId": r.freeSlot(s), "patientId": patientID, "idempotencyKey": r.key()} }),
		"extendHold": holds, "releaseHold": holds,
		"bookAppointment": one(his, func() vars {
			return vars{"target": vars{"slotId": r.freeSlot(s)}, "patientId": patientID, "reason": "Palpitations", "idempotencyKey": r.key()}
		}),
		"rescheduleAppointment": one(his, func() vars {
			return vars{"appointmentId": visit(), "target": vars{"slotId": r.freeSlot(s)}, "idempotencyKey": r.key()}
		}),
		"swapAppointments": one(his, func() vars {
			return vars{"firstAppointmentId": visit(), "secondAppointmentId": visit(), "idempotencyKey": r.key()}
		}),
		"bookSeries": one(his, func() vars {
			return vars{"firstSlotId": r.freeSlot(s), "everyWeeks": 21, "count": 2, "patientId": patientID, "idempotencyKey": r.key()}
		}),
		"rescheduleSeries": one(his, func() vars {
			return vars{"appointmentId": r.series(t, s), "slotId": r.freeSlot(s), "idempotencyKey": r.key()}
		}),
		"cancelSeries":          one(his, func() vars { return vars{"appointmentId": r.series(t, s), "reason": "OTHER"} }),
		"cancelAppointment":     one(his, func() vars { return vars{"appointmentId": visit(), "reason": "OTHER"} }),
		"transitionAppointment": one(his, func() vars { return vars{"appointmentId": visit(), "action": "UNDO"} }),
		"rearmConflictDetection": one(subject{}, func() vars {
			fallBack(t, r.pool, false)
			return vars{}
		}),
		"createOrganization": one(subject{}, func() vars { return vars{"name": "Riverside", "idempotencyKey": r.key()} }),
		"putLocation": one(ours, func() vars {
			return vars{"organizationId": organization, "identifier": named(), "name": "Main Street", "timeZone": "America/New_York", "addressLines": []string{}}
		}),
		"putVisitKind": one(ours, func() vars {
			return vars{"organizationId": organization, "key": r.key(), "name": "Flu shot", "duration": "PT15M", "modalities": []string{"IN_PERSON"}}
		}),
		"putResource": one(ours, func() vars {
			return vars{"organizationId": organization, "identifier": named(), "locationId": location, "kind": "ROOM", "pool": "exam", "name": "Room 1"}
		}),
		"setTravelRules": one(ours, func() vars {
			r.lastKey++ // another speed each time
			return vars{"organizationId": organization, "speedKilometresPerHour": 1 + r.lastKey%300}
		}),
		"putProvider": one(ours, func() vars {
			return vars{"organizationId": organization, "identifier": named(), "name": "Dr Bo", "visitKindIds": []string{s.id(globalid.VisitKind, s.VisitKind)}}
		}),
		"setProviderSchedule": one(ours, func() vars {
			return vars{"providerId": provider, "locationId": location, "effectiveFrom": r.date(), "hours": []vars{{"weekday": "MONDAY", "from": "09:00", "to": "10:00"}}}
		}),
		"addScheduleException": func() []inputFor {
			closed := func(what, id string) inputFor {
				return inputFor{about: ours, input: func() vars {
					return vars{what: id, "from": "2026-06-08T12:00", "to": "2026-06-08T15:00", "effect": "CLOSED", "reason": "Unwell", "idempotencyKey": r.key()}
				}}
			}
			return []inputFor{closed("providerId", provider), closed("locationId", location)}
		},
		"setDateHours": one(ours, func() vars {
			return vars{"providerId": provider, "locationId": location, "date": r.date(), "hours": []vars{{"from": "09:00", "to": "10:00"}}}
		}),
		"removeScheduleException": one(ours, func() vars { return vars{"exceptionId": r.exception(t, s, s.providers[2])} }),
		"registerPatient": one(ours, func() vars {
			return vars{"organizationId": organization, "identifier": named(), "givenName": "Ada", "familyName": "Moreau"}
		}),
	}
	maps.Copy(list, r.acting(t, p))
	maps.Copy(list, r.keeping(t))
	maps.Copy(list, r.telling(t))
	maps.Copy(list, r.waiting(t))
	maps.Copy(list, r.closingChanges(t))
	maps.Copy(list, r.sessionChanges(t, p))
	maps.Copy(list, r.integrating(t))
	maps.Copy(list, r.accounting(t, p))
	maps.Copy(list, r.peopleChanges(t, p))
	return list
}

func TestEveryChangeIsMadeByWhoeverTheTableSaysAndByNobodyElse(t *testing.T) {
	r := newRealm(t)
	for _, p := range r.people {
		changes := r.changes(t, p)
		for _, field := range r.schema.Mutation.Fields {
			if changes[field.Name] == nil {
				t.Errorf("nothing is tried with %s: say in changes, access_changes_test.go, what input would do", field.Name)
				continue
			}
			for _, try := range changes[field.Name]() {
				r.try(t, p, field.Name, try)
			}
		}
	}
	for _, field := range r.schema.Mutation.Fields {
		if !r.valued["Mutation."+field.Name] {
			t.Errorf("nobody succeeds with %s", field.Name)
		}
	}
}

// try makes a change and holds what comes of it to the table.
func (r *realm) try(t *testing.T, p person, mutation string, in inputFor) {
	t.Helper()
	row, _ := r.table.Row("Mutation", mutation)
	column := r.columnOf(p, in.about)
	cell := row.For(column)
	if cell == policy.Own {
		cell = map[bool]policy.Cell{true: policy.Sees, false: policy.Unknown}[in.own]
	}
	text := document(mutation, r.all(r.schema.Mutation.Fields.ForName(mutation).Type.Name(), r.here))
	input := in.input()
	before := r.fingerprint(t)
	answer := p.Post(t, text, vars{"input": input})
	after := r.fingerprint(t)
	got := answer.Text(mutation, "errors", 0, "code")
	if got == "" && answer.Data(mutation) == nil {
		got = answer.Code()
	}
	want := map[policy.Cell]string{policy.Sees: "", policy.Unknown: "NOT_FOUND", policy.Refused: "FORBIDDEN", policy.SignIn: "UNAUTHENTICATED"}[cell]
	about := fmt.Sprintf("%s by %s (%s), which the table says is %q", mutation, p.column, column, cell)
	switch {
	case got != want:
		t.Errorf("%s: %q in %.400s", about, got, answer.Raw)
	case want != "" && before != after:
		t.Errorf("%s: refused, and changed something", about)
	case want == "" && before == after:
		t.Errorf("%s: done, and changed nothing", about)
	case want == "":
		r.valued["Mutation."+mutation] = true
		defer in.undo(answer)
	}
	r.judgePayload(t, p, in.about, mutation, text, answer)
	r.mind(t, p, answer)
}

func (in inputFor) undo(answer gqltest.Answer) {
	if in.done != nil {
		in.done(answer)
	}
}

// date is another one each time.
func (r *realm) date() string {
	r.lastKey++
	return sample.Monday.AddDate(0, 0, r.lastKey).Format(time.DateOnly)
}

// judgePayload holds whatever a payload shows to the table, also that of a refusal.
func (r *realm) judgePayload(t *testing.T, p person, about subject, mutation, text string, answer gqltest.Answer) {
	t.Helper()
	if payload, ok := answer.Data(mutation).(vars); ok {
		r.judge(t, p, question{text: text, part: mutation, about: about}, gqltest.Answer{Body: vars{"data": vars{mutation: payload}, "errors": answer.Errors()}})
	}
}

// fingerprint is of all rows, but those that tell who tried what, and when. A table is read again only when it has rows of a later
// transaction than before, or fewer rows: nothing else changes what it has.
func (r *realm) fingerprint(t *testing.T) string {
	t.Helper()
	if r.tables == nil {
		for _, name := range r.column(t, `SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
			AND relname NOT IN ('audit_events', 'audit_chain', 'audit_pruned', 'invitation_tries', 'sessions', 'signing_keys') ORDER BY 1`) {
			r.tables = append(r.tables, printed{name: name})
		}
	}
	var stamps, sums []string
	for _, of := range r.tables {
		stamps = append(stamps, fmt.Sprintf(`(SELECT concat(count(*), ' up to ', max(xmin::text::bigint)) FROM %q)`, of.name))
	}
	var changed []*printed
	for i, stamp := range r.column(t, "SELECT unnest(ARRAY["+strings.Join(stamps, ", ")+"])") {
		of := &r.tables[i]
		if of.stamp != stamp {
			of.stamp, changed = stamp, append(changed, of)
			sums = append(sums, fmt.Sprintf(`(SELECT md5(coalesce(string_agg(t::text, ',' ORDER BY t::text), '')) FROM %q t)`, of.name))
		}
	}
	if sums != nil {
		for i, sum := range r.column(t, "SELECT unnest(ARRAY["+strings.Join(sums, ", ")+"])") {
			changed[i].sum = sum
		}
	}
	return fmt.Sprint(sumsOf(r.tables))
}

// printed is a table, which rows it had and what they came to.
type printed struct{ name, stamp, sum string }

func sumsOf(tables []printed) (sums []string) {
	for _, of := range tables {
		sums = append(sums, of.name+" "+of.sum)
	}
	return sums
}

// column is what a statement answers: one text a row.
func (r *realm) column(t *testing.T, statement string) []string {
	t.Helper()
	rows, err := r.looks().Query(t.Context(), statement)
	if err != nil {
		t.Fatal(err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return found
}
