package intake

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"
)

// take takes one JSON text: a resource, or a bundle of them.
func (s *resourceSet) take(text []byte, at place) error {
	if !utf8.Valid(text) {
		return refusal("not valid UTF-8")
	}
	var head struct {
		ResourceType string `json:"resourceType"`
	}
	if err := readable(json.Unmarshal(text, &head)); err != nil {
		return err
	}
	if head.ResourceType != resourceBundle && len(text) > maxLine {
		return refuse("longer than %d bytes", maxLine)
	}
	if head.ResourceType != resourceBundle {
		r, err := readResource(text)
		if err != nil {
			return err
		}
		r.at = at
		return s.add(r)
	}
	b, err := readBundle(text, 1)
	if err != nil {
		return err
	}
	s.takeBundle(b, at)
	return nil
}

// takeBundle takes a bundle's entries, each by itself. In a .json file they have lines of their own, in an .ndjson file the
// bundle's.
func (s *resourceSet) takeBundle(b bundle, at place) {
	s.bundles++
	told := map[string]bool{} // of a history: what a later version was seen of
	for i, e := range b.entries {
		from := place{file: at.file, line: at.line + e.line - 1}
		s.attempt(from, func() error {
			if err := s.entry(b.kind, e, from, told); err != nil {
				return fmt.Errorf("entry %d: %w", i+1, err)
			}
			return nil
		})
	}
}

func (s *resourceSet) entry(bundleKind string, e bundleEntry, at place, told map[string]bool) error {
	if len(e.text) > maxLine {
		return refuse("longer than %d bytes", maxLine)
	}
	var entry fhirEntry
	if err := readable(json.Unmarshal(e.text, &entry)); err != nil {
		return err
	}
	if bundleKind == bundleHistory && entry.Request.Method == "DELETE" {
		url, _, _ := strings.Cut(entry.Request.URL, "/_history/")
		told[tailOf(url)] = true
		return nil
	}
	if (bundleKind == bundleTransaction || bundleKind == bundleBatch) && entry.Request.Method != "POST" && entry.Request.Method != "PUT" {
		return refuse("it asks for %s, not for POST or PUT", quoted(entry.Request.Method))
	}
	if len(entry.Resource) == 0 || len(entry.FullURL) > maxURL {
		return refusal("no resource, or a fullUrl that is too long")
	}
	r, err := readResource(entry.Resource)
	if err != nil {
		return err
	}
	r.at, r.bundle, r.url = at, s.bundles, strings.Clone(entry.FullURL)
	if key := r.kind + "/" + r.id; bundleKind == bundleHistory {
		if told[key] {
			return nil // an older version: the latest comes first
		}
		told[key] = true
	}
	return s.add(r)
}

// add keeps a resource. Of two versions of one, the one that was updated later.
func (s *resourceSet) add(r *resource) error {
	if r.body == nil {
		s.ignore(r.kind)
		return nil
	}
	older := s.byID[r.kind+"/"+r.id]
	if r.id == "" {
		older = s.byURL[keyOf(r.bundle, r.url)]
	}
	switch {
	case older != nil && r.apart(older):
		return refuse("%sone of this id that is another server's is in %s line %d: import each server by itself", r.label(), s.files[older.at.file], older.at.line)
	case older != nil && !r.updated.After(older.updated):
		s.names.alias(r, older)
		if r.updated.Equal(older.updated) && reflect.DeepEqual(r.body, older.body) {
			s.copies++
			return nil
		}
		return refuse("%sthe same is in %s line %d, and this isn't newer", r.label(), s.files[older.at.file], older.at.line)
	case s.items+r.items > maxAllItems:
		return refuse("%sthe lists of all resources have more than %d items", r.label(), maxAllItems)
	case older != nil:
		s.instead[older] = r
		s.noteAt(r.at)(VersionReplaced, older.label()+older.updated.Format(time.RFC3339), r.updated.Format(time.RFC3339))
	case s.counts[r.kind] == maxSites:
		return refuse("more than %d of the type %s", maxSites, r.kind)
	default:
		s.counts[r.kind]++
	}
	s.items += r.items
	s.all = append(s.all, r)
	s.names.add(r)
	return nil
}

// maxIgnored bounds the types that are told apart among those that are ignored.
const maxIgnored = 50

func (s *resourceSet) ignore(kind string) {
	if _, known := s.ignored[kind]; !known && len(s.ignored) == maxIgnored {
		kind = "and others"
	}
	s.ignored[kind]++
}
