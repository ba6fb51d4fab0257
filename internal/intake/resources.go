package intake

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// The bounds of a set of resources, and with them of the memory that reading takes.
const (
	maxBundle    = 64 << 20 // bytes of a .json file
	maxResources = 1 << 30  // bytes of all files
	maxItems     = 1_000    // in the lists of a resource
	maxAllItems  = 10_000_000
)

// Resources are files of FHIR resources.
type Resources struct {
	files fs.FS
	names []string // nil for all .json and .ndjson files
}

// ResourcesIn are those in a file system's top folder.
func ResourcesIn(files fs.FS) Resources { return Resources{files: files} }

// LocateResources finds a folder's files, or the one file that is named. Close ends their use.
func LocateResources(where string) (resources Resources, closed func() error, err error) {
	info, err := os.Stat(where)
	if err != nil {
		return Resources{}, nil, fmt.Errorf("no resources there: %w", err)
	}
	if !info.IsDir() {
		resources.names, where = []string{filepath.Base(where)}, filepath.Dir(where)
	}
	root, err := os.OpenRoot(where)
	if err != nil {
		return Resources{}, nil, fmt.Errorf("the folder can't be opened: %w", err)
	}
	resources.files = root.FS()
	return resources, root.Close, nil
}

// list answers the names in their order, and those of what isn't read.
func (r Resources) list() (names, others []string, err error) {
	if r.names != nil {
		return r.names, nil, nil
	}
	entries, err := fs.ReadDir(r.files, ".")
	if err != nil {
		return nil, nil, err
	}
	for _, e := range entries {
		if !e.IsDir() && (isNDJSON(e.Name()) || extension(e.Name()) == ".json") {
			names = append(names, e.Name())
		} else {
			others = append(others, e.Name())
		}
	}
	switch {
	case len(names) == 0:
		return nil, nil, fmt.Errorf("there is no .json or .ndjson file here")
	case len(names) > maxFiles:
		return nil, nil, fmt.Errorf("more than %d files", maxFiles)
	}
	return names, others, nil
}

func extension(name string) string { return strings.ToLower(path.Ext(name)) }

func isNDJSON(name string) bool { return extension(name) == ".ndjson" }

// resourceSet is what is kept of resources while they are read.
type resourceSet struct {
	reading
	names
	all     []*resource // in the order in which they were read
	counts  map[string]int
	ignored map[string]int
	copies  int
	items   int // in lists of resources
	bundles int
	left    int64 // bytes that may still be read
	report  *RosterReport
}

func newResourceSet(report *RosterReport, progress func(Progress)) *resourceSet {
	return &resourceSet{
		reading: reading{found: &report.Findings, progress: progress},
		names:   names{byID: map[string]*resource{}, byURL: map[urlKey]*resource{}, byIdentity: map[identity]*resource{}, instead: map[*resource]*resource{}},
		counts:  map[string]int{}, ignored: map[string]int{}, left: maxResources, report: report,
	}
}

// read reads all files. Broken lines, entries and bundles are refused; only a file that can't be read at all is an error.
func (s *resourceSet) read(ctx context.Context, from Resources) error {
	files, others, err := from.list()
	if err != nil {
		return err
	}
	if len(others) > 0 {
		s.report.ignored("files and folders that are not .json or .ndjson files, such as "+quoted(clean(others[0])), len(others))
	}
	for _, name := range files {
		if err := s.readFile(ctx, from.files, name); err != nil {
			return fmt.Errorf("%s: %w", quoted(name), err)
		}
	}
	s.all = slices.DeleteFunc(s.all, func(r *resource) bool { return s.instead[r] != nil })
	for _, kind := range slices.Sorted(maps.Keys(s.ignored)) {
		s.report.ignored("resources of the type "+quoted(kind), s.ignored[kind])
	}
	s.report.ignored("copies of what was read before", s.copies)
	return nil
}

func (s *resourceSet) readFile(ctx context.Context, files fs.FS, name string) error {
	body, err := files.Open(name)
	if err != nil {
		return err
	}
	defer body.Close()
	counted := &counter{from: body, left: &s.left}
	if isNDJSON(name) {
		return s.file(ctx, name, counted, func(l line) error {
			s.takeLine(l, s.take)
			return nil
		})
	}
	return s.readWhole(ctx, name, counted)
}

// readWhole reads a file of one resource, which may be a bundle.
func (s *resourceSet) readWhole(ctx context.Context, name string, body io.Reader) error {
	text, err := io.ReadAll(io.LimitReader(body, maxBundle+1))
	switch {
	case err != nil:
		return err
	case len(text) > maxBundle:
		return fmt.Errorf("larger than %d bytes", maxBundle)
	}
	name = short(clean(name))
	s.files = append(s.files, name)
	text = []byte(strings.TrimPrefix(string(text), string(byteOrderMark)))
	broken, err := validJSON(text)
	at := s.place(broken)
	s.attempt(at, func() error {
		if err != nil {
			return err
		}
		return s.take(text, at)
	})
	s.progress(Progress{Step: "reading " + name, Done: s.bundles, Total: s.bundles})
	return ctx.Err()
}

// counter fails when more is read than may be.
type counter struct {
	from io.Reader
	left *int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	if *c.left -= int64(n); *c.left < 0 {
		return n, fmt.Errorf("the files are larger than %d bytes", maxResources)
	}
	return n, err
}
