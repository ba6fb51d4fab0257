package intake

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/mediconnect/mediconnect/internal/form"
)

// The bounds of a manifest.
const (
	maxManifest = 4 << 20
	maxFiles    = 10_000
)

// manifest names the files of a publication
// (https://github.com/smart-on-fhir/smart-scheduling-links/blob/master/specification.md#manifest-file).
type manifest struct {
	Request string `json:"request"`
	Output  []struct {
		Type string `json:"type"`
		URL  string `json:"url"`
	} `json:"output"`
}

// readManifest reads what a publication consists of, and its own address, up to and with the last slash: the system of
// those of its ids that have no other.
func readManifest(ctx context.Context, from Source) (m manifest, base string, err error) {
	body, err := from.Manifest(ctx)
	if err != nil {
		return m, "", err
	}
	defer body.Close()
	text, err := io.ReadAll(io.LimitReader(body, maxManifest+1))
	switch {
	case err != nil:
		return m, "", fmt.Errorf("the manifest can't be read: %w", err)
	case len(text) > maxManifest:
		return m, "", fmt.Errorf("the manifest is larger than %d bytes", maxManifest)
	}
	if err := json.Unmarshal([]byte(strings.TrimPrefix(string(text), string(byteOrderMark))), &m); err != nil {
		return m, "", fmt.Errorf("the manifest is broken: %w", readable(err))
	}
	if len(m.Output) > maxFiles {
		return m, "", fmt.Errorf("the manifest names more than %d files", maxFiles)
	}
	base, err = m.base(from.Address())
	return m, base, err
}

func (m manifest) base(address string) (string, error) {
	for _, candidate := range []string{m.Request, address} {
		u, err := url.Parse(candidate)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			continue
		}
		path, _, _ := strings.Cut(u.Path, "$bulk-publish")
		u.Path = path[:strings.LastIndex(path, "/")+1]
		u.RawPath, u.RawQuery, u.Fragment, u.User = "", "", "", nil
		if u.Path == "" {
			u.Path = "/"
		}
		if address := u.String(); len(address+resourceLocation) <= form.MaxSystem {
			return address, nil
		}
	}
	return "", fmt.Errorf(`the manifest's "request" must be the publication's http or https address, of at most %d bytes`, form.MaxSystem-len(resourceLocation))
}

// files lists the names of one type of resource, in the manifest's order.
func (m manifest) files(resourceType string) []string {
	var names []string
	for _, o := range m.Output {
		if o.Type == resourceType {
			names = append(names, o.URL)
		}
	}
	return names
}
