// Package policy belongs to the door: who gets what of every field of the contract, as one table. Nothing is decided by it at
// run time; the tests hold the served schema, the directive @requiresScopes and what the services answer to it, and
// docs/access.md shows it.
package policy

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"github.com/mediconnect/mediconnect/internal/access"
)

// Cell is what a caller gets of a field.
type Cell string

// The cells. Where a field lists things, Sees is all of them and Own those that the rows of their type let the caller see.
const (
	Sees    Cell = "sees"    // the value, or the change is made
	Null    Cell = "null"    // null, or nothing in the list, as if there were no value
	Own     Cell = "own"     // only what is the caller's own; the rest is Unknown
	Refused Cell = "refused" // FORBIDDEN
	SignIn  Cell = "sign-in" // UNAUTHENTICATED
	Unknown Cell = "unknown" // NOT_FOUND, or no node: told from what doesn't exist by nobody
	Nowhere Cell = "-"       // no way leads to the object
)

var cells = []Cell{Sees, Null, Own, Refused, SignIn, Unknown, Nowhere}

// Column is a kind of caller, as they stand to what is asked for.
type Column struct {
	Name   string // in the table
	Title  string // in the documentation
	Scopes []string
}

// The columns of the table, in its order.
const (
	Anonymous     = "anonymous"
	Patient       = "patient"
	Caregiver     = "caregiver"
	OtherPatient  = "other-patient"
	OwnProvider   = "own-provider"
	OtherProvider = "other-provider"
	FrontDesk     = "desk"
	Admin         = "admin"
	Auditor       = "auditor"
	Platform      = "platform"
	OtherTenant   = "other-tenant"
	Integrator    = "integrator"
	Scopeless     = "scopeless"
)

// Columns are all of them.
var Columns = []Column{
	{Anonymous, "nobody signed in", nil},
	{Patient, "the patient", access.ScopesOf(access.PatientRole)},
	{Caregiver, "a caregiver of the patient", access.ScopesOf(access.Caregiver)},
	{OtherPatient, "another patient", access.ScopesOf(access.PatientRole)},
	{OwnProvider, "the patient's provider", access.ScopesOf(access.Provider)},
	{OtherProvider, "another provider", access.ScopesOf(access.Provider)},
	{FrontDesk, "front desk", access.ScopesOf(access.FrontDesk)},
	{Admin, "administrator", access.ScopesOf(access.Admin)},
	{Auditor, "auditor", access.ScopesOf(access.Auditor)},
	{Platform, "platform administrator", access.ScopesOf(access.PlatformAdmin)},
	{OtherTenant, "front desk of another organisation", access.ScopesOf(access.FrontDesk)},
	{Integrator, "integrator", access.ScopesOf(access.Integrator)},
	{Scopeless, "integrator without scopes", nil},
}

// Row is what every kind of caller gets of a field, or of all fields of the types whose names end alike.
type Row struct {
	Type, Field string // a pattern has "*Payload" and "*"
	Section     string
	cells       []Cell // one a column
}

// Coordinate is how the row names its field, such as Patient.name.
func (r Row) Coordinate() string { return r.Type + "." + r.Field }

// For is what a column's callers get. A column that doesn't exist gets nothing.
func (r Row) For(column string) Cell {
	at := slices.IndexFunc(Columns, func(c Column) bool { return c.Name == column })
	if at < 0 {
		return Nowhere
	}
	return r.cells[at]
}

func (r Row) pattern() bool { return r.Field == "*" }

func (r Row) matches(typeName string) bool {
	return strings.HasSuffix(typeName, strings.TrimPrefix(r.Type, "*"))
}

// Table is the policy.
type Table struct{ Rows []Row }

//go:embed policy.table
var text string

// Load reads the table that the program carries.
func Load() (Table, error) { return Parse(text) }

// Row finds the row of a field: its own, else that of a pattern.
func (t Table) Row(typeName, field string) (Row, bool) {
	var found *Row
	for i, r := range t.Rows {
		switch {
		case r.Type == typeName && r.Field == field:
			return r, true
		case r.pattern() && r.matches(typeName):
			found = &t.Rows[i]
		}
	}
	if found == nil {
		return Row{}, false
	}
	return *found, true
}

// Parse reads a table: lines of a coordinate and a cell for each column. "#" begins a remark, "==" a section.
func Parse(text string) (Table, error) {
	var t Table
	section, headed := "", false
	for n, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		words := strings.Fields(line)
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "=="):
			section = strings.TrimSpace(strings.TrimPrefix(line, "=="))
		case words[0] == "field":
			if headed = slices.Equal(words[1:], names()); !headed {
				return t, fmt.Errorf("line %d: the columns are %s", n+1, strings.Join(names(), " "))
			}
		default:
			row, err := readRow(words, section)
			if err != nil {
				return t, fmt.Errorf("line %d: %w", n+1, err)
			}
			t.Rows = append(t.Rows, row)
		}
	}
	if !headed {
		return t, fmt.Errorf("the table doesn't name its columns")
	}
	return t, nil
}

func names() (list []string) {
	for _, c := range Columns {
		list = append(list, c.Name)
	}
	return list
}

func readRow(words []string, section string) (Row, error) {
	typeName, field, ok := strings.Cut(words[0], ".")
	if !ok || len(words) != len(Columns)+1 {
		return Row{}, fmt.Errorf("%q has no type, or not a cell for each of %d columns", words[0], len(Columns))
	}
	r := Row{Type: typeName, Field: field, Section: section}
	for _, word := range words[1:] {
		if !slices.Contains(cells, Cell(word)) {
			return r, fmt.Errorf("%s: %q is no cell", words[0], word)
		}
		r.cells = append(r.cells, Cell(word))
	}
	if strings.HasPrefix(typeName, "*") != (field == "*") {
		return r, fmt.Errorf("%s: a pattern is the end of a type's name and all its fields", words[0])
	}
	if r.pattern() && len(slices.Compact(slices.Clone(r.cells))) != 1 {
		return r, fmt.Errorf("%s: where callers differ, each field has a row", words[0])
	}
	return r, nil
}
