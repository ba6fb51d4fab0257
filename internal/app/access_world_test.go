package app

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/graph/policy"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/testkit/gqltest"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
	"github.com/mediconnect/mediconnect/resolvers"
)

// person is a caller of one of the table's columns.
type person struct {
	column string
	actor  access.Actor
	gqltest.Client
}

// subject is what an object of the contract is about, as far as that decides who may see it.
type subject struct {
	kind         globalid.Type
	organization uuid.UUID
	patient      uuid.UUID // zero: no patient's
	actor        uuid.UUID // whose own it is; zero: nobody's
}

// site is one organisation of the world.
type site struct {
	*sample.Clinic
	admin     gqltest.Client
	providers []clinic.Ref
	patients  []clinic.Ref
	secret    string // a client of OAuth that has one
	signs     string // one that signs
}

// realm is a world with two organisations, and in the first somebody of every column.
type realm struct {
	*api
	table       policy.Table
	schema      *ast.Schema
	here, there *site
	people      []person
	subjects    map[string]subject // by global id: all that not everybody may see
	specimens   []string           // ids to ask for, of every type with an id
	treated     map[[2]uuid.UUID]bool
	links       map[[2]uuid.UUID]string // by account and patient: the column
	with        map[string]string       // the provider of a visit or an exception, the visit of a message, the entry of an offer, by global ids
	in          map[string]string       // the series of a visit, by global ids
	lacking     map[string]bool         // visits without the room that they need, by global ids
	revoked     map[string]bool         // clients and keys, by global ids
	lastSlot    int
	lastKey     int
	sightings   map[string]map[string]bool // by coordinate: columns that were seen
	tables      []printed                  // as fingerprint saw them last
	valued      map[string]bool            // coordinates of which somebody got a value
	values      map[string]firstTold
	wronged     map[string]int // complaints
}

func newRealm(t *testing.T) *realm {
	t.Helper()
	table, err := policy.Load()
	if err != nil {
		t.Fatal(err)
	}
	r := &realm{
		api: newAPI(t, appointment.Limits{}), table: table, schema: resolvers.Schema(&resolvers.Resolver{}).Schema(), subjects: map[string]subject{},
		treated: map[[2]uuid.UUID]bool{}, with: map[string]string{}, in: map[string]string{}, links: map[[2]uuid.UUID]string{}, sightings: map[string]map[string]bool{}, revoked: map[string]bool{}, lacking: map[string]bool{}, valued: map[string]bool{}, values: map[string]firstTold{}, wronged: map[string]int{},
	}
	r.app.guard.Wait = func(ctx context.Context, _ time.Duration) error { return ctx.Err() } // no other server is there to be waited for
	r.here, r.there = r.newSite(t, r.clinic), r.newSite(t, sample.NewClinic(t, r.looks()))
	r.populate()
	r.fill(t, r.here)
	r.fill(t, r.there)
	r.actFor(t)
	r.keepHolds(t)
	r.breakGlasses(t)
	r.keepPatients(t, r.here)
	r.keepPatients(t, r.there)
	r.keepPartners(t, r.here)
	r.keepPartners(t, r.there)
	r.keepAccounts(t, r.here)
	r.keepAccounts(t, r.there)
	r.keepOverrides(t, r.here)
	r.keepAsked(t, r.here)
	r.keepOverrides(t, r.there)
	r.keepConflicts(t, r.here)
	r.keepConflicts(t, r.there)
	fallBack(t, r.pool, true)
	r.keepMessages(t, r.here)
	r.keepMessages(t, r.there)
	r.keepRooms(t, r.here)
	r.keepRooms(t, r.there)
	r.keepWaiting(t)
	r.keepClosures(t)
	r.keepTrail(t, r.here)
	r.keepTrail(t, r.there)
	return r
}

func (r *realm) newSite(t *testing.T, c *sample.Clinic) *site {
	t.Helper()
	c.Set(`UPDATE locations SET latitude = 40.7, longitude = -74, step_free_access = true, phone = '+12015550100', address_lines = '{1 Main Street}' WHERE organization_id = $1`)
	c.Set(`UPDATE visit_kinds SET instructions = 'Bring your card', max_reschedules = 3, free_cancellation_before = 86400, late_fee_minor_units = 2500,
		late_fee_currency = 'USD' WHERE organization_id = $1`)
	s := &site{Clinic: c, admin: r.by(staffOf(c.Organization, access.Admin))}
	for range 3 {
		s.providers = append(s.providers, c.Provider(1))
	}
	for _, of := range s.providers {
		put := vars{"identifier": vars{"system": "https://clinic.example/staff", "value": of.ID.String()}, "name": "Dr Ada", "languages": []string{"en"},
			"visitKindIds": []string{s.id(globalid.VisitKind, c.VisitKind)}, "acceptedPlans": []vars{{"carrier": "Horizon", "name": "Gold"}},
			"specialties": []vars{{"system": "https://example.org/specialties", "code": "c", "display": "Cardiology"}}}
		if got := r.done(t, s.admin, "putProvider", "provider { id }", put).Text("putProvider", "provider", "id"); got != s.id(globalid.Provider, of.ID) {
			t.Fatalf("put another provider: %s", got)
		}
	}
	for n := range 3 {
		s.patients = append(s.patients, r.registered(t, s, n))
	}
	return s
}

func (s *site) id(of globalid.Type, id uuid.UUID) string {
	return globalid.Of(of, clinic.Ref{Organization: s.Organization, ID: id})
}

func (r *realm) registered(t *testing.T, s *site, n int) clinic.Ref {
	t.Helper()
	input := vars{"identifier": vars{"system": "https://clinic.example/mrn", "value": fmt.Sprint("mrn-", n)}, "givenName": fmt.Sprint("Zelda", n),
		"familyName": "Quillon", "birthDate": birthday(n), "phone": fmt.Sprintf("+120155502%02d", n), "email": fmt.Sprintf("zelda%d@quillon.example", n),
		"language": "es-MX", "timeZone": "America/New_York"}
	answer := r.done(t, s.admin, "registerPatient", "patient { id }", input)
	id := answer.Text("registerPatient", "patient", "id")
	ref := mustRef(t, id)
	r.know(id, subject{kind: globalid.Patient, organization: s.Organization, patient: ref.ID})
	return ref
}

// done makes a change that has to work.
func (r *realm) done(t *testing.T, by gqltest.Client, mutation, parts string, input vars) gqltest.Answer {
	t.Helper()
	answer := by.Post(t, document(mutation, parts+" "+refused), vars{"input": input}).OK(t)
	if answer.Text(mutation, "errors", 0, "code") != "" {
		t.Fatalf("%s: %s", mutation, answer.Raw)
	}
	return answer
}

// know keeps what an object is about, and that it is to be asked for.
func (r *realm) know(id string, about subject) {
	if _, known := r.subjects[id]; !known {
		r.specimens = append(r.specimens, id)
	}
	r.subjects[id] = about
}

// staffOf is an account with a role. Its token carries whatever scopes there are, so that the role alone bounds what it may do.
func staffOf(organization uuid.UUID, role access.Role) access.Actor {
	a := access.Actor{ID: sample.NewID(), Client: "test", Organization: organization, Role: role}
	for _, of := range []access.Role{access.PatientRole, access.Provider, access.Admin, access.Auditor, access.PlatformAdmin} {
		a.Scopes = append(a.Scopes, access.ScopesOf(of)...)
	}
	return a
}

// populate makes a caller of every column.
func (r *realm) populate() {
	named := staffOf(r.here.Organization, access.PatientRole)
	named.PatientID = r.here.patients[0].ID
	scopeless := staffOf(r.here.Organization, access.Integrator)
	scopeless.Scopes = nil
	actors := map[string]access.Actor{
		policy.Patient: named, policy.Caregiver: staffOf(r.here.Organization, access.Caregiver), policy.OtherPatient: staffOf(r.here.Organization, access.PatientRole),
		policy.OwnProvider: r.provider(r.here, 0).actor, policy.OtherProvider: r.provider(r.here, 1).actor,
		policy.FrontDesk: staffOf(r.here.Organization, access.FrontDesk), policy.Admin: staffOf(r.here.Organization, access.Admin),
		policy.Auditor: staffOf(r.here.Organization, access.Auditor), policy.Platform: staffOf(uuid.Nil, access.PlatformAdmin),
		policy.OtherTenant: staffOf(r.there.Organization, access.FrontDesk), policy.Integrator: staffOf(r.here.Organization, access.Integrator),
		policy.Scopeless: scopeless,
	}
	for _, c := range policy.Columns {
		p := person{column: c.Name, actor: access.Nobody(""), Client: r.Client}
		if actor, signedIn := actors[c.Name]; signedIn {
			p.actor, p.Client = actor, r.enter(c.Name, actor)
		}
		r.admit(p)
	}
}

// admit adds a caller.
func (r *realm) admit(p person) {
	about := subject{kind: globalid.Viewer, organization: p.actor.Organization, actor: p.actor.ID}
	id := r.id(globalid.Viewer, clinic.Ref{Organization: p.actor.Organization, ID: p.actor.ID})
	if r.subjects[id] = about; slices.Contains([]string{policy.Patient, policy.FrontDesk, policy.OtherTenant}, p.column) {
		r.specimens = append(r.specimens, id) // all others ask for a few
	}
	r.people = append(r.people, p)
}

func (r *realm) person(column string) person {
	for _, p := range r.people {
		if p.column == column {
			return p
		}
	}
	r.t.Fatalf("nobody is %s", column)
	return person{}
}

// columnOf is how a caller stands to a subject.
func (r *realm) columnOf(p person, s subject) string {
	switch {
	case p.column == policy.Anonymous, p.column == policy.Platform, s == subject{}:
		return p.column
	case s.organization != p.actor.Organization:
		return policy.OtherTenant
	case p.column == policy.OtherTenant:
		return policy.FrontDesk
	case s.patient == uuid.Nil:
		return p.column
	case p.actor.Role == access.Provider:
		if r.treated[[2]uuid.UUID{p.actor.ProviderID, s.patient}] {
			return policy.OwnProvider
		}
		return policy.OtherProvider
	case p.actor.Role == access.PatientRole, p.actor.Role == access.Caregiver:
		if column := r.links[[2]uuid.UUID{p.actor.ID, s.patient}]; column != "" {
			return column
		}
		return policy.OtherPatient
	}
	return p.column
}

// sees says whether the table lets a caller have an object.
func (r *realm) sees(p person, id string) bool {
	about := r.subjects[id]
	row, ok := r.table.Row(typeNames[about.kind], "id")
	if !ok {
		r.t.Fatalf("no row for the ids of %s", typeNames[about.kind])
	}
	switch row.For(r.columnOf(p, about)) {
	case policy.Sees:
		return true
	case policy.Own:
		return about.actor != uuid.Nil && about.actor == p.actor.ID || about.kind == globalid.Viewer && about.actor == p.actor.ID
	}
	return false
}

// typeNames are the types with an id, as the contract calls them.
var typeNames = map[globalid.Type]string{
	globalid.Organization: "Organization", globalid.Location: "Location", globalid.VisitKind: "VisitKind", globalid.Provider: "Provider",
	globalid.Resource: "Resource", globalid.ScheduleException: "ScheduleException", globalid.Specialty: "Specialty", globalid.Patient: "Patient",
	globalid.Appointment: "Appointment", globalid.Hold: "SlotHold", globalid.Slot: "Slot", globalid.Viewer: "Viewer",
	globalid.InsurancePlan: "InsurancePlan", globalid.Match: "AvailabilityMatch", globalid.BreakGlassGrant: "BreakGlassGrant",
	globalid.Account: "Account", globalid.AuditEvent: "AuditEvent", globalid.LegalHold: "LegalHold",
	globalid.APIClient: "ApiClient", globalid.APIKey: "ApiKey", globalid.Reminder: "Reminder", globalid.DeadLetter: "DeadLetter",
	globalid.Series:        "AppointmentSeries",
	globalid.WaitlistEntry: "WaitlistEntry", globalid.WaitlistOffer: "WaitlistOffer",
	globalid.Closure: "Closure", globalid.ClosureItem: "ClosureItem",
}
