package provider

import (
	"strconv"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/form"
)

const (
	maxExceptionYears  = 10
	maxCappedDays      = 31 // the last visit of a capped period closes all its days: a booking touches every one of them
	maxInWindow        = 100_000
	maxWindowsOfImport = 10_000
)

// exception is what the input says once it is checked. Its id is still to be given.
func (in AddException) exception() (Exception, error) {
	var check form.Check
	e := Exception{From: in.From, To: in.To, Effect: in.Effect, Capacity: 1, MaxAppointments: in.MaxAppointments}
	if in.Provider != nil {
		e.OrganizationID, e.ProviderID = in.Provider.Organization, in.Provider.ID
	}
	if in.Location != nil {
		e.OrganizationID, e.LocationID = in.Location.Organization, in.Location.ID
	}
	period(&check, in.From, in.To, nil)
	check.That(in.Effect == Open || in.Effect == Closed, "This is OPEN or CLOSED.", "effect")
	if in.Effect == Closed {
		check.That(in.Capacity == nil, "A closed period has no capacity.", "capacity")
		check.That(in.MaxAppointments == nil, "A closed period has no appointments.", "maxAppointments")
	} else if in.Capacity != nil {
		e.Capacity = check.Count(*in.Capacity, 1, maxCapacity, "capacity")
	}
	check.OptionalCount(in.MaxAppointments, 0, maxInWindow, "maxAppointments")
	check.That(in.MaxAppointments == nil || MayBeCapped(in.From, in.To), tooLongForCap, "to")
	e.Reason = check.OptionalText(in.Reason, form.MaxText, "reason")
	if in.Repeat != nil && check.Err() == nil {
		e.Repeat = in.Repeat.repeat(&check, e)
	}
	return e, check.Err()
}

func period(check *form.Check, from, to civil.DateTime, path []string) {
	check.Minute(from, append(path, "from")...)
	check.Minute(to, append(path, "to")...)
	latest := civil.DateTime{Date: from.Date.AddYears(maxExceptionYears), Time: from.Time}
	check.That(from.Before(to), "This is not after the beginning.", append(path, "to")...)
	check.That(!to.After(latest), "At most "+strconv.Itoa(maxExceptionYears)+" years.", append(path, "to")...)
}

var tooLongForCap = "A period with a cap is at most " + strconv.Itoa(maxCappedDays) + " days long."

// MayBeCapped says whether a period of the wall clock is short enough for a cap, however much time elapses during it.
func MayBeCapped(from, to civil.DateTime) bool {
	return !to.After(civil.DateTime{Date: from.Date.AddDays(maxCappedDays), Time: from.Time})
}

// openings are the exceptions that a published timetable's windows stand for. Their ids follow from the keys, so that a
// window that is put again is found again.
func openings(provider, location clinic.Ref, windows []OpenWindow) ([]Exception, error) {
	var check form.Check
	check.That(len(windows) <= maxWindowsOfImport, "At most "+strconv.Itoa(maxWindowsOfImport)+" windows at once.", "windows")
	seen := map[uuid.UUID]bool{}
	var list []Exception
	for i, w := range windows[:min(len(windows), maxWindowsOfImport)] {
		path := form.At([]string{"windows"}, i)
		key := check.Line(w.Key, form.MaxKey, form.At([]string{"windows"}, i, "key")...)
		period(&check, w.From, w.To, path[:2:2])
		e := Exception{
			ID: openingID(provider.ID, location.ID, key), OrganizationID: provider.Organization,
			ProviderID: provider.ID, LocationID: location.ID, From: w.From, To: w.To, Effect: Open,
			Capacity:        check.Count(w.Capacity, 1, maxCapacity, form.At([]string{"windows"}, i, "capacity")...),
			MaxAppointments: check.OptionalCount(w.MaxAppointments, 0, maxInWindow, form.At([]string{"windows"}, i, "maxAppointments")...),
		}
		check.That(w.MaxAppointments == nil || MayBeCapped(w.From, w.To), tooLongForCap, form.At([]string{"windows"}, i, "to")...)
		check.That(!seen[e.ID], "This key is used twice.", form.At([]string{"windows"}, i, "key")...)
		seen[e.ID] = true
		list = append(list, e)
	}
	return list, check.Err()
}

// openingID is a name-based id (RFC 9562, version 5), unlike all others: a window that is put again, or by two at once, meets
// itself.
func openingID(provider, location uuid.UUID, key string) uuid.UUID {
	return uuid.NewSHA1(provider, append(location[:], key...))
}

// Same says whether two exceptions agree in everything but their ids, the staff's reason and what they repeat with.
func (e Exception) Same(o Exception) bool {
	return e.ProviderID == o.ProviderID && e.LocationID == o.LocationID && e.From == o.From && e.To == o.To &&
		e.Effect == o.Effect && e.Capacity == o.Capacity && clinic.Equal(e.MaxAppointments, o.MaxAppointments)
}
