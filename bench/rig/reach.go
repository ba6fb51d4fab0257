package rig

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
)

const changePreferences = `mutation($in: ChangeContactPreferencesInput!) { done: changeContactPreferences(input: $in) { ` + plain

// Reachable registers a patient who is told by these channels, in this order: EMAIL, SMS. Without any it is as for everybody.
func (c *Clinic) Reachable(ctx context.Context, phone, email string, channels ...string) (Patient, error) {
	id, err := c.Admin.put(ctx, registerPatient, object{
		"organizationId": c.Organization, "identifier": c.identifier(uuid.NewString()), "givenName": "Ada", "familyName": "Example", "phone": phone, "email": email,
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
	if p.Token, err = c.rig.Token(p.Actor); err != nil || len(channels) == 0 {
		return p, err
	}
	var order []object
	for _, channel := range channels {
		order = append(order, object{"channel": channel, "allowed": true})
	}
	a, err := p.change(ctx, changePreferences, object{"patientId": id, "channels": order})
	if err == nil && len(a.Errors) > 0 {
		err = fmt.Errorf("contact preferences: %+v", a.Errors)
	}
	return p, err
}
