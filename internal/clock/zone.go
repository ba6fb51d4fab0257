package clock

import (
	"archive/zip"
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
)

// ErrUnknownZone reports a name that is no place of the zone data.
var ErrUnknownZone = errors.New("unknown time zone")

// maxZoneFile bounds what is read of one zone; the largest real one has about 4 kB.
const maxZoneFile = 1 << 20

var (
	//go:embed tzdb/zoneinfo.zip
	embeddedZones []byte
	//go:embed tzdb/VERSION
	embeddedVersion string

	embedded = sync.OnceValue(func() *Zones {
		z, err := NewZones(embeddedZones, strings.TrimSpace(embeddedVersion))
		if err != nil {
			panic("the embedded time zone data are broken: " + err.Error())
		}
		return z
	})
)

// Zones is one release of the IANA time zone data. It never looks at the machine's own. Safe for concurrent use.
type Zones struct {
	version string
	names   []string
	files   map[string]*zip.File
	loaded  sync.Map // name to *time.Location; only names of the data, so it stays small
}

// NewZones reads a release from an archive of compiled zone files (RFC 9636) that are named as IANA names them.
func NewZones(archive []byte, version string) (*Zones, error) {
	r, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return nil, fmt.Errorf("zone archive: %w", err)
	}
	z := &Zones{version: version, files: map[string]*zip.File{}}
	for _, f := range r.File {
		if isPlace(f.Name) {
			z.files[f.Name] = f
			z.names = append(z.names, f.Name)
		}
	}
	slices.Sort(z.names)
	return z, nil
}

// Version names the release, such as "2025c".
func (z *Zones) Version() string { return z.version }

// Names lists the names that Load accepts, sorted.
func (z *Zones) Names() []string { return slices.Clone(z.names) }

// Load returns the zone of a name in the form Area/Location, or UTC. Offsets, abbreviations and everything else is
// ErrUnknownZone: they say nothing about the place's clock changes.
func (z *Zones) Load(name string) (*time.Location, error) {
	if known, ok := z.loaded.Load(name); ok {
		return known.(*time.Location), nil
	}
	f, ok := z.files[name]
	if !ok {
		return nil, fmt.Errorf("%w: %q", ErrUnknownZone, name)
	}
	data, err := read(f)
	if err != nil {
		return nil, fmt.Errorf("zone %s: %w", name, err)
	}
	loc, err := time.LoadLocationFromTZData(name, data)
	if err != nil {
		return nil, fmt.Errorf("zone %s: %w", name, err)
	}
	first, _ := z.loaded.LoadOrStore(name, loc)
	return first.(*time.Location), nil
}

// Zone returns a zone of the embedded data; see Zones.Load.
func Zone(name string) (*time.Location, error) { return embedded().Load(name) }

// ZoneVersion names the release of the embedded data, such as "2025c".
func ZoneVersion() string { return embedded().Version() }

// ZoneNames lists the names of the embedded data that Zone accepts, sorted.
func ZoneNames() []string { return embedded().Names() }

// isPlace tells Area/Location from what only looks alike: Etc holds fixed offsets with reversed signs.
func isPlace(name string) bool {
	area, location, slash := strings.Cut(name, "/")
	switch {
	case name == "UTC" || name == "Etc/UTC":
		return true
	case !slash || area == "Etc" || location == "":
		return false
	}
	return !strings.HasSuffix(name, "/")
}

func read(f *zip.File) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(r, maxZoneFile))
	return data, errors.Join(err, r.Close())
}
