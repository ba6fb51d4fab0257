package app

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"strings"
	"sync/atomic"
)

// Little is alive between requests, and what one takes is garbage once it has been answered: at Go's own 100 % a busy server
// collects hundreds of times a second, which costs a quarter of its work. So there is room for as much garbage as that takes,
// whatever is alive. With sockets much is alive, and a share of it as room would cost memory and gain nothing: what stays would
// lie scattered among what doesn't.
const (
	garbageRoom  = 96 << 20
	mostGrowth   = 1600 // percent of what is alive
	leastGrowth  = 50
	aliveMetric  = "/gc/heap/live:bytes"
	stacksMetric = "/memory/classes/heap/stacks:bytes" // which count as alive
)

// growth is by how many percent of what is alive the heap may grow before it is collected.
func growth(alive uint64) int {
	return int(min(max(garbageRoom*100/max(alive, 1), leastGrowth), mostGrowth))
}

// collectSeldom sees to that after each collection, unless whoever runs the program has set GOGC or GOMEMLIMIT. What it answers ends it.
func collectSeldom(environ []string) (stop func()) {
	decided := func(v string) bool { return strings.HasPrefix(v, "GOGC=") || strings.HasPrefix(v, "GOMEMLIMIT=") }
	if slices.ContainsFunc(environ, decided) {
		return func() {}
	}
	var ended atomic.Bool
	debug.SetGCPercent(growth(alive()))
	afterEachCollection(func() bool {
		if !ended.Load() {
			debug.SetGCPercent(growth(alive()))
		}
		return !ended.Load()
	})
	return func() { ended.Store(true) }
}

func alive() (bytes uint64) {
	found := []metrics.Sample{{Name: aliveMetric}, {Name: stacksMetric}}
	metrics.Read(found)
	for _, s := range found {
		bytes += s.Value.Uint64()
	}
	return bytes
}

// afterEachCollection calls f once a collection, soon after it, as long as f answers true.
func afterEachCollection(f func() bool) {
	type marker struct{ next func() }
	m := &marker{}
	m.next = func() { afterEachCollection(f) }
	runtime.SetFinalizer(m, func(m *marker) {
		if f() {
			m.next()
		}
	})
}
