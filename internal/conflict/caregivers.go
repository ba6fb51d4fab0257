package conflict

import (
	"slices"
	"time"

	"github.com/google/uuid"
)

// caregiverBusy says whether, at some moment of the visit, those who act for the patient can't be at each visit that needs one of them. A
// patient who has an account of their own comes alone; one for whom nobody acts is brought by whomever the clinic knows.
func caregiverBusy(c Case, f Facts) bool {
	if len(f.Caregivers) == 0 {
		return false
	}
	visit := c.Plan.Visit()
	moments := []time.Time{visit.Start}
	for _, other := range f.InTheirCare {
		if visit.Contains(other.Start) {
			moments = append(moments, other.Start)
		}
	}
	return slices.ContainsFunc(moments, func(at time.Time) bool {
		needed := [][]uuid.UUID{f.Caregivers}
		for _, other := range f.InTheirCare {
			if other.Overlaps(visit) && other.Contains(at) {
				needed = append(needed, other.Caregivers)
			}
		}
		return !eachHasOne(needed)
	})
}

// eachHasOne says whether everybody can be given one of their own, by augmenting paths (Kuhn, 1955).
func eachHasOne(needed [][]uuid.UUID) bool {
	given := map[uuid.UUID]int{}
	var give func(to int, tried map[uuid.UUID]bool) bool
	give = func(to int, tried map[uuid.UUID]bool) bool {
		for _, who := range needed[to] {
			if tried[who] {
				continue
			}
			tried[who] = true
			if other, taken := given[who]; !taken || give(other, tried) {
				given[who] = to
				return true
			}
		}
		return false
	}
	for i := range needed {
		if !give(i, map[uuid.UUID]bool{}) {
			return false
		}
	}
	return true
}
