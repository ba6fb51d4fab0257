package transport

import (
	"mime"
	"strconv"
	"strings"
)

// The media types of answers (GraphQL over HTTP, section 4.2).
const (
	plainJSON = "application/json"
	graphJSON = "application/graphql-response+json"
)

const maxAccept = 1000

// negotiate picks the media type that a client prefers. Whatever else it lists, such as event streams and multipart for other
// kinds of operation, it is answered in JSON.
func negotiate(accept string) string {
	best, weight := plainJSON, 0.0
	if len(accept) > maxAccept {
		return best
	}
	for part := range strings.SplitSeq(accept, ",") {
		kind, params, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		offered := plainJSON
		switch kind {
		case graphJSON:
			offered = graphJSON
		case plainJSON, "application/*", "*/*":
		default:
			continue
		}
		if q := quality(params["q"]); q > weight {
			best, weight = offered, q
		}
	}
	return best
}

func quality(q string) float64 {
	if q == "" {
		return 1
	}
	n, err := strconv.ParseFloat(q, 64)
	if err != nil {
		return 0
	}
	return n
}
