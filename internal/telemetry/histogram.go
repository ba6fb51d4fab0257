package telemetry

import "github.com/prometheus/client_golang/prometheus"

// Distribution is what a histogram shows: how many there were, their sum, and how many were no more than each bound.
type Distribution struct {
	Count uint64
	Sum   float64
	Below map[float64]uint64
}

// Histogram is Gauge for a distribution that others count.
func (f *Figures) Histogram(name, help string, labels Labels, read func() Distribution) {
	f.Add(histogram{prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, nil, prometheus.Labels(labels)), read})
}

type histogram struct {
	desc *prometheus.Desc
	read func() Distribution
}

// Describe implements prometheus.Collector.
func (h histogram) Describe(all chan<- *prometheus.Desc) { all <- h.desc }

// Collect implements prometheus.Collector.
func (h histogram) Collect(all chan<- prometheus.Metric) {
	d := h.read()
	all <- prometheus.MustNewConstHistogram(h.desc, d.Count, d.Sum, d.Below)
}
