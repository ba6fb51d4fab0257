package intake

import (
	"encoding/json"
	"reflect"
	"strings"
	"time"

	"github.com/mediconnect/mediconnect/internal/form"
)

// resource is one that was read, with what it is needed for.
type resource struct {
	at      place
	kind    string
	id      string
	url     string // fullUrl, empty where there is none
	bundle  int    // that it is in; 0 for none
	updated time.Time
	items   int // in its lists
	body    any // *r4Location and so on
}

// label names a resource at the beginning of what is said about it.
func (r *resource) label() string {
	name := r.id
	if name == "" {
		name = r.url
	}
	if name == "" {
		return r.kind + ": "
	}
	return r.kind + " " + quoted(name) + ": "
}

// name is how others refer to a resource.
func (r *resource) name() string {
	if r.id == "" {
		return r.url
	}
	return r.kind + "/" + r.id
}

func newBody(kind string) any {
	switch kind {
	case resourceLocation:
		return new(r4Location)
	case resourcePractitioner:
		return new(r4Practitioner)
	case resourceRole:
		return new(r4Role)
	case resourceService:
		return new(r4Service)
	case resourceSchedule:
		return new(r4Schedule)
	}
	return nil
}

// readResource reads a resource. One of a type that a directory isn't read for has no body.
func readResource(text []byte) (*resource, error) {
	var head struct {
		ResourceType string `json:"resourceType"`
		ID           string `json:"id"`
		Meta         r4Meta `json:"meta"`
	}
	if err := readable(json.Unmarshal(text, &head)); err != nil {
		return nil, err
	}
	r := &resource{kind: strings.Clone(head.ResourceType), id: strings.Clone(head.ID), body: newBody(head.ResourceType)}
	switch {
	case r.kind == "":
		return nil, refusal("no resourceType")
	case r.body == nil:
		return r, nil
	case len(r.id) > maxResourceID:
		return nil, refuse("an id of more than %d characters", maxResourceID)
	}
	if at, err := time.Parse(time.RFC3339, head.Meta.LastUpdated); err == nil {
		r.updated = at
	}
	if err := readable(json.Unmarshal(text, r.body)); err != nil {
		return nil, refusal(r.label() + err.Error())
	}
	if r.items = items(reflect.ValueOf(r.body)); r.items > maxItems {
		return nil, refuse("%smore than %d items in its lists", r.label(), maxItems)
	}
	return r, nil
}

// items counts what lists hold, in lists and whatever else they are in: a byte of JSON can make fifty in memory.
func items(v reflect.Value) (n int) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			n = items(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			n += items(v.Field(i))
		}
	case reflect.Slice:
		n = v.Len()
		for i := range v.Len() {
			n += items(v.Index(i))
		}
	}
	return n
}

// names are the keys under which other resources refer to one.
type names struct {
	byID       map[string]*resource // Type/id
	byURL      map[urlKey]*resource
	byIdentity map[identity]*resource
	// instead is the newer version of one that was replaced.
	instead map[*resource]*resource
}

// urlKey is a fullUrl. Those of a kind that isn't looked up elsewhere, such as urn:uuid, count within their bundle.
type urlKey struct {
	bundle int
	url    string
}

func keyOf(bundle int, url string) urlKey {
	if isWeb(url) {
		bundle = 0
	}
	return urlKey{bundle: bundle, url: url}
}

func isWeb(url string) bool {
	return strings.HasPrefix(url, "http://") || strings.HasPrefix(url, "https://")
}

func (n names) add(r *resource) {
	if r.id != "" {
		n.byID[r.kind+"/"+r.id] = r
	}
	if r.url != "" {
		n.byURL[keyOf(r.bundle, r.url)] = r
	}
	n.identified(r)
}

// alias lets the URL of a copy refer to what was read before.
func (n names) alias(r, known *resource) {
	if r.url != "" {
		n.byURL[keyOf(r.bundle, r.url)] = known
	}
}

// resolve finds what a resource refers to (https://hl7.org/fhir/R4/references.html#literal).
func (n names) resolve(from *resource, to r4Reference, kinds ...string) (*resource, error) {
	if kind, identifier, logical := to.logical(); logical {
		return n.byIdentifier(kind, identifier, kinds)
	}
	reference, _, _ := strings.Cut(to.Reference, "/_history/")
	switch {
	case reference == "":
		return nil, refusal("a reference without an address")
	case strings.HasPrefix(reference, "#"):
		return nil, refuse("%s is contained, and such resources are not taken", quoted(reference))
	}
	found := n.byURL[keyOf(from.bundle, reference)]
	if found == nil && !strings.HasPrefix(reference, "urn:") {
		found = n.byID[tailOf(reference)]
		if found != nil && (isWeb(reference) && isWeb(found.url) || found.apart(from)) {
			found = nil // it is another server's
		}
	}
	found = n.newest(found)
	if found == nil {
		return nil, refuse("%s is not among what was read", quoted(reference))
	}
	for _, kind := range kinds {
		if found.kind == kind {
			return found, nil
		}
	}
	return nil, refuse("%s is a %s", quoted(reference), found.kind)
}

// tailOf is the Type/id that a URL ends in.
func tailOf(reference string) string {
	parts := strings.Split(reference, "/")
	return strings.Join(parts[max(0, len(parts)-2):], "/")
}

// maxURL bounds the fullUrl of an entry, in bytes.
const maxURL = form.MaxSystem
