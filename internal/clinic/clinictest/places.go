package clinictest

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/paging"
)

// PutAt puts Location(number) at a point, and under a postal code when there is one.
func (w World) PutAt(t testing.TB, number int, latitude, longitude float64, code string) clinic.Location {
	t.Helper()
	in := Location(number)
	in.Latitude, in.Longitude, in.Country = &latitude, &longitude, ptr("US")
	if code != "" {
		in.PostalCode = &code
	}
	l, err := w.Service.PutLocation(t.Context(), w.Admin, in)
	if err != nil {
		t.Fatalf("put location: %v", err)
	}
	return l
}

// Round is a circle.
func Round(latitude, longitude float64, radius int) *clinic.Near {
	return &clinic.Near{Circle: &clinic.Circle{Center: clinic.GeoPoint{Latitude: latitude, Longitude: longitude}, Radius: radius}}
}

// Postal is what lies within 10 km of a postal code.
func Postal(code, country string) *clinic.Near {
	return &clinic.Near{Postal: &clinic.PostalArea{Code: code, Country: country, Radius: 10_000}}
}

// near lists the locations near a place by name, with their distances, and fails unless they are counted as well.
func (w World) near(t *testing.T, actor access.Actor, n *clinic.Near) (names []string, distances []int) {
	t.Helper()
	f := clinic.LocationFilter{Near: n}
	p, err := w.Service.ListLocations(t.Context(), actor, f, paging.Window{Size: 100})
	counted, err2 := w.Service.CountLocations(t.Context(), actor, f)
	if err != nil || err2 != nil || counted != len(p.Items) {
		t.Errorf("%d listed, %d counted (%v, %v)", len(p.Items), counted, err, err2)
	}
	for _, l := range p.Items {
		names = append(names, l.Name)
		if l.DistanceMeters != nil {
			distances = append(distances, *l.DistanceMeters)
		}
	}
	return names, distances
}

// A degree of latitude is 111,195 m on the sphere of the mean radius.
func circles(t *testing.T, w World) {
	w.PutLocation(t, 9) // of no point
	w.PutAt(t, 1, 40, -74, "")
	w.PutAt(t, 2, 40.01, -74, "")  // 1,112 m
	w.PutAt(t, 3, 41, -74, "")     // 111,195 m
	w.PutAt(t, 4, 40, -73.985, "") // 15 thousandths of a degree times the cosine of 40°: 1,278 m
	for _, c := range []struct {
		radius    int
		names     string
		distances []int
	}{
		{100, "1", []int{0}}, {1_111, "1", []int{0}}, {1_112, "1 2", []int{0, 1112}}, {1_278, "1 2 4", []int{0, 1112, 1278}},
		{111_194, "1 2 4", []int{0, 1112, 1278}}, {111_196, "1 2 3 4", []int{0, 1112, 111_195, 1278}},
	} {
		names, distances := w.near(t, w.Admin, Round(40, -74, c.radius))
		if want := sites(c.names); !slices.Equal(names, want) || !slices.Equal(distances, c.distances) {
			t.Errorf("within %d m: %v at %v, want %v at %v", c.radius, names, distances, want, c.distances)
		}
	}
	all, err := w.Service.ListLocations(t.Context(), w.Admin, clinic.LocationFilter{}, paging.Window{Size: 100})
	if err != nil || len(all.Items) != 5 || slices.ContainsFunc(all.Items, func(l clinic.Location) bool { return l.DistanceMeters != nil }) {
		t.Errorf("a list of all tells distances: %+v (%v)", all.Items, err)
	}
}

func sites(numbers string) []string {
	var names []string
	for _, n := range strings.Fields(numbers) {
		names = append(names, "Site 00"+n)
	}
	return names
}

// Where meridians meet, and where one day becomes another, places are as near as anywhere.
func edges(t *testing.T, w World) {
	w.PutAt(t, 1, -17, 179.9, "") // 0.2° of longitude at 17° south: 21,267 m
	w.PutAt(t, 2, -17, -179.9, "")
	w.PutAt(t, 3, 89.9, 0, "") // 0.2° of latitude over the pole: 22,239 m
	w.PutAt(t, 4, 89.9, 180, "")
	w.PutAt(t, 5, -90, 1e-320, "")
	w.PutAt(t, 6, 21.3, -157.9, "") // Honolulu, about 5,000 km from Fiji
	for _, c := range []struct {
		near      *clinic.Near
		names     string
		distances []int
	}{
		{Round(-17, 179.9, 21_268), "1 2", []int{0, 21_267}}, {Round(-17, -179.9, 21_268), "1 2", []int{21_267, 0}},
		{Round(-17, -180, 10_634), "1 2", []int{10_634, 10_634}}, {Round(-17, 179.9, 21_266), "1", []int{0}},
		{Round(89.9, 0, 22_240), "3 4", []int{0, 22_239}}, {Round(90, 77, 11_120), "3 4", []int{11_120, 11_120}},
		{Round(-90, -1e-320, 100), "5", []int{0}}, {Round(21.3, 157.9, 200_000), "", nil}, {Round(21.3, -157.9, 100), "6", []int{0}},
	} {
		names, distances := w.near(t, w.Admin, c.near)
		if want := sites(c.names); !slices.Equal(names, want) || !slices.Equal(distances, c.distances) {
			t.Errorf("%+v: %v at %v, want %v at %v", c.near.Circle, names, distances, want, c.distances)
		}
	}
}

// besides puts locations without a point, of another organisation and of another country.
func (w World) besides(t *testing.T) {
	t.Helper()
	pointless, foreign, abroad := Location(5), Location(6), Location(7)
	pointless.PostalCode, pointless.Country = ptr("99999"), ptr("US")
	foreign.PostalCode, foreign.Country, foreign.Latitude, foreign.Longitude = ptr("0703"), ptr("US"), ptr(40.5), ptr(-74.0)
	abroad.PostalCode, abroad.Country, abroad.Latitude, abroad.Longitude = ptr("07031"), ptr("CA"), ptr(60.0), ptr(-100.0)
	pointless.Organization, foreign.Organization, abroad.Organization = w.Organization, w.NewOrganization(t), w.Organization
	for _, in := range []clinic.PutLocation{pointless, foreign, abroad} {
		if _, err := w.Service.PutLocation(t.Context(), w.Platform, in); err != nil {
			t.Fatal(err)
		}
	}
}

func postalCodes(t *testing.T, w World) {
	w.PutAt(t, 1, 40, -74, "07030")
	w.PutAt(t, 2, 40.02, -74, "07030-1234")
	w.PutAt(t, 3, 40, -74.04, "07030")
	w.PutAt(t, 4, 45, -90, "SW1A 1AA")
	w.besides(t)
	for code, center := range map[string]clinic.GeoPoint{
		"07030":      {Latitude: 40, Longitude: -74.02},        // both that have it
		"0 70-30":    {Latitude: 40, Longitude: -74.02},        // written otherwise
		"070301234":  {Latitude: 40.02, Longitude: -74},        // one has all of it
		"0703012":    {Latitude: 40.02, Longitude: -74},        // or begins with it
		"07030-9876": {Latitude: 40.0067, Longitude: -74.0133}, // the first five of it: three begin so
		"07031":      {Latitude: 40.13, Longitude: -74.01},     // the first four, another organisation's site, too
		"sw1a":       {Latitude: 45, Longitude: -90},
		"SW1A2BB":    {Latitude: 45, Longitude: -90},
		"SW1Z":       {Latitude: 45, Longitude: -90},
		"SW2A":       {Latitude: 45, Longitude: -90}, // half of four is two
	} {
		area, err := w.Service.Area(t.Context(), w.Admin, *Postal(code, "US"))
		if err != nil || area.Circle == nil || area.Circle.Radius != 10_000 || apart(area.Circle.Center, center) > 0.001 {
			t.Errorf("%s is around %+v (%v), want %+v", code, area.Circle, err, center)
		}
	}
	for _, n := range []*clinic.Near{
		Postal("SW2AB", "US"), // half of five is three
		Postal("99999", "US"), // of no point
		Postal("07030", "DE"), Postal("12345", "US"),
	} {
		_, err := w.Service.Area(t.Context(), w.Admin, *n)
		Refused(t, err, errs.InvalidInput, "postalCode code")
	}
	names, distances := w.near(t, w.Admin, Postal("07030-1234", "US"))
	if !slices.Equal(names, sites("1 2 3")) || len(distances) != 3 || distances[1] != 0 {
		t.Errorf("near a postal code: %v at %v", names, distances)
	}
}

// apart is the larger difference of two points' coordinates.
func apart(a, b clinic.GeoPoint) float64 {
	return max(math.Abs(a.Latitude-b.Latitude), math.Abs(a.Longitude-b.Longitude))
}

func namedPlaces(t *testing.T, w World) {
	one, two := w.PutLocation(t, 1), w.PutAt(t, 2, 40, -74, "")
	w.PutLocation(t, 3)
	ref := func(l clinic.Location) clinic.Ref { return clinic.Ref{Organization: l.OrganizationID, ID: l.ID} }
	names, distances := w.near(t, w.Admin, &clinic.Near{Locations: []clinic.Ref{ref(two), ref(one), ref(two)}})
	if !slices.Equal(names, sites("1 2")) || distances != nil {
		t.Errorf("named locations: %v at %v", names, distances)
	}
	stranger := Actor(access.FrontDesk, w.NewOrganization(t))
	for _, c := range []struct {
		actor  access.Actor
		second clinic.Ref
	}{
		{w.Admin, clinic.Ref{Organization: w.Organization, ID: uuid.New()}}, {access.Nobody(""), clinic.Ref{Organization: uuid.New(), ID: two.ID}},
		{w.Admin, clinic.Ref{Organization: stranger.Organization, ID: two.ID}},
	} {
		_, err := w.Service.Area(t.Context(), c.actor, clinic.Near{Locations: []clinic.Ref{ref(one), c.second}})
		Refused(t, err, errs.NotFound, "locationIds 1")
	}
	_, err := w.Service.ListLocations(t.Context(), stranger, clinic.LocationFilter{Near: &clinic.Near{Locations: []clinic.Ref{ref(one)}}}, paging.Window{Size: 1})
	Refused(t, err, errs.NotFound, "near locationIds 0")
	_, err = w.Service.CountLocations(t.Context(), w.Admin, clinic.LocationFilter{Near: Round(91, 0, 100)})
	Refused(t, err, errs.InvalidInput, "near circle latitude")
	for _, actor := range []access.Actor{w.Platform, access.Nobody("")} {
		if names, _ := w.near(t, actor, &clinic.Near{Locations: []clinic.Ref{ref(one)}}); len(names) != 1 {
			t.Errorf("%s finds %v", actor.Kind, names)
		}
	}
}

func nearPages(t *testing.T, w World) {
	var want []string
	for i := range 9 {
		l := w.PutAt(t, i+1, 40, -74+0.005*float64(i%3)*float64(i%3), "") // 0, 426 and 1,703 m east
		if i%3 < 2 {
			want = append(want, l.Name)
		}
	}
	for _, backward := range []bool{false, true} {
		all := Walk(t, 2, backward, func(p paging.Window) (paging.Page[clinic.Location], error) {
			return w.Service.ListLocations(t.Context(), w.Admin, clinic.LocationFilter{Near: Round(40, -74, 1_000)}, p)
		}, func(l clinic.Location) []string { return []string{l.Name, l.ID.String()} })
		var names []string
		for _, l := range all {
			names = append(names, l.Name)
		}
		if !slices.Equal(names, want) {
			t.Errorf("backward %v: %v, want %v", backward, names, want)
		}
	}
}
