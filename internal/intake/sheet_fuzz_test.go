package intake

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
)

// Whatever stands between a header and a good row, quotes that are never closed among it: each row is taken as a site that can
// be set up or refused with a sentence that a terminal can show, and the good row is taken.
func FuzzSheet(f *testing.F) {
	f.Add("1,Corner,\"1 High St\",Millville,NJ,8332,US,39.4,-75,,(856) 825-7742")
	f.Add("1,\"Cor\nner\",,,,,,,,America/New_York,\n2,\"Corner,,,,,,,,America/Chicago,\n3,A\"B,,,,,,,,,")
	f.Fuzz(func(t *testing.T, text string) {
		o := LocationsOrder{
			Name: "list", ZoneOf: func(clinic.GeoPoint) string { return "America/New_York" }, Progress: func(Progress) {},
			System: SiteSystem, Clock: clock.FrozenAt(time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC)),
			List: strings.NewReader(strings.Join(siteColumns, ",") + "\n" + text + "\nthe last,Corner,,,,,,,,America/Chicago,"),
		}
		l := newSiteList(o)
		if err := l.read(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		if l.byID["the last"] == nil {
			t.Errorf("the last row is missing: refused %v", l.report.Refused)
		}
		for _, r := range l.report.Refused {
			if len(r.Reason) > 600 || strings.ContainsFunc(r.Reason, unicode.IsControl) {
				t.Errorf("a refusal says %q", r.Reason)
			}
		}
		for _, s := range l.sites {
			if s.put.Name == "" || s.zone == nil || (s.put.Latitude == nil) != (s.put.Longitude == nil) || len(s.put.Identifier.Value) > 800 {
				t.Errorf("a site was taken as %+v", s.put)
			}
		}
	})
}

// Whatever text hours are given in, they are refused, or are openings in the order of the week of which none overlaps another.
func FuzzHours(f *testing.F) {
	f.Add(DefaultHours)
	f.Add("Sat-Mon 22:00-06:00, tue 00:00-24:00,Wed 09:00-09:00")
	f.Fuzz(func(t *testing.T, text string) {
		list, err := ParseHours(text, 1)
		if err != nil {
			return
		}
		var open week
		for _, h := range list {
			if h.Weekday < 1 || h.Weekday > 7 || h.From < 0 || h.From >= minutesPerDay || h.To <= h.From || h.To > h.From+minutesPerDay || !open.open(h.Weekday, h.From, h.To) {
				t.Errorf("hours were taken as %+v of %+v", h, list)
			}
		}
		if len(list) == 0 || !slices.IsSortedFunc(list, compareWeekly) {
			t.Errorf("hours were taken as %+v", list)
		}
	})
}
