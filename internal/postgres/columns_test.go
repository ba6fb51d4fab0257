package postgres

import (
	"reflect"
	"strings"
	"testing"
)

func TestEachColumnOfAnAppointmentGoesToTheFieldOfItsName(t *testing.T) {
	var r appointmentRow
	names, into := strings.Split(appointmentColumns, ","), r.columns()
	row := reflect.ValueOf(&r).Elem()
	if len(names) != len(into) || len(into) != row.NumField() {
		t.Fatalf("%d columns, %d pointers, %d fields", len(names), len(into), row.NumField())
	}
	for i, name := range names {
		want := strings.ReplaceAll(strings.TrimPrefix(strings.TrimSpace(name), "a."), "_", "")
		for f := range row.NumField() {
			if field := row.Type().Field(f); row.Field(f).Addr().Interface() == into[i] && !strings.EqualFold(field.Name, want) {
				t.Errorf("%s goes to %s", name, field.Name)
			}
		}
	}
}
