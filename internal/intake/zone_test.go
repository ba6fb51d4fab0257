package intake

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/clock"
)

// named are sites whose list names a zone that keeps the same time today; the boundaries tell apart what once differed.
var named = map[string]string{"159-P": "America/Boise", "1820-P": "America/Juneau"}

func TestRealSitesAreInTheZonesThatTheirOwnerSays(t *testing.T) {
	file, err := os.Open("testdata/us-pharmacies/locations.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, row := range rows[1:] {
		id, owner := row[0], row[9]
		seen[owner] = true
		line, err := json.Marshal(map[string]any{
			"resourceType": "Location", "id": id, "name": row[1],
			"address":  map[string]any{"line": row[2:3], "city": row[3], "state": row[4], "postalCode": row[5], "country": row[6]},
			"position": map[string]json.Number{"latitude": json.Number(row[7]), "longitude": json.Number(row[8])},
		})
		if err != nil {
			t.Fatal(err)
		}
		p := readTest(t, []string{string(line)}, nil, nil)
		if len(p.sites) != 1 || len(p.report.Repairs) > 0 {
			t.Errorf("%s: %v", id, p.report)
			continue
		}
		want := owner
		if finer, ok := named[id]; ok {
			want = finer
		}
		if got := p.sites[0].put.TimeZone; got != want || !agree(t, got, owner) {
			t.Errorf("%s in %s, %s: %s, want %s", id, row[3], row[4], got, want)
		}
	}
	if len(rows) != 26 || len(seen) != 8 {
		t.Errorf("%d rows in %d zones", len(rows), len(seen))
	}
}

// agree says whether two zones show the same time on every day of a year.
func agree(t *testing.T, a, b string) bool {
	t.Helper()
	one, errA := clock.Zone(a)
	other, errB := clock.Zone(b)
	if errA != nil || errB != nil {
		t.Fatal(errA, errB)
	}
	for day := range 366 {
		at := time.Date(2026, 1, day, 12, 0, 0, 0, time.UTC)
		if offset(at, one) != offset(at, other) {
			return false
		}
	}
	return true
}
