package resolvers_test

import (
	"context"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/breakglass"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/live"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/patient"
)

type (
	invitationRoom struct{ *rooms }
	glassRoom      struct{ *rooms }
)

func (r invitationRoom) Invite(_ context.Context, _ access.Actor, in patient.Invite) (patient.Invitation, error) {
	r.note("Invite", in)
	code := access.Private("ABCDE12345")
	return patient.Invitation{Code: &code, ExpiresAt: start}, r.fail
}

func (r invitationRoom) Accept(_ context.Context, _ access.Actor, in patient.Accept) (patient.Accepted, error) {
	r.note("Accept", in)
	return patient.Accepted{Patient: r.ref(r.patient.ID), Relation: access.RelationCaregiver}, r.fail
}

func (r invitationRoom) Unlink(_ context.Context, _ access.Actor, in patient.Unlink) (clinic.Ref, error) {
	r.note("Unlink", in)
	return in.Patient, r.fail
}

func (r invitationRoom) LinkedAccounts(context.Context, access.Actor, []clinic.Ref) (map[clinic.Ref][]patient.LinkedAccount, error) {
	return map[clinic.Ref][]patient.LinkedAccount{
		r.ref(r.patient.ID): {{OrganizationID: r.organization.ID, AccountID: id(9), Relation: access.RelationSelf, Since: start}},
	}, nil
}

func (r *rooms) grant() breakglass.Grant {
	return breakglass.Grant{
		ID: id(6), OrganizationID: r.organization.ID, Version: 1, ActorID: id(9), ProviderID: r.provider.ID, PatientID: r.patient.ID,
		Reason: "Unconscious on arrival", StartedAt: start, ExpiresAt: start.Add(3600e9),
	}
}

func (r glassRoom) Break(_ context.Context, _ access.Actor, in breakglass.Break) (breakglass.Broken, error) {
	r.rooms.note("Break", in)
	return breakglass.Broken{Grant: r.grant()}, r.fail
}

func (r glassRoom) End(_ context.Context, _ access.Actor, in breakglass.End) (breakglass.Grant, error) {
	r.rooms.note("End", in)
	return r.grant(), r.fail
}

func (r glassRoom) Review(_ context.Context, _ access.Actor, in breakglass.Review) (breakglass.Grant, error) {
	r.rooms.note("Review", in)
	return r.grant(), r.fail
}

func (r glassRoom) List(_ context.Context, _ access.Actor, f breakglass.Filter, _ paging.Window) (paging.Page[breakglass.Grant], error) {
	r.rooms.note("ListGrants", f)
	return pageOf(r.grant()), r.fail
}

func (r glassRoom) Count(context.Context, access.Actor, breakglass.Filter) (int, error) {
	return 1, r.fail
}

func (r glassRoom) Grants(_ context.Context, _ access.Actor, refs []clinic.Ref) (map[clinic.Ref]breakglass.Grant, error) {
	return only(refs, r.grant().Ref(), r.grant()), nil
}

// ticketRoom is of tickets for streams.
type ticketRoom struct{ *rooms }

func (r ticketRoom) Issue(_ context.Context, _ access.Actor, in live.IssueTicket) (live.Issued, error) {
	r.note("Issue", in)
	return live.Issued{Ticket: "a-ticket", Expires: start}, r.fail
}
