package clinictest

import (
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/paging"
)

// Walk reads a whole list in pages of a size, forwards or backwards, and answers the items in the list's own order.
func Walk[T any](t testing.TB, size int, backward bool, read func(paging.Window) (paging.Page[T], error), key func(T) []string) []T {
	t.Helper()
	var items []T
	w := paging.Window{Size: size, Backward: backward}
	for range 1_000 {
		p, err := read(w)
		if err != nil {
			t.Fatalf("read page %+v: %v", w, err)
		}
		if len(p.Items) > size {
			t.Fatalf("a page of %d has %d items", size, len(p.Items))
		}
		if backward {
			items = append(slices.Clone(p.Items), items...)
		} else {
			items = append(items, p.Items...)
		}
		if more := p.HasNext && !backward || p.HasPrevious && backward; !more || len(p.Items) == 0 {
			return items
		}
		if backward {
			w.Before = key(p.Items[0])
		} else {
			w.After = key(p.Items[len(p.Items)-1])
		}
	}
	t.Fatal("the list doesn't end")
	return nil
}

func pages(t *testing.T, w World) {
	var want []string
	for i := range 7 {
		in := Location(i)
		in.Name = []string{"A", "B"}[i%2] // equal names: the id decides
		l, err := w.Service.PutLocation(t.Context(), w.Admin, in)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, l.Name+l.ID.String())
		w.PutVisitKind(t, i)
	}
	slices.Sort(want)
	for _, size := range []int{1, 2, 6, 7, 100} {
		for _, backward := range []bool{false, true} {
			all := Walk(t, size, backward, func(p paging.Window) (paging.Page[clinic.Location], error) {
				return w.Service.ListLocations(t.Context(), w.Admin, clinic.LocationFilter{}, p)
			}, func(l clinic.Location) []string { return []string{l.Name, l.ID.String()} })
			got := make([]string, len(all))
			for i, l := range all {
				got[i] = l.Name + l.ID.String()
			}
			if !slices.Equal(got, want) {
				t.Errorf("pages of %d, backward %v: %v, want %v", size, backward, got, want)
			}
			kinds := Walk(t, size, backward, func(p paging.Window) (paging.Page[clinic.VisitKind], error) {
				return w.Service.ListVisitKinds(t.Context(), w.Admin, uuid.Nil, p)
			}, func(k clinic.VisitKind) []string { return []string{k.Name, k.ID.String()} })
			if len(kinds) != 7 || !slices.IsSortedFunc(kinds, func(a, b clinic.VisitKind) int { return slices.Compare([]rune(a.Name), []rune(b.Name)) }) {
				t.Errorf("pages of %d, backward %v: %d kinds", size, backward, len(kinds))
			}
		}
	}
}

func whose(t *testing.T, w World) {
	w.PutLocation(t, 1)
	w.PutVisitKind(t, 1)
	foreign := w.NewOrganization(t)
	for _, c := range []struct {
		actor access.Actor
		asked uuid.UUID
		want  int
	}{
		{w.Admin, uuid.Nil, 1}, {w.Admin, foreign, 0}, {access.Nobody(""), uuid.Nil, 1}, {access.Nobody(""), foreign, 0},
		{access.Nobody(""), w.Organization, 1}, {w.Platform, uuid.Nil, 1}, {Actor(access.FrontDesk, foreign), uuid.Nil, 0},
		{Actor(access.FrontDesk, foreign), w.Organization, 1},
	} {
		p, err := w.Service.ListLocations(t.Context(), c.actor, clinic.LocationFilter{Organization: c.asked}, paging.Window{Size: 10})
		n, err2 := w.Service.CountLocations(t.Context(), c.actor, clinic.LocationFilter{Organization: c.asked})
		if len(p.Items) != c.want || n != c.want || err != nil || err2 != nil {
			t.Errorf("%s asks for %v: %d locations, count %d (%v, %v)", c.actor.Kind, c.asked, len(p.Items), n, err, err2)
		}
		q, err := w.Service.ListVisitKinds(t.Context(), c.actor, c.asked, paging.Window{Size: 10})
		n, err2 = w.Service.CountVisitKinds(t.Context(), c.actor, c.asked)
		if len(q.Items) != c.want || n != c.want || err != nil || err2 != nil {
			t.Errorf("%s asks for %v: %d kinds, count %d (%v, %v)", c.actor.Kind, c.asked, len(q.Items), n, err, err2)
		}
	}
	_, err := w.Service.ListLocations(t.Context(), w.Admin, clinic.LocationFilter{Organization: NewID()}, paging.Window{Size: 10})
	Refused(t, err, errs.NotFound, "organizationId")
	_, err = w.Service.ListVisitKinds(t.Context(), w.Admin, NewID(), paging.Window{Size: 10})
	Refused(t, err, errs.NotFound, "organizationId")
}

func brokenCursor(t *testing.T, w World) {
	for _, key := range [][]string{{"a", "b"}, {"a\x00", NewID().String()}} {
		_, err := w.Service.ListLocations(t.Context(), w.Admin, clinic.LocationFilter{}, paging.Window{Size: 1, After: key})
		Refused(t, err, errs.InvalidInput, "after")
		_, err = w.Service.ListVisitKinds(t.Context(), w.Admin, uuid.Nil, paging.Window{Size: 1, Before: key})
		Refused(t, err, errs.InvalidInput, "before")
	}
}
