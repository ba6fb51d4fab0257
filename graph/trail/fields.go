// Package trail belongs to the door: what a request asked for and was refused, in the words of the contract, for the record of who
// saw what.
package trail

import (
	"slices"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/mediconnect/mediconnect/internal/audit"
)

// kinds are the contract's types that show patients' data, and what things of these types are in the record.
var kinds = map[string][]string{
	"Appointment":        {"Appointment"},
	"AppointmentSeries":  {"AppointmentSeries"},
	"Patient":            {"Patient"},
	"ContactPreferences": {"Patient"},
	"SlotHold":           {"SlotHold"},
	"BreakGlassGrant":    {"BreakGlassGrant"},
	"LegalHold":          {"LegalHold"},
	"PatientConnection":  {"PatientSearch"},
	"Reminder":           {"Reminder"},
	"WaitlistEntry":      {"WaitlistEntry"},
	"WaitlistOffer":      {"WaitlistOffer"},
	"Node":               {"Appointment", "AppointmentSeries", "BreakGlassGrant", "LegalHold", "Patient", "Reminder", "SlotHold", "WaitlistEntry", "WaitlistOffer"},
	"Versioned":          {"Appointment", "BreakGlassGrant"},
	"AuditEvent":         {audit.TrailKind},
}

// Fields are the names of the fields that an operation asks for of each kind of thing, each once and in order. A field that a
// condition leaves out is among them.
func Fields(op *ast.OperationDefinition) map[string][]string {
	f := fields{of: map[string][]string{}, seen: map[string]bool{}}
	f.set(op.SelectionSet)
	for kind, names := range f.of {
		slices.Sort(names)
		f.of[kind] = slices.Compact(names)
	}
	return f.of
}

type fields struct {
	of   map[string][]string
	seen map[string]bool // fragments
}

func (f *fields) set(set ast.SelectionSet) {
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			f.field(s)
			f.set(s.SelectionSet)
		case *ast.InlineFragment:
			f.set(s.SelectionSet)
		case *ast.FragmentSpread:
			if !f.seen[s.Name] && s.Definition != nil {
				f.seen[s.Name] = true
				f.set(s.Definition.SelectionSet)
			}
		}
	}
}

func (f *fields) field(s *ast.Field) {
	if s.ObjectDefinition == nil || s.Name == "__typename" {
		return
	}
	if s.ObjectDefinition.Name == "Viewer" && s.Name == "timeZone" { // which is the patient's
		f.of["Patient"] = append(f.of["Patient"], s.Name)
	}
	for _, kind := range kinds[s.ObjectDefinition.Name] {
		f.of[kind] = append(f.of[kind], s.Name)
	}
}
