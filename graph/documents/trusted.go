package documents

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Trusted are documents by their ids (GraphQL over HTTP, appendix A).
type Trusted map[string]string

// mostTrusted documents are kept, so that a manifest can't fill the memory.
const mostTrusted = 10_000

// ids are those of the appendix: the hash of the text, an id of somebody's own after a prefix, or one without.
var ids = regexp.MustCompile(`^(sha256:[0-9a-f]{64}|x-[A-Za-z0-9._~-]+:[A-Za-z0-9._~-]+|[A-Za-z0-9._~-]+)$`)

// Read reads a manifest, a JSON object of documents by their ids, and has check look at each document. It tells all faults at once.
func Read(manifest []byte, check func(document string) error) (Trusted, error) {
	trusted, err := decode(manifest)
	if err != nil {
		return nil, err
	}
	if len(trusted) == 0 || len(trusted) > mostTrusted {
		return nil, fmt.Errorf("it has %d documents, and from 1 to %d are allowed", len(trusted), mostTrusted)
	}
	var faults []error
	for _, id := range slices.Sorted(maps.Keys(trusted)) {
		hash, named := strings.CutPrefix(id, "sha256:")
		switch {
		case !ids.MatchString(id):
			faults = append(faults, fmt.Errorf("%.100q is no id of a document", id))
		case named && hash != hashOf(trusted[id]):
			faults = append(faults, fmt.Errorf("%s is not the hash of its document", id))
		default:
			if err := check(trusted[id]); err != nil {
				faults = append(faults, fmt.Errorf("%.100s: %w", id, err))
			}
		}
	}
	return trusted, errors.Join(faults...)
}

// decode reads the object name by name: an id that comes twice would hide a document.
func decode(manifest []byte) (Trusted, error) {
	d := json.NewDecoder(bytes.NewReader(manifest))
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return nil, errors.New("it must be a JSON object of documents by their ids")
	}
	trusted := Trusted{}
	for d.More() {
		id, err := d.Token()
		if err != nil {
			return nil, fmt.Errorf("it can't be read: %w", err)
		}
		var text string
		if err := d.Decode(&text); err != nil {
			return nil, fmt.Errorf("the document %.100q can't be read: %w", id, err)
		}
		if _, twice := trusted[id.(string)]; twice {
			return nil, fmt.Errorf("the id %.100q comes twice", id)
		}
		trusted[id.(string)] = text
	}
	if _, err := d.Token(); err != nil {
		return nil, fmt.Errorf("it can't be read: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something comes after its end")
	}
	return trusted, nil
}

// hashed finds a document by its hash, as Apollo's clients name it: its manifests use the hash itself for an id.
func (t Trusted) hashed(hash string) (string, bool) {
	if text, ok := t["sha256:"+hash]; ok {
		return text, true
	}
	text, ok := t[hash]
	return text, ok
}
