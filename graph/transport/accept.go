package transport

import (
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// The media types of answers (GraphQL over HTTP, section 4.2; HTML, section 9.2.5).
const (
	plainJSON   = "application/json"
	graphJSON   = "application/graphql-response+json"
	eventStream = "text/event-stream"
)

// accepted is what a client takes for an answer.
type accepted struct {
	json   string // the type of JSON that it prefers
	stream bool   // it reads event streams
	only   bool   // and nothing else
}

const maxAccept = 1000

// negotiate reads an Accept header. A client that names nothing we have is answered in JSON (RFC 9110, section 12.4.1), and so is
// one that lists event streams or multipart for other kinds of operation.
func negotiate(head http.Header) accepted {
	a := accepted{json: plainJSON}
	accept := strings.Join(head.Values("Accept"), ",")
	if len(accept) > maxAccept {
		return a
	}
	weight := 0.0
	for part := range strings.SplitSeq(accept, ",") {
		kind, params, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		q := quality(params["q"])
		offered := plainJSON
		switch kind {
		case eventStream:
			a.stream = q > 0
			continue
		case graphJSON:
			offered = graphJSON
		case plainJSON, "application/*", "*/*":
		default:
			continue
		}
		if q > weight {
			a.json, weight = offered, q
		}
	}
	a.only = a.stream && weight == 0
	return a
}

// TakesStream says whether a client reads event streams.
func TakesStream(r *http.Request) bool { return negotiate(r.Header).stream }

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
