package providertest

import (
	"slices"
	"strings"
	"testing"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clinic/clinictest"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/provider"
)

// called puts a provider with a name and specialties, and no hours.
func (w World) called(t testing.TB, number int, name string, specialties ...string) clinic.Ref {
	t.Helper()
	in := w.Input(number)
	in.Name = name
	for _, s := range specialties {
		in.Specialties = append(in.Specialties, clinic.Coding{System: "https://example.org/specialties", Code: strings.ToLower(s), Display: ptr(s)})
	}
	p, err := w.Service.PutProvider(t.Context(), w.Admin, in)
	if err != nil {
		t.Fatalf("put provider: %v", err)
	}
	return w.Ref(p.ID)
}

// found lists who fits a filter by name, and fails unless they are counted as well.
func (w World) found(t *testing.T, actor access.Actor, f provider.Filter) []string {
	t.Helper()
	p, err := w.Service.ListProviders(t.Context(), actor, f, paging.Window{Size: 100})
	counted, err2 := w.Service.CountProviders(t.Context(), actor, f)
	if err != nil || err2 != nil || counted != len(p.Items) {
		t.Errorf("%d listed, %d counted (%v, %v)", len(p.Items), counted, err, err2)
	}
	var names []string
	for _, p := range p.Items {
		names = append(names, p.Name)
	}
	return names
}

func searchText(t *testing.T, w World) {
	w.called(t, 1, "Dr Ana Rivera", "Cardiology", "Sports medicine")
	w.called(t, 2, "Dr José Núñez", "Dermatology")
	w.called(t, 3, "Mary O’Neill-Smith", "Pediatrics")
	w.called(t, 4, "Søren Łukasz ÆBLE", "Neurology")
	w.called(t, 5, "Иван Йовков")
	w.called(t, 6, `100% Care_Plus\North "Q"`)
	w.called(t, 7, "Mark Weiß", "Cardiology")
	for _, c := range []struct{ text, names string }{
		{"rivera", "Dr Ana Rivera"}, {"RIVERA", "Dr Ana Rivera"}, {"  river  ", "Dr Ana Rivera"}, {"dr river", "Dr Ana Rivera"},
		{"rivera cardiology", "Dr Ana Rivera"}, {"cardiology rivera dr", "Dr Ana Rivera"}, {"rivera dermatology", ""},
		{"cardiolgy", "Dr Ana Rivera|Mark Weiß"}, {"cardiologist", "Dr Ana Rivera|Mark Weiß"}, {"sports", "Dr Ana Rivera"},
		{"dr", "Dr Ana Rivera|Dr José Núñez"}, {"Dr. Rivera,", "Dr Ana Rivera"},
		{"jose nunez", "Dr José Núñez"}, {"JOSÉ", "Dr José Núñez"}, {"dérmatology", "Dr José Núñez"}, {"nun\u0303ez", "Dr José Núñez"},
		{"o'neill", "Mary O’Neill-Smith"}, {"oneill", "Mary O’Neill-Smith"}, {"o´neill smith", "Mary O’Neill-Smith"}, {"neill-smith", "Mary O’Neill-Smith"},
		{"soren", "Søren Łukasz ÆBLE"}, {"lukasz aeble", "Søren Łukasz ÆBLE"}, {"SØREN", "Søren Łukasz ÆBLE"}, {"weiss", "Mark Weiß"}, {"WEIẞ", "Mark Weiß"},
		{"иван", "Иван Йовков"}, {"ЙОВКОВ", "Иван Йовков"}, {"mary", "Mary O’Neill-Smith"}, {"mark", "Mark Weiß"},
		{"%", `100% Care_Plus\North "Q"`}, {"100%", `100% Care_Plus\North "Q"`}, {"care_plus", `100% Care_Plus\North "Q"`}, {"_", `100% Care_Plus\North "Q"`},
		{`\`, `100% Care_Plus\North "Q"`}, {`\north`, `100% Care_Plus\North "Q"`}, {`"q"`, `100% Care_Plus\North "Q"`}, {"％", `100% Care_Plus\North "Q"`},
		{"1%0", ""}, {"r_vera", ""}, {"'; --", ""}, {"zzzzzz", ""}, {"...", ""},
	} {
		var want []string
		if c.names != "" {
			want = strings.Split(c.names, "|")
		}
		if got := w.found(t, w.Admin, provider.Filter{Text: &c.text}); !slices.Equal(got, want) {
			t.Errorf("%q finds %q, want %q", c.text, got, want)
		}
	}
}

// What is found follows from what was put last.
func searchAgain(t *testing.T, w World) {
	w.called(t, 1, "Dr Ana Rivera", "Cardiology")
	w.called(t, 1, "Dr Ana Lopez", "Dermatology")
	for text, want := range map[string]int{"rivera": 0, "cardiology": 0, "lopez dermatology": 1} {
		if got := w.found(t, w.Admin, provider.Filter{Text: &text}); len(got) != want {
			t.Errorf("%q finds %q", text, got)
		}
	}
	in := w.Input(2)
	in.Specialties = []clinic.Coding{{System: "https://example.org/specialties", Code: "radiology"}}
	if _, err := w.Service.PutProvider(t.Context(), w.Admin, in); err != nil {
		t.Fatal(err)
	}
	if got := w.found(t, w.Admin, provider.Filter{Text: ptr("radiology")}); len(got) != 1 {
		t.Errorf("a specialty that is shown by its code finds %q", got)
	}
}

func badSearch(t *testing.T, w World) {
	for text, path := range map[string]string{
		"": "text", " \t": "text", strings.Repeat("x", 101): "text", "a\x00": "text", "a\xff": "text",
		strings.Repeat("a ", 11): "text", strings.Repeat("a ", 10): "-", strings.Repeat("x", 100): "-", "é" + strings.Repeat(" é", 9): "-",
	} {
		_, err := w.Service.ListProviders(t.Context(), w.Admin, provider.Filter{Text: &text}, paging.Window{Size: 1})
		_, err2 := w.Service.CountProviders(t.Context(), w.Admin, provider.Filter{Text: &text})
		if path == "-" {
			if err != nil || err2 != nil {
				t.Errorf("%q: %v, %v", text, err, err2)
			}
			continue
		}
		clinictest.Refused(t, err, errs.InvalidInput, path)
		clinictest.Refused(t, err2, errs.InvalidInput, path)
	}
	_, err := w.Service.ListProviders(t.Context(), w.Admin, provider.Filter{Near: clinictest.Round(0, 0, 0)}, paging.Window{Size: 1})
	clinictest.Refused(t, err, errs.InvalidInput, "near circle radiusMeters")
	_, err = w.Service.CountProviders(t.Context(), w.Admin, provider.Filter{Near: clinictest.Postal("1", "US")})
	clinictest.Refused(t, err, errs.InvalidInput, "near postalCode code")
}

func searchNear(t *testing.T, w World) {
	here, there := w.PutAt(t, 2, 40, -74, "07030"), w.PutAt(t, 3, 41, -74, "10001")
	at := func(l clinic.Location, p clinic.Ref) {
		in := w.Schedule(w.Tomorrow)
		in.Provider, in.Location = p, w.Ref(l.ID)
		w.SetSchedule(t, in)
	}
	ana, ben, cleo := w.called(t, 2, "Ana", "Cardiology"), w.called(t, 3, "Ben", "Cardiology"), w.called(t, 4, "Cleo", "Dermatology")
	w.called(t, 5, "Dan") // nowhere
	at(here, ana)
	at(there, ben)
	at(here, cleo)
	at(there, cleo)
	cardiology := &clinic.Coding{System: "https://example.org/specialties", Code: "cardiology"}
	for name, c := range map[string]struct {
		filter provider.Filter
		want   []string
	}{
		"a circle":                          {provider.Filter{Near: clinictest.Round(40, -74, 10_000)}, []string{"Ana", "Cleo"}},
		"a circle around both":              {provider.Filter{Near: clinictest.Round(40.5, -74, 60_000)}, []string{"Ana", "Ben", "Cleo"}},
		"a circle of nobody":                {provider.Filter{Near: clinictest.Round(0, 0, 200_000)}, nil},
		"a postal code":                     {provider.Filter{Near: clinictest.Postal("10001", "US")}, []string{"Ben", "Cleo"}},
		"locations":                         {provider.Filter{Near: &clinic.Near{Locations: []clinic.Ref{w.Ref(here.ID)}}}, []string{"Ana", "Cleo"}},
		"a place and a text":                {provider.Filter{Near: clinictest.Round(40, -74, 10_000), Text: ptr("dermatology")}, []string{"Cleo"}},
		"all three":                         {provider.Filter{Near: clinictest.Round(41, -74, 10_000), Text: ptr("be"), Specialty: cardiology}, []string{"Ben"}},
		"a place and what nobody there has": {provider.Filter{Near: clinictest.Round(40, -74, 10_000), Text: ptr("ben")}, nil},
	} {
		for _, actor := range []access.Actor{w.Admin, access.Nobody("")} {
			if got := w.found(t, actor, c.filter); !slices.Equal(got, c.want) {
				t.Errorf("%s: %s finds %v, want %v", name, actor.Kind, got, c.want)
			}
		}
		stranger := clinictest.Actor(access.FrontDesk, w.NewOrganization(t))
		if c.filter.Near.Locations == nil && len(w.found(t, stranger, c.filter)) > 0 {
			t.Errorf("%s: another organisation finds somebody", name)
		}
	}
	var names []string
	for _, p := range clinictest.Walk(t, 1, true, func(p paging.Window) (paging.Page[provider.Provider], error) {
		return w.Service.ListProviders(t.Context(), w.Admin, provider.Filter{Near: clinictest.Round(40, -74, 200_000)}, p)
	}, func(p provider.Provider) []string { return []string{p.Name, p.ID.String()} }) {
		names = append(names, p.Name)
	}
	if !slices.Equal(names, []string{"Ana", "Ben", "Cleo"}) {
		t.Errorf("pages of one: %v", names)
	}
}
