package intake_test

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/civil"

	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/intake"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/provider"
)

// list imports a list of sites into the organisation.
func (w *world) list(t *testing.T, text string, change func(*intake.LocationsOrder)) (intake.RosterReport, error) {
	t.Helper()
	order := intake.LocationsOrder{Name: "list.csv", List: strings.NewReader(text), Organization: w.organization, Clock: clock.FrozenAt(now)}
	var err error
	if order.ZoneOf, err = intake.WorldZones(); err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(&order)
	}
	return intake.ImportLocations(t.Context(), w, w.admin, order)
}

func usPharmacies(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("demo/us-pharmacies/locations.csv")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestARealListIsImportedWholeAndAgainChangesNothing(t *testing.T) {
	w := newWorld(t)
	text := usPharmacies(t)
	r, err := w.list(t, text, nil)
	all := intake.Tally{All: 1705, Changed: 1705}
	if err != nil || r.Locations != all || r.Providers != all || r.Schedules != all || r.VisitKinds != (intake.Tally{All: 1, Changed: 1}) || r.RefusedTotal != 0 {
		t.Fatalf("%v\n%v", err, r)
	}
	for query, want := range map[string]int{
		"SELECT count(*) FROM locations WHERE phone IS NOT NULL AND postal_code IS NOT NULL AND country = 'US'": 1705,
		"SELECT count(DISTINCT name) FROM locations":                                                            1705,
		"SELECT count(DISTINCT time_zone) FROM locations":                                                       8,
		"SELECT count(*) FROM locations WHERE time_zone = 'America/Phoenix'":                                    122,
		"SELECT count(*) FROM providers WHERE languages = '{en}'":                                               1705,
		"SELECT count(*) FROM provider_visit_kinds":                                                             1705,
		"SELECT count(*) FROM schedules WHERE effective_from = '2026-03-05' AND effective_until IS NULL":        1705,
		"SELECT count(*) FROM locations l JOIN providers p USING (organization_id, identifier_value, name)":     1705,
	} {
		if n := w.count(t, query); n != want {
			t.Errorf("%d, want %d: %s", n, want, query)
		}
	}
	before := w.digest(t)
	tomorrow := func(o *intake.LocationsOrder) { o.Clock = clock.FrozenAt(now.AddDate(0, 0, 1)) }
	r, err = w.list(t, text, tomorrow)
	if err != nil || w.digest(t) != before || r.Changed() != 0 || r.Schedules.All != 1705 || !strings.HasSuffix(r.String(), "\nNothing changed\n") {
		t.Errorf("%v\n%v", err, r)
	}
}

const header = "site_id,brand,line1,city,region,postal_code,country,latitude,longitude,timezone,phone\n"

func TestASiteOpensOnTheHoursThatItsListIsGiven(t *testing.T) {
	w := newWorld(t)
	sites := header + "1,Corner,1 High St,Honolulu,HI,96813,US,21.3,-157.85,Pacific/Honolulu,\n"
	for _, c := range []struct {
		hours string
		want  []string // from Thursday to Sunday
	}{
		{intake.DefaultHours, []string{"Thu 09:00", "Thu 18:45", "Fri 09:00", "Fri 18:45", "Sat 09:00", "Sat 16:45"}},
		{"Sat-Sun 22:00-02:00", []string{"Sat 22:00", "Sat 23:45", "Sun 00:00", "Sun 23:45"}},
		{"Mon-Fri 09:00-17:00,Sat 10:00-14:00", []string{"Thu 09:00", "Thu 16:45", "Fri 09:00", "Fri 16:45", "Sat 10:00", "Sat 13:45"}},
	} {
		hours, err := intake.ParseHours(c.hours, 2)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.list(t, sites, func(o *intake.LocationsOrder) { o.Hours = hours }); err != nil {
			t.Fatal(err)
		}
		if got := w.edges(t, "Pacific/Honolulu", 2); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.hours, got, c.want)
		}
	}
}

// edges are the first and the last start of each day from the 5th to the 8th of March 2026 that the only provider offers.
func (w *world) edges(t *testing.T, zoneName string, capacity int) (edges []string) {
	t.Helper()
	zone, err := clock.Zone(zoneName)
	if err != nil {
		t.Fatal(err)
	}
	desk := clinic.Ref{Organization: w.organization, ID: w.ids(t, "SELECT id FROM providers")[0]}
	first := civil.Date{Year: 2026, Month: 3, Day: 5}
	rules, err := postgres.NewAvailabilityStore(w.db).Rules(t.Context(), desk, first.AddDays(-8), first.AddDays(8))
	if err != nil {
		t.Fatal(err)
	}
	midnight := func(d civil.Date) time.Time { return clock.Instant(civil.DateTime{Date: d}, zone) }
	open := availability.Openings(rules, availability.Taken{}, availability.Query{
		VisitKind: rules.Kinds[0].ID, From: midnight(first), To: midnight(first.AddDays(4)), Now: midnight(first),
	})
	for i, s := range open {
		if s.Remaining != capacity {
			t.Errorf("at %v there is room for %d", s.Start, s.Remaining)
		}
		start := s.Start.In(zone)
		starts := i == 0 || open[i-1].Start.In(zone).Day() != start.Day()
		ends := i == len(open)-1 || open[i+1].Start.In(zone).Day() != start.Day()
		if starts || ends {
			edges = append(edges, start.Format("Mon 15:04"))
		}
	}
	return edges
}

func TestBrokenRowsAreRefusedAndTheRestGoesOn(t *testing.T) {
	w := newWorld(t)
	text := "\ufeff" + strings.TrimSuffix(header, "\n") + ",notes,\r\n" + strings.Join([]string{
		`A,"Corner ""24"" Pharmacy","1 High St, rear",Millville,NJ,8332,US,39.4,-75,America/New_York,(856) 825-7742,"two` + "\r\n" + `lines",`,
		`B,Corner`,
		`C,Cor"ner,1 High St,Millville,NJ,08332,US,39.4,-75,America/New_York,,,`,
		`D,"Corner,1 High St,Millville,NJ,08332,US,39.4,-75,America/New_York,,,`,
		`E,Corner,2 High St,Millville,NJ,08332,US,39.4,-75,,12345,,`,
		`F,Corner,3 High St,Millville,NJ,08332,US,39.4,-75,Eastern,,,`,
		`G,Corner,4 High St,Millville,NJ,08332,US,39.4,-75,America/Chicago,,,`,
		`H,Corner,5 High St,Millville,NJ,08332,US,,,America/New_York,,,`,
		`I,Corner,6 High St,Millville,NJ,08332,US,,,,,,`,
		`J,Corner,7 High St,Millville,NJ,08332,US,north,-75,America/New_York,,,`,
		`K,Corner,8 High St,Millville,NJ,08332,US,NaN,-75,America/New_York,,,`,
		`L,Corner,9 High St,Millville,NJ,08332,US,39.4,,America/New_York,,,`,
		`M,,9 High St,Millville,NJ,08332,US,39.4,-75,America/New_York,,,`,
		`,Corner,9 High St,Millville,NJ,08332,US,39.4,-75,America/New_York,,,`,
		`A,Corner,9 High St,Millville,NJ,08332,US,39.4,-75,America/New_York,,,`,
		strings.Repeat("N", 1<<20+1),
		`O,Corner,9 High St,Millville,NJ,08332,US,39.4,-75,America/New_York,,,`,
	}, "\r\n")
	r, err := w.list(t, text, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []intake.Refusal{
		{File: "list.csv", Line: 4, Reason: "2 values for 13 columns"},
		{File: "list.csv", Line: 5, Reason: `not CSV: bare " in non-quoted-field`},
		{File: "list.csv", Line: 6, Reason: "a quote isn't closed"},
		{File: "list.csv", Line: 11, Reason: "neither a time zone nor coordinates"},
		{File: "list.csv", Line: 12, Reason: `"north" is no latitude`},
		{File: "list.csv", Line: 13, Reason: `"NaN" is no latitude`},
		{File: "list.csv", Line: 14, Reason: `"" is no longitude`},
		{File: "list.csv", Line: 15, Reason: "no brand"},
		{File: "list.csv", Line: 16, Reason: "site_id: This must not be empty"},
		{File: "list.csv", Line: 17, Reason: `the site_id "A" is that of line 2`},
		{File: "list.csv", Line: 18, Reason: "longer than 1048576 bytes"},
	}
	if !slices.Equal(r.Refused, want) {
		t.Errorf("refused\n%v\nwant\n%v", r.Refused, want)
	}
	for kind, n := range map[intake.Repair]int{
		intake.PostalCodePadded: 1, intake.PhoneDropped: 1, intake.ZoneFromPoint: 1, intake.ZoneUnknown: 1, intake.ZoneContradicts: 1,
	} {
		if r.Repaired(kind) != n {
			t.Errorf("%s: %d times, want %d", kind, r.Repaired(kind), n)
		}
	}
	if !slices.Equal(r.Ignored, []intake.Ignored{{What: `column "notes"`, Count: 1}, {What: `column ""`, Count: 1}}) || r.Locations.All != 6 {
		t.Errorf("report\n%v", r)
	}
	for query, want := range map[string]int{
		`SELECT count(*) FROM locations WHERE identifier_value = 'A' AND name = 'Corner "24" Pharmacy' AND array_to_string(address_lines, '|') = '1 High St, rear|Millville, NJ'`: 1,
		`SELECT count(*) FROM locations WHERE name = 'Corner, 2 High St, Millville' AND time_zone = 'America/New_York' AND phone IS NULL`:                                         1,
		`SELECT count(*) FROM locations WHERE identifier_value = 'G' AND time_zone = 'America/Chicago'`:                                                                           1,
		`SELECT count(*) FROM locations WHERE identifier_value = 'H' AND latitude IS NULL`:                                                                                        1,
	} {
		if n := w.count(t, query); n != want {
			t.Errorf("%d: %s", n, query)
		}
	}
}

func TestAListWithoutAHeaderIsNotImported(t *testing.T) {
	w := newWorld(t)
	for text, want := range map[string]string{
		"":                                 "there is no header",
		"1,Corner\n":                       "it needs the columns site_id and brand",
		"site_id,brand,latitude\n":         "it needs the columns latitude and longitude, or timezone",
		"site_id,Brand,timezone,BRAND\n":   `two columns are called "brand"`,
		"site_id,\"brand,timezone\n":       "a quote isn't closed",
		strings.Repeat("site_id,", 200):    "more than 200 columns",
		strings.Repeat("x", 1<<20+1):       "longer than 1048576 bytes",
		"site_id\tbrand\ttimezone\n1\tA\n": "it needs the columns site_id and brand",
	} {
		_, err := w.list(t, text, nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v", text, err)
		}
	}
	if n := w.count(t, "SELECT count(*) FROM locations"); n != 0 {
		t.Errorf("%d locations", n)
	}
}

func TestWhatTheStaffSaidOfASiteStays(t *testing.T) {
	w := newWorld(t)
	sites := header + "1,Corner,1 High St,Millville,NJ,08332,US,39.4,-75,America/New_York,\n"
	if _, err := w.list(t, sites, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := w.pool.Exec(t.Context(), "UPDATE locations SET step_free_access = true, phone = '+18568257742'"); err != nil {
		t.Fatal(err)
	}
	page, err := w.ListProviders(t.Context(), w.admin, provider.Filter{}, firstPage)
	if err != nil {
		t.Fatal(err)
	}
	p, most := page.Items[0], 5
	_, err = w.PutProvider(t.Context(), w.admin, provider.PutProvider{
		Organization: w.organization, Identifier: p.Identifier, Name: p.Name, Languages: []string{"es"}, MaxDailyAppointments: &most,
		AcceptedPlans: []provider.AcceptedPlan{{Carrier: "Horizon", Name: "Silver"}},
		VisitKinds:    []clinic.Ref{{Organization: w.organization, ID: p.VisitKindIDs[0]}},
	})
	if err != nil {
		t.Fatal(err)
	}
	before := w.digest(t)
	if r, err := w.list(t, sites, nil); err != nil || r.Changed() != 0 || w.digest(t) != before {
		t.Errorf("%v\n%v", err, r)
	}
	specialty := &clinic.Coding{System: "https://clinic.example/specialties", Code: "pharmacy"}
	r, err := w.list(t, sites, func(o *intake.LocationsOrder) { o.Specialty = specialty })
	if err != nil || r.Changed() != 1 || w.count(t, "SELECT count(*) FROM provider_specialties") != 1 {
		t.Errorf("%v\n%v", err, r)
	}
}

func TestAnImportOfAListThatWasStoppedGoesOn(t *testing.T) {
	w := newWorld(t)
	var sites strings.Builder
	sites.WriteString(header)
	for _, id := range strings.Split("abcdefghijklmnopqrstuvwxyz", "") {
		sites.WriteString(id + ",Corner " + id + ",1 High St,Millville,NJ,08332,US,39.4,-75,America/New_York,\n")
	}
	ctx, stop := context.WithCancel(t.Context())
	zoneOf, err := intake.WorldZones()
	if err != nil {
		t.Fatal(err)
	}
	r, err := intake.ImportLocations(ctx, w, w.admin, intake.LocationsOrder{
		Name: "list.csv", List: strings.NewReader(sites.String()), Organization: w.organization, Clock: clock.FrozenAt(now), ZoneOf: zoneOf,
		Progress: func(p intake.Progress) {
			if p.Step == "setting up providers" && p.Done == 5 {
				stop()
			}
		},
	})
	if err == nil || r.Locations.All != 26 || r.Providers.All < 5 || r.Providers.All == 26 {
		t.Errorf("%v\n%v", err, r)
	}
	r, err = w.list(t, sites.String(), nil)
	if n := w.count(t, "SELECT count(*) FROM schedules"); err != nil || n != 26 || r.Providers.All != 26 || r.Locations.Changed != 0 {
		t.Errorf("%v, %d schedules\n%v", err, n, r)
	}
}
