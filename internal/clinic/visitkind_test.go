package clinic

import (
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

func goodKind() PutVisitKind {
	return PutVisitKind{Key: "flu-shot", Name: "Flu shot", Duration: 15 * time.Minute, Modalities: []Modality{InPerson}}
}

func TestWhatIsLeftOutTakesItsDefault(t *testing.T) {
	k, err := goodKind().kind()
	if err != nil {
		t.Fatal(err)
	}
	want := VisitKind{
		Key: "flu-shot", Name: "Flu shot", Duration: 15 * time.Minute, SlotStep: 15 * time.Minute, GridAnchor: GridDay,
		Modalities: []Modality{InPerson}, ApprovalWithin: 72 * time.Hour,
		Policy:   Policy{MaximumAdvance: 365 * 24 * time.Hour, HoldDuration: 5 * time.Minute},
		Requires: Requirements{Patients: AllPatients},
	}
	if !reflect.DeepEqual(k, want) {
		t.Errorf("got %+v, want %+v", k, want)
	}
}

func TestTheLongestVisitIsWhatReadsOfClaimsRelyOn(t *testing.T) {
	if longest := lengths.Most + 2*buffers.Most; longest != MaxOccupied {
		t.Errorf("a visit can occupy %v, reads look back %v", longest, MaxOccupied)
	}
}

func TestDurationsOfAKindKeepTheirBounds(t *testing.T) {
	for path, field := range map[string]struct {
		set       func(*PutVisitKind, *time.Duration)
		good, bad []time.Duration
	}{
		"duration": {
			func(in *PutVisitKind, d *time.Duration) { in.Duration = *d },
			[]time.Duration{time.Minute, 24 * time.Hour}, []time.Duration{-time.Minute, 0, 90 * time.Second, 24*time.Hour + time.Minute},
		},
		"bufferBefore": {
			func(in *PutVisitKind, d *time.Duration) { in.BufferBefore = d },
			[]time.Duration{0, 12 * time.Hour}, []time.Duration{-time.Minute, time.Second, 12*time.Hour + time.Minute},
		},
		"bufferAfter": {
			func(in *PutVisitKind, d *time.Duration) { in.BufferAfter = d },
			[]time.Duration{0, 12 * time.Hour}, []time.Duration{-time.Minute, time.Second, 12*time.Hour + time.Minute},
		},
		"slotStep": {
			func(in *PutVisitKind, d *time.Duration) { in.SlotStep = d },
			[]time.Duration{time.Minute, 24 * time.Hour}, []time.Duration{0, 30 * time.Second, 24*time.Hour + time.Minute},
		},
		"minimumNotice": {
			func(in *PutVisitKind, d *time.Duration) { in.MinimumNotice = d },
			[]time.Duration{0, 365 * day}, []time.Duration{-time.Second, time.Millisecond, 365*day + time.Second},
		},
		"maximumAdvance": {
			func(in *PutVisitKind, d *time.Duration) { in.MaximumAdvance = d },
			[]time.Duration{time.Second, 730 * day}, []time.Duration{0, -day, 730*day + time.Second},
		},
		"holdDuration": {
			func(in *PutVisitKind, d *time.Duration) { in.HoldDuration = d },
			[]time.Duration{30 * time.Second, time.Hour}, []time.Duration{0, 29 * time.Second, time.Hour + time.Second},
		},
		"approvalWithin": {
			func(in *PutVisitKind, d *time.Duration) { in.ApprovalWithin = d },
			[]time.Duration{15 * time.Minute, 60 * day}, []time.Duration{0, 15*time.Minute - time.Second, 60*day + time.Second},
		},
		"repeatAfter": {
			func(in *PutVisitKind, d *time.Duration) { in.RepeatAfter = d },
			[]time.Duration{time.Minute, 1830 * day}, []time.Duration{-time.Minute, 0, 59 * time.Second, 1830*day + time.Second},
		},
		"freeCancellationBefore": {
			func(in *PutVisitKind, d *time.Duration) { in.FreeCancellationBefore = d },
			[]time.Duration{0, 730 * day}, []time.Duration{-time.Second, 730*day + time.Second},
		},
	} {
		for _, d := range field.good {
			in := goodKind()
			field.set(&in, &d)
			if _, err := in.kind(); err != nil {
				t.Errorf("%s %v: %v", path, d, err)
			}
		}
		for _, d := range field.bad {
			in := goodKind()
			field.set(&in, &d)
			_, err := in.kind()
			refused(t, err, path)
		}
	}
}

func TestBadKindsAreRefusedWithTheirPath(t *testing.T) {
	for _, bad := range []struct {
		path  string
		spoil func(*PutVisitKind)
	}{
		{"key", func(in *PutVisitKind) { in.Key = " " }},
		{"name", func(in *PutVisitKind) { in.Name = "" }},
		{"gridAnchor", func(in *PutVisitKind) { in.GridAnchor = ptr(GridAnchor("HOUR")) }},
		{"instructions", func(in *PutVisitKind) { in.Instructions = ptr(strings.Repeat("x", 2001)) }},
		{"modalities", func(in *PutVisitKind) { in.Modalities = nil }},
		{"modalities 0", func(in *PutVisitKind) { in.Modalities = []Modality{"FAX"} }},
		{"modalities 1", func(in *PutVisitKind) { in.Modalities = []Modality{Video, Video} }},
		{"maxReschedules", func(in *PutVisitKind) { in.MaxReschedules = ptr(-1) }},
		{"currency", func(in *PutVisitKind) { in.LateFeeMinorUnits = ptr(100) }},
		{"currency", func(in *PutVisitKind) { in.LateFeeMinorUnits, in.Currency = ptr(100), ptr("usd") }},
		{"currency", func(in *PutVisitKind) { in.LateFeeMinorUnits, in.Currency = ptr(100), ptr("DOLLAR") }},
		{"currency", func(in *PutVisitKind) { in.LateFeeMinorUnits, in.Currency = ptr(100), ptr("XXX") }},
		{"currency", func(in *PutVisitKind) { in.LateFeeMinorUnits, in.Currency = ptr(100), ptr("XTS") }},
		{"currency", func(in *PutVisitKind) { in.LateFeeMinorUnits, in.Currency = ptr(100), ptr("XAU") }},
		{"minimumNotice", func(in *PutVisitKind) { in.MinimumNotice, in.MaximumAdvance = ptr(day+time.Second), ptr(day) }},
		{"lateCancellationFeeMinorUnits", func(in *PutVisitKind) { in.Currency = ptr("USD") }},
		{"lateCancellationFeeMinorUnits", func(in *PutVisitKind) { in.LateFeeMinorUnits, in.Currency = ptr(0), ptr("USD") }},
		{"lateCancellationFeeMinorUnits", func(in *PutVisitKind) { in.LateFeeMinorUnits, in.Currency = ptr(-1), ptr("USD") }},
		{"lateCancellationFeeMinorUnits", func(in *PutVisitKind) { in.LateFeeMinorUnits, in.Currency = ptr(math.MaxInt32+1), ptr("USD") }},
		{"needs", func(in *PutVisitKind) { in.Needs = strings.Split("abcdef", "") }},
		{"needs 1", func(in *PutVisitKind) { in.Needs = []string{"b", "b"} }},
		{"needs 1", func(in *PutVisitKind) { in.Needs = []string{"b", " b"} }},
		{"needs 0", func(in *PutVisitKind) { in.Needs = []string{""} }},
		{"prerequisites", func(in *PutVisitKind) { in.Prerequisites = make([]PutPrerequisite, 6) }},
		{"prerequisites 1 visitKindId", func(in *PutVisitKind) { in.Prerequisites = []PutPrerequisite{after(1, day), after(1, day)} }},
		{"prerequisites 0 within", func(in *PutVisitKind) { in.Prerequisites = []PutPrerequisite{after(1, 59*time.Second)} }},
		{"prerequisites 0 within", func(in *PutVisitKind) { in.Prerequisites = []PutPrerequisite{after(1, 1830*day+time.Second)} }},
		{"patients", func(in *PutVisitKind) { in.Patients = ptr(PatientStanding("OLD")) }},
		{"minimumAge", func(in *PutVisitKind) { in.MinimumAge = ptr(-1) }},
		{"maximumAge", func(in *PutVisitKind) { in.MaximumAge = ptr(151) }},
		{"minimumAge", func(in *PutVisitKind) { in.MinimumAge, in.MaximumAge = ptr(18), ptr(17) }},
	} {
		in := goodKind()
		bad.spoil(&in)
		_, err := in.kind()
		refused(t, err, bad.path)
	}
	in := goodKind()
	in.LateFeeMinorUnits, in.Currency, in.MaxReschedules = ptr(1), ptr("USD"), ptr(0)
	if k, err := in.kind(); err != nil || *k.Policy.LateCancellationFee != (Money{1, "USD"}) {
		t.Errorf("the smallest fee: %+v, %v", k.Policy, err)
	}
	in = goodKind()
	in.LateFeeMinorUnits, in.Currency, in.MinimumNotice, in.MaximumAdvance = ptr(1), ptr("XOF"), ptr(day), ptr(day)
	if _, err := in.kind(); err != nil {
		t.Errorf("a fee in a monetary union's currency, a notice as long as the advance: %v", err)
	}
}

func TestTheOrderOfModalitiesDoesNotMatter(t *testing.T) {
	one, other := goodKind(), goodKind()
	one.Modalities, other.Modalities = []Modality{Video, Home}, []Modality{Home, Video}
	a, _ := one.kind()
	b, _ := other.kind()
	if !a.Same(b) {
		t.Errorf("%v and %v differ", a.Modalities, b.Modalities)
	}
}

// Same has to notice every field: a field added to the type without a comparison fails here.
func TestKindsAreTheSameOnlyWhenAllFieldsAre(t *testing.T) {
	for _, of := range []func(*VisitKind) any{
		func(k *VisitKind) any { return k }, func(k *VisitKind) any { return &k.Policy }, func(k *VisitKind) any { return &k.Requires },
	} {
		var sample VisitKind
		fields := reflect.TypeOf(of(&sample)).Elem()
		for i := range fields.NumField() {
			name := fields.Field(i).Name
			if name == "ID" || name == "OrganizationID" || name == "Policy" || name == "Requires" {
				continue
			}
			var changed VisitKind
			field := reflect.ValueOf(of(&changed)).Elem().Field(i)
			field.Set(other(field.Type()))
			if changed.Same(VisitKind{}) {
				t.Errorf("a change of %s goes unnoticed", name)
			}
		}
	}
}

// other makes a value that is not the zero value of its type.
func other(of reflect.Type) reflect.Value {
	switch of.Kind() {
	case reflect.Pointer:
		return reflect.New(of.Elem())
	case reflect.Slice:
		return reflect.MakeSlice(of, 1, 1)
	case reflect.String:
		return reflect.ValueOf("x").Convert(of)
	case reflect.Bool:
		return reflect.ValueOf(true)
	case reflect.Array: // an id
		return reflect.ValueOf(uuid.UUID{15: 1})
	}
	return reflect.ValueOf(1).Convert(of)
}
