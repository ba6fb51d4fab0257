package intake

import (
	"cmp"
	"slices"

	"cloud.google.com/go/civil"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/provider"
)

// duty is what somebody does at a site on some days, each day the same.
type duty struct {
	days     days
	services []service
	week     *week
}

// engage makes a member of a person who works somewhere.
func (d *directory) engage(p *person) {
	switch {
	case len(p.stints) > 0 && p.over:
		d.refuse(p.at, p.label+"active: it is not active: its hours end")
	case p.over:
		d.refuse(p.at, p.label+"active: it is not active, but no role says where its hours end")
		return
	case len(p.stints) == 0:
		d.refuse(p.at, p.label+"no role or schedule that was taken says where")
		return
	}
	p.ended = !slices.ContainsFunc(p.stints, func(s *stint) bool { return !s.over && !s.past })
	at := map[*site][]duty{}
	var sites []*site
	for _, s := range p.stints {
		if !slices.Contains(sites, s.site) {
			sites = append(sites, s.site)
		}
		duties := s.duties()
		at[s.site] = append(at[s.site], duties...)
		for _, duty := range duties {
			p.offers(duty.services)
		}
	}
	if len(p.services) == 0 { // nothing is open
		p.offers(p.stints[0].services)
	}
	slices.SortFunc(p.specialties, func(a, b clinic.Coding) int {
		return cmp.Or(cmp.Compare(a.System, b.System), cmp.Compare(a.Code, b.Code))
	})
	slices.SortFunc(p.services, func(a, b service) int { return cmp.Compare(a.key, b.key) })
	for _, s := range sites {
		there := post{site: s, closed: p.absent(s)}
		if !p.silent(s) {
			there.terms = p.terms(at[s])
		}
		p.posts = append(p.posts, there)
	}
	d.roster.members = append(d.roster.members, p.member)
}

func (p *person) offers(services []service) {
	for _, s := range services {
		if !slices.ContainsFunc(p.services, func(known service) bool { return known.key == s.key }) {
			p.services = append(p.services, s)
		}
	}
}

// silent says whether nobody says the hours of somebody who works at a site: those that the staff set stay.
func (p *person) silent(at *site) (silent bool) {
	for _, s := range p.stints {
		if s.site == at && !s.over {
			if !s.silent {
				return false
			}
			silent = true
		}
	}
	return silent
}

// duties are those of a stint under its schedules, none when it is out of use.
func (s *stint) duties() (list []duty) {
	if s.over {
		return nil
	}
	if len(s.limits) == 0 {
		return []duty{{days: s.days, services: s.services, week: s.week}}
	}
	for _, l := range s.limits {
		both, some := s.days.within(l.days)
		if !some {
			continue
		}
		offered := l.services
		if len(offered) == 0 {
			offered = s.services
		}
		list = append(list, duty{days: both, services: offered, week: s.week})
	}
	return list
}

func (p *person) absent(at *site) (list []closure) {
	for _, s := range p.stints {
		for _, c := range s.closed {
			same := func(known closure) bool { return known.from == c.from && known.to == c.to }
			if s.site == at && !slices.ContainsFunc(list, same) {
				list = append(list, c)
			}
		}
	}
	return list
}

// terms cuts time where a duty begins or ends, and puts together the hours of those that go on in between.
func (p *person) terms(duties []duty) (list []term) {
	begins := []civil.Date{{}}
	for _, d := range duties {
		begins = append(begins, d.days.from)
		if d.days.until != nil {
			begins = append(begins, d.days.until.AddDays(1))
		}
	}
	slices.SortFunc(begins, civil.Date.Compare)
	begins = slices.Compact(begins)
	for i, from := range begins {
		t := term{from: from, hours: p.shifts(duties, from)}
		if n := len(list); n > 0 && slices.EqualFunc(list[n-1].hours, t.hours, sameShift) {
			continue
		}
		if i > 0 && len(list) > 0 {
			until := from.AddDays(-1)
			list[len(list)-1].until = &until
		}
		list = append(list, t)
	}
	if n := len(list); n > 1 && len(list[n-1].hours) == 0 {
		list = list[:n-1]
		list[n-2].last = true
	}
	return list
}

// shifts are the hours on a day, each window for those services that have just this one.
func (p *person) shifts(duties []duty, on civil.Date) (list []shift) {
	open := map[string]*week{}
	for _, d := range duties {
		if on.Before(d.days.from) || d.days.until != nil && on.After(*d.days.until) {
			continue
		}
		for _, s := range d.services {
			if open[s.key] == nil {
				open[s.key] = new(week)
			}
			open[s.key].join(d.week)
		}
	}
	at := map[[3]int]int{}
	for _, s := range p.services { // in their order
		if open[s.key] == nil {
			continue
		}
		for _, h := range open[s.key].hours(1) {
			key := [3]int{int(h.Weekday), h.From, h.To}
			if _, known := at[key]; !known {
				at[key] = len(list)
				list = append(list, shift{WeeklyHours: h})
			}
			list[at[key]].services = append(list[at[key]].services, s.key)
		}
	}
	for i := range list {
		if len(list[i].services) == len(p.services) {
			list[i].services = nil // all that it offers
		}
	}
	slices.SortFunc(list, func(a, b shift) int {
		return cmp.Or(compareWeekly(a.WeeklyHours, b.WeeklyHours), slices.Compare(a.services, b.services))
	})
	return list
}

func sameShift(a, b shift) bool {
	return a.Weekday == b.Weekday && provider.Hours.Same(a.Hours, b.Hours) && slices.Equal(a.services, b.services)
}
