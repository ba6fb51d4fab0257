package providertest

import (
	"errors"
	"reflect"
	"slices"
	"testing"

	"cloud.google.com/go/civil"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clinic/clinictest"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/provider"
)

// Fortnightly is a closed morning every second week from tomorrow on: on 2, 16 and 30 March, 13 and 27 April 2027.
func (w World) Fortnightly(key string) provider.AddException {
	in := w.TimeOff(w.Tomorrow, key)
	in.Repeat = &provider.AddRepeat{EveryWeeks: 2, Until: civil.Date{Year: 2027, Month: 5, Day: 10}}
	return in
}

// times are those of 2027 that show for the provider, by their beginning.
func (w World) times(t *testing.T) []provider.Exception {
	t.Helper()
	page, err := w.Service.ListExceptions(t.Context(), w.FrontDesk, w.P, UTC(w.Tomorrow, 0), UTC(w.Tomorrow.AddDays(300), 0), paging.Window{Size: 100})
	if err != nil {
		t.Fatal(err)
	}
	return page.Items
}

func datesOf(list []provider.Exception) (dates []civil.Date) {
	for _, e := range list {
		dates = append(dates, e.From.Date)
	}
	return dates
}

func march(days ...int) (dates []civil.Date) {
	for _, d := range days {
		dates = append(dates, civil.Date{Year: 2027, Month: 3, Day: 1}.AddDays(d-1))
	}
	return dates
}

func returns(t *testing.T, w World) {
	in := w.Fortnightly("k")
	in.Reason, in.Repeat.Except = ptr("teaches"), march(30)
	first := w.AddException(t, in)
	want := &provider.Repeat{EveryWeeks: 2, Until: in.Repeat.Until, Dates: march(2, 16, 44, 58)}
	if first.From != in.From || first.To != in.To || !reflect.DeepEqual(first.Repeat, want) {
		t.Errorf("the first is %+v, %+v", first, first.Repeat)
	}
	list := w.times(t)
	if got := datesOf(list); !slices.Equal(got, want.Dates) {
		t.Fatalf("it returns on %v, want %v", got, want.Dates)
	}
	for _, e := range list {
		if e.From != At(e.From.Date, 8, 0) || e.To != At(e.From.Date, 12, 0) || e.Effect != provider.Closed || *e.Reason != "teaches" || !reflect.DeepEqual(e.Repeat, want) {
			t.Errorf("a time of it is %+v", e)
		}
	}
	if again := w.AddException(t, in); !reflect.DeepEqual(again, first) || list[0].ID != first.ID || len(w.times(t)) != len(list) {
		t.Errorf("the same key answers %+v, then %+v", first, again)
	}
	in.Repeat.Except = nil
	if _, err := w.Service.AddException(t.Context(), w.FrontDesk, in); !errors.As(err, new(errs.KeyReused)) {
		t.Errorf("the key with another date: %v", err)
	}
}

func timesTakenBack(t *testing.T, w World) {
	w.AddException(t, w.TimeOff(w.NextMonth, "alone"))
	takesBack := func(key string, which int, part provider.Part, want, left []civil.Date, until civil.Date) {
		t.Helper()
		w.AddException(t, w.Fortnightly(key))
		list := slices.DeleteFunc(w.times(t), func(e provider.Exception) bool { return e.Repeat == nil })
		removed, err := w.Service.RemoveException(t.Context(), w.FrontDesk, w.Ref(list[which].ID), part)
		var dates []civil.Date
		for _, ref := range removed {
			dates = append(dates, list[slices.IndexFunc(list, func(e provider.Exception) bool { return e.ID == ref.ID })].From.Date)
		}
		if err != nil || !slices.Equal(dates, want) {
			t.Errorf("%s: took back %v (%v), want %v", part, dates, err, want)
		}
		rest := w.times(t)
		for i, e := range rest {
			if e.Repeat == nil {
				rest = slices.Delete(rest, i, i+1)
				break
			}
		}
		if got := datesOf(rest); !slices.Equal(got, left) {
			t.Errorf("%s: %v are left, want %v", part, got, left)
		}
		for _, e := range rest {
			if e.Repeat.Until != until || !slices.Equal(e.Repeat.Dates, left) {
				t.Errorf("%s: left is one that says %+v", part, e.Repeat)
			}
			if _, err := w.Service.RemoveException(t.Context(), w.FrontDesk, w.Ref(e.ID), provider.This); err != nil {
				t.Fatal(err)
			}
		}
	}
	until := civil.Date{Year: 2027, Month: 5, Day: 10}
	takesBack("one", 1, provider.This, march(16), march(2, 30, 44, 58), until)
	takesBack("the first", 0, provider.This, march(2), march(16, 30, 44, 58), until)
	takesBack("later", 2, provider.ThisAndLater, march(30, 44, 58), march(2, 16), march(29)[0])
	takesBack("all later", 0, provider.ThisAndLater, march(2, 16, 30, 44, 58), nil, until)
	takesBack("all", 3, provider.AllTimes, march(2, 16, 30, 44, 58), nil, until)
	alone := w.times(t)
	if len(alone) != 1 || alone[0].Repeat != nil {
		t.Fatalf("left are %+v", alone)
	}
	if removed, err := w.Service.RemoveException(t.Context(), w.FrontDesk, w.Ref(alone[0].ID), provider.ThisAndLater); err != nil || !slices.Equal(removed, []clinic.Ref{w.Ref(alone[0].ID)}) {
		t.Errorf("of one that stands alone: %v, %v", removed, err)
	}
}

func badRepeats(t *testing.T, w World) {
	day := w.Tomorrow
	for name, c := range map[string]struct {
		change func(in *provider.AddException)
		path   string
	}{
		"every no week":             {func(in *provider.AddException) { in.Repeat.EveryWeeks = 0 }, "repeat everyWeeks"},
		"every 53 weeks":            {func(in *provider.AddException) { in.Repeat.EveryWeeks = 53 }, "repeat everyWeeks"},
		"no such day":               {func(in *provider.AddException) { in.Repeat.Until.Day = 0 }, "repeat until"},
		"before it returns":         {func(in *provider.AddException) { in.Repeat.Until = day.AddDays(13) }, "repeat until"},
		"for more than two years":   {func(in *provider.AddException) { in.Repeat.Until = day.AddYears(2).AddDays(1) }, "repeat until"},
		"longer than what is apart": {func(in *provider.AddException) { in.To = At(day.AddDays(14), 8, 1) }, "to"},
		"never on another date":     {func(in *provider.AddException) { in.Repeat.Except = march(16, 30, 44, 58) }, "repeat except"},
		"without its first":         {func(in *provider.AddException) { in.Repeat.Except = march(2) }, "repeat except 0"},
		"without another date":      {func(in *provider.AddException) { in.Repeat.Except = march(16, 23) }, "repeat except 1"},
		"twice without one":         {func(in *provider.AddException) { in.Repeat.Except = march(16, 16) }, "repeat except 1"},
		"with no beginning":         {func(in *provider.AddException) { in.From.Date.Day = 0 }, "from"},
	} {
		in := w.Fortnightly(name)
		c.change(&in)
		if _, err := w.Service.AddException(t.Context(), w.FrontDesk, in); err == nil {
			t.Errorf("%s is taken", name)
		} else {
			clinictest.Refused(t, err, errs.InvalidInput, c.path)
		}
	}
	if n := len(w.times(t)); n != 0 {
		t.Fatalf("%d are there", n)
	}
	often := w.Fortnightly("often")
	often.To, often.Repeat = At(day.AddDays(7), 8, 0), &provider.AddRepeat{EveryWeeks: 1, Until: day.AddYears(2)}
	if e := w.AddException(t, often); len(e.Repeat.Dates) != 105 {
		t.Errorf("every week for two years it returns %d times", len(e.Repeat.Dates))
	}
	seldom := w.Fortnightly("seldom")
	seldom.Repeat = &provider.AddRepeat{EveryWeeks: 52, Until: day.AddDays(364)}
	if e := w.AddException(t, seldom); len(e.Repeat.Dates) != 2 {
		t.Errorf("every 52 weeks for one year it returns %d times", len(e.Repeat.Dates))
	}
}
