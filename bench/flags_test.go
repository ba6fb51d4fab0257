package bench_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	unleash "github.com/Unleash/unleash-client-go/v4"
	about "github.com/Unleash/unleash-client-go/v4/context"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/flags"
)

// restless is an Unleash whose list is another one each time that somebody asks.
func restless(t testing.TB) *url.URL {
	var turn atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		fmt.Fprintf(w, `{"version":2,"features":[{"name":"booking.conflict-detection","enabled":true,"description":%q,"strategies":[
			{"name":"flexibleRollout","constraints":[{"contextName":"organizationId","operator":"IN","values":["a","b","c"]}],"parameters":{"rollout":"100","stickiness":"default","groupId":"g"},"variants":[{"name":"enforce","weight":1000,"stickiness":"default"}]},
			{"name":"flexibleRollout","parameters":{"rollout":"50","stickiness":"default","groupId":"g"},"variants":[{"name":"shadow","weight":900,"stickiness":"default"},{"name":"enforce","weight":100,"stickiness":"default"}]}]}]}`,
			strconv.FormatInt(turn.Add(1), 10))
	}))
	t.Cleanup(server.Close)
	at, err := url.Parse(server.URL + "/api")
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// often is how often both ask, a hundred times as often as in production.
const often = 100 * time.Millisecond

// timed has two goroutines decide, each decision timed by itself, and keeps the times.
func timed(kept *[]float64, decide func(n int)) measure {
	return func(_ testing.TB, times int) float64 {
		const sides = 2
		took := make([][]float64, sides)
		var all sync.WaitGroup
		began := time.Now()
		for side := range sides {
			all.Go(func() {
				for n := range times / sides {
					at := time.Now()
					decide(n)
					took[side] = append(took[side], float64(time.Since(at).Nanoseconds()))
				}
			})
		}
		all.Wait()
		whole := time.Since(began)
		*kept = append(*kept, slices.Concat(took...)...)
		return float64(times) / whole.Seconds()
	}
}

// decisions are ours, with all that they count, and the bare SDK's as its README sets it up, whose own figures are sent to Unleash.
func decisions(t testing.TB) (ours, bare func(n int)) {
	subjects := make([]flags.Subject, 1000)
	for i := range subjects {
		subjects[i] = flags.Subject{Organization: uuid.New(), Provider: uuid.New(), Patient: uuid.New()}
	}
	heard := make(chan struct{}, 1)
	known, err := flags.New(flags.Options{
		URL: restless(t), Dir: t.TempDir(), Refresh: often, Clock: clock.System{}, Log: slog.New(slog.DiscardHandler),
		Heard: func() {
			select {
			case heard <- struct{}{}:
			default:
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(known.Close)
	<-heard
	client, err := unleash.NewClient(unleash.WithUrl(restless(t).String()), unleash.WithAppName("bench"), unleash.WithBackupPath(t.TempDir()),
		unleash.WithRefreshInterval(often), unleash.WithListener(&unleash.NoopListener{}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	client.WaitForReady()
	return func(n int) { known.Decide(flags.ConflictDetection, subjects[n%len(subjects)], access.Actor{}) },
		func(n int) {
			of := subjects[n%len(subjects)]
			client.GetVariant("booking.conflict-detection", unleash.WithVariantContext(about.Context{
				UserId: of.Provider.String(), Properties: map[string]string{"organizationId": of.Organization.String(), "providerId": of.Provider.String(), "patientId": of.Patient.String()},
			}))
		}
}

func TestWhatADecisionOnAFlagCostsIsMeasured(t *testing.T) {
	ours, bare := decisions(t)
	var took []float64
	for _, m := range []measure{timed(&took, ours), timed(&took, bare)} {
		if rate := m(t, 1000); rate <= 0 {
			t.Errorf("%.1f a second", rate)
		}
	}
	if len(took) != 2000 {
		t.Errorf("%d decisions were timed", len(took))
	}
}

// A decision on a flag with two strategies, one of them for some clinics, by two at once while the flag changes ten times a second; against
// the SDK alone in the same run.
func BenchmarkFlagDecisionsAgainstTheBareSDK(b *testing.B) {
	ours, bare := decisions(b)
	var took, tookBare []float64
	as, bs := plan{pairs: 20, window: 100_000, warm: 1}.versus(b, timed(&took, ours), timed(&tookBare, bare))
	slices.Sort(took)
	slices.Sort(tookBare)
	at := func(sorted []float64, share float64) float64 { return sorted[int(share*float64(len(sorted)-1))] / 1000 }
	b.ReportMetric(at(took, .99), "p99-µs")
	r := ratioOf(as, bs)
	report(b, r, fmt.Sprintf("a decision: median %.2f µs, p99 %.2f µs, p99.9 %.1f µs, slowest %.0f µs, %.0f/s; the SDK alone: median %.2f µs, p99 %.2f µs, p99.9 %.1f µs, %.0f/s; ratio %s",
		at(took, .5), at(took, .99), at(took, .999), at(took, 1), median(as), at(tookBare, .5), at(tookBare, .99), at(tookBare, .999), median(bs), r))
}
