package resolvers

import (
	"github.com/mediconnect/mediconnect/graph/model"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/patient"
)

func register(read *ids, in model.RegisterPatientInput) patient.Register {
	return patient.Register{
		Organization: read.organization(in.OrganizationID, "organizationId"),
		Identifier:   identifier(*in.Identifier),
		GivenName:    access.Private(in.GivenName),
		FamilyName:   access.Private(in.FamilyName),
		BirthDate:    in.BirthDate,
		Phone:        private(in.Phone),
		Email:        private(in.Email),
		Language:     in.Language,
		TimeZone:     in.TimeZone,
	}
}

func patientFilter(in model.PatientFilterInput) (patient.Filter, error) {
	var read ids
	f := patient.Filter{
		Organization: read.organization(in.OrganizationID, "where", "organizationId"),
		Name:         private(in.Name),
		BirthDate:    in.BirthDate,
		Phone:        private(in.Phone),
		Email:        private(in.Email),
	}
	if in.Identifier != nil {
		named := identifier(*in.Identifier)
		f.Identifier = &named
	}
	return f, read.fault
}
