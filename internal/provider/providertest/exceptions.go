package providertest

import (
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clinic/clinictest"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/provider"
)

func addedOnce(t *testing.T, w World) {
	in := w.TimeOff(w.Tomorrow, "k")
	in.Reason = ptr("holiday")
	first := w.AddException(t, in)
	ref := w.Ref(first.ID)
	found, err := w.Service.Exceptions(t.Context(), w.FrontDesk, []clinic.Ref{ref})
	if err != nil || !reflect.DeepEqual(found[ref], first) {
		t.Errorf("stored as %+v (%v), want %+v", found[ref], err, first)
	}
	if again := w.AddException(t, in); !reflect.DeepEqual(again, first) {
		t.Errorf("the same key answers %+v, then %+v", first, again)
	}
	in.Effect = provider.Open
	_, err = w.Service.AddException(t.Context(), w.FrontDesk, in)
	if reused, ok := errors.AsType[errs.KeyReused](err); !ok || !reused.FirstUsedAt.Equal(w.Clock.Now()) {
		t.Errorf("the key with another input: %v", err)
	}
	in.Effect, in.Reason = provider.Closed, ptr("holiday")
	w.Clock.Advance(clinic.KeyLife)
	if later := w.AddException(t, in); later.ID == first.ID {
		t.Error("the key is kept for more than 24 hours")
	}
	in.Key = ""
	_, err = w.Service.AddException(t.Context(), w.FrontDesk, in)
	clinictest.Refused(t, err, errs.InvalidInput, "idempotencyKey")
	in.Provider, in.Location, in.Key = nil, nil, "k2"
	_, err = w.Service.AddException(t.Context(), w.FrontDesk, in)
	clinictest.Refused(t, err, errs.InvalidInput, "providerId")
	atOnce(t, w)
}

// One of several calls with one key adds it; the others hear so or are told to ask again.
func atOnce(t *testing.T, w World) {
	t.Helper()
	in := w.TimeOff(w.NextMonth, "at once")
	made := make([]provider.Exception, 8)
	err := clinictest.AtOnce(len(made), func(i int) (err error) {
		made[i], err = w.Service.AddException(t.Context(), w.FrontDesk, in)
		if errors.As(err, new(errs.KeyInUse)) {
			return nil
		}
		return err
	})
	n, err2 := w.Service.CountExceptions(t.Context(), w.FrontDesk, w.P, UTC(w.NextMonth, 0), UTC(w.NextMonth, 23))
	if err != nil || err2 != nil || n != 1 {
		t.Errorf("%d exceptions (%v, %v)", n, err, err2)
	}
}

func takenBack(t *testing.T, w World) {
	e := w.AddException(t, w.TimeOff(w.Tomorrow, "k"))
	stranger := clinictest.Actor("ADMIN", w.NewOrganization(t))
	_, err := w.Service.RemoveException(t.Context(), stranger, w.Ref(e.ID), provider.This)
	clinictest.Refused(t, err, errs.NotFound, "exceptionId")
	if _, err := w.Service.RemoveException(t.Context(), w.FrontDesk, w.Ref(e.ID), provider.This); err != nil {
		t.Fatal(err)
	}
	_, err = w.Service.RemoveException(t.Context(), w.FrontDesk, w.Ref(e.ID), provider.This)
	clinictest.Refused(t, err, errs.NotFound, "exceptionId")
	if found, err := w.Service.Exceptions(t.Context(), w.FrontDesk, []clinic.Ref{w.Ref(e.ID)}); err != nil || len(found) != 0 {
		t.Errorf("it is still there: %v, %v", found, err)
	}
	if again := w.AddException(t, w.TimeOff(w.Tomorrow, "k")); again.ID != e.ID {
		t.Error("its key no longer answers as it did")
	}
}

func listExceptions(t *testing.T, w World) {
	// 8:00 to 12:00 in New York is 13:00 to 17:00 UTC in winter.
	w.AddException(t, w.TimeOff(w.Tomorrow, "a"))
	for _, c := range []struct {
		from, to time.Time
		want     int
	}{
		{UTC(w.Tomorrow, 10), UTC(w.Tomorrow, 13), 0}, {UTC(w.Tomorrow, 10), UTC(w.Tomorrow, 13).Add(time.Minute), 1},
		{UTC(w.Tomorrow, 17).Add(-time.Minute), UTC(w.Tomorrow, 20), 1}, {UTC(w.Tomorrow, 17), UTC(w.Tomorrow, 20), 0},
		{UTC(w.Tomorrow, 14), UTC(w.Tomorrow, 15), 1},
	} {
		n, err := w.Service.CountExceptions(t.Context(), w.FrontDesk, w.P, c.from, c.to)
		if n != c.want || err != nil {
			t.Errorf("from %v to %v: %d (%v), want %d", c.from, c.to, n, err, c.want)
		}
	}
	for i, key := range []string{"b", "c", "d", "e"} {
		w.AddException(t, w.TimeOff(w.Tomorrow.AddDays(i/2), key))
	}
	everywhere := w.TimeOff(w.Tomorrow, "f")
	everywhere.Location = nil
	w.AddException(t, everywhere)
	key := func(e provider.Exception) []string { return []string{e.From.String(), e.ID.String()} }
	for _, backward := range []bool{false, true} {
		all := clinictest.Walk(t, 2, backward, func(p paging.Window) (paging.Page[provider.Exception], error) {
			return w.Service.ListExceptions(t.Context(), w.FrontDesk, w.P, UTC(w.Tomorrow, 0), UTC(w.NextMonth, 0), p)
		}, key)
		if len(all) != 6 || !slices.IsSortedFunc(all, func(a, b provider.Exception) int { return slices.Compare(key(a), key(b)) }) {
			t.Errorf("backward %v: %v", backward, all)
		}
	}
	badPeriods(t, w)
}

func badPeriods(t *testing.T, w World) {
	t.Helper()
	list := func(from, to time.Time, p paging.Window) error {
		_, err := w.Service.ListExceptions(t.Context(), w.FrontDesk, w.P, from, to, p)
		return err
	}
	from, page := UTC(w.Tomorrow, 0), paging.Window{Size: 1}
	clinictest.Refused(t, list(from, from, page), errs.InvalidInput, "to")
	clinictest.Refused(t, list(from, from.AddDate(10, 0, 0).Add(time.Second), page), errs.InvalidInput, "to")
	clinictest.Refused(t, list(time.Time{}, from, page), errs.InvalidInput, "to")
	if err := list(from, from.AddDate(10, 0, 0), page); err != nil {
		t.Errorf("ten years: %v", err)
	}
	for _, key := range [][]string{{"noon", clinictest.NewID().String()}, {"2027-03-02T08:00:00", "x"}} {
		clinictest.Refused(t, list(from, from.AddDate(1, 0, 0), paging.Window{Size: 1, After: key}), errs.InvalidInput, "after")
	}
}

func wholePlace(t *testing.T, w World) {
	closed := w.TimeOff(w.Tomorrow, "k")
	closed.Provider = nil
	e := w.AddException(t, closed)
	seen := func() int {
		t.Helper()
		n, err := w.Service.CountExceptions(t.Context(), w.FrontDesk, w.P, UTC(w.Tomorrow, 0), UTC(w.NextMonth, 0))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := seen(); n != 0 {
		t.Errorf("a provider who isn't there sees %d exceptions of the place", n)
	}
	w.SetSchedule(t, w.Schedule(w.Tomorrow))
	if n := seen(); n != 1 {
		t.Errorf("a provider who is there sees %d exceptions of the place", n)
	}
	if _, err := w.Service.RemoveException(t.Context(), w.FrontDesk, w.Ref(e.ID), provider.This); err != nil || seen() != 0 {
		t.Errorf("it can't be taken back: %v", err)
	}
	elsewhere := clinic.Ref{Organization: w.NewOrganization(t), ID: w.L.ID}
	closed.Location, closed.Key = &elsewhere, "k2"
	_, err := w.Service.AddException(t.Context(), w.FrontDesk, closed)
	clinictest.Refused(t, err, errs.NotFound, "locationId")
	unknown := w.Ref(clinictest.NewID())
	closed.Location = &unknown
	_, err = w.Service.AddException(t.Context(), w.FrontDesk, closed)
	clinictest.Refused(t, err, errs.NotFound, "locationId")
}
