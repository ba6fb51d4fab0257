package intake

import (
	"net/url"
	"strings"
)

// identity is one of the identifiers that a resource of a type has.
type identity struct{ kind, system, value string }

// identified keeps a resource under its identifiers. The first one that has an identifier is it.
func (n names) identified(r *resource) {
	for _, i := range identifiersOf(r.body) {
		key := identity{kind: r.kind, system: i.System, value: i.Value}
		if _, taken := n.byIdentity[key]; !taken && i.Value != "" {
			n.byIdentity[key] = r
		}
	}
}

func identifiersOf(body any) []fhirIdentifier {
	switch b := body.(type) {
	case *r4Location:
		return b.Identifier
	case *r4Practitioner:
		return bare(b.Identifier)
	case *r4Role:
		return b.Identifier
	case *r4Service:
		return b.Identifier
	case *r4Schedule:
		return b.Identifier
	}
	return nil
}

func bare(published []r4Identifier) (list []fhirIdentifier) {
	for _, i := range published {
		list = append(list, i.fhirIdentifier)
	}
	return list
}

// logical is what a reference that has no address says of its target (https://hl7.org/fhir/R4/references.html#logical), or one that
// asks for it by its identifier, as transactions do (https://hl7.org/fhir/R4/http.html#trules).
func (r r4Reference) logical() (kind string, i fhirIdentifier, ok bool) {
	if r.Reference == "" {
		return "", r.Identifier, r.Identifier.Value != ""
	}
	kind, query, ok := strings.Cut(r.Reference, "?identifier=")
	query, err := url.PathUnescape(query)
	system, value, both := strings.Cut(query, "|")
	return kind, fhirIdentifier{System: system, Value: value}, ok && both && value != "" && err == nil
}

// byIdentifier finds a resource of one of some types by an identifier.
func (n names) byIdentifier(kind string, i fhirIdentifier, kinds []string) (*resource, error) {
	for _, k := range kinds {
		if found := n.byIdentity[identity{kind: k, system: i.System, value: i.Value}]; found != nil && (kind == "" || kind == k) {
			return n.newest(found), nil
		}
	}
	if i.private() {
		return nil, refusal("nothing that was read has this identifier")
	}
	return nil, refuse("nothing that was read has the identifier %s", quoted(i.Value))
}

// server is the address under which a resource's server has it, empty where that isn't told.
func (r *resource) server() string {
	url, _, _ := strings.Cut(r.url, "/_history/")
	server, told := strings.CutSuffix(url, "/"+r.kind+"/"+r.id)
	if !told || !isWeb(url) {
		return ""
	}
	return server
}

// apart says whether two resources are known to be of different servers.
func (r *resource) apart(from *resource) bool {
	a, b := r.server(), from.server()
	return a != "" && b != "" && a != b
}

// newest is the version of a resource that is taken.
func (n names) newest(r *resource) *resource {
	for n.instead[r] != nil {
		r = n.instead[r]
	}
	return r
}
