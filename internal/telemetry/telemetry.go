// Package telemetry is the house's meter cupboard: figures about the process for whoever runs it, as Prometheus reads them, and profiles.
// It is served on a listener of its own. Nothing here is anybody's: labels are routes, kinds and codes, never what a caller wrote.
package telemetry

import (
	"regexp"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// namespace begins the name of each figure of ours.
const namespace = "mediconnect"

// Figures are those of one process. A nil one keeps none.
type Figures struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	took     *prometheus.HistogramVec
	asked    *prometheus.CounterVec
	faults   *prometheus.CounterVec
	routes   bounded
	codes    bounded
}

// New has the figures of Go and of the process, those of requests and operations, and those that are added.
func New(build string) *Figures {
	f := &Figures{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "http_requests_total", Help: "Requests by route and class of status.",
		}, []string{"route", "status"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: namespace, Name: "http_request_duration_seconds", Help: "Time until requests were answered; streams of events are left out.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"route", "status"}),
		asked: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "graphql_operations_total", Help: "Operations that have ended, by type, over HTTP and sockets; unread: refused before its type was known.",
		}, []string{"type"}),
		faults: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "graphql_errors_total", Help: "Operations that were answered with an error of a code.",
		}, []string{"type", "code"}),
		routes: newBounded(`^[A-Z]* ?/[A-Za-z0-9._/{}$-]{0,80}$`),
		codes:  newBounded(`^[A-Z][A-Z_]{0,60}$`),
	}
	f.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), f.requests, f.took, f.asked, f.faults)
	f.Gauge("build_info", "The program's build, as a label; always 1.", Labels{"version": build}, func() float64 { return 1 })
	return f
}

// Labels tell figures of one name apart. Their values are few, and none is a caller's.
type Labels map[string]string

// Gauge adds a figure that is read each time somebody asks, by several at once. Nothing that it reads may take long. A name and its
// labels are added once; a second time panics.
func (f *Figures) Gauge(name, help string, labels Labels, read func() float64) {
	f.Add(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help, ConstLabels: prometheus.Labels(labels)}, read))
}

// Counter is Gauge for a figure that only grows while the process lives. Its name ends in _total.
func (f *Figures) Counter(name, help string, labels Labels, read func() float64) {
	f.Add(prometheus.NewCounterFunc(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help, ConstLabels: prometheus.Labels(labels)}, read))
}

// Add adds figures that a library keeps.
func (f *Figures) Add(c prometheus.Collector) {
	if f != nil {
		f.registry.MustRegister(c)
	}
}

// mostValues of a label, for the case that something is wrong with where they come from.
const mostValues = 100

// others is what stands for a value that isn't shown.
const others = "other"

// bounded are the values that a label may have: of a form, and no more than so many.
type bounded struct {
	form *regexp.Regexp
	mu   *sync.Mutex
	seen map[string]bool
}

func newBounded(form string) bounded {
	return bounded{form: regexp.MustCompile(form), mu: &sync.Mutex{}, seen: map[string]bool{}}
}

func (b bounded) of(value string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.seen[value] {
		return value
	}
	if len(b.seen) >= mostValues || !b.form.MatchString(value) {
		return others
	}
	b.seen[value] = true
	return value
}
