package caller

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Origins are those of other sites, such as https://app.example.org, whose pages may open sockets and streams. Browsers ask nobody
// before they open one across sites, unlike a request in JSON.
type Origins []string

// Allow says whether a request comes from no page at all, from a page of this server, or from one of the origins (RFC 6454).
func (o Origins) Allow(r *http.Request) bool {
	sent := r.Header.Values("Origin")
	if len(sent) == 0 {
		return true
	}
	from, err := url.Parse(sent[0])
	if len(sent) > 1 || err != nil || from.Host == "" {
		return false
	}
	return strings.EqualFold(from.Host, r.Host) ||
		slices.ContainsFunc(o, func(allowed string) bool { return strings.EqualFold(allowed, sent[0]) })
}
