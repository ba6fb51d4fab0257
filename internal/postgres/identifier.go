package postgres

import (
	"cmp"
	"context"
	"encoding/base64"
	"slices"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

// identifierParam is what an appointment is called elsewhere, on its way to book().
type identifierParam struct {
	System string `json:"system"`
	Token  string `json:"token"` // base64
	Value  string `json:"value"` // base64, sealed
}

// identifierParams seals what an appointment is called elsewhere.
func (s *AppointmentStore) identifierParams(ctx context.Context, pen pen, ap appointment.Appointment, list []clinic.Identifier) ([]identifierParam, error) {
	params := []identifierParam{}
	if len(list) == 0 {
		return params, nil
	}
	key, err := s.db.lookUp(ctx, ap.OrganizationID)
	if err != nil {
		return nil, err
	}
	for _, i := range list {
		token := key.identifier(i)
		value := pen.seal(pen.in("appointment_identifiers", "value", identifierRow(ap.ID, token)), access.Private(i.Value))
		params = append(params, identifierParam{i.System, base64.StdEncoding.EncodeToString(token), base64.StdEncoding.EncodeToString(value)})
	}
	return params, nil
}

// identifierRow names a row, which has no id of its own, for sealing.
func identifierRow(appointment uuid.UUID, token []byte) uuid.UUID {
	return uuid.NewSHA1(appointment, token)
}

const selectIdentifiers = `
SELECT i.organization_id, i.appointment_id, i.system, i.token, i.value, a.patient_id
FROM unnest($1::uuid[], $2::uuid[]) r(organization, id)
JOIN appointment_identifiers i ON i.organization_id = r.organization AND i.appointment_id = r.id
JOIN appointments a ON a.organization_id = i.organization_id AND a.id = i.appointment_id`

type identifierRowOf struct {
	OrganizationID, AppointmentID, PatientID uuid.UUID
	System                                   string
	Token, Value                             []byte
}

func (r identifierRowOf) cell() cell {
	return cellOf("appointment_identifiers", "value", r.OrganizationID, identifierRow(r.AppointmentID, r.Token), r.PatientID, r.Value)
}

// Identifiers implements appointment.Store. Those of an erased patient are gone.
func (s *AppointmentStore) Identifiers(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref][]clinic.Identifier, error) {
	rows, err := listOf[identifierRowOf](ctx, s.db, refs, selectIdentifiers)
	if err != nil {
		return nil, err
	}
	cells := make([]cell, len(rows))
	for i, r := range rows {
		cells[i] = r.cell()
	}
	keys, err := s.db.opener(ctx, cells)
	if err != nil {
		return nil, err
	}
	found := make(map[clinic.Ref][]clinic.Identifier, len(refs))
	for i, r := range rows {
		value, err := keys.open(cells[i])
		if err != nil {
			return nil, err
		}
		if value != nil {
			ref := clinic.Ref{Organization: r.OrganizationID, ID: r.AppointmentID}
			found[ref] = append(found[ref], clinic.Identifier{System: r.System, Value: value.Reveal()})
		}
	}
	for _, list := range found {
		slices.SortFunc(list, func(a, b clinic.Identifier) int {
			return cmp.Or(cmp.Compare(a.System, b.System), cmp.Compare(a.Value, b.Value))
		})
	}
	return found, nil
}
