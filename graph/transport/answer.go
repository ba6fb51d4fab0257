package transport

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"

	"github.com/99designs/gqlgen/graphql"

	"github.com/mediconnect/mediconnect/graph/accesslog"
)

const maxErrors = 20

// answer is what a request is answered with.
type answer struct {
	kind     string // a media type
	encoding string // of its text, as negotiated; empty: none
	status   int
	response *graphql.Response
	executed bool
}

// write sends an answer. One of a request that was not executed has no data, not even null.
func write(ctx context.Context, w http.ResponseWriter, a answer) {
	text := Written(ctx, a.response, a.executed)
	head := w.Header()
	if a.status == http.StatusServiceUnavailable || a.status == http.StatusTooManyRequests {
		Later(head)
	}
	head.Set("Content-Type", a.kind+"; charset=utf-8")
	head.Set("Cache-Control", "no-store")
	head.Set("X-Content-Type-Options", "nosniff")
	head.Add("Vary", "Accept, Accept-Encoding")
	if a.encoding != "" && len(text) >= leastCompressed {
		text = compressed(text)
		head.Set("Content-Encoding", a.encoding)
	}
	head.Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(a.status)
	_, _ = w.Write(text) // nobody is left to tell
}

// Codes tells the access log the errors of an answer, of which it keeps the first few.
func Codes(ctx context.Context, answer *graphql.Response) {
	answer.Errors = answer.Errors[:min(len(answer.Errors), maxErrors)]
	entry := accesslog.From(ctx)
	for _, e := range answer.Errors {
		if len(entry.Codes) < maxErrors { // a stream has no end of answers
			entry.Codes = append(entry.Codes, fmt.Sprint(e.Extensions["code"]))
		}
	}
}

// The seconds that a caller is asked to wait. They differ, lest all come back at once.
const (
	leastWait = 1
	mostWait  = 5
)

// Later says in an answer's header when to come again, unless it does.
func Later(head http.Header) {
	if head.Get("Retry-After") != "" {
		return
	}
	head.Set("Retry-After", strconv.Itoa(leastWait+rand.IntN(mostWait-leastWait+1)))
}

// Written is an answer as JSON, on one line; the access log is told its errors. Without executed it has no data, not even null. The
// data is JSON already, and the most of it: it is taken over as it is, not read again.
func Written(ctx context.Context, answer *graphql.Response, executed bool) []byte {
	Codes(ctx, answer)
	text := append(make([]byte, 0, len(answer.Data)+roomAround), '{')
	part := func(name string, json []byte) {
		if len(text) > 1 {
			text = append(text, ',')
		}
		text = append(append(text, name...), json...)
	}
	if len(answer.Errors) > 0 {
		part(`"errors":`, marshalled(answer.Errors))
	}
	switch {
	case executed && len(answer.Data) == 0:
		part(`"data":`, []byte("null"))
	case executed:
		part(`"data":`, answer.Data)
	}
	if len(answer.Extensions) > 0 {
		part(`"extensions":`, marshalled(answer.Extensions))
	}
	return append(text, '}')
}

// roomAround is for extensions, and for the errors that there usually aren't.
const roomAround = 256

func marshalled(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // plain strings and numbers
	}
	return text
}
