package patient

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/civil"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
)

var today = civil.Date{Year: 2027, Month: time.March, Day: 1}

func ptr[T any](v T) *T { return &v }

func good() Register {
	return Register{
		Identifier: clinic.Identifier{System: "https://example.org/mrn", Value: "1"}, GivenName: "Ann", FamilyName: "Lee",
	}
}

func refused(t *testing.T, err error, path string) {
	t.Helper()
	var fault *errs.Error
	if !errors.As(err, &fault) || fault.Kind != errs.InvalidInput || !slices.Equal(fault.Path, strings.Fields(path)) {
		t.Errorf("got %#v, want bad input at %q", err, path)
	}
}

func TestBadPatientsAreRefusedWithTheirPath(t *testing.T) {
	for _, bad := range []struct {
		path  string
		spoil func(*Register)
	}{
		{"identifier system", func(in *Register) { in.Identifier.System = "mrn" }},
		{"identifier value", func(in *Register) { in.Identifier.Value = strings.Repeat("1", 201) }},
		{"givenName", func(in *Register) { in.GivenName = "" }},
		{"familyName", func(in *Register) { in.FamilyName = "a\x00" }},
		{"birthDate", func(in *Register) { in.BirthDate = ptr(civil.Date{Year: 2001, Month: 2, Day: 29}) }},
		{"birthDate", func(in *Register) { in.BirthDate = ptr(today.AddDays(2)) }},
		{"birthDate", func(in *Register) { in.BirthDate = ptr(today.AddYears(-130)) }},
		{"phone", func(in *Register) { in.Phone = ptr(access.Private("s3cret")) }},
		{"email", func(in *Register) { in.Email = ptr(access.Private("s3cret")) }},
		{"language", func(in *Register) { in.Language = ptr("english language") }},
		{"timeZone", func(in *Register) { in.TimeZone = ptr("EST") }},
	} {
		in := good()
		bad.spoil(&in)
		_, err := in.patient(today)
		refused(t, err, bad.path)
		if strings.Contains(fmt.Sprint(err), "s3cret") {
			t.Errorf("the refusal shows the value: %v", err)
		}
	}
	for _, birth := range []civil.Date{today, today.AddDays(1), today.AddYears(-130).AddDays(1)} {
		in := good()
		in.BirthDate = &birth
		if _, err := in.patient(today); err != nil {
			t.Errorf("born on %v: %v", birth, err)
		}
	}
}

func TestPatientsAreTheSameOnlyWhenAllFieldsAre(t *testing.T) {
	fields := reflect.TypeFor[Patient]()
	for i := range fields.NumField() {
		name := fields.Field(i).Name
		if name == "ID" || name == "OrganizationID" {
			continue
		}
		var changed Patient
		field := reflect.ValueOf(&changed).Elem().Field(i)
		if field.Kind() == reflect.Pointer {
			field.Set(reflect.New(field.Type().Elem()))
		} else if field.Kind() == reflect.Bool {
			field.SetBool(true)
		} else {
			field.SetString("x")
		}
		if changed.Same(Patient{}) || !changed.Same(changed) {
			t.Errorf("a change of %s goes unnoticed", name)
		}
	}
}

func TestWordsOfNames(t *testing.T) {
	for name, want := range map[string]string{
		"Ann":              "ann",
		"  ANN   Marie ":   "ann marie",
		"Anne-Marie":       "anne marie",
		"O'Neil":           "oneil",
		"O’Neil":           "oneil",
		"José Núñez":       "jose nunez",
		"Jose\u0301":       "jose",
		"Müller":           "muller",
		"Groß":             "gross",
		"Łukasz Søren":     "lukasz soren",
		"Đorđević":         "dordevic",
		"Ægir":             "aegir",
		"Ştefan":           "stefan",
		"İpek":             "ipek",
		"Владимир":         "владимир",
		"王小明":              "王小明",
		"김민준":              "김민준",
		"ｆｕｌｌ":             "full",
		"Smith, Jr. (3rd)": "smith jr 3rd",
		"-- ' --":          "",
	} {
		var got []string
		for _, w := range words(access.Private(name)) {
			got = append(got, string(w))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q is taken for %q, want %q", name, got, want)
		}
	}
}

func TestBeginningsAPatientIsFoundBy(t *testing.T) {
	p := Patient{System: "s", Identifier: "1", GivenName: "A Jo", FamilyName: access.Private("Wolfeschlegelstein")}
	var names []string
	for _, h := range p.Handles() {
		if h.Purpose == "name" {
			names = append(names, h.Value.Reveal())
		}
	}
	want := []string{
		"jo", "wo", "wol", "wolf", "wolfe", "wolfes", "wolfesc", "wolfesch", "wolfeschl", "wolfeschle", "wolfeschleg", "wolfeschlege",
	}
	if !slices.Equal(names, want) {
		t.Errorf("found by %v, want %v", names, want)
	}
	twins := Patient{System: "s", Identifier: "1", GivenName: "Ann", FamilyName: "Ann"}
	if n := len(twins.Handles()); n != 3 { // identifier, an, ann
		t.Errorf("equal names give %d handles", n)
	}
}

func TestWhatANameIsLookedUpBy(t *testing.T) {
	for name, want := range map[string][]string{
		"Jo":                   {"jo"},
		"jo SMITHSON":          {"smithson", "jo"},
		"Wolfeschlegelsteinha": {"wolfeschlege"},
	} {
		handles, err := Filter{Name: ptr(access.Private(name))}.handles(today)
		var got []string
		for _, h := range handles {
			got = append(got, h.Value.Reveal())
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %v, %v", name, got, err)
		}
	}
	for _, name := range []string{"J", "J Smith", "é", "'", "", " ", "a-b", strings.Repeat("x", 201)} {
		_, err := Filter{Name: ptr(access.Private(name))}.handles(today)
		refused(t, err, "name")
	}
}

func TestAFilterNeedsAPart(t *testing.T) {
	_, err := Filter{}.handles(today)
	refused(t, err, "")
	_, err = Filter{Phone: ptr(access.Private("555"))}.handles(today)
	refused(t, err, "phone")
	_, err = Filter{Email: ptr(access.Private("x"))}.handles(today)
	refused(t, err, "email")
	_, err = Filter{Identifier: &clinic.Identifier{System: "x", Value: "1"}}.handles(today)
	refused(t, err, "identifier system")
	_, err = Filter{BirthDate: &civil.Date{}}.handles(today)
	refused(t, err, "birthDate")
}

func TestTheMostTellingPartComesFirst(t *testing.T) {
	all, err := Filter{
		Name: ptr(access.Private("Ann")), BirthDate: &today, Phone: ptr(access.Private("+12015550123")), Email: ptr(access.Private("A@B.org")),
		Identifier: &clinic.Identifier{System: "urn:oid:1", Value: "1"},
	}.handles(today)
	var got []string
	for _, h := range all {
		got = append(got, h.Purpose)
	}
	if want := []string{"identifier", "e-mail", "phone", "birth date", "name"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	if all[1].Value != "a@b.org" {
		t.Error("the case of an e-mail address matters")
	}
}
