package postgres

import (
	"slices"
	"strings"
	"testing"

	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
)

// A private column that rotation doesn't know of would lose its key.
func TestEveryPrivateColumnIsSealedAnew(t *testing.T) {
	of := keyPlace("") // what is the platform's own is sealed anew by itself
	there, known := []string(nil), []string{of.Table + "." + of.Column}
	err := pgtest.New(t).QueryRow(t.Context(), `SELECT array_agg(table_name || '.' || column_name) FROM information_schema.columns
		WHERE domain_name = 'private'`).Scan(&there)
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range sealedTables {
		for _, column := range table.columns {
			known = append(known, table.name+"."+column)
		}
	}
	slices.Sort(there)
	slices.Sort(known)
	if !slices.Equal(there, known) {
		t.Errorf("private are\n%s\nsealed anew are\n%s", strings.Join(there, " "), strings.Join(known, " "))
	}
}
