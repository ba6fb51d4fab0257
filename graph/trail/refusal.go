package trail

import (
	"maps"
	"slices"
	"strconv"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/graph/presenter"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// named are the kinds of things whose being asked for in vain is recorded.
var named = map[globalid.Type]string{
	globalid.Appointment: "Appointment", globalid.BreakGlassGrant: "BreakGlassGrant", globalid.Hold: "SlotHold", globalid.Patient: "Patient",
	globalid.Series: "AppointmentSeries",
}

// Missed notes that an id names nothing for the caller.
func Missed(t *access.Trail, at string, id globalid.ID) {
	if kind, ok := named[id.Type]; ok {
		t.Refused(about(access.Refusal{At: at, Missing: true}, kind, id))
	}
}

func about(r access.Refusal, kind string, id globalid.ID) access.Refusal {
	r.Organization, r.Kind, r.ID = id.Ref.Organization, kind, id.Ref.ID
	if id.Type == globalid.Patient {
		r.Patient = id.Ref.ID
	}
	return r
}

// Failed notes a failure of a field, if it is a refusal: want of a right, or something of a patient's that doesn't exist for the
// caller. path is where the failure's cause stands among the field's arguments.
func Failed(t *access.Trail, field *ast.Field, args map[string]any, kind errs.Kind, path []string) {
	r := access.Refusal{At: coordinate(field), Missing: kind == errs.NotFound}
	switch kind {
	case errs.NotFound:
		id, ok := idAt(args, path)
		if !ok {
			return
		}
		r = about(r, named[id.Type], id)
	case errs.Forbidden, errs.Unauthenticated:
		if id, ok := firstID(args); ok {
			r = about(r, named[id.Type], id)
		}
	default:
		return
	}
	t.Refused(r)
}

func coordinate(f *ast.Field) string {
	if f.ObjectDefinition == nil {
		return f.Name
	}
	return f.ObjectDefinition.Name + "." + f.Name
}

var kindOf = map[presenter.Code]errs.Kind{
	presenter.Forbidden: errs.Forbidden, presenter.NotFound: errs.NotFound, presenter.Unauthenticated: errs.Unauthenticated,
}

// OfErrors notes those top-level errors that are refusals which the changes themselves haven't noted yet.
func OfErrors(t *access.Trail, op *graphql.OperationContext, list gqlerror.List) {
	before, _ := t.Refusals()
	for _, e := range list {
		ofError(t, op, e, before)
	}
}

func ofError(t *access.Trail, op *graphql.OperationContext, e *gqlerror.Error, before []access.Refusal) {
	code, _ := e.Extensions["code"].(presenter.Code)
	kind, refused := kindOf[code]
	field := fieldAt(op.Operation.SelectionSet, e.Path)
	if !refused || field == nil {
		return
	}
	at, missing := coordinate(field), kind == errs.NotFound
	if slices.ContainsFunc(before, func(r access.Refusal) bool { return r.At == at && r.Missing == missing }) {
		return
	}
	path, _ := e.Extensions["path"].([]string)
	Failed(t, field, field.ArgumentMap(op.Variables), kind, path)
}

// fieldAt is the field at a path into the response.
func fieldAt(set ast.SelectionSet, path ast.Path) *ast.Field {
	var at *ast.Field
	for _, step := range path {
		name, ok := step.(ast.PathName)
		if !ok {
			continue
		}
		found := responseField(set, string(name))
		if found == nil {
			return at
		}
		at, set = found, found.SelectionSet
	}
	return at
}

func responseField(set ast.SelectionSet, alias string) *ast.Field {
	for _, s := range set {
		var found *ast.Field
		switch s := s.(type) {
		case *ast.Field:
			if s.Alias == alias {
				return s
			}
		case *ast.InlineFragment:
			found = responseField(s.SelectionSet, alias)
		case *ast.FragmentSpread:
			if s.Definition != nil {
				found = responseField(s.Definition.SelectionSet, alias)
			}
		}
		if found != nil {
			return found
		}
	}
	return nil
}

// idAt reads the id of something of a patient's at a path into arguments.
func idAt(value any, path []string) (globalid.ID, bool) {
	for _, step := range path {
		switch v := value.(type) {
		case map[string]any:
			value = v[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(v) {
				return globalid.ID{}, false
			}
			value = v[i]
		default:
			return globalid.ID{}, false
		}
	}
	return idOf(value)
}

func idOf(value any) (globalid.ID, bool) {
	text, ok := value.(string)
	if !ok {
		return globalid.ID{}, false
	}
	id, err := globalid.Parse(text)
	return id, err == nil && named[id.Type] != ""
}

// firstID finds the first such id anywhere in arguments, in the order of their names.
func firstID(value any) (globalid.ID, bool) {
	switch v := value.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if id, ok := firstID(v[name]); ok {
				return id, true
			}
		}
	case []any:
		for _, item := range v {
			if id, ok := firstID(item); ok {
				return id, true
			}
		}
	}
	return idOf(value)
}
