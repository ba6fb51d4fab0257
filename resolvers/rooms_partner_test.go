package resolvers_test

import (
	"context"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/partner"
)

type partnerRoom struct{ *rooms }

func (a *api) clientID() string { return a.globalID(globalid.APIClient, id(17)) }
func (a *api) apiKeyID() string { return a.globalID(globalid.APIKey, id(18)) }

func (r *rooms) client() partner.Client {
	return partner.Client{
		OrganizationID: r.organization.ID, ID: id(17), Version: 3, Name: "Portal", Method: partner.BySecret, Scopes: []string{access.AppointmentsRead},
		Secrets: []partner.Secret{{ID: id(19), CreatedAt: start}}, CreatedAt: start, CreatedBy: id(9),
	}
}

func (r *rooms) apiKey() partner.APIKey {
	return partner.APIKey{
		OrganizationID: r.organization.ID, ID: id(18), Version: 2, Name: "Kiosk", Prefix: "mk_live_abc", Scopes: []string{access.AppointmentsRead},
		PerMinute: 60, CreatedAt: start, CreatedBy: id(9), ExpiresAt: start,
	}
}

func (r partnerRoom) CreateClient(_ context.Context, _ access.Actor, in partner.CreateClient) (partner.MadeClient, error) {
	r.note("CreateClient", in)
	secret := access.Private("mcs_secret")
	return partner.MadeClient{Client: r.client(), Secret: &secret}, r.fail
}

func (r partnerRoom) RotateSecret(_ context.Context, _ access.Actor, in partner.RotateSecret) (partner.MadeClient, error) {
	r.note("RotateSecret", in)
	secret := access.Private("mcs_secret")
	return partner.MadeClient{Client: r.client(), Secret: &secret}, r.fail
}

func (r partnerRoom) ReplaceKeys(_ context.Context, _ access.Actor, in partner.ReplaceKeys) (partner.Client, error) {
	r.note("ReplaceKeys", in)
	return r.client(), r.fail
}

func (r partnerRoom) RevokeClient(_ context.Context, _ access.Actor, in partner.Revoke) (partner.Client, error) {
	r.note("RevokeClient", in)
	return r.client(), r.fail
}

func (r partnerRoom) CreateKey(_ context.Context, _ access.Actor, in partner.CreateKey) (partner.MadeKey, error) {
	r.note("CreateKey", in)
	return partner.MadeKey{Key: r.apiKey(), Replayed: true}, r.fail
}

func (r partnerRoom) RevokeKey(_ context.Context, _ access.Actor, in partner.Revoke) (partner.APIKey, error) {
	r.note("RevokeKey", in)
	return r.apiKey(), r.fail
}

func (r partnerRoom) ListClients(_ context.Context, _ access.Actor, f partner.Filter, _ paging.Window) (paging.Page[partner.Client], error) {
	r.note("ListClients", f)
	return paging.Page[partner.Client]{Items: []partner.Client{r.client()}}, r.fail
}

func (r partnerRoom) CountClients(context.Context, access.Actor, partner.Filter) (int, error) {
	return 1, r.fail
}

func (r partnerRoom) ListKeys(_ context.Context, _ access.Actor, f partner.Filter, _ paging.Window) (paging.Page[partner.APIKey], error) {
	r.note("ListKeys", f)
	return paging.Page[partner.APIKey]{Items: []partner.APIKey{r.apiKey()}}, r.fail
}

func (r partnerRoom) CountKeys(context.Context, access.Actor, partner.Filter) (int, error) {
	return 1, r.fail
}

func (r partnerRoom) Clients(_ context.Context, _ access.Actor, refs []clinic.Ref) (map[clinic.Ref]partner.Client, error) {
	return only(refs, r.client().Ref(), r.client()), nil
}

func (r partnerRoom) Keys(_ context.Context, _ access.Actor, refs []clinic.Ref) (map[clinic.Ref]partner.APIKey, error) {
	return only(refs, r.apiKey().Ref(), r.apiKey()), nil
}
