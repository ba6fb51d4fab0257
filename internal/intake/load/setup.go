package load

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
)

// setUp puts sites and kinds of visit through their room.
func (c *crowd) setUp(ctx context.Context, store clinic.Store) error {
	for i, k := range kinds {
		k.Organization = c.Organization
		kind, err := c.service(store, "kind of visit "+k.Key, i).PutVisitKind(ctx, c.Actor, k)
		if err != nil {
			return err
		}
		c.kinds = append(c.kinds, kind)
	}
	for i, s := range c.chosen() {
		s.Organization, s.StepFreeAccess = c.Organization, c.stepFree(s.Identifier)
		place, err := c.service(store, "site "+s.Identifier.Value, i).PutLocation(ctx, c.Actor, s)
		if err != nil {
			return err
		}
		c.places, c.zones[place.ID] = append(c.places, place), place.TimeZone
	}
	return nil
}

// service is the room at a time when everything was set up, with ids that are the same each time.
func (c *crowd) service(store clinic.Store, what string, n int) *clinic.Service {
	given := 0
	return clinic.NewService(store, clinic.Source{Clock: clock.FrozenAt(c.founded(n)), NewID: func() uuid.UUID {
		given++
		return c.named(what, given)
	}})
}

// stepFree is invented: most sites say so, some say no, of some it isn't known. A site says the same to all crowds.
func (c *crowd) stepFree(site clinic.Identifier) *bool {
	n := uuid.NewSHA1(uuid.Nil, []byte(site.Value))[0] % 100
	if n < 12 {
		return nil
	}
	return new(n < 85)
}

func minutes(n int) *time.Duration { return new(time.Duration(n) * time.Minute) }

// kinds are the kinds of visit. None costs a fee or needs an approval.
var kinds = []clinic.PutVisitKind{
	{
		Key: "vaccination", Name: "Vaccination", Duration: 15 * time.Minute,
		Modalities: []clinic.Modality{clinic.InPerson}, MinimumNotice: minutes(30),
	},
	{
		Key: "medication-review", Name: "Medication review", Duration: 30 * time.Minute, BufferAfter: minutes(5), SlotStep: minutes(15),
		Modalities: []clinic.Modality{clinic.InPerson, clinic.Phone, clinic.Video}, MinimumNotice: minutes(120),
		Instructions: new("Bring everything that you take, also what needs no prescription."),
	},
	{
		Key: "follow-up", Name: "Follow-up", Duration: 20 * time.Minute,
		Modalities: []clinic.Modality{clinic.InPerson, clinic.Phone, clinic.Video},
	},
	{
		Key: "health-check", Name: "Health check", Duration: 45 * time.Minute, BufferBefore: minutes(5), BufferAfter: minutes(10), SlotStep: minutes(15),
		Modalities: []clinic.Modality{clinic.InPerson}, MinimumNotice: minutes(240),
	},
	{
		Key: "screening", Name: "Blood pressure and glucose screening", Duration: 15 * time.Minute, BufferAfter: minutes(5), SlotStep: minutes(20),
		Modalities: []clinic.Modality{clinic.InPerson}, Instructions: new("Eat nothing for eight hours before."),
	},
	{
		Key: "travel-health", Name: "Travel health consultation", Duration: time.Hour, SlotStep: minutes(30),
		Modalities: []clinic.Modality{clinic.InPerson, clinic.Video}, MinimumNotice: minutes(24 * 60),
	},
}

// vaccination is the index of the first of kinds.
const vaccination = 0
