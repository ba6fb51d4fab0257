package intake

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"testing"
	"time"
)

// finer are zones that keep the same time today as the one that owners name there; the boundaries tell apart what once differed.
var finer = map[string]string{"America/Boise": "America/Denver", "America/Juneau": "America/Anchorage", "America/Sitka": "America/Anchorage"}

func TestRealSitesAreInTheZonesThatTheirOwnerSays(t *testing.T) {
	file, err := os.Open("demo/us-pharmacies/locations.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	zoning := newZoning(nil, time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC))
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
		if got := p.sites[0].put.TimeZone; got != owner && finer[got] != owner || !zoning.agree(got, owner) {
			t.Errorf("%s in %s, %s: %s, its owner says %s", id, row[3], row[4], got, owner)
		}
	}
	if len(rows) != 1706 || len(seen) != 8 {
		t.Errorf("%d rows in %d zones", len(rows), len(seen))
	}
}
