package bench_test

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/bench/rig"
)

// question is what a client asks again and again, each time about something else. Two databases are asked the same in turn.
type question struct {
	name     string // of the benchmark
	told     string // what is asked
	document string
	about    func(w *care, n int) vars
	counted  string // what count counts in an answer
	count    func(json.RawMessage) (int, error)
	plan     plan
}

type vars map[string]any

const (
	nearby = `query($where: AvailabilitySearchInput!) { searchAvailability(where: $where, orderBy: SOONEST, first: 20) { edges { node {
	provider { name } location { name distanceMeters } nextAvailable { id start localStart timeZone } } } } }`
	many     = `query($where: AvailabilitySearchInput!) { searchAvailability(where: $where, first: 50) { edges { node { openingCount upcoming(limit: 2) { id start end } } } } }`
	calendar = `query($where: AvailabilitySearchInput!, $from: LocalDate!) { availabilityCalendar(where: $where, from: $from, days: 42) {
	timeZone nextDayWithOpenings days { date openingCount firstStart level } } }`
	byText = `query($where: ProviderFilterInput!) { providers(where: $where, first: 20) { edges { node { id name } } } }`
)

// thousand requests are measured, in ten windows.
var thousand, fiveHundred = plan{pairs: 10, window: 100, warm: 2}, plan{pairs: 10, window: 50, warm: 2}

// finding are the questions of somebody who looks for care.
var finding = []question{
	{"NearbySoonest", "the 20 soonest within 50 km in 14 days", nearby, (*care).nearby, "matches a page", countEdges, thousand},
	{"FiftyProvidersSevenDays", "the openings of 50 providers in 7 days, one kind of visit, the first 100 told", many, (*care).fifty, "slots told", countUpcoming, fiveHundred},
	{"FiftyProvidersSevenDaysEveryKind", "the openings of 50 providers in 7 days, every kind of visit, the first 100 told", many, (*care).fiftyOfAll, "slots told", countUpcoming, fiveHundred},
	{"CalendarOf42Days", "the calendar of one provider for 42 days", calendar, (*care).calendar, "days with openings", countDays, thousand},
}

// byWords are the searches for providers. Nothing of them is measured here; their plans are kept.
var byWords = []question{
	{"ProvidersByText", "providers by a word of their name", byText, (*care).word, "providers", countProviders, thousand},
	{"ProvidersByTextNearby", "providers by a specialty's name, within 50 km", byText, (*care).wordNearby, "providers", countProviders, thousand},
}

func (w *care) circle(n int) vars {
	at := w.origins[n%len(w.origins)]
	return vars{"circle": vars{"latitude": at.Latitude, "longitude": at.Longitude, "radiusMeters": 50_000}}
}

func (w *care) until(days int) time.Time { return w.now.AddDate(0, 0, days) }

func (w *care) nearby(n int) vars {
	return vars{"where": vars{"near": w.circle(n), "visitKindId": w.kind, "from": w.now, "to": w.until(14)}}
}

// some are up to fifty of the providers, from anywhere, others each time.
func some(providers []string, n int) []string {
	rng := rand.New(rand.NewPCG(3, uint64(n)))
	ids := make([]string, min(50, len(providers)))
	for i, p := range rng.Perm(len(providers))[:len(ids)] {
		ids[i] = providers[p]
	}
	return ids
}

func (w *care) fifty(n int) vars {
	return vars{"where": vars{"providerIds": some(w.offering, n), "visitKindId": w.kind, "from": w.now, "to": w.until(7)}}
}

func (w *care) fiftyOfAll(n int) vars {
	return vars{"where": vars{"providerIds": some(w.providers, n), "from": w.now, "to": w.until(7)}}
}

func (w *care) calendar(n int) vars {
	return vars{"where": vars{"providerIds": some(w.offering, n)[:1], "visitKindId": w.kind}, "from": w.now.Format(time.DateOnly)}
}

func (w *care) word(n int) vars { return vars{"where": vars{"text": w.words[n%len(w.words)]}} }

func (w *care) wordNearby(n int) vars {
	return vars{"where": vars{"text": "pharmacist", "near": w.circle(n)}}
}

func countEdges(data json.RawMessage) (int, error) {
	var d struct{ SearchAvailability struct{ Edges []struct{} } }
	err := json.Unmarshal(data, &d)
	return len(d.SearchAvailability.Edges), err
}

func countUpcoming(data json.RawMessage) (n int, err error) {
	var d struct {
		SearchAvailability struct {
			Edges []struct{ Node struct{ Upcoming []struct{} } }
		}
	}
	err = json.Unmarshal(data, &d)
	for _, e := range d.SearchAvailability.Edges {
		n += len(e.Node.Upcoming)
	}
	return n, err
}

func countDays(data json.RawMessage) (n int, err error) {
	var d struct {
		AvailabilityCalendar struct{ Days []struct{ OpeningCount int } }
	}
	err = json.Unmarshal(data, &d)
	for _, day := range d.AvailabilityCalendar.Days {
		if day.OpeningCount > 0 {
			n++
		}
	}
	return n, err
}

func countProviders(data json.RawMessage) (int, error) {
	var d struct{ Providers struct{ Edges []struct{} } }
	err := json.Unmarshal(data, &d)
	return len(d.Providers.Edges), err
}

// asked are a question's windows: how long each request took, and what the answers had in them.
type asked struct {
	w       *care
	q       question
	next    int
	windows []latencies
	found   []int
}

// measure asks a window's requests, one after the other, and answers the median of their times.
func (a *asked) measure(t testing.TB, requests int) float64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	var times latencies
	found := 0
	for range requests {
		about := a.q.about(a.w, a.next)
		a.next++
		began := time.Now()
		_, body, err := a.w.client.Post(ctx, a.q.document, about)
		took := time.Since(began)
		if err != nil {
			t.Fatal(err)
		}
		var data json.RawMessage
		if err := rig.Read(body, &data); err != nil {
			t.Fatalf("%s: %v", a.q.name, err)
		}
		n, err := a.q.count(data)
		if err != nil {
			t.Fatal(err)
		}
		times, found = append(times, float64(took.Microseconds())/1000), found+n
	}
	a.windows, a.found = append(a.windows, times), append(a.found, found)
	return median(times)
}

// all are the times of the windows that count.
func (a *asked) all(p plan) (all latencies) {
	for _, w := range a.windows[p.warm:] {
		all = append(all, w...)
	}
	return all
}

// mean is how much an answer had in it.
func (a *asked) mean(p plan) float64 {
	sum := 0
	for _, n := range a.found[p.warm:] {
		sum += n
	}
	return float64(sum) / float64(len(a.all(p)))
}
