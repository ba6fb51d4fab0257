package rig

import (
	"context"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
)

// Hours are one window of a week's day, on the clock of the clinic.
type Hours struct {
	From, To string // "09:00"
	Capacity int
}

const (
	removeException   = `mutation($in: RemoveScheduleExceptionInput!) { done: removeScheduleException(input: $in) { ` + plain
	setDateHours      = `mutation($in: SetDateHoursInput!) { done: setDateHours(input: $in) { made: provider { id } ` + told
	issueStreamTicket = `mutation { done: issueStreamTicket(input: {}) { ticket ` + told
)

// Place adds a location.
func (c *Clinic) Place(ctx context.Context, name string) (string, error) {
	return c.Admin.put(ctx, putLocation, object{
		"organizationId": c.Organization, "identifier": c.identifier(name), "name": name, "timeZone": Zone, "addressLines": []string{"2 Main Street"},
	})
}

// Kind adds a kind of visit, or changes it: what isn't given is the schema's default.
func (c *Clinic) Kind(ctx context.Context, key, duration string, rest map[string]any) (string, error) {
	in := object{"organizationId": c.Organization, "key": key, "name": key, "duration": duration, "modalities": []string{"IN_PERSON"}}
	for name, value := range rest {
		in[name] = value
	}
	return c.Admin.put(ctx, putVisitKind, in)
}

// Doctor adds a provider without hours who offers kinds of visit; daily caps a day's visits, 0 does not.
func (c *Clinic) Doctor(ctx context.Context, daily int, kinds ...string) (string, error) {
	in := object{
		"organizationId": c.Organization, "identifier": c.identifier(uuid.NewString()), "name": "Dr Ada", "visitKindIds": kinds, "languages": []string{"en"},
	}
	if daily > 0 {
		in["maxDailyAppointments"] = daily
	}
	return c.Admin.put(ctx, putProvider, in)
}

// Weekly sets a provider's hours at a location, the same on every day; none: the provider isn't there.
func (c *Clinic) Weekly(ctx context.Context, provider, location string, windows ...Hours) error {
	hours := []object{}
	for _, day := range weekdays {
		for _, w := range windows {
			hours = append(hours, object{"weekday": day, "from": w.From, "to": w.To, "capacity": w.Capacity})
		}
	}
	_, err := c.Admin.put(ctx, setSchedule, object{
		"providerId": provider, "locationId": location, "effectiveFrom": c.Day.AddDate(0, 0, -7).Format("2006-01-02"), "hours": hours,
	})
	return err
}

// OnDate sets the hours of one day, counted from the clinic's; without windows it is closed, and with back as if nothing had been set.
func (c *Clinic) OnDate(ctx context.Context, provider, location string, day int, back bool, windows ...Hours) error {
	hours := []object{}
	for _, w := range windows {
		hours = append(hours, object{"from": w.From, "to": w.To, "capacity": w.Capacity})
	}
	in := object{"providerId": provider, "locationId": location, "date": c.Day.AddDate(0, 0, day).Format("2006-01-02"), "hours": hours}
	if back {
		in["hours"] = nil
	}
	_, err := c.Admin.put(ctx, setDateHours, in)
	return err
}

// Period is what an exception to the hours is about: a part of a day, counted from the clinic's. Who or where may be left out, not both.
type Period struct {
	Provider, Location string
	Day                int
	From, To           string // "09:00"
}

// Close adds a closing and answers its id. With the same key it is the same one.
func (c *Clinic) Close(ctx context.Context, p Period, key string) (string, error) {
	return c.Admin.put(ctx, addException, c.exception(p, key, object{"effect": "CLOSED"}))
}

// Open adds hours for at most so many visits.
func (c *Clinic) Open(ctx context.Context, p Period, capacity, most int, key string) (string, error) {
	return c.Admin.put(ctx, addException, c.exception(p, key, object{"effect": "OPEN", "capacity": capacity, "maxAppointments": most}))
}

func (c *Clinic) exception(p Period, key string, in object) object {
	day := c.Day.AddDate(0, 0, p.Day).Format("2006-01-02")
	in["from"], in["to"], in["idempotencyKey"] = day+"T"+p.From, day+"T"+p.To, key
	if p.Provider != "" {
		in["providerId"] = p.Provider
	}
	if p.Location != "" {
		in["locationId"] = p.Location
	}
	return in
}

// Lift takes an exception back.
func (c *Clinic) Lift(ctx context.Context, exception string) error {
	var data struct{ Done struct{ Errors failures } }
	if err := c.Admin.Ask(ctx, removeException, object{"in": object{"exceptionId": exception}}, &data); err != nil {
		return err
	}
	return data.Done.Errors.err()
}

// Staff is somebody who works at the clinic, with an account of their own.
func (c *Clinic) Staff(role access.Role) (Client, error) {
	ref, err := c.Ref(c.Organization)
	if err != nil {
		return Client{}, err
	}
	client := c.Admin
	client.Token, err = c.rig.Token(access.Actor{ID: uuid.New(), Client: "bench", Organization: ref.Organization, Role: role, Scopes: access.ScopesOf(role)})
	return client, err
}

// Ticket asks for a ticket for one stream.
func (c Client) Ticket(ctx context.Context) (string, error) {
	var data struct {
		Done struct {
			Ticket string
			Errors failures
		}
	}
	if err := c.Ask(ctx, issueStreamTicket, nil, &data); err != nil {
		return "", err
	}
	return data.Done.Ticket, data.Done.Errors.err()
}
