package clock_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/clock"
)

func TestZoneAcceptsPlacesAndNothingElse(t *testing.T) {
	for _, name := range []string{
		"UTC", "Etc/UTC", "America/New_York", "America/Argentina/Buenos_Aires", "Australia/Lord_Howe", "Pacific/Apia", "US/Eastern",
	} {
		loc, err := clock.Zone(name)
		if err != nil || loc.String() != name {
			t.Errorf("Zone(%q) = %v, %v; want it", name, loc, err)
		}
	}
	for _, name := range []string{
		"", "Local", "EST", "EST5EDT", "PST8PDT", "GMT", "GMT+1", "GMT0", "Etc/GMT+5", "Etc/GMT", "Etc/Zulu", "+01:00", "UTC+2", "utc",
		"america/new_york", "America", "America/", "/America/New_York", "America/Nowhere", "../x", "America/../UTC",
		"../../etc/passwd", "America/New_York\x00", "Japan", "Factory", "posix/Europe/Berlin",
	} {
		if loc, err := clock.Zone(name); !errors.Is(err, clock.ErrUnknownZone) {
			t.Errorf("Zone(%q) = %v, %v; want ErrUnknownZone", name, loc, err)
		}
	}
}

func TestZoneNamesAllLoad(t *testing.T) {
	names := clock.ZoneNames()
	if len(names) < 400 || !slices.IsSorted(names) {
		t.Fatalf("%d names, sorted: %v", len(names), slices.IsSorted(names))
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for _, name := range names {
				if _, err := clock.Zone(name); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	one, _ := clock.Zone("Europe/Paris")
	if two, _ := clock.Zone("Europe/Paris"); one != two {
		t.Error("the same name gives two zones")
	}
	if clock.ZoneVersion() != "2025c" {
		t.Errorf("version %q", clock.ZoneVersion())
	}
}

// The data know a change that the machine's own may not: what they say is what counts.
func TestZonesReadsTheReleaseItIsGiven(t *testing.T) {
	newer, err := clock.NewZones(archiveOf(t, "Europe/Paris", "Asia/Kolkata"), "2031a")
	if err != nil {
		t.Fatal(err)
	}
	paris, err := newer.Load("Europe/Paris")
	if err != nil || newer.Version() != "2031a" {
		t.Fatal(err, newer.Version())
	}
	noon := time.Date(2031, 7, 1, 12, 0, 0, 0, time.UTC)
	if got := clock.Local(noon, paris).Time.String(); got != "17:30:00" {
		t.Errorf("Paris by these data shows %s, want Kolkata's 17:30:00", got)
	}
	if _, err := newer.Load("Europe/Berlin"); !errors.Is(err, clock.ErrUnknownZone) {
		t.Errorf("a zone that the release lacks: %v", err)
	}
	if _, err := clock.NewZones([]byte("not an archive"), "x"); err == nil {
		t.Error("a broken archive is accepted")
	}
}
