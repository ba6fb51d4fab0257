package resolvers_test

import (
	"bytes"
	"crypto/ed25519"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/graph"
	"github.com/mediconnect/mediconnect/graph/calendar"
	"github.com/mediconnect/mediconnect/graph/crowd"
	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/graph/limits"
	"github.com/mediconnect/mediconnect/graph/loader"
	"github.com/mediconnect/mediconnect/graph/model"
	"github.com/mediconnect/mediconnect/graph/presenter"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/access/token"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/testkit/gqltest"
	"github.com/mediconnect/mediconnect/resolvers"
)

const issuer = "mediconnect-test"

// api is the real handler over the rooms of a test.
type api struct {
	gqltest.Client
	rooms *rooms
	key   ed25519.PrivateKey
	log   *bytes.Buffer
}

func serve(t testing.TB, r *rooms) *api {
	t.Helper()
	return serveWith(t, r, func(*graph.Deps) {})
}

// serveWith serves as a server is set up otherwise.
func serveWith(t testing.TB, r *rooms, otherwise func(*graph.Deps)) *api {
	t.Helper()
	public, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	log := &bytes.Buffer{}
	links := calendar.Links{Base: "https://api.example.org", Key: bytes.Repeat([]byte{7}, 32), Clock: clock.FrozenAt(start)}
	logger := slog.New(slog.NewJSONHandler(log, nil))
	deps := graph.Deps{
		Schema:   resolvers.Schema(&resolvers.Resolver{Services: services(r), Links: links, Service: model.ServiceInfo{Build: "test"}, Unshown: presenter.Presenter{Log: logger}}),
		Loaders:  loaders(r),
		Calendar: appointmentRoom{r},
		Links:    links,
		Records:  &r.records,
		Verifier: token.Remember(token.Issuers{Outside: &token.Verifier{Key: public, Issuer: issuer, Clock: clock.System{}}}, clock.System{}),
		Limits:   limits.Default(),
		Crowd:    crowd.New(crowd.Default()),
		Log:      logger,
		NewID:    uuid.New,
	}
	otherwise(&deps)
	return &api{Client: gqltest.Client{Handler: graph.NewServer(deps)}, rooms: r, key: key, log: log}
}

func services(r *rooms) resolvers.Services {
	return resolvers.Services{
		Clinic: clinicRoom{r}, Provider: providerRoom{r}, Patient: patientRoom{r}, Invitations: invitationRoom{r}, Mailing: mailingRoom{r}, BreakGlass: glassRoom{r}, Retention: retentionRoom{r}, Ledger: reminderRoom{r}, DeadLetters: letterRoom{r}, Conflicts: conflictRoom{r},
		Availability: availabilityRoom{r}, Search: searchRoom{r}, Appointment: appointmentRoom{r}, Audit: auditRoom{r}, Tickets: ticketRoom{r}, Partner: partnerRoom{r}, People: peopleRoom{rooms: r}, Choices: choiceRoom{r}, Features: featureRoom{}, Waitlist: waitlistRoom{r}, Closure: closureRoom{r},
	}
}

func loaders(r *rooms) loader.Services {
	return loader.Services{Clinic: clinicRoom{r}, Provider: providerRoom{r}, Patient: patientRoom{r}, Invitations: invitationRoom{r}, BreakGlass: glassRoom{r}, Retention: retentionRoom{r}, Ledger: reminderRoom{r}, DeadLetters: letterRoom{r}, Availability: availabilityRoom{r}, Search: searchRoom{r}, Appointment: appointmentRoom{r}, Audit: auditRoom{r}, Partner: partnerRoom{r}, People: peopleRoom{rooms: r}, Choices: choiceRoom{r}, Waitlist: waitlistRoom{r}, Closure: closureRoom{r}}
}

// as is the client of somebody with a role in the rooms' organisation, who has all of the role's scopes.
func (a *api) as(t *testing.T, role access.Role) gqltest.Client {
	t.Helper()
	return a.with(t, access.Actor{ID: id(9), Role: role, Organization: a.rooms.organization.ID, Scopes: access.ScopesOf(role)})
}

func (a *api) with(t *testing.T, who access.Actor) gqltest.Client {
	t.Helper()
	if who.Role == access.PlatformAdmin {
		who.Organization = uuid.Nil
	}
	raw, err := token.Sign(a.key, issuer, who, time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	return a.As(raw)
}

func (a *api) slotID() string        { return globalid.OfSlot(a.rooms.slot.SlotID) }
func (a *api) holdID() string        { return a.globalID(globalid.Hold, a.rooms.hold.ID) }
func (a *api) patientID() string     { return a.globalID(globalid.Patient, a.rooms.patient.ID) }
func (a *api) providerID() string    { return a.globalID(globalid.Provider, a.rooms.provider.ID) }
func (a *api) locationID() string    { return a.globalID(globalid.Location, a.rooms.location.ID) }
func (a *api) kindID() string        { return a.globalID(globalid.VisitKind, a.rooms.kind.ID) }
func (a *api) appointmentID() string { return a.globalID(globalid.Appointment, a.rooms.visit.ID) }

func (a *api) exceptionID() string { return a.globalID(globalid.ScheduleException, id(8)) }

func (a *api) grantID() string { return a.globalID(globalid.BreakGlassGrant, id(6)) }

func (a *api) legalHoldID() string { return a.globalID(globalid.LegalHold, id(16)) }

func (a *api) globalID(t globalid.Type, of uuid.UUID) string {
	return globalid.Of(t, clinic.Ref{Organization: a.rooms.organization.ID, ID: of})
}

type vars = map[string]any

func input(fields vars) vars { return vars{"input": fields} }

func TestADirectoryIsReadWithoutAToken(t *testing.T) {
	a := serve(t, open())
	answer := a.Post(t, `{
		locations(first: 1) { totalCount edges { cursor node { id name timeZone addressLines } } pageInfo { hasNextPage endCursor } }
		providers { edges { node { id name languages specialties { id name coding { system code } } visitKinds { id name duration policy { holdDuration } } } } }
	}`, nil).OK(t)
	if got := answer.Text("locations", "edges", 0, "node", "name"); got != "Main Street" {
		t.Errorf("location %q in %s", got, answer.Raw)
	}
	if got := answer.Text("providers", "edges", 0, "node", "visitKinds", 0, "duration"); got != "PT15M" {
		t.Errorf("duration %q in %s", got, answer.Raw)
	}
	if got := answer.Data("locations", "totalCount"); got != 1.0 {
		t.Errorf("totalCount %v", got)
	}
}

func TestATotalIsCountedOnlyWhenAskedFor(t *testing.T) {
	a := serve(t, open())
	a.Post(t, `{ locations { edges { node { id } } } }`, nil).OK(t)
	for _, method := range a.rooms.asked {
		if method == "CountLocations" {
			t.Error("counted without being asked to")
		}
	}
}

const ownID = "6f1d0c1e-7a53-4f0e-9a7e-2f6f8f1f0a11"

func TestARequestIsLoggedWithoutWhatItSays(t *testing.T) {
	a := serve(t, open())
	r := a.Request([]byte(`{"query": "query FindMoreau($w: PatientFilterInput!) { patients(where: $w) { edges { node { name } } } }", "variables": {"w": {"name": "Moreau"}}}`))
	r.Header.Set("X-Request-Id", ownID)
	answer := a.as(t, access.FrontDesk).Send(t, r).OK(t)
	if got := answer.Header.Get("X-Request-Id"); got != ownID {
		t.Errorf("X-Request-Id %q", got)
	}
	line := a.log.String()
	for _, part := range []string{`"requestId":"` + ownID + `"`, `"fields":["patients"]`, `"kind":"query"`, `"route":"/graphql"`, `"status":200`} {
		if !bytes.Contains([]byte(line), []byte(part)) {
			t.Errorf("the log lacks %s: %s", part, line)
		}
	}
	for _, name := range []string{"Moreau", "FindMoreau"} {
		if strings.Contains(line, name) {
			t.Errorf("the log tells a patient's name: %s", line)
		}
	}
}

// An id that could say anything is replaced, or names would come into the log and into the record by it.
func TestARequestIdThatMaySayAnythingIsReplaced(t *testing.T) {
	a := serve(t, open())
	for id, kept := range map[string]bool{
		"two\twords": false, "moreau-1980": false, "+4479111907": false, ownID + "0": false, ownID: true, "4bf92f3577b34da6a3ce929d0e0e4736": true,
	} {
		r := a.Request([]byte(`{"query": "{ viewer { kind } }"}`))
		r.Header.Set("X-Request-Id", id)
		got := a.Send(t, r).OK(t).Header.Get("X-Request-Id")
		if _, err := uuid.Parse(got); err != nil || (got == id) != kept {
			t.Errorf("%q was answered with the X-Request-Id %q", id, got)
		}
	}
}
