package provider

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/form"
)

const (
	minute      = 60 // seconds
	fullDay     = 86_400
	dayMinutes  = 1_440
	weekMinutes = 7 * dayMinutes
)

const (
	maxWindows  = 200
	maxCapacity = 1_000
	maxKinds    = 50
)

// weekly is what the hours of a week say once they are checked, in the order of the week.
func weekly(openings []WeeklyOpening, organization uuid.UUID) ([]WeeklyHours, error) {
	var check form.Check
	list := make([]WeeklyHours, 0, min(len(openings), maxWindows))
	check.That(len(openings) <= maxWindows, "At most "+strconv.Itoa(maxWindows)+" windows.", "hours")
	for i, o := range openings[:min(len(openings), maxWindows)] {
		check.That(o.Weekday >= 1 && o.Weekday <= 7, "There is no such day of the week.", form.At(field, i, "weekday")...)
		list = append(list, WeeklyHours{Weekday: o.Weekday, Hours: o.hours(&check, organization, i)})
	}
	apart(&check, list, WeeklyHours.meets)
	slices.SortStableFunc(list, func(a, b WeeklyHours) int {
		return cmp.Or(cmp.Compare(a.Weekday, b.Weekday), a.compare(b.Hours))
	})
	return list, check.Err()
}

// daily is what the hours of one date say once they are checked, in the order of the day.
func daily(openings []Opening, organization uuid.UUID) ([]Hours, error) {
	var check form.Check
	list := make([]Hours, 0, min(len(openings), maxWindows))
	check.That(len(openings) <= maxWindows, "At most "+strconv.Itoa(maxWindows)+" windows.", "hours")
	for i, o := range openings[:min(len(openings), maxWindows)] {
		list = append(list, o.hours(&check, organization, i))
	}
	apart(&check, list, Hours.meets)
	slices.SortStableFunc(list, Hours.compare)
	return list, check.Err()
}

var field = []string{"hours"}

// apart fails at the first window that overlaps an earlier one.
func apart[T any](check *form.Check, list []T, meets func(T, T) bool) {
	for i := range list {
		for _, earlier := range list[:i] {
			if check.Err() == nil && meets(earlier, list[i]) {
				check.Fail("This overlaps another window.", form.At(field, i)...)
			}
		}
	}
}

func (o Opening) hours(check *form.Check, organization uuid.UUID, i int) Hours {
	h := Hours{
		From:       minutes(check, o.From, fullDay-minute, form.At(field, i, "from")),
		To:         minutes(check, o.To, fullDay, form.At(field, i, "to")),
		Capacity:   check.Count(o.Capacity, 1, maxCapacity, form.At(field, i, "capacity")...),
		VisitKinds: kinds(check, o.VisitKinds, organization, form.At(field, i, "visitKindIds")),
		Modalities: clinic.CheckedModalities(check, o.Modalities, form.At(field, i, "modalities")...),
	}
	check.That(o.Modalities == nil || len(o.Modalities) > 0, "Name at least one way of meeting, or leave it out.", form.At(field, i, "modalities")...)
	check.That(o.VisitKinds == nil || len(o.VisitKinds) > 0, "Name at least one kind of visit, or leave it out.", form.At(field, i, "visitKindIds")...)
	if h.To <= h.From {
		h.To += dayMinutes
	}
	return h
}

func minutes(check *form.Check, t TimeOfDay, most TimeOfDay, path []string) int {
	check.That(t >= 0 && t <= most, "There is no such time of day here.", path...)
	check.That(t%minute == 0, "Only whole minutes.", path...)
	return int(t / minute)
}

// kinds answers the ids of an organisation's kinds of visit, sorted. Whether they exist is for the store to say.
func kinds(check *form.Check, refs []clinic.Ref, organization uuid.UUID, path []string) []uuid.UUID {
	if refs == nil {
		return nil
	}
	check.That(len(refs) <= maxKinds, "At most "+strconv.Itoa(maxKinds)+" kinds of visit.", path...)
	ids := make([]uuid.UUID, 0, min(len(refs), maxKinds))
	for i, r := range refs[:min(len(refs), maxKinds)] {
		if r.Organization != organization {
			check.Keep(errs.Missing("kind of visit", form.At(path, i)...))
		}
		check.That(!slices.Contains(ids, r.ID), "This is named twice.", form.At(path, i)...)
		ids = append(ids, r.ID)
	}
	slices.SortFunc(ids, compareIDs)
	return ids
}

func compareIDs(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) }

// compare orders windows by their times; windows at the same time by what they are for, so that the order of an input
// doesn't matter.
func (h Hours) compare(o Hours) int {
	return cmp.Or(cmp.Compare(h.From, o.From), cmp.Compare(h.To, o.To),
		slices.CompareFunc(h.VisitKinds, o.VisitKinds, compareIDs), slices.Compare(h.Modalities, o.Modalities))
}

// meets says whether a visit could stand in both windows.
func (h Hours) meets(o Hours) bool { return h.From < o.To && o.From < h.To && h.alike(o) }

// meets does so for weeks, which have no end: Sunday's night runs into Monday.
func (w WeeklyHours) meets(o WeeklyHours) bool {
	apart := ((int(o.Weekday)-int(w.Weekday))*dayMinutes + o.From - w.From + weekMinutes) % weekMinutes
	return (apart < w.To-w.From || weekMinutes-apart < o.To-o.From) && w.alike(o.Hours)
}

// alike says whether there is a kind and a way of meeting that both windows take.
func (h Hours) alike(o Hours) bool {
	return share(h.VisitKinds, o.VisitKinds) && share(h.Modalities, o.Modalities)
}

// share says whether two lists have an element in common, where nil lists everything.
func share[T comparable](a, b []T) bool {
	return a == nil || b == nil || slices.ContainsFunc(a, func(v T) bool { return slices.Contains(b, v) })
}

// Same says whether two windows agree in everything.
func (h Hours) Same(o Hours) bool {
	return h.From == o.From && h.To == o.To && h.Capacity == o.Capacity &&
		slices.Equal(h.VisitKinds, o.VisitKinds) && slices.Equal(h.Modalities, o.Modalities)
}
