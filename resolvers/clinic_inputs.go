package resolvers

import (
	"slices"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/graph/model"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/form"
)

func createOrganization(_ *ids, in model.CreateOrganizationInput) clinic.CreateOrganization {
	return clinic.CreateOrganization{Name: in.Name, Key: in.IdempotencyKey}
}

func putLocation(read *ids, in model.PutLocationInput) clinic.PutLocation {
	return clinic.PutLocation{
		Organization:   read.organization(in.OrganizationID, "organizationId"),
		Identifier:     identifier(*in.Identifier),
		Name:           in.Name,
		TimeZone:       in.TimeZone,
		AddressLines:   in.AddressLines,
		PostalCode:     in.PostalCode,
		Country:        in.Country,
		Latitude:       in.Latitude,
		Longitude:      in.Longitude,
		StepFreeAccess: in.StepFreeAccess,
		Phone:          in.Phone,
	}
}

func putVisitKind(read *ids, in model.PutVisitKindInput) clinic.PutVisitKind {
	return clinic.PutVisitKind{
		Organization:           read.organization(in.OrganizationID, "organizationId"),
		Key:                    in.Key,
		Name:                   in.Name,
		Duration:               in.Duration,
		BufferBefore:           in.BufferBefore,
		BufferAfter:            in.BufferAfter,
		SlotStep:               in.SlotStep,
		GridAnchor:             in.GridAnchor,
		Instructions:           in.Instructions,
		RequiresApproval:       in.RequiresApproval,
		ApprovalWithin:         in.ApprovalWithin,
		Modalities:             in.Modalities,
		MinimumNotice:          in.MinimumNotice,
		MaximumAdvance:         in.MaximumAdvance,
		HoldDuration:           in.HoldDuration,
		FreeCancellationBefore: in.FreeCancellationBefore,
		LateFeeMinorUnits:      in.LateCancellationFeeMinorUnits,
		Currency:               in.Currency,
		MaxReschedules:         in.MaxReschedules,
		Needs:                  in.Needs,
		RepeatAfter:            in.RepeatAfter,
		Prerequisites:          prerequisites(read, in.Prerequisites),
		Patients:               in.Patients,
		MinimumAge:             in.MinimumAge,
		MaximumAge:             in.MaximumAge,
	}
}

func prerequisites(read *ids, in []*model.PrerequisiteInput) []clinic.PutPrerequisite {
	var list []clinic.PutPrerequisite
	for i, p := range in {
		list = append(list, clinic.PutPrerequisite{
			VisitKind: read.ref(globalid.VisitKind, p.VisitKindID, form.At([]string{"prerequisites"}, i, "visitKindId")...), Within: p.Within,
		})
	}
	return list
}

func identifier(in model.IdentifierInput) clinic.Identifier {
	return clinic.Identifier{System: in.System, Value: in.Value}
}

func identifiers(in []*model.IdentifierInput) []clinic.Identifier {
	var list []clinic.Identifier
	for _, i := range in {
		list = append(list, identifier(*i))
	}
	return list
}

// near reads a place; one that was left out is nil.
func near(read *ids, in *model.PlaceInput, path ...string) *clinic.Near {
	if in == nil {
		return nil
	}
	n := &clinic.Near{Locations: read.list(globalid.Location, in.LocationIds, append(slices.Clone(path), "locationIds")...)}
	if c := in.Circle; c != nil {
		n.Circle = &clinic.Circle{Center: clinic.GeoPoint{Latitude: c.Latitude, Longitude: c.Longitude}, Radius: c.RadiusMeters}
	}
	if p := in.PostalCode; p != nil {
		n.Postal = &clinic.PostalArea{Code: p.Code, Country: p.Country, Radius: p.RadiusMeters}
	}
	return n
}
