package intake

import (
	"context"
	"fmt"
	"net/url"
	"path"

	"cloud.google.com/go/civil"

	"github.com/mediconnect/mediconnect/internal/clinic"
)

// maxSites bounds the locations and the schedules of one publication, and with them the memory of an import.
const maxSites = 100_000

// publication is what is kept of one while it is read: its sites with their desks, and each window in a few bytes.
type publication struct {
	reading
	base       string
	sites      []*site // in the order of the file
	byID       map[string]*site
	byName     map[clinic.Identifier]*site
	desks      map[string]*desk
	turnedAway map[string]bool // ids of schedules that were refused
	strays     bool            // a line was refused that may be any desk's
	windows    int
	days       map[civil.Date]int // windows that begin on each local day
	period
	zoneOf ZoneOf
	report Report
}

func newPublication(zoneOf ZoneOf, progress func(Progress)) *publication {
	p := &publication{
		byID: map[string]*site{}, byName: map[clinic.Identifier]*site{}, desks: map[string]*desk{},
		turnedAway: map[string]bool{}, days: map[civil.Date]int{}, zoneOf: zoneOf,
	}
	p.reading = reading{found: &p.report.Findings, progress: progress}
	return p
}

// read reads a whole publication. Broken lines are refused and told in the report; only a file that can't be read at all
// is an error, and then nothing has been written.
func (p *publication) read(ctx context.Context, from Source) error {
	m, base, err := readManifest(ctx, from)
	if err != nil {
		return err
	}
	p.base = base
	for _, kind := range []struct {
		resource string
		take     func([]byte, place) error
	}{{resourceLocation, p.takeSite}, {resourceSchedule, p.takeDesk}, {resourceSlot, p.takeSlot}} {
		files := m.files(kind.resource)
		if len(files) == 0 {
			return fmt.Errorf("the manifest names no %s file", kind.resource)
		}
		for _, address := range files {
			if err := p.readFile(ctx, from, address, kind.take); err != nil {
				return fmt.Errorf("%s: %w", quoted(address), err)
			}
		}
	}
	return nil
}

func (p *publication) readFile(ctx context.Context, from Source, address string, take func([]byte, place) error) error {
	body, err := from.Open(ctx, address)
	if err != nil {
		return err
	}
	defer body.Close()
	return p.file(ctx, path.Base(address), body, func(l line) error {
		p.takeLine(l, take)
		return nil
	})
}

func (p *publication) takeLine(l line, take func([]byte, place) error) {
	p.strays = p.strays || l.tooLong
	p.reading.takeLine(l, take)
}

func (p *publication) takeSite(text []byte, at place) error {
	id, s, err := readSite(text, p.base, p.zoneOf, p.noteAt(at))
	if err != nil {
		return err
	}
	if p.byID[id] != nil {
		return refuse("the id %s is that of line %d", quoted(id), p.byID[id].at.line)
	}
	if other := p.byName[s.put.Identifier]; other != nil {
		return refuse("the identifier %s is that of line %d", quoted(s.put.Identifier.Value), other.at.line)
	}
	if len(p.sites) == maxSites {
		return refuse("more than %d locations", maxSites)
	}
	s.at = at
	p.byID[id], p.byName[s.put.Identifier] = s, s
	p.sites = append(p.sites, s)
	return nil
}

func (p *publication) takeDesk(text []byte, at place) error {
	d, location, err := readDesk(text)
	if err == nil {
		err = p.addDesk(d, location, at)
	}
	if err != nil && d != nil && len(p.turnedAway) < maxSites {
		p.turnedAway[d.id] = true
	}
	return err
}

func (p *publication) addDesk(d *desk, location string, at place) error {
	if p.desks[d.id] != nil {
		return refuse("the id %s is that of line %d", quoted(d.id), p.desks[d.id].at.line)
	}
	if d.site = p.byID[location]; d.site == nil {
		return refuse("no such location: %s", quoted(location))
	}
	if len(p.desks) == maxSites {
		return refuse("more than %d schedules", maxSites)
	}
	d.at = at
	p.desks[d.id] = d
	d.site.desks = append(d.site.desks, d)
	return nil
}

func (p *publication) takeSlot(text []byte, at place) error {
	s, err := readSlot(text)
	d := p.desks[s.schedule]
	if err == nil && d == nil {
		err = refuse("no such schedule: %s", quoted(s.schedule))
	}
	if err == nil {
		err = p.addWindow(d, s, at)
	}
	switch {
	case err == nil:
	case d != nil:
		d.partial = true
	case !p.turnedAway[s.schedule]:
		p.strays = true
	}
	return err
}

func (p *publication) addWindow(d *desk, s slot, at place) error {
	if p.windows == maxWindows {
		return refuse("more than %d windows", maxWindows)
	}
	span, err := s.on(d.site.zone, p.noteAt(at))
	if err != nil {
		return err
	}
	p.days[span.from.Date]++
	if s.capacity == 0 {
		p.repairs = p.repairs[:0] // it isn't imported, so nothing of it was repaired
	}
	p.windows++
	d.windows = append(d.windows, newWindow(s, span, at))
	return nil
}

func (p *publication) refuseWindow(d *desk, w window, reason string) {
	d.partial = true
	p.refuse(w.at(), reason)
}

// settle makes what was read ready to be written: names that tell sites apart, the period, and one window for each open time.
func (p *publication) settle() {
	p.period = mainPeriod(p.days)
	tellApart(p.sites)
	for _, s := range p.sites {
		for _, d := range s.desks {
			p.dropStrays(d)
			for _, w := range d.windows {
				if w.capacity == 0 {
					p.report.Busy++
				}
			}
			d.windows, d.full = settle(d.windows,
				func(w window, reason string) { p.refuseWindow(d, w, reason) },
				func(w window) { p.report.repaired(Note{Kind: SlotsJoined, File: p.files[w.file], Line: int(w.line)}) })
		}
	}
}

// publisher is the name of the host that the publication is from.
func (p *publication) publisher() string {
	u, err := url.Parse(p.base)
	if err != nil {
		return p.base
	}
	return u.Hostname()
}

// shiftTo is how many days the publication moves so that its first day becomes a date.
func (p *publication) shiftTo(date civil.Date) int {
	if !date.IsValid() || !p.first.IsValid() {
		return 0
	}
	return date.DaysSince(p.first)
}
