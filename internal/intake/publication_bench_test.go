package intake

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/mediconnect/mediconnect/internal/clinic"
)

// A hundred sites with a thousand slots each.
func BenchmarkRead100000Slots(b *testing.B) {
	var sites, desks, slots strings.Builder
	for site := range 100 {
		fmt.Fprintln(&sites, strings.NewReplacer(`"id":"1"`, fmt.Sprintf(`"id":"%d"`, site), "A1", fmt.Sprint(site)).Replace(testSite))
		fmt.Fprintln(&desks, strings.NewReplacer("7", fmt.Sprint(site), "/1", fmt.Sprint("/", site)).Replace(testDesk))
		for slot := range 1000 {
			start := time.Date(2023, 3, 25, 9, 0, 0, 0, time.UTC).Add(time.Duration(slot) * 15 * time.Minute)
			line := testSlot(fmt.Sprint(slot), start.Format("2006-01-02T15:04"), start.Add(15*time.Minute).Format("2006-01-02T15:04"), 1)
			fmt.Fprintln(&slots, strings.Replace(line, "Schedule/7", fmt.Sprint("Schedule/", site), 1))
		}
	}
	files := fstest.MapFS{
		"manifest.json": {Data: []byte(testManifest)}, "locations.ndjson": {Data: []byte(sites.String())},
		"schedules.ndjson": {Data: []byte(desks.String())}, "slots.ndjson": {Data: []byte(slots.String())},
	}
	b.SetBytes(int64(slots.Len()))
	b.ReportAllocs()
	for b.Loop() {
		p := newPublication(func(clinic.GeoPoint) string { return "America/New_York" }, func(Progress) {})
		if err := p.read(b.Context(), Folder(files)); err != nil {
			b.Fatal(err)
		}
		p.settle()
		if p.windows != 100_000 || p.report.RefusedTotal != 0 {
			b.Fatal(p.report)
		}
	}
	b.ReportMetric(100_000*float64(b.N)/b.Elapsed().Seconds(), "slots/s")
}
