package postgres_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

// sight is how much of a provider's day somebody sees.
type sight int

const (
	outsider sight = iota // what can be booked
	member                // that, and what a time that they name is
	staff                 // everything
)

// moment is a time of a provider's day: what it is to everybody but to those who may not know.
type moment struct {
	hour, minute int
	status       availability.Status // empty: no slot
	blocked      []availability.Rule
}

var momentsOfDay = []moment{
	{9, 0, availability.Free, nil},
	{10, 0, availability.Held, []availability.Rule{availability.ProviderBusy}},
	{11, 0, availability.Booked, []availability.Rule{availability.ProviderBusy}},
	{12, 0, availability.Blocked, []availability.Rule{availability.ProviderClosed}},
	{13, 0, availability.Blocked, []availability.Rule{availability.WindowCapReached}},
	{14, 10, "", []availability.Rule{availability.NotOnGrid}},
	{20, 0, "", []availability.Rule{availability.OutsideHours}},
}

// audience is a provider's day with whoever may want to see it.
type audience struct {
	*desk
	provider clinic.Ref
	ann      access.Actor // has a visit with another provider at 15:00
	foreign  access.Actor
	sights   map[string]seer
}

type seer struct {
	access.Actor
	sight
}

func newAudience(t *testing.T) audience {
	d := newDesk(t)
	elsewhere := sample.NewClinic(t, d.pool)
	a := audience{desk: d, provider: d.Provider(1), ann: d.Patient(), foreign: elsewhere.Patient()}
	d.mustHold(d.Patient(), d.Slot(a.provider, 10, 0))
	d.mustBook(d.Patient(), d.Slot(a.provider, 11, 0))
	d.mustBook(a.ann, d.Slot(d.Provider(1), 15, 0))
	d.except(a.provider, "CLOSED", "12:00", "12:30", nil)
	d.except(a.provider, "OPEN", "13:00", "13:30", new(int))
	platform := d.FrontDesk()
	platform.Organization, platform.Role, platform.Scopes = uuid.Nil, access.PlatformAdmin, access.ScopesOf(access.PlatformAdmin)
	integrator := d.FrontDesk()
	integrator.Role, integrator.Kind, integrator.Scopes = access.Integrator, access.APIClient, access.ScopesOf(access.Integrator)
	a.sights = map[string]seer{
		"nobody":                  {access.Nobody("r"), outsider},
		"a patient of another":    {a.foreign, outsider},
		"the staff of another":    {elsewhere.FrontDesk(), outsider},
		"a patient":               {a.ann, member},
		"a system of the clinic":  {integrator, member},
		"the front desk":          {d.FrontDesk(), staff},
		"the platform's managers": {platform, outsider},
	}
	return a
}

// except gives a provider an exception on Monday at the clinic's location.
func (d *desk) except(p clinic.Ref, effect, from, to string, limit *int) {
	d.Set(`INSERT INTO schedule_exceptions (organization_id, id, provider_id, location_id, local_from, local_to, effect, capacity, max_appointments)
		VALUES ($1, $2, $3, $4, date '2026-06-08' + $6::time, date '2026-06-08' + $7::time, $5, 1, $8)`, sample.NewID(), p.ID, d.Location, effect, from, to, limit)
	d.Set(`UPDATE providers SET schedule_revision = schedule_revision + 1 WHERE organization_id = $1 AND id = $2`, p.ID)
}

// day asks for the provider's Monday.
func (a audience) day(states ...availability.Status) availability.Listing {
	return availability.Listing{
		Provider: a.provider, VisitKind: a.VisitKind, From: sample.Monday.Add(4 * time.Hour), To: sample.Monday.Add(28 * time.Hour), Statuses: states,
	}
}

func (s sight) lists(status availability.Status) bool {
	return status == availability.Free || s == staff
}

func TestListsShowWhatTheirReadersMaySee(t *testing.T) {
	a := newAudience(t)
	all := []availability.Status{availability.Free, availability.Held, availability.Booked, availability.Blocked}
	of := map[availability.Status]int{availability.Free: 12, availability.Held: 1, availability.Booked: 1, availability.Blocked: 2}
	for who, by := range a.sights {
		for _, states := range [][]availability.Status{nil, all, all[:1], all[1:2], all[2:3], all[3:], all[1:]} {
			want := map[availability.Status]int{}
			for _, s := range states {
				if by.lists(s) {
					want[s] = of[s]
				}
			}
			if states == nil {
				want[availability.Free] = of[availability.Free]
			}
			a.lists(t, who, by.Actor, a.day(states...), want)
		}
	}
}

func (a audience) lists(t *testing.T, who string, by access.Actor, l availability.Listing, want map[availability.Status]int) {
	t.Helper()
	page, err := a.openings.Slots(context.Background(), by, l, everything)
	if err != nil {
		t.Fatal(err)
	}
	got, total := map[availability.Status]int{}, 0
	for _, s := range page.Items {
		got[s.Status]++
	}
	for s, n := range want {
		if total += n; got[s] != n {
			t.Errorf("of %v %s lists %d as %s, want %d", l.Statuses, who, got[s], s, n)
		}
	}
	if len(page.Items) != total || page.Total != total {
		t.Errorf("of %v %s lists %d slots and counts %d, want %d", l.Statuses, who, len(page.Items), page.Total, total)
	}
	short, err := a.openings.Slots(context.Background(), by, l, paging.Window{Size: 1})
	if err != nil || len(short.Items) != min(total, 1) || short.HasNext != (total > 1) {
		t.Errorf("of %v %s is told of %d slots, and of more: %v (%v)", l.Statuses, who, len(short.Items), short.HasNext, err)
	}
}

func TestASlotIsShownToThoseWhoMaySeeIt(t *testing.T) {
	a := newAudience(t)
	for who, by := range a.sights {
		for _, w := range momentsOfDay {
			visible := w.status != "" && (w.status == availability.Free || by.sight != outsider)
			id := a.Slot(a.provider, w.hour, w.minute)
			found, err := a.openings.SlotsOf(context.Background(), by.Actor, []availability.SlotID{id})
			slot, shown := found[id]
			if err != nil || shown != visible || shown && slot.Status != w.status {
				t.Errorf("to %s %d:%02d is %q, shown %v (%v), want %q", who, w.hour, w.minute, slot.Status, shown, err, w.status)
			}
		}
	}
}

func TestATimeIsExplainedToThoseWhoMayKnow(t *testing.T) {
	a := newAudience(t)
	for who, by := range a.sights {
		for _, w := range momentsOfDay {
			want := w.blocked
			if by.sight == outsider && len(want) > 0 {
				want = []availability.Rule{availability.NotAvailable}
			}
			a.explains(t, who, by.Actor, a.Slot(a.provider, w.hour, w.minute), want)
		}
		unoffered, awayFrom := a.Slot(a.provider, 11, 0), a.Slot(a.provider, 11, 0)
		unoffered.VisitKind, awayFrom.Location = sample.NewID(), a.away(1).ID
		kind := []availability.Rule{availability.ProviderBusy, availability.VisitKindNotOffered}
		place := []availability.Rule{availability.OutsideHours, availability.ProviderBusy}
		if by.sight == outsider {
			kind, place = []availability.Rule{availability.NotAvailable}, []availability.Rule{availability.NotAvailable}
		}
		a.explains(t, who, by.Actor, unoffered, kind)
		a.explains(t, who, by.Actor, awayFrom, place)
	}
}

func (a audience) explains(t *testing.T, who string, by access.Actor, slot availability.SlotID, want []availability.Rule) {
	t.Helper()
	slot.Modality = ""
	e, err := a.Explain(t.Context(), by, slot, nil)
	if err != nil || !slices.Equal(e.BlockedBy, want) || e.Bookable != (len(want) == 0) || (e.Slot != nil) != e.Bookable {
		t.Errorf("to %s %v is blocked by %v (%v), want %v; %+v", who, slot.Start, e.BlockedBy, err, want, e)
	}
}

func TestAPatientsTimeIsExplainedToThoseWhoMaySeeThePatient(t *testing.T) {
	a := newAudience(t)
	ann := clinic.Ref{Organization: a.Organization, ID: a.ann.PatientID}
	bob := clinic.Ref{Organization: a.Organization, ID: a.Patient().PatientID}
	stranger := clinic.Ref{Organization: a.foreign.Organization, ID: a.foreign.PatientID}
	disguised := clinic.Ref{Organization: a.Organization, ID: a.foreign.PatientID}
	scopeless := a.FrontDesk()
	scopeless.Scopes = []string{access.AppointmentsRead}
	a.sights["a front desk without patients"] = seer{scopeless, staff}
	for who, by := range a.sights {
		works := by.sight == staff && who != "a front desk without patients" || who == "a system of the clinic"
		for _, c := range []struct {
			whose   string
			patient clinic.Ref
			known   bool
			want    []availability.Rule
		}{
			{"Ann", ann, works || who == "a patient", []availability.Rule{availability.PatientBusy}},
			{"Bob", bob, works, nil},
			{"a stranger", stranger, false, nil},
			{"a stranger by another name", disguised, false, nil},
		} {
			e, err := a.Explain(t.Context(), by.Actor, a.Slot(a.provider, 15, 0), &c.patient)
			switch {
			case !c.known && (errs.Of(err) != errs.NotFound || e.Bookable || e.BlockedBy != nil || e.Slot != nil):
				t.Errorf("%s learns of %s %+v (%v)", who, c.whose, e, err)
			case c.known && (err != nil || !slices.Equal(e.BlockedBy, c.want)):
				t.Errorf("%s learns of %s %v (%v), want %v", who, c.whose, e.BlockedBy, err, c.want)
			}
		}
	}
}

func TestTheNextOpeningIsTheFirstThatTheCallerCanBook(t *testing.T) {
	a := newAudience(t)
	holder := a.Patient()
	next := func(by access.Actor, m *clinic.Modality) string {
		t.Helper()
		slot, err := a.openings.NextAvailable(context.Background(), by, a.provider, a.VisitKind, m)
		switch {
		case err != nil:
			t.Fatal(err)
		case slot == nil:
			return "none"
		case slot.Status != availability.Free || slot.Provider != a.provider.ID || slot.Remaining != 1:
			t.Errorf("the next opening is %+v", slot)
		}
		return slot.LocalStart.String()[:len("2026-06-08T09:00")]
	}
	inPerson, video := clinic.InPerson, clinic.Video
	everybody := func(when, want string) {
		t.Helper()
		for who, by := range a.sights {
			if got := next(by.Actor, nil); got != want {
				t.Errorf("%s, to %s the next opening is %s, want %s", when, who, got, want)
			}
			if got := next(by.Actor, &inPerson); got != want {
				t.Errorf("%s, to %s the next opening in person is %s, want %s", when, who, got, want)
			}
			if got := next(by.Actor, &video); got != "none" {
				t.Errorf("%s, to %s the next opening by video is %s", when, who, got)
			}
		}
	}
	everybody("at dawn", "2026-06-08T09:00")
	a.mustHold(holder, a.Slot(a.provider, 9, 0))
	everybody("with a hold", "2026-06-08T09:30")
	if got := next(holder, nil); got != "2026-06-08T09:00" {
		t.Errorf("to the holder the next opening is %s", got)
	}
	a.clock.Set(a.Slot(a.provider, 9, 30).Start.Add(time.Minute))
	everybody("when the holds have run out", "2026-06-08T10:00")
	a.clock.Set(a.Slot(a.provider, 16, 30).Start)
	everybody("at the last start", "2026-06-08T16:30")
	a.clock.Advance(time.Second)
	everybody("a second later", "2026-06-09T09:00")
	off := func(until string) {
		a.Set(`INSERT INTO schedule_exceptions (organization_id, id, provider_id, local_from, local_to, effect, capacity)
			VALUES ($1, $2, $3, '2026-06-09', $4::timestamp, 'CLOSED', 1)`, sample.NewID(), a.provider.ID, until)
	}
	off("2026-06-16")
	everybody("before a week off", "2026-06-16T09:00")
	off("2026-07-20 10:30")
	everybody("before six weeks off", "2026-07-20T10:30")
	a.Set(`UPDATE visit_kinds SET maximum_advance = 86400 * 40 WHERE organization_id = $1`)
	everybody("not so far ahead", "none")
	a.Set(`UPDATE visit_kinds SET maximum_advance = 86400 * 365, minimum_notice = 86400 * 42 WHERE organization_id = $1`)
	everybody("with six weeks' notice", "2026-07-21T09:00")
	a.VisitKind = sample.NewID()
	everybody("of a kind that nobody offers", "none")
}
