package intake

import (
	"slices"
	"time"
)

// readable are the times that a service isn't available, as far as they can be read.
func (d *directory) readable(r *resource, times []r4NotAvailable) (list []r4NotAvailable) {
	for _, n := range times {
		if _, err := n.closure(r.at, time.UTC); err != nil {
			d.partly(r, "notAvailable", err)
			continue
		}
		list = append(list, n)
	}
	return list
}

// holidays are the times that none of the services of a role or a schedule is available. When only some of them are, the provider has work.
func (d *directory) holidays(r *resource, offers []*offer, at *site) []closure {
	var all []r4NotAvailable
	for _, o := range offers {
		for _, n := range o.away {
			everywhere := !slices.ContainsFunc(offers, func(other *offer) bool {
				return !slices.ContainsFunc(other.away, func(o r4NotAvailable) bool { return o.During == n.During })
			})
			switch {
			case !everywhere:
				d.partly(r, "healthcareService", refuse("only some of its services have the notAvailable %s to %s, so that time stays open", quoted(n.During.Start), quoted(n.During.End)))
			case !slices.Contains(all, n):
				all = append(all, n)
			}
		}
	}
	return d.absences(r, all, at)
}
