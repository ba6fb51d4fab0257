package availability

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
)

// Verdict is what stands against a visit.
type Verdict struct {
	Blocked []Rule // in the stable order; empty when the visit can be booked
	Slot    Slot   // as it stands; without end and zone when the provider doesn't offer the kind or isn't at the place
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
	place, kind, ok := d.rules.find(id)
	if !ok {
		return notOffered(id, d.now)
	}
	return d.judge(place, offer{kind, id.Modality}, moment(id.Start)).verdict(id.Start)
}

func notOffered(id SlotID, now time.Time) Verdict {
	v := Verdict{Slot: Slot{SlotID: id, Status: Blocked}}
	if id.Start.Before(now) {
		v.Blocked = append(v.Blocked, InThePast)
	}
	v.Blocked = append(v.Blocked, VisitKindNotOffered)
	return v
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
	i := slices.IndexFunc(r.Places, func(p Place) bool { return p.Location == id.Location })
	if !offered || i < 0 || id.Organization != r.Organization || id.Provider != r.Provider {
		return Place{}, clinic.VisitKind{}, false
	}
	return r.Places[i], kind, true
}
