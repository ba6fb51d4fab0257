package resolvers

import (
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/form"
)

// ids reads the global ids of an input and keeps the first fault, an errs.InvalidInput with the field's path.
type ids struct{ fault error }

func (read *ids) parse(t globalid.Type, text string, path []string) globalid.ID {
	id, err := globalid.ParseAs(t, text)
	if err != nil && read.fault == nil {
		read.fault = errs.At(err, path...)
	}
	return id
}

func (read *ids) ref(t globalid.Type, text string, path ...string) clinic.Ref {
	return read.parse(t, text, path).Ref
}

func (read *ids) optional(t globalid.Type, text *string, path ...string) *clinic.Ref {
	if text == nil {
		return nil
	}
	ref := read.ref(t, *text, path...)
	return &ref
}

// list reads ids; a list that was left out stays nil.
func (read *ids) list(t globalid.Type, texts []string, path ...string) []clinic.Ref {
	if texts == nil {
		return nil
	}
	refs := make([]clinic.Ref, len(texts))
	for i, text := range texts {
		refs[i] = read.ref(t, text, form.At(path, i)...)
	}
	return refs
}

// organization reads an organisation's id; one that was left out is zero.
func (read *ids) organization(text *string, path ...string) uuid.UUID {
	if text == nil {
		return uuid.Nil
	}
	return read.ref(globalid.Organization, *text, path...).Organization
}

func (read *ids) slot(text string, path ...string) availability.SlotID {
	return read.parse(globalid.Slot, text, path).Slot
}

// same keeps it as a fault when an id is of another organisation than the things beside it.
func (read *ids) same(organization uuid.UUID, what string, ref clinic.Ref, path ...string) {
	if read.fault == nil && ref.Organization != organization {
		read.fault = errs.Missing(what, path...)
	}
}
