package rig

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

// Zone is where a clinic is: local time is UTC there, all year.
const Zone = "Atlantic/Reykjavik"

// Clinic is an organisation that was set up through the API: a location and a kind of visit of 30 minutes.
type Clinic struct {
	Organization, Location, VisitKind string // global ids
	Day                               time.Time
	Admin                             Client

	rig *Rig
}

// Slot is an opening as a client sees it.
type Slot struct {
	ID        string
	Version   int64
	Start     time.Time
	Remaining int
	Status    string
}

type failures []struct{ Code, Message string }

func (f failures) err() error {
	if len(f) == 0 {
		return nil
	}
	return &TopError{Code: f[0].Code, Message: f[0].Message}
}

const (
	createOrganization = `mutation($in: CreateOrganizationInput!) { done: createOrganization(input: $in) { made: organization { id } ` + told
	putLocation        = `mutation($in: PutLocationInput!) { done: putLocation(input: $in) { made: location { id } ` + told
	putVisitKind       = `mutation($in: PutVisitKindInput!) { done: putVisitKind(input: $in) { made: visitKind { id } ` + told
	putProvider        = `mutation($in: PutProviderInput!) { done: putProvider(input: $in) { made: provider { id } ` + told
	setSchedule        = `mutation($in: SetProviderScheduleInput!) { done: setProviderSchedule(input: $in) { made: provider { id } ` + told
	addException       = `mutation($in: AddScheduleExceptionInput!) { done: addScheduleException(input: $in) { made: exception { id } ` + told
	registerPatient    = `mutation($in: RegisterPatientInput!) { done: registerPatient(input: $in) { made: patient { id } ` + told
	told               = `errors { ... on UserError { code message } } } }`
)

type object map[string]any

// put runs a mutation of the set-up and answers the id of what it made.
func (c Client) put(ctx context.Context, document string, in object) (string, error) {
	var data struct {
		Done struct {
			Made   *struct{ ID string }
			Errors failures
		}
	}
	if err := c.Ask(ctx, document, object{"in": in}, &data); err != nil {
		return "", err
	}
	if err := data.Done.Errors.err(); err != nil {
		return "", err
	}
	if data.Done.Made == nil {
		return "", errors.New("neither an object nor an error")
	}
	return data.Done.Made.ID, nil
}

// NewClinic sets up a clinic. Its Day is midnight a week from now.
func (r *Rig) NewClinic(ctx context.Context, s *Server, client *Client) (*Clinic, error) {
	c := &Clinic{rig: r, Admin: Client{Server: s, HTTP: client.HTTP}}
	c.Day = time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, 7)
	err := c.as(access.PlatformAdmin)
	if err != nil {
		return nil, err
	}
	if c.Organization, err = c.Admin.put(ctx, createOrganization, object{"name": "Clinic", "idempotencyKey": uuid.NewString()}); err != nil {
		return nil, err
	}
	if err := c.as(access.Admin); err != nil {
		return nil, err
	}
	if c.Location, err = c.Admin.put(ctx, putLocation, object{
		"organizationId": c.Organization, "identifier": c.identifier("main"), "name": "Main Street", "timeZone": Zone,
		"addressLines": []string{"1 Main Street"},
	}); err != nil {
		return nil, err
	}
	c.VisitKind, err = c.Admin.put(ctx, putVisitKind, object{
		"organizationId": c.Organization, "key": "check-up", "name": "Check-up", "duration": "PT30M", "modalities": []string{"IN_PERSON"},
	})
	return c, err
}

// as has the clinic's administrator work under a role: who makes the clinic sees no patients of it.
func (c *Clinic) as(role access.Role) error {
	who := access.Actor{ID: uuid.New(), Client: "bench", Role: role, Scopes: access.ScopesOf(role)}
	if c.Organization != "" {
		ref, err := c.Ref(c.Organization)
		if err != nil {
			return err
		}
		who.Organization = ref.Organization
	}
	token, err := c.rig.Token(who)
	c.Admin.Token = token
	return err
}

func (c *Clinic) identifier(value string) object {
	return object{"system": "https://clinic.example/ids", "value": value}
}

// Provider adds a provider who is in every day from 09:00 to 17:00 with so many lanes; daily caps a day's visits, 0 does not.
func (c *Clinic) Provider(ctx context.Context, capacity, daily int) (string, error) {
	id, err := c.closed(ctx, daily)
	if err != nil {
		return "", err
	}
	var hours []object
	for d := range 7 {
		hours = append(hours, object{"weekday": weekdays[d], "from": "09:00", "to": "17:00", "capacity": capacity})
	}
	_, err = c.Admin.put(ctx, setSchedule, object{
		"providerId": id, "locationId": c.Location, "effectiveFrom": c.Day.AddDate(0, 0, -7).Format(time.DateOnly), "hours": hours,
	})
	return id, err
}

var weekdays = []string{"MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"}

func (c *Clinic) closed(ctx context.Context, daily int) (string, error) {
	in := object{
		"organizationId": c.Organization, "identifier": c.identifier(uuid.NewString()), "name": "Dr Ada",
		"visitKindIds": []string{c.VisitKind}, "languages": []string{"en"},
	}
	if daily > 0 {
		in["maxDailyAppointments"] = daily
	}
	return c.Admin.put(ctx, putProvider, in)
}

// WindowProvider adds a provider who is in on the clinic's Day and the two after it only, from 09:00 to 17:00 with so many
// lanes, for at most so many visits on each.
func (c *Clinic) WindowProvider(ctx context.Context, capacity, most int) (string, error) {
	id, err := c.closed(ctx, 0)
	for d := 0; d < 3 && err == nil; d++ {
		day := c.Day.AddDate(0, 0, d).Format(time.DateOnly)
		_, err = c.Admin.put(ctx, addException, object{
			"providerId": id, "locationId": c.Location, "from": day + "T09:00", "to": day + "T17:00", "effect": "OPEN",
			"capacity": capacity, "maxAppointments": most, "idempotencyKey": uuid.NewString(),
		})
	}
	return id, err
}

// Patient is a caller who is a patient of the clinic.
type Patient struct {
	Client
	Actor access.Actor
}

// Patients registers n patients, some at a time, each with a token of its own.
func (c *Clinic) Patients(ctx context.Context, n int) ([]Patient, error) {
	patients := make([]Patient, n)
	faults := make([]error, n)
	next := make(chan int)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for i := range next {
				patients[i], faults[i] = c.patient(ctx, i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	all.Wait()
	return patients, errors.Join(faults...)
}

func (c *Clinic) patient(ctx context.Context, i int) (Patient, error) {
	id, err := c.Admin.put(ctx, registerPatient, object{
		"organizationId": c.Organization, "identifier": c.identifier(strconv.Itoa(i)), "givenName": "Ada", "familyName": "Nr " + strconv.Itoa(i),
	})
	if err != nil {
		return Patient{}, err
	}
	ref, err := c.Ref(id)
	if err != nil {
		return Patient{}, err
	}
	p := Patient{Client: c.Admin, Actor: access.Actor{
		Kind: access.Patient, ID: uuid.New(), Client: "bench", Organization: ref.Organization, Role: access.PatientRole,
		Scopes: access.ScopesOf(access.PatientRole), PatientID: ref.ID,
	}}
	p.Token, err = c.rig.Token(p.Actor)
	return p, err
}

// Ref is what a global id names.
func (c *Clinic) Ref(id string) (clinic.Ref, error) {
	parsed, err := globalid.Parse(id)
	return parsed.Ref, err
}

const listSlots = `query($id: ID!, $kind: ID!, $from: DateTime!, $to: DateTime!, $after: String) { node(id: $id) { ... on Provider {
	slots(visitKindId: $kind, from: $from, to: $to, first: 100, after: $after) {
		pageInfo { hasNextPage endCursor } edges { node { id version start remaining status } } } } } }`

// Openings lists a provider's free slots from midnight of the clinic's Day, for so many days.
func (c *Clinic) Openings(ctx context.Context, provider string, days int) (slots []Slot, err error) {
	var after *string
	for {
		var data struct {
			Node struct {
				Slots struct {
					PageInfo struct {
						HasNextPage bool
						EndCursor   string
					}
					Edges []struct{ Node Slot }
				}
			}
		}
		err := c.Admin.Ask(ctx, listSlots, object{
			"id": provider, "kind": c.VisitKind, "from": c.Day, "to": c.Day.AddDate(0, 0, days), "after": after,
		}, &data)
		if err != nil {
			return nil, err
		}
		for _, e := range data.Node.Slots.Edges {
			slots = append(slots, e.Node)
		}
		if !data.Node.Slots.PageInfo.HasNextPage {
			return slots, nil
		}
		after = &data.Node.Slots.PageInfo.EndCursor
	}
}
