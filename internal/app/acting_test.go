package app

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/testkit/gqltest"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

const (
	inviteIt = `mutation($input: InvitePatientAccountInput!) { invitePatientAccount(input: $input) { code expiresAt errors { ... on UserError { code message path } } } }`
	acceptIt = `mutation($input: AcceptPatientInvitationInput!) { acceptPatientInvitation(input: $input) { relation patient { id givenName viewerRelation }
		errors { __typename ... on UserError { code message path retryable } ... on TooManyTriesError { retryAt } } query { viewer { patients { givenName } } } } }`
	unlinkIt = `mutation($input: UnlinkPatientInput!) { unlinkPatient(input: $input) { patientId errors { ... on UserError { code path } } } }`
	born     = "2019-02-03"
)

// family is a clinic with children whose birth date is known.
type family struct {
	*world
	t *testing.T
}

func newFamily(t *testing.T) family { return family{newWorld(t), t} }

// child registers one and answers the id.
func (f family) child(name string) string {
	f.t.Helper()
	answer := f.desk.Post(f.t, `mutation($input: RegisterPatientInput!) { registerPatient(input: $input) { patient { id } errors { ... on UserError { code path } } } }`, vars{"input": vars{
		"identifier": vars{"system": "https://clinic.example/mrn", "value": name}, "givenName": name, "familyName": "Moreau", "birthDate": born,
	}}).OK(f.t)
	id := answer.Text("registerPatient", "patient", "id")
	if id == "" {
		f.t.Fatalf("%s", answer.Raw)
	}
	return id
}

// account is a caller of the clinic with no patient in the token.
func (f family) account(role access.Role) access.Actor {
	return access.Actor{
		Kind: access.Patient, ID: sample.NewID(), Client: "test", Organization: f.clinic.Organization, Role: role, Scopes: access.ScopesOf(role),
	}
}

func (f family) invite(patient, relation string) gqltest.Answer {
	f.t.Helper()
	return f.desk.Post(f.t, inviteIt, vars{"input": vars{"patientId": patient, "relation": relation, "idempotencyKey": sample.NewID().String()}}).OK(f.t)
}

func (f family) code(patient, relation string) string {
	f.t.Helper()
	answer := f.invite(patient, relation)
	code := answer.Text("invitePatientAccount", "code")
	if len(code) != 10 {
		f.t.Fatalf("%s", answer.Raw)
	}
	return code
}

func (f family) accept(by gqltest.Client, code, birthDate string) gqltest.Answer {
	f.t.Helper()
	return by.Post(f.t, acceptIt, vars{"input": vars{"code": code, "birthDate": birthDate}}).OK(f.t)
}

// link has an account act for a patient.
func (f family) link(who access.Actor, patient, relation string) {
	f.t.Helper()
	if answer := f.accept(f.by(who), f.code(patient, relation), born); answer.Text("acceptPatientInvitation", "relation") != relation {
		f.t.Fatalf("%s", answer.Raw)
	}
}

func (f family) book(by gqltest.Client, hour int, more vars) gqltest.Answer {
	f.t.Helper()
	input := vars{"target": vars{"slotId": globalid.OfSlot(f.clinic.Slot(f.providerRef(f.t), hour, 0))}, "reason": "A cough", "idempotencyKey": sample.NewID().String()}
	for k, v := range more {
		input[k] = v
	}
	return by.Post(f.t, bookIt, vars{"input": input}).OK(f.t)
}

func failure(answer gqltest.Answer, mutation string) string {
	return answer.Text(mutation, "errors", 0, "code") + " " + words(answer.Data(mutation, "errors", 0, "path"))
}

func TestAParentBooksForEitherChildAndAStrangerForNone(t *testing.T) {
	f := newFamily(t)
	ada, ben := f.child("Ada"), f.child("Ben")
	mother := f.account(access.Caregiver)
	mum := f.by(mother)
	if got := failure(f.book(mum, 10, vars{"patientId": ada}), "bookAppointment"); got != "NOT_FOUND input patientId" {
		t.Errorf("before the link: %s", got)
	}
	if none := mum.Post(t, `{ appointments { totalCount edges { cursor } } viewer { patients { id } } }`, nil).OK(t); none.Data("appointments", "totalCount") != 0.0 {
		t.Errorf("before the link: %s", none.Raw)
	}
	narrow := f.staff(access.FrontDesk)
	narrow.Scopes = []string{access.AppointmentsRead}
	if refused := f.by(narrow).Post(t, `{ appointments { edges { cursor } } }`, nil); refused.Code() != "FORBIDDEN" || !strings.Contains(string(refused.Raw), access.PatientsRead) {
		t.Errorf("staff who may see no patient: %s", refused.Raw)
	}
	f.link(mother, ada, "CAREGIVER")
	if alone := f.book(mum, 10, nil); alone.Text("bookAppointment", "appointment", "id") == "" {
		t.Errorf("with one child: %s", alone.Raw)
	}
	f.link(mother, ben, "CAREGIVER")
	if got := failure(f.book(mum, 11, nil), "bookAppointment"); got != "INVALID_INPUT input patientId" {
		t.Errorf("with two children and none named: %s", got)
	}
	hold := func(by gqltest.Client, hour int, more vars) gqltest.Answer {
		input := vars{"slotId": globalid.OfSlot(f.clinic.Slot(f.providerRef(t), hour, 0)), "idempotencyKey": sample.NewID().String()}
		for k, v := range more {
			input[k] = v
		}
		return by.Post(t, holdIt, vars{"input": input}).OK(t)
	}
	if got := failure(hold(mum, 11, nil), "holdSlot"); got != "INVALID_INPUT input patientId" {
		t.Errorf("a hold for none of two: %s", got)
	}
	held := hold(mum, 11, vars{"patientId": ben}).Text("holdSlot", "hold", "id")
	visit := f.book(mum, 11, vars{"patientId": ben, "target": vars{"holdId": held}}).Text("bookAppointment", "appointment", "id")
	list := mum.Post(t, `{ appointments { totalCount edges { node { patient { givenName } reason } } } viewer { asPatient { id } patients { givenName viewerRelation appointments { totalCount } } } }`, nil).OK(t)
	if list.Data("appointments", "totalCount") != 2.0 || list.Text("appointments", "edges", 1, "node", "patient", "givenName") != "Ben" ||
		list.Text("viewer", "patients", 0, "viewerRelation") != "CAREGIVER" || list.Data("viewer", "patients", 1, "appointments", "totalCount") != 1.0 {
		t.Errorf("%s", list.Raw)
	}
	stranger := f.account(access.PatientRole)
	for name, by := range map[string]gqltest.Client{"a stranger": f.by(stranger), "another patient": f.by(f.clinic.Patient())} {
		for what, answer := range map[string]gqltest.Answer{
			"books":    f.book(by, 12, vars{"patientId": ben}),
			"holds":    hold(by, 12, vars{"patientId": ben}),
			"cancels":  by.Post(t, cancelIt, vars{"input": vars{"appointmentId": visit, "reason": "OTHER"}}).OK(t),
			"moves":    by.Post(t, moveIt, vars{"input": vars{"appointmentId": visit, "target": vars{"slotId": w2(f, 12)}, "idempotencyKey": "m"}}).OK(t),
			"confirms": by.Post(t, mutation("transitionAppointment"), vars{"input": vars{"appointmentId": visit, "action": "CONFIRM"}}).OK(t),
		} {
			mutation := map[string]string{"books": "bookAppointment", "holds": "holdSlot", "cancels": "cancelAppointment", "moves": "rescheduleAppointment", "confirms": "transitionAppointment"}[what]
			if code := answer.Text(mutation, "errors", 0, "code"); code != "NOT_FOUND" {
				t.Errorf("%s %s: %s", name, what, answer.Raw)
			}
		}
		seen := by.Post(t, `query($p: ID!, $v: ID!) { p: node(id: $p) { id } v: node(id: $v) { id } }`, vars{"p": ben, "v": visit}).OK(t)
		if seen.Data("p") != nil || seen.Data("v") != nil {
			t.Errorf("%s sees %s", name, seen.Raw)
		}
	}
	moved := mum.Post(t, moveIt, vars{"input": vars{"appointmentId": visit, "target": vars{"slotId": w2(f, 12)}, "idempotencyKey": "m"}}).OK(t)
	if moved.Text("rescheduleAppointment", "appointment", "localStart") != "2026-06-08T12:00:00" {
		t.Errorf("%s", moved.Raw)
	}
	if gone := mum.Post(t, unlinkIt, vars{"input": vars{"patientId": ben}}).OK(t); gone.Text("unlinkPatient", "patientId") != ben {
		t.Errorf("%s", gone.Raw)
	}
	if after := mum.Post(t, cancelIt, vars{"input": vars{"appointmentId": visit, "reason": "OTHER"}}).OK(t); after.Text("cancelAppointment", "errors", 0, "code") != "NOT_FOUND" {
		t.Errorf("whoever has left still cancels: %s", after.Raw)
	}
}

func w2(f family, hour int) string {
	return globalid.OfSlot(f.clinic.Slot(f.providerRef(f.t), hour, 0))
}

// A token that names its own patient doesn't keep the account to that one.
func TestAMotherWithARecordOfHerOwnSeesHerChildsToo(t *testing.T) {
	f := newFamily(t)
	mother := f.clinic.Patient()
	child := f.child("Ada")
	me := f.by(mother)
	me.Post(t, acceptIt, vars{"input": vars{"code": f.code(child, "CAREGIVER"), "birthDate": born}}).OK(t)
	answer := me.Post(t, `query($child: ID!, $own: ID!) { nodes(ids: [$child, $own]) { id } viewer { patients { id } } }`, vars{"child": child, "own": f.patientID(mother)}).OK(t)
	both, _ := answer.Data("viewer", "patients").([]any)
	if answer.Text("nodes", 0, "id") != child || answer.Text("nodes", 1, "id") != f.patientID(mother) || len(both) != 2 {
		t.Errorf("%s", answer.Raw)
	}
}

func TestACodeWorksOnceWithTheBirthDateUntilItExpires(t *testing.T) {
	f := newFamily(t)
	ada := f.child("Ada")
	undated := f.ids["patient"]
	if got := failure(f.invite(undated, "SELF"), "invitePatientAccount"); got != "INVALID_INPUT input patientId" {
		t.Errorf("a patient whose birth date isn't known: %s", got)
	}
	if got := failure(f.invite(f.ids["unknown patient"], "SELF"), "invitePatientAccount"); got != "NOT_FOUND input patientId" {
		t.Errorf("a patient who isn't there: %s", got)
	}
	withdrawn, used, expiring := f.code(ada, "SELF"), f.code(ada, "SELF"), ""
	other := f.code(ada, "CAREGIVER")
	first := f.account(access.PatientRole)
	me := f.by(first)
	if answer := f.accept(me, used, born); answer.Text("acceptPatientInvitation", "patient", "viewerRelation") != "SELF" ||
		answer.Text("acceptPatientInvitation", "query", "viewer", "patients", 0, "givenName") != "Ada" {
		t.Errorf("%s", answer.Raw)
	}
	if again := f.accept(me, used, born); again.Text("acceptPatientInvitation", "patient", "id") != ada {
		t.Errorf("once more: %s", again.Raw)
	}
	expiring = other
	refusals := map[string]bool{}
	for name, c := range map[string]struct{ code, date string }{
		"unknown": {"0123456789", born}, "no code": {"x", born}, "withdrawn": {withdrawn, born}, "used": {used, born}, "another birth date": {expiring, "2019-02-04"},
	} {
		answer := f.accept(f.by(f.account(access.Caregiver)), c.code, c.date)
		refusals[fmt.Sprint(answer.Data("acceptPatientInvitation"))] = true
		if got := failure(answer, "acceptPatientInvitation"); got != "NOT_FOUND input code" {
			t.Errorf("%s: %s", name, answer.Raw)
		}
	}
	f.clock.Advance(7*24*time.Hour - time.Microsecond)
	before := f.account(access.Caregiver)
	if answer := f.accept(f.by(before), expiring, born); answer.Text("acceptPatientInvitation", "relation") != "CAREGIVER" {
		t.Errorf("an instant before it expires: %s", answer.Raw)
	}
	late := f.code(ada, "CAREGIVER")
	f.clock.Advance(7 * 24 * time.Hour)
	answer := f.accept(f.by(f.account(access.Caregiver)), late, born)
	refusals[fmt.Sprint(answer.Data("acceptPatientInvitation"))] = true
	if len(refusals) != 1 {
		t.Errorf("refusals tell what is wrong: %v", refusals)
	}
	for who, by := range map[string]gqltest.Client{"the front desk": f.desk, "another clinic's patient": f.by(f.elsewhere())} {
		if answer := f.accept(by, f.code(ada, "CAREGIVER"), born); answer.Text("acceptPatientInvitation", "relation") != "" {
			t.Errorf("%s: %s", who, answer.Raw)
		}
	}
	var tries int
	if err := f.pool.QueryRow(t.Context(), `SELECT count(*) FROM audit_events WHERE action LIKE 'patient.link%'`).Scan(&tries); err != nil || tries != 10 {
		t.Errorf("%d of 10 tries are in the audit trail (%v)", tries, err)
	}
}

func (f family) elsewhere() access.Actor {
	who := f.account(access.PatientRole)
	who.Organization = mustRef(f.t, f.ids["foreign provider"]).Organization
	return who
}

func TestWrongTriesLockTheAccountOutAndKillTheInvitation(t *testing.T) {
	f := newFamily(t)
	code := f.code(f.child("Ada"), "CAREGIVER")
	me := f.by(f.account(access.Caregiver))
	for n := range 5 {
		if got := failure(f.accept(me, "ZZZZZZZZZZ", born), "acceptPatientInvitation"); got != "NOT_FOUND input code" {
			t.Fatalf("try %d: %s", n+1, got)
		}
	}
	locked := f.accept(me, code, born)
	if locked.Text("acceptPatientInvitation", "errors", 0, "__typename") != "TooManyTriesError" || locked.Text("acceptPatientInvitation", "errors", 0, "retryAt") != "2026-06-08T11:00:00Z" {
		t.Errorf("%s", locked.Raw)
	}
	f.clock.Advance(time.Hour - time.Microsecond)
	if got := failure(f.accept(me, code, born), "acceptPatientInvitation"); got != "TOO_MANY_TRIES input code" {
		t.Errorf("short of an hour: %s", got)
	}
	f.clock.Advance(time.Microsecond)
	for n := range 5 {
		if got := failure(f.accept(f.by(f.account(access.Caregiver)), code, "2019-02-04"), "acceptPatientInvitation"); got != "NOT_FOUND input code" {
			t.Fatalf("birth date %d: %s", n+1, got)
		}
	}
	if got := failure(f.accept(me, code, born), "acceptPatientInvitation"); got != "NOT_FOUND input code" {
		t.Errorf("an invitation survives five wrong birth dates: %s", got)
	}
}

func TestOfTwoAccountsThatRaceForACodeOneWins(t *testing.T) {
	f := newFamily(t)
	ada := f.child("Ada")
	for range 5 {
		code := f.code(ada, "CAREGIVER")
		var wins sync.Map
		var all sync.WaitGroup
		for n := range 4 {
			by := f.by(f.account(access.Caregiver))
			all.Go(func() {
				if f.accept(by, code, born).Text("acceptPatientInvitation", "relation") != "" {
					wins.Store(n, true)
				}
			})
		}
		all.Wait()
		won := 0
		wins.Range(func(any, any) bool { won++; return true })
		if won != 1 {
			t.Errorf("%d accounts got in with one code", won)
		}
	}
	answer := f.desk.Post(t, `query($id: ID!) { node(id: $id) { ... on Patient { linkedAccounts { accountId relation since } } } }`, vars{"id": ada}).OK(t)
	linked, _ := answer.Data("node", "linkedAccounts").([]any)
	if len(linked) != 5 {
		t.Fatalf("%s", answer.Raw)
	}
	gone := vars{"input": vars{"patientId": ada, "accountId": answer.Text("node", "linkedAccounts", 0, "accountId")}}
	for range 2 {
		if ended := f.desk.Post(t, unlinkIt, gone).OK(t); ended.Text("unlinkPatient", "patientId") != ada {
			t.Errorf("%s", ended.Raw)
		}
	}
	if left, _ := f.desk.Post(t, `query($id: ID!) { node(id: $id) { ... on Patient { linkedAccounts { since } } } }`, vars{"id": ada}).OK(t).Data("node", "linkedAccounts").([]any); len(left) != 4 {
		t.Errorf("%d accounts are linked", len(left))
	}
	if got := failure(f.desk.Post(t, unlinkIt, vars{"input": vars{"patientId": ada, "accountId": globalid.Of(globalid.Account, clinic.Ref{Organization: f.clinic.Organization, ID: sample.NewID()})}}).OK(t), "unlinkPatient"); got != "NOT_FOUND input patientId" {
		t.Errorf("an account that never was linked: %s", got)
	}
}

func TestNoCodeIsKept(t *testing.T) {
	f := newFamily(t)
	ada := f.child("Ada")
	input := vars{"input": vars{"patientId": ada, "relation": "SELF", "idempotencyKey": "once"}}
	code := f.desk.Post(t, inviteIt, input).OK(t).Text("invitePatientAccount", "code")
	again := f.desk.Post(t, inviteIt, input).OK(t)
	if code == "" || again.Data("invitePatientAccount", "code") != nil || again.Text("invitePatientAccount", "expiresAt") != "2026-06-15T10:00:00Z" {
		t.Errorf("%s", again.Raw)
	}
	var kept int
	err := f.pool.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM patient_invitations p WHERE p::text LIKE '%' || $1 || '%' OR position($1::bytea IN code_token) > 0)
		+ (SELECT count(*) FROM idempotency_keys k WHERE k::text LIKE '%' || $1 || '%') + (SELECT count(*) FROM audit_events a WHERE a::text LIKE '%' || $1 || '%')`, code).Scan(&kept)
	if err != nil || kept != 0 {
		t.Errorf("the code stands in %d rows (%v)", kept, err)
	}
}

func TestLookingForSomebodyElsesCostsAsMuchAsForNobodys(t *testing.T) {
	f := newFamily(t)
	ada, ben := f.child("Ada"), f.child("Ben")
	visit := f.book(f.desk, 10, vars{"patientId": ben}).Text("bookAppointment", "appointment", "id")
	mother := f.account(access.Caregiver)
	f.link(mother, ada, "CAREGIVER")
	me := f.clinic.Patient()
	doctor := f.doctor()
	for name, by := range map[string]gqltest.Client{"a caregiver": f.by(mother), "a patient": f.by(me), "a provider": f.by(doctor)} {
		for what, pair := range map[string][]string{"patient": {ben, f.ids["unknown patient"]}, "visits": {ben, f.ids["unknown patient"]}, "visit": {visit, f.ids["unknown appointment"]}} {
			if name == "a provider" && what == "visit" {
				continue // a calendar shows it
			}
			var counts []int64
			for _, id := range pair {
				before := f.statements.Load()
				if what == "visits" {
					if code := by.Post(t, `query($id: ID!) { appointments(where: {patientId: $id}) { totalCount } }`, vars{"id": id}).Code(); code != "NOT_FOUND" {
						t.Errorf("%s: %s's visits: %s", name, id, code)
					}
				} else if answer := by.Post(t, `query($id: ID!) { node(id: $id) { id } }`, vars{"id": id}).OK(t); answer.Data("node") != nil {
					t.Errorf("%s sees %s", name, answer.Raw)
				}
				counts = append(counts, f.statements.Load()-before)
			}
			if counts[0] != counts[1] || counts[0] == 0 {
				t.Errorf("%s, %s: %v statements", name, what, counts)
			}
		}
	}
}

func TestACallersListsCostAConstantNumberOfStatements(t *testing.T) {
	f := newFamily(t)
	mother, doctor := f.account(access.Caregiver), f.doctor()
	const page = `{ appointments(first: 100) { edges { node { id reason patient { givenName } identifiers { value } provider { name } } } } }`
	counts := map[string][]int64{}
	for i := range 6 {
		child := f.child(string(rune('A' + i)))
		f.link(mother, child, "CAREGIVER")
		f.book(f.desk, 9+i, vars{"patientId": child})
		if i > 0 && i < 5 {
			continue
		}
		for name, by := range map[string]gqltest.Client{"mother": f.by(mother), "provider": f.by(doctor)} {
			answer, n := f.counted(t, by, page, nil)
			counts[name] = append(counts[name], n)
			if edges, _ := answer.Data("appointments", "edges").([]any); len(edges) != i+1 {
				t.Fatalf("%s", answer.Raw)
			}
		}
	}
	for name, n := range counts {
		if n[0] != n[1] {
			t.Errorf("%s: 1 and 6 cost %v statements", name, n)
		}
	}
	if slices.Max(counts["provider"]) > slices.Max(counts["mother"])+2 {
		t.Errorf("%v", counts)
	}
}
