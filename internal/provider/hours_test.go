package provider

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
)

var (
	home   = uuid.MustParse("01900000-0000-7000-8000-000000000001")
	kindA  = clinic.Ref{Organization: home, ID: uuid.MustParse("01900000-0000-7000-8000-00000000000a")}
	kindB  = clinic.Ref{Organization: home, ID: uuid.MustParse("01900000-0000-7000-8000-00000000000b")}
	monday = Weekday(1)
	sunday = Weekday(7)
)

func on(day Weekday, from, to TimeOfDay) WeeklyOpening {
	return WeeklyOpening{Weekday: day, Opening: Opening{From: from, To: to, Capacity: 1}}
}

// refused fails unless err has the kind and the path, its parts parted by spaces.
func refused(t *testing.T, what string, err error, kind errs.Kind, path string) {
	t.Helper()
	var fault *errs.Error
	if !errors.As(err, &fault) || fault.Kind != kind || !slices.Equal(fault.Path, strings.Fields(path)) {
		t.Errorf("%s: got %#v, want kind %d at %q", what, err, kind, path)
	}
}

func TestTimesOfWindows(t *testing.T) {
	for name, c := range map[string]struct {
		from, to         TimeOfDay
		wantFrom, wantTo int
	}{
		"a day":                         {At(9, 0), At(17, 30), 540, 1050},
		"until midnight":                {At(9, 0), At(24, 0), 540, 1440},
		"midnight written as the next":  {At(9, 0), At(0, 0), 540, 1440},
		"one minute":                    {At(0, 0), At(0, 1), 0, 1},
		"a minute short of a whole day": {At(9, 0), At(8, 59), 540, 1979},
		"round the clock":               {At(0, 0), At(24, 0), 0, 1440},
		"at from is the next day":       {At(9, 0), At(9, 0), 540, 1980},
		"the latest window":             {At(23, 59), At(23, 59), 1439, 2879},
	} {
		list, err := weekly([]WeeklyOpening{on(monday, c.from, c.to)}, home)
		if err != nil || list[0].From != c.wantFrom || list[0].To != c.wantTo {
			t.Errorf("%s: %+v, %v", name, list, err)
		}
	}
}

func TestBadWindowsAreRefusedWithTheirPath(t *testing.T) {
	for path, spoil := range map[string]func(*WeeklyOpening){
		"hours 1 weekday":      func(o *WeeklyOpening) { o.Weekday = 0 },
		"hours 1 from":         func(o *WeeklyOpening) { o.From = At(24, 0) },
		"hours 1 to":           func(o *WeeklyOpening) { o.To = At(24, 1) },
		"hours 1 capacity":     func(o *WeeklyOpening) { o.Capacity = 0 },
		"hours 1 modalities":   func(o *WeeklyOpening) { o.Modalities = []clinic.Modality{} },
		"hours 1 modalities 0": func(o *WeeklyOpening) { o.Modalities = []clinic.Modality{"FAX"} },
		"hours 1 visitKindIds": func(o *WeeklyOpening) { o.VisitKinds = []clinic.Ref{} },
	} {
		bad := on(sunday, At(9, 0), At(10, 0))
		spoil(&bad)
		_, err := weekly([]WeeklyOpening{on(monday, At(9, 0), At(10, 0)), bad}, home)
		refused(t, path, err, errs.InvalidInput, path)
	}
	for _, bad := range []WeeklyOpening{
		on(8, At(9, 0), At(10, 0)), on(monday, -60, At(10, 0)), on(monday, At(9, 0)+1, At(10, 0)), on(monday, At(9, 0), At(10, 0)+30),
		on(monday, At(9, 0), -60),
	} {
		if _, err := weekly([]WeeklyOpening{bad}, home); errs.Of(err) != errs.InvalidInput {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	for capacity, good := range map[int]bool{-1: false, 0: false, 1: true, 1000: true, 1001: false} {
		o := on(monday, At(9, 0), At(10, 0))
		o.Capacity = capacity
		if _, err := weekly([]WeeklyOpening{o}, home); (err == nil) != good {
			t.Errorf("capacity %d: %v", capacity, err)
		}
	}
	twice := on(monday, At(9, 0), At(10, 0))
	twice.VisitKinds = []clinic.Ref{kindA, kindA}
	_, err := weekly([]WeeklyOpening{twice}, home)
	refused(t, "a kind twice", err, errs.InvalidInput, "hours 0 visitKindIds 1")
	twice.VisitKinds = []clinic.Ref{kindA, {Organization: uuid.New(), ID: kindB.ID}}
	_, err = weekly([]WeeklyOpening{twice}, home)
	refused(t, "a foreign kind", err, errs.NotFound, "hours 0 visitKindIds 1")
}

func TestOverlapsInAWeek(t *testing.T) {
	for name, c := range map[string]struct {
		one, other WeeklyOpening
		overlap    bool
	}{
		"touching":                              {on(monday, At(9, 0), At(12, 0)), on(monday, At(12, 0), At(15, 0)), false},
		"by a minute":                           {on(monday, At(9, 0), At(12, 1)), on(monday, At(12, 0), At(15, 0)), true},
		"the same":                              {on(monday, At(9, 0), At(12, 0)), on(monday, At(9, 0), At(12, 0)), true},
		"one within the other":                  {on(monday, At(9, 0), At(17, 0)), on(monday, At(12, 0), At(13, 0)), true},
		"other days":                            {on(monday, At(9, 0), At(17, 0)), on(2, At(9, 0), At(17, 0)), false},
		"the night touches the morning":         {on(monday, At(22, 0), At(6, 0)), on(2, At(6, 0), At(8, 0)), false},
		"the night reaches into the morning":    {on(monday, At(22, 0), At(6, 1)), on(2, At(6, 0), At(8, 0)), true},
		"Sunday's night touches Monday":         {on(sunday, At(22, 0), At(6, 0)), on(monday, At(6, 0), At(8, 0)), false},
		"Sunday's night reaches into Monday":    {on(sunday, At(22, 0), At(6, 1)), on(monday, At(6, 0), At(8, 0)), true},
		"Sunday until midnight":                 {on(sunday, At(22, 0), At(24, 0)), on(monday, At(0, 0), At(8, 0)), false},
		"Sunday's night and Sunday's morning":   {on(sunday, At(22, 0), At(6, 0)), on(sunday, At(1, 0), At(6, 0)), false},
		"round the clock touches the next day":  {on(monday, At(9, 0), At(9, 0)), on(2, At(9, 0), At(10, 0)), false},
		"round the clock reaches the next day":  {on(monday, At(9, 0), At(9, 0)), on(2, At(8, 59), At(10, 0)), true},
		"two round the clock on following days": {on(6, At(9, 0), At(9, 0)), on(sunday, At(9, 0), At(9, 0)), false},
	} {
		for _, pair := range [][]WeeklyOpening{{c.one, c.other}, {c.other, c.one}} {
			_, err := weekly(pair, home)
			if c.overlap {
				refused(t, name, err, errs.InvalidInput, "hours 1")
			} else if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestWindowsForOtherVisitsMayOverlap(t *testing.T) {
	with := func(kinds []clinic.Ref, ways []clinic.Modality) WeeklyOpening {
		o := on(monday, At(9, 0), At(12, 0))
		o.VisitKinds, o.Modalities = kinds, ways
		return o
	}
	a, b := []clinic.Ref{kindA}, []clinic.Ref{kindB}
	video, home_ := []clinic.Modality{clinic.Video}, []clinic.Modality{clinic.Home}
	for name, c := range map[string]struct {
		one, other WeeklyOpening
		overlap    bool
	}{
		"other kinds":                     {with(a, nil), with(b, nil), false},
		"a kind in common":                {with(a, nil), with([]clinic.Ref{kindB, kindA}, nil), true},
		"one kind and all":                {with(a, nil), with(nil, nil), true},
		"other ways":                      {with(nil, video), with(nil, home_), false},
		"a way in common":                 {with(nil, video), with(nil, []clinic.Modality{clinic.Home, clinic.Video}), true},
		"the same kind in other ways":     {with(a, video), with(a, home_), false},
		"other kinds in the same way":     {with(a, video), with(b, video), false},
		"the same kind, one in all ways":  {with(a, video), with(a, nil), true},
		"the same kind in the same way":   {with(a, video), with(a, video), true},
		"all kinds in one, one in others": {with(nil, video), with(a, home_), false},
	} {
		_, err := weekly([]WeeklyOpening{c.one, c.other}, home)
		if (err != nil) != c.overlap {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOverlapsOnADate(t *testing.T) {
	for name, c := range map[string]struct {
		one, other Opening
		overlap    bool
	}{
		"touching":       {Opening{From: At(9, 0), To: At(12, 0), Capacity: 1}, Opening{From: At(12, 0), To: At(13, 0), Capacity: 1}, false},
		"by a minute":    {Opening{From: At(9, 0), To: At(12, 1), Capacity: 1}, Opening{From: At(12, 0), To: At(13, 0), Capacity: 1}, true},
		"night, morning": {Opening{From: At(22, 0), To: At(6, 0), Capacity: 1}, Opening{From: At(1, 0), To: At(6, 0), Capacity: 1}, false},
		"two nights":     {Opening{From: At(22, 0), To: At(6, 0), Capacity: 1}, Opening{From: At(23, 0), To: At(1, 0), Capacity: 1}, true},
	} {
		_, err := daily([]Opening{c.one, c.other}, home)
		if c.overlap {
			refused(t, name, err, errs.InvalidInput, "hours 1")
		} else if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheNumberOfWindowsIsBounded(t *testing.T) {
	many := func(n int) []WeeklyOpening {
		var list []WeeklyOpening
		for i := range n {
			list = append(list, on(Weekday(1+i%7), TimeOfDay(i/7*600), TimeOfDay(i/7*600+600)))
		}
		return list
	}
	if _, err := weekly(many(200), home); err != nil {
		t.Errorf("200 windows: %v", err)
	}
	_, err := weekly(many(201), home)
	refused(t, "201 windows", err, errs.InvalidInput, "hours")
}

func TestTheOrderOfWindowsDoesNotMatter(t *testing.T) {
	a := []WeeklyOpening{on(2, At(9, 0), At(10, 0)), on(monday, At(11, 0), At(12, 0)), on(monday, At(9, 0), At(10, 0))}
	b := []WeeklyOpening{a[2], a[0], a[1]}
	one, _ := weekly(a, home)
	other, _ := weekly(b, home)
	if !(Schedule{Weekly: one}).Same(Schedule{Weekly: other}) || len(one) != 3 {
		t.Errorf("%v and %v differ", one, other)
	}
}

func TestHoursAreTheSameOnlyWhenAllFieldsAre(t *testing.T) {
	fields := reflect.TypeFor[Hours]()
	for i := range fields.NumField() {
		var changed Hours
		field := reflect.ValueOf(&changed).Elem().Field(i)
		if field.Kind() == reflect.Slice {
			field.Set(reflect.MakeSlice(field.Type(), 1, 1))
		} else {
			field.SetInt(1)
		}
		if changed.Same(Hours{}) {
			t.Errorf("a change of %s goes unnoticed", fields.Field(i).Name)
		}
	}
}
