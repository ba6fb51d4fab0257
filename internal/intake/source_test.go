package intake

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAPublicationIsFoundInAFolder(t *testing.T) {
	dir := t.TempDir()
	outside := filepath.Join(t.TempDir(), "secret")
	for path, content := range map[string]string{
		filepath.Join(dir, "$bulk-publish"):    "by the specification's name",
		filepath.Join(dir, "other.json"):       "by another",
		filepath.Join(dir, "locations.ndjson"): "sites",
		outside:                                "secret",
	} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(outside, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for where, want := range map[string]string{dir: "by the specification's name", filepath.Join(dir, "other.json"): "by another"} {
		source, closed, err := Locate(where)
		if err != nil {
			t.Fatal(err)
		}
		manifest, err := source.Manifest(t.Context())
		if got := content(t, manifest, err); got != want {
			t.Errorf("%s: %q", where, got)
		}
		file, err := source.Open(t.Context(), "https://clinic.example/data/locations.ndjson")
		if got := content(t, file, err); got != "sites" {
			t.Errorf("locations %q", got)
		}
		for _, address := range []string{"link", "../" + filepath.Base(filepath.Dir(outside)) + "/secret", outside, "file://" + outside, "%zz", ""} {
			if file, err := source.Open(t.Context(), address); err == nil {
				text, _ := io.ReadAll(file)
				if strings.Contains(string(text), "secret") {
					t.Errorf("%s leaves the folder", address)
				}
			}
		}
		if err := closed(); err != nil {
			t.Error(err)
		}
	}
	if _, _, err := Locate(filepath.Join(dir, "nothing")); err == nil || !strings.Contains(err.Error(), "no publication there") {
		t.Errorf("%v", err)
	}
}

func content(t *testing.T, file io.ReadCloser, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	text, err := io.ReadAll(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestThePublicationsOwnAddressNamesItsIDs(t *testing.T) {
	for _, c := range []struct{ request, found, want string }{
		{"https://api.riteaid.com/digital/vaccine-provider/$bulk-publish/", "", "https://api.riteaid.com/digital/vaccine-provider/"},
		{"https://a.example/$bulk-publish?x=1#y", "", "https://a.example/"},
		{"https://me:secret@a.example/x/$bulk-publish", "", "https://a.example/x/"},
		{"https://a.example", "", "https://a.example/"},
		{"http://a.example/data/manifest.json", "", "http://a.example/data/"},
		{"", "https://b.example/x/$bulk-publish", "https://b.example/x/"},
		{"/relative/$bulk-publish", "https://b.example/x/$bulk-publish", "https://b.example/x/"},
		{"file:///x", "", ""},
		{"https:///x", "", ""},
	} {
		got, err := manifest{Request: c.request}.base(c.found)
		if got != c.want || (err != nil) != (c.want == "") {
			t.Errorf("%q found at %q: %q, %v", c.request, c.found, got, err)
		}
	}
}
