package availability_test

import (
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

// touched lists the openings of Monday, free or not, that something that moved may have changed, as what the wall clock shows.
func (w world) touched(m availability.Moved) string {
	period := availability.Span{Start: w.at(monday + "T00:00"), End: w.at(tue + "T00:00")}
	touched := m.Under(w.rules)
	var shown []string
	for _, s := range availability.SlotsOf(availability.View{Rules: w.rules, Taken: w.taken}, period, w.query.Now, availability.Asking{}) {
		if touched.Has(s) {
			shown = append(shown, s.LocalStart.Time.String()[:5])
		}
	}
	return strings.Join(shown, " ")
}

func (w world) busy(from, to string) availability.Moved {
	return availability.Moved{Busy: []availability.Span{{Start: w.at(monday + "T" + from), End: w.at(monday + "T" + to)}}}
}

func TestAClaimTouchesTheSlotsThatItMeets(t *testing.T) {
	buffers := kind(func(k *clinic.VisitKind) { k.BufferBefore, k.BufferAfter = 10*time.Minute, 20*time.Minute })
	for _, c := range []struct {
		why, from, to string
		w             world
		want          string
	}{
		{"exactly one", "10:00", "10:30", office(), "10:00"},
		{"a minute into the one before", "09:59", "10:30", office(), "09:30 10:00"},
		{"a minute into the one after", "10:00", "10:31", office(), "10:00 10:30"},
		{"with buffers the neighbours", "10:00", "10:30", office(buffers), "09:30 10:00 10:30"},
		{"a buffer after that just doesn't reach it", "10:20", "10:21", office(buffers), "10:00 10:30"},
		{"nothing between", "10:00", "10:00", office(), ""},
		{"nothing in the evening", "20:00", "21:00", office(), ""},
	} {
		if got := c.w.touched(c.w.busy(c.from, c.to)); got != c.want {
			t.Errorf("%s: %q, want %q", c.why, got, c.want)
		}
	}
}

func TestACapTouchesItsDayWhenLessIsLeftThanThereAreLanes(t *testing.T) {
	const all = "09:00 09:30 10:00 10:30 11:00 11:30"
	capDay := func(most int) func(*world) { return func(w *world) { w.rules.MaxDaily = &most } }
	two := daily("09:00-12:00 x2")
	for _, c := range []struct {
		why     string
		counted int
		w       world
		want    string
	}{
		{"without a cap", 9, office(), ""},
		{"one is left, of one lane", 2, office(capDay(3)), ""},
		{"none is left", 3, office(capDay(3)), all},
		{"two are left, of two lanes", 1, office(two, capDay(3)), ""},
		{"one is left, of two lanes", 2, office(two, capDay(3)), all},
		{"more than there may be", 7, office(capDay(3)), all},
	} {
		if got := c.w.touched(availability.Moved{Days: map[civil.Date]int{date(monday): c.counted}}); got != c.want {
			t.Errorf("%s: %q, want %q", c.why, got, c.want)
		}
	}
	w := office(capDay(1))
	if got := w.touched(availability.Moved{Days: map[civil.Date]int{date(tue): 1}}); got != "" {
		t.Errorf("Tuesday's cap touches %q on Monday", got)
	}
}

func TestACappedWindowTouchesWhatStartsInIt(t *testing.T) {
	for counted, want := range map[int]string{1: "", 2: "10:00 10:30"} {
		w := office(except(capped(2), monday+"T10:00", monday+"T11:00"))
		if got := w.touched(availability.Moved{Windows: map[uuid.UUID]int{exceptions[1]: counted}}); got != want {
			t.Errorf("with %d counted: %q, want %q", counted, got, want)
		}
	}
}

func TestTimePassesOverSlots(t *testing.T) {
	notice := kind(func(k *clinic.VisitKind) {
		k.Policy.MinimumNotice, k.Policy.MaximumAdvance = time.Hour, 24*time.Hour
	})
	w := office(notice)
	before := func(local string) time.Time { return w.at(monday + "T" + local) }
	rules := map[time.Duration]availability.Rules{time.Hour: w.rules, 24 * time.Hour: w.rules}
	day := availability.Span{Start: before("00:00"), End: before("23:00")}
	p := availability.PassingOf(w.rules, rules, day)
	tick := time.Microsecond
	for _, c := range []struct {
		why      string
		from, to time.Time
		want     string
	}{
		{"at an hour's notice it is still to be had", before("08:01"), before("09:00"), "09:30"},
		{"just after, it isn't", before("09:00"), before("09:00").Add(tick), "10:00"},
		{"once", before("09:00").Add(tick), before("09:30"), ""},
	} {
		got := ""
		if spans := p.Between(c.from, c.to); spans != nil {
			got = w.touched(availability.Moved{Starts: spans})
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.why, got, c.want)
		}
	}
	if next := p.Next(before("07:00")); !next.Equal(before("08:00").Add(tick)) {
		t.Errorf("the next to go does so at %v", next)
	}
	if next := p.Next(before("08:40")); !next.Equal(before("09:00")) {
		t.Errorf("the next to come does so at %v", next)
	}
}

func TestOtherRulesAreToldWhereTheyDiffer(t *testing.T) {
	shown := func(slots []availability.Slot) string {
		var list []string
		for _, s := range slots {
			list = append(list, s.LocalStart.Time.String()[:5])
		}
		return strings.Join(list, " ")
	}
	for _, c := range []struct {
		why     string
		was, is world
		changed string
		gone    string
	}{
		{"nothing differs", office(), office(), "", ""},
		{"an hour less", office(), office(daily("09:00-11:00")), "", "11:00 11:30"},
		{"an hour more", office(daily("09:00-11:00")), office(), "11:00 11:30", ""},
		{"closed", office(), office(except(closed, monday+"T10:00", monday+"T11:00")), "10:00 10:30", ""},
		{"another lane", office(), office(daily("09:00-12:00 x2")), "09:00 09:30 10:00 10:30 11:00 11:30", ""},
		{"a buffer, whatever is taken", office(), office(kind(func(k *clinic.VisitKind) { k.BufferAfter = time.Minute })),
			"09:00 09:30 10:00 10:30 11:00 11:30", ""},
		{"another step", office(), office(step(45*time.Minute, clinic.GridDay)), "09:45 11:15", "09:30 10:00 11:00 11:30"},
	} {
		period := availability.Span{Start: c.is.at(monday + "T00:00"), End: c.is.at(tue + "T00:00")}
		turn := availability.TurnOf(availability.View{Rules: c.is.rules, Taken: c.is.taken}, []availability.Former{{Rules: c.was.rules}}, period, c.is.query.Now, availability.Asking{})
		if shown(turn.Slots) != c.changed || shown(turn.Gone) != c.gone {
			t.Errorf("%s: %q changed and %q gone, want %q and %q", c.why, shown(turn.Slots), shown(turn.Gone), c.changed, c.gone)
		}
	}
}
