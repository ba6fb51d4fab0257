package transport

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/mediconnect/mediconnect/graph/presenter"
)

// refusal is a request that never reaches the executor.
type refusal struct {
	status int
	err    *gqlerror.Error
	allow  string
}

func refuse(status int, code presenter.Code, message string, path ...string) *refusal {
	return &refusal{status: status, err: presenter.Refuse(code, message, path...)}
}

func bad(message string) *refusal {
	return refuse(http.StatusBadRequest, presenter.BadRequest, message)
}

// request is what a client sends (GraphQL over HTTP, section 5).
type request struct {
	Query         *string        `json:"query"`
	OperationName string         `json:"operationName"`
	Variables     map[string]any `json:"variables"`
	Extensions    map[string]any `json:"extensions"`
}

func (h Handler) read(w http.ResponseWriter, r *http.Request) (*graphql.RawParams, *refusal) {
	var in request
	var refused *refusal
	switch r.Method {
	case http.MethodPost:
		refused = h.post(w, r, &in)
	case http.MethodGet:
		refused = h.get(r, &in)
	default:
		refused = refuse(http.StatusMethodNotAllowed, presenter.MethodNotAllowed, "Use POST, or GET for queries.")
		refused.allow = "GET, POST"
	}
	if refused != nil {
		return nil, refused
	}
	return in.params(r.Header)
}

// Operation reads a request in JSON that comes by another transport than HTTP. A refusal is for the executor's DispatchError.
func Operation(payload []byte, header http.Header) (*graphql.RawParams, *gqlerror.Error) {
	var in request
	if !decode(bytes.NewReader(payload), &in) {
		return nil, bad("The payload is not a GraphQL request in JSON.").err
	}
	if refused := in.readable(broken(payload)); refused != nil {
		return nil, refused.err
	}
	params, refused := in.params(header)
	if refused != nil {
		return nil, refused.err
	}
	return params, nil
}

func (in *request) params(header http.Header) (*graphql.RawParams, *refusal) {
	if in.Query == nil || *in.Query == "" {
		return nil, bad("The request has no query.")
	}
	if halvedLiteral(*in.Query) {
		return nil, refuse(http.StatusBadRequest, presenter.InvalidInput, "A text in the document has half a surrogate pair.")
	}
	return &graphql.RawParams{
		Query: *in.Query, OperationName: in.OperationName, Variables: in.Variables, Extensions: in.Extensions, Headers: header,
	}, nil
}

// post reads a JSON body. Another content type is refused: browsers send those across sites without asking.
func (h Handler) post(w http.ResponseWriter, r *http.Request, in *request) *refusal {
	if !acceptable(r.Header.Get("Content-Type")) {
		return refuse(http.StatusUnsupportedMediaType, presenter.UnsupportedMediaType, "Send the request as application/json in UTF-8.")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, h.Limits.Body))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return refuse(http.StatusRequestEntityTooLarge, presenter.RequestTooLarge, "The request is too large.")
	}
	if err != nil {
		return bad("The request ended early.")
	}
	if bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("[")) {
		return bad("Send one request at a time.")
	}
	if !decode(bytes.NewReader(body), in) {
		return bad("The body is not a GraphQL request in JSON.")
	}
	return in.readable(broken(body))
}

// acceptable says whether a body is JSON, in the only charset that JSON is sent in (RFC 8259, section 8.1).
func acceptable(contentType string) bool {
	kind, params, err := mime.ParseMediaType(contentType)
	charset, named := params["charset"]
	return err == nil && kind == plainJSON && (!named || strings.EqualFold(charset, "utf-8"))
}

func (h Handler) get(r *http.Request, in *request) *refusal {
	if int64(len(r.URL.RawQuery)) > h.Limits.Body {
		return refuse(http.StatusRequestURITooLong, presenter.RequestTooLarge, "The request is too large.")
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return bad("The URL can't be read.")
	}
	if query.Has("query") {
		text := query.Get("query")
		in.Query = &text
	}
	in.OperationName = query.Get("operationName")
	for name, target := range map[string]*map[string]any{"variables": &in.Variables, "extensions": &in.Extensions} {
		if text := query.Get(name); text != "" && !decode(strings.NewReader(text), target) {
			return bad("The " + name + " are not an object in JSON.")
		}
	}
	return in.readable(broken([]byte(query.Get("query") + query.Get("variables") + in.OperationName)))
}

// decode reads one JSON value and nothing after it. What is wrong with it is never repeated: it may be a patient's.
func decode(r io.Reader, target any) bool {
	d := json.NewDecoder(r)
	d.UseNumber()
	if d.Decode(target) != nil {
		return false
	}
	_, err := d.Token()
	return errors.Is(err, io.EOF)
}
