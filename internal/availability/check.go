package availability

import (
	"math"
	"slices"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
)

// Verdict is what stands against a visit.
type Verdict struct {
	Blocked []Rule // in the stable order; empty when the visit can be booked
	Slot    Slot   // as it stands; without an end when the provider doesn't offer the kind, without a zone when never at the place

	lanes int // how many visits may run at a time all through it
}

// Bookable says whether nothing stands against the visit.
func (v Verdict) Bookable() bool { return len(v.Blocked) == 0 }

// Exists says whether the time is one of the provider's slots at all, free or not: on the grid of its hours.
func (v Verdict) Exists() bool {
	return !slices.ContainsFunc(v.Blocked, func(r Rule) bool {
		return r == NotOnGrid || r == OutsideHours || r == VisitKindNotOffered
	})
}

// Check tells every rule that keeps a visit out. It is the one validator behind list, hold, book, move and explain. Rules
// and Taken must hold what ReachOf names for its start.
func Check(r Rules, t Taken, id SlotID, now time.Time, a Asking) Verdict {
	return newDesk(r, t, now, a).check(id)
}

func (d *desk) check(id SlotID) Verdict {
	id.Start = id.Start.UTC()
	if !d.rules.of(id) {
		d = newDesk(Rules{}, Taken{}, d.now, Asking{})
	}
	place, here := d.rules.place(id.Location)
	if !here { // only a place has local days
		nowhere := *d
		nowhere.rules.MaxDaily, place.Zone = nil, time.UTC
		d = &nowhere
	}
	kind, offered := d.rules.Kind(id.VisitKind)
	if !offered {
		kind = beginning(id.VisitKind)
	}
	v := d.judge(place, offer{kind, id.Modality}, moment(id.Start)).verdict(id.Start)
	v.Slot.SlotID = id
	if !here {
		v.Slot.LocalStart, v.Slot.Version = civil.DateTime{}, 0
	}
	if !offered {
		v.Slot.End = time.Time{}
	}
	return v
}

// beginning stands for a kind that the provider doesn't offer: whatever its length and its steps are, it is kept out by what
// keeps out its first moment, and it starts on a whole minute. It has no way of meeting.
func beginning(id uuid.UUID) clinic.VisitKind {
	return clinic.VisitKind{ID: id, Duration: 1, SlotStep: time.Minute, Policy: clinic.Policy{MaximumAdvance: math.MaxInt64}}
}

// Fits says whether a visit that keeps its own length lies in the provider's open time as it is, whatever else stands against
// it by now.
func Fits(r Rules, id SlotID, end time.Time) bool {
	place, kind, ok := r.find(id)
	if !ok || !slices.Contains(kind.Modalities, id.Modality) {
		return false
	}
	visit := Span{id.Start.UTC(), end.UTC()}
	h := r.hours(place, offer{kind, id.Modality}, visit)
	return h.capacity(visit) > 0 && !h.closed.touches(visit)
}

// Kind finds a kind of visit that the provider offers.
func (r Rules) Kind(id uuid.UUID) (clinic.VisitKind, bool) {
	i := slices.IndexFunc(r.Kinds, func(k clinic.VisitKind) bool { return k.ID == id })
	if i < 0 {
		return clinic.VisitKind{}, false
	}
	return r.Kinds[i], true
}

// find gives the place and the kind of a slot, when it is one of this provider's.
func (r Rules) find(id SlotID) (Place, clinic.VisitKind, bool) {
	kind, offered := r.Kind(id.VisitKind)
	place, here := r.place(id.Location)
	return place, kind, offered && here && r.of(id)
}

// of says whether the rules are those of a slot's provider.
func (r Rules) of(id SlotID) bool {
	return id.Organization == r.Organization && id.Provider == r.Provider
}

// place finds a location at which the provider has hours.
func (r Rules) place(location uuid.UUID) (Place, bool) {
	i := slices.IndexFunc(r.Places, func(p Place) bool { return p.Location == location })
	if i < 0 {
		return Place{Location: location}, false
	}
	return r.Places[i], true
}
