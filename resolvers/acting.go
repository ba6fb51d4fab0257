package resolvers

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/graph/model"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/breakglass"
	"github.com/mediconnect/mediconnect/internal/patient"
)

func invite(read *ids, in model.InvitePatientAccountInput) patient.Invite {
	return patient.Invite{Patient: read.ref(globalid.Patient, in.PatientID, "patientId"), Relation: in.Relation, Key: in.IdempotencyKey}
}

func acceptInvitation(_ *ids, in model.AcceptPatientInvitationInput) patient.Accept {
	return patient.Accept{Code: access.Private(in.Code), BirthDate: in.BirthDate}
}

func unlink(read *ids, in model.UnlinkPatientInput) patient.Unlink {
	return patient.Unlink{
		Patient: read.ref(globalid.Patient, in.PatientID, "patientId"), Account: read.optional(globalid.Account, in.AccountID, "accountId"),
	}
}

func breakGlass(read *ids, in model.BreakGlassInput) breakglass.Break {
	b := breakglass.Break{
		Patient: read.optional(globalid.Patient, in.Target.PatientID, "target", "patientId"),
		Reason:  access.Private(in.Reason), Minutes: in.Minutes, Key: in.IdempotencyKey,
	}
	if in.Target.Identifier != nil {
		named := identifier(*in.Target.Identifier)
		b.Identifier = &named
	}
	return b
}

func endBreakGlass(read *ids, in model.EndBreakGlassInput) breakglass.End {
	return breakglass.End{Grant: read.ref(globalid.BreakGlassGrant, in.GrantID, "grantId"), ExpectedVersion: in.ExpectedVersion}
}

func reviewBreakGlass(read *ids, in model.ReviewBreakGlassInput) breakglass.Review {
	return breakglass.Review{
		Grant: read.ref(globalid.BreakGlassGrant, in.GrantID, "grantId"), Finding: in.Finding, Note: private(in.Note),
		ExpectedVersion: in.ExpectedVersion,
	}
}

// grantFilter reads a filter. A provider elsewhere is unknown.
func grantFilter(in *model.BreakGlassGrantFilterInput) (breakglass.Filter, error) {
	if in == nil {
		return breakglass.Filter{}, nil
	}
	var read ids
	f := breakglass.Filter{Reviewed: in.Reviewed, From: orZero(in.From), To: orZero(in.To)}
	if provider := read.optional(globalid.Provider, in.ProviderID, "where", "providerId"); provider != nil {
		f.Organization, f.Provider = provider.Organization, provider.ID
	}
	return f, read.fault
}

// warnOf has the operator know that somebody has broken the glass, once. Ids say nothing to whoever may not look them up.
func (r *Resolver) warnOf(ctx context.Context, b breakglass.Broken) {
	if !b.Replayed {
		r.Unshown.Warn(ctx, "glass broken", map[string]uuid.UUID{
			"organization": b.Grant.OrganizationID, "grant": b.Grant.ID, "patient": b.Grant.PatientID, "provider": b.Grant.ProviderID,
		})
	}
}

// actingMembers are of invitations and break-glass grants.
func actingMembers(err error) []any {
	if e, ok := errors.AsType[patient.LockedOut](err); ok {
		return []any{&model.TooManyTriesError{
			Code: model.UserErrorCodeTooManyTries, Message: e.Error(), Path: input("code"), Retryable: true, RetryAt: e.Until,
		}}
	}
	if e, ok := errors.AsType[breakglass.StaleVersion](err); ok {
		return []any{&model.StaleGrantError{
			Code: model.UserErrorCodeStaleVersion, Message: e.Error(), Path: input("expectedVersion"), Current: &e.Current,
		}}
	}
	return nil
}
