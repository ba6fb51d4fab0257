package intake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Source is where a publication lies.
type Source interface {
	// Manifest opens the manifest.
	Manifest(ctx context.Context) (io.ReadCloser, error)
	// Open opens a file under the address that the manifest gives it. The manifest has been read before.
	Open(ctx context.Context, address string) (io.ReadCloser, error)
	// Address is the manifest's http or https URL, empty when it has none.
	Address() string
}

// manifestNames are what a folder's manifest may be called, the specification's own name last.
var manifestNames = []string{"manifest.json", "$bulk-publish"}

// Locate finds a publication on the web, in a folder, or beside the manifest file that is named. Close ends its use.
func Locate(where string) (source Source, closed func() error, err error) {
	if strings.HasPrefix(where, "http://") || strings.HasPrefix(where, "https://") {
		source, err = NewWeb(where, WebLimits{})
		return source, func() error { return nil }, err
	}
	info, err := os.Stat(where)
	if err != nil {
		return nil, nil, fmt.Errorf("no publication there: %w", err)
	}
	names := manifestNames
	if !info.IsDir() {
		names, where = []string{filepath.Base(where)}, filepath.Dir(where)
	}
	root, err := os.OpenRoot(where)
	if err != nil {
		return nil, nil, fmt.Errorf("the folder can't be opened: %w", err)
	}
	return &folder{files: root.FS(), names: names}, root.Close, nil
}

// Folder is a publication in a file system.
func Folder(files fs.FS) Source { return &folder{files: files, names: manifestNames} }

type folder struct {
	files fs.FS
	names []string
}

func (f *folder) Address() string { return "" }

func (f *folder) Manifest(context.Context) (io.ReadCloser, error) {
	for _, name := range f.names {
		file, err := f.files.Open(name)
		if err == nil {
			return file, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return nil, fmt.Errorf("there is no manifest here: %s", strings.Join(f.names, " or "))
}

// Open never leaves the folder: of a whole URL it takes the last part, since a copy of a publication keeps its manifest.
func (f *folder) Open(_ context.Context, address string) (io.ReadCloser, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("the manifest names a file %s, which is no address", quoted(address))
	}
	name := path.Clean(u.Path)
	if u.Host != "" {
		name = path.Base(name)
	}
	if !fs.ValidPath(name) {
		return nil, fmt.Errorf("the manifest names a file outside its folder: %s", quoted(address))
	}
	return f.files.Open(name)
}
