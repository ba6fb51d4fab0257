package clinic

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/mediconnect/mediconnect/internal/errs"
)

func goodLocation() PutLocation {
	return PutLocation{
		Identifier: Identifier{System: "https://example.org/sites", Value: "1"}, Name: "Main Street", TimeZone: "America/New_York",
		AddressLines: []string{"1 Main Street"},
	}
}

// refused fails unless err is bad input at the path.
func refused(t *testing.T, err error, path string) {
	t.Helper()
	var fault *errs.Error
	if !errors.As(err, &fault) || fault.Kind != errs.InvalidInput || !slices.Equal(fault.Path, strings.Fields(path)) {
		t.Errorf("got %#v, want bad input at %q", err, path)
	}
}

func TestAGoodLocationIsKeptAsItIs(t *testing.T) {
	in := goodLocation()
	in.Name, in.PostalCode, in.Latitude, in.Longitude = " Main Street ", ptr("07030"), ptr(40.0), ptr(-74.0)
	l, err := in.location()
	if err != nil {
		t.Fatal(err)
	}
	if l.Name != "Main Street" || *l.PostalCode != "07030" || *l.Position != (GeoPoint{40, -74}) {
		t.Errorf("kept as %+v", l)
	}
}

func TestAPointNeedsBothCoordinates(t *testing.T) {
	in := goodLocation()
	in.Latitude = ptr(40.0)
	_, err := in.location()
	refused(t, err, "longitude")
	in.Latitude, in.Longitude = nil, ptr(40.0)
	_, err = in.location()
	refused(t, err, "latitude")
	in.Latitude, in.Longitude = ptr(90.1), ptr(40.0)
	_, err = in.location()
	refused(t, err, "latitude")
	in.Latitude, in.Longitude = ptr(90.0), ptr(180.5)
	_, err = in.location()
	refused(t, err, "longitude")
}

func TestBadLocationsAreRefusedWithTheirPath(t *testing.T) {
	for path, spoil := range map[string]func(*PutLocation){
		"identifier system": func(in *PutLocation) { in.Identifier.System = "sites" },
		"identifier value":  func(in *PutLocation) { in.Identifier.Value = "" },
		"name":              func(in *PutLocation) { in.Name = strings.Repeat("x", 201) },
		"timeZone":          func(in *PutLocation) { in.TimeZone = "EST" },
		"addressLines":      func(in *PutLocation) { in.AddressLines = slices.Repeat([]string{"a"}, 11) },
		"addressLines 1":    func(in *PutLocation) { in.AddressLines = []string{"a", "b\x00"} },
		"postalCode":        func(in *PutLocation) { in.PostalCode = ptr(strings.Repeat("1", 21)) },
		"country":           func(in *PutLocation) { in.Country = ptr("USA") },
		"phone":             func(in *PutLocation) { in.Phone = ptr("201-555-0123") },
	} {
		in := goodLocation()
		spoil(&in)
		_, err := in.location()
		refused(t, err, path)
	}
}

func TestLocationsAreTheSameOnlyWhenAllFieldsAre(t *testing.T) {
	full := func() Location {
		in := goodLocation()
		in.PostalCode, in.Country, in.Phone, in.StepFreeAccess = ptr("07030"), ptr("US"), ptr("+12015550123"), ptr(true)
		in.Latitude, in.Longitude = ptr(40.0), ptr(-74.0)
		l, err := in.location()
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	if !full().Same(full()) {
		t.Error("two readings of one input differ")
	}
	for name, change := range map[string]func(*Location){
		"identifier": func(l *Location) { l.Identifier.Value = "2" }, "name": func(l *Location) { l.Name = "x" },
		"zone": func(l *Location) { l.TimeZone = "UTC" }, "address": func(l *Location) { l.AddressLines = nil },
		"code": func(l *Location) { l.PostalCode = nil }, "country": func(l *Location) { l.Country = ptr("CA") },
		"point": func(l *Location) { l.Position.Latitude++ }, "access": func(l *Location) { l.StepFreeAccess = ptr(false) },
		"phone": func(l *Location) { l.Phone = nil },
	} {
		l := full()
		change(&l)
		if full().Same(l) {
			t.Errorf("a change of the %s goes unnoticed", name)
		}
	}
}

func ptr[T any](v T) *T { return &v }
