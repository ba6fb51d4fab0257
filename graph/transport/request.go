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

	"github.com/mediconnect/mediconnect/graph/documents"
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

func badly(params *graphql.RawParams, fault *gqlerror.Error) (*graphql.RawParams, *refusal) {
	if fault != nil {
		return nil, &refusal{status: http.StatusBadRequest, err: fault}
	}
	return params, nil
}

// request is what a client sends (GraphQL over HTTP, section 5 and appendix A).
type request struct {
	Query         *string        `json:"query"`
	DocumentID    *string        `json:"documentId"`
	OperationName string         `json:"operationName"`
	Variables     map[string]any `json:"variables"`
	Extensions    map[string]any `json:"extensions"`
}

// shared is the header of several operations on one event stream (the protocol's single connection mode).
const shared = "X-GraphQL-Event-Stream-Token"

func (h Handler) read(w http.ResponseWriter, r *http.Request) (*graphql.RawParams, *refusal) {
	if r.Header.Get(shared) != "" {
		return nil, bad("Each event stream has one operation: the single connection mode isn't served.")
	}
	switch r.Method {
	case http.MethodPost:
		return h.post(w, r)
	case http.MethodGet:
		return h.get(r)
	}
	refused := refuse(http.StatusMethodNotAllowed, presenter.MethodNotAllowed, "Use POST, or GET for queries and streams.")
	refused.allow = "GET, POST"
	return nil, refused
}

// post reads a JSON body. Another content type is refused: browsers send those across sites without asking.
func (h Handler) post(w http.ResponseWriter, r *http.Request) (*graphql.RawParams, *refusal) {
	if !acceptable(r.Header.Get("Content-Type")) {
		return nil, refuse(http.StatusUnsupportedMediaType, presenter.UnsupportedMediaType, "Send the request as application/json in UTF-8.")
	}
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		w.Header().Set("Accept-Encoding", "identity") // RFC 9110, section 15.5.16
		return nil, refuse(http.StatusUnsupportedMediaType, presenter.UnsupportedMediaType, "Send the request without compression.")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, h.Limits.Body))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, refuse(http.StatusRequestEntityTooLarge, presenter.RequestTooLarge, "The request is too large.")
	}
	if err != nil {
		return nil, bad("The request ended early.")
	}
	if bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("[")) {
		return nil, bad("Send one request at a time.")
	}
	return badly(Operation(body, r.Header))
}

// Operation reads a request in JSON, whichever transport brings it. A refusal is for the executor's DispatchError; it repeats nothing
// of what was sent.
func Operation(payload []byte, header http.Header) (*graphql.RawParams, *gqlerror.Error) {
	var in request
	if !decode(bytes.NewReader(payload), &in) {
		return nil, presenter.Refuse(presenter.BadRequest, "This is not a GraphQL request in JSON.")
	}
	if ambiguous(payload) {
		return nil, presenter.Refuse(presenter.BadRequest, "A key is there twice, or is written in other letters than it should be.")
	}
	return in.params(broken(payload), header)
}

// acceptable says whether a body is JSON, in the only charset that JSON is sent in (RFC 8259, section 8.1).
func acceptable(contentType string) bool {
	kind, params, err := mime.ParseMediaType(contentType)
	charset, named := params["charset"]
	return err == nil && kind == plainJSON && (!named || strings.EqualFold(charset, "utf-8"))
}

func (h Handler) get(r *http.Request) (*graphql.RawParams, *refusal) {
	if int64(len(r.URL.RawQuery)) > h.Limits.Body {
		return nil, refuse(http.StatusRequestURITooLong, presenter.RequestTooLarge, "The request is too large.")
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, bad("The URL can't be read.")
	}
	for _, name := range parameters {
		if len(query[name]) > 1 {
			return nil, bad("A parameter is there twice.")
		}
	}
	in := request{OperationName: query.Get("operationName")}
	for name, target := range map[string]**string{"query": &in.Query, "documentId": &in.DocumentID} {
		if text := query.Get(name); query.Has(name) {
			*target = &text
		}
	}
	for name, target := range map[string]*map[string]any{"variables": &in.Variables, "extensions": &in.Extensions} {
		text := query.Get(name)
		if text != "" && !decode(strings.NewReader(text), target) {
			return nil, bad("The " + name + " are not an object in JSON.")
		}
		if repeated([]byte(text)) {
			return nil, bad("A key of the " + name + " is there twice.")
		}
	}
	return badly(in.params(broken([]byte(query.Get("query")+query.Get("variables")+in.OperationName)), r.Header))
}

// params is a request as the executor takes it. It has a document, or a name for one.
func (in *request) params(broken bool, header http.Header) (*graphql.RawParams, *gqlerror.Error) {
	if broken {
		path, _ := replaced(in.Variables)
		return nil, presenter.Refuse(presenter.InvalidInput, "This is not valid UTF-8.", in.argument(path)...)
	}
	params := &graphql.RawParams{OperationName: in.OperationName, Variables: in.Variables, Extensions: in.Extensions, Headers: header}
	delete(params.Extensions, documents.ID)
	if in.DocumentID != nil {
		if params.Extensions == nil {
			params.Extensions = map[string]any{}
		}
		params.Extensions[documents.ID] = *in.DocumentID
	}
	if in.Query != nil {
		params.Query = *in.Query
	}
	if params.Query == "" && !documents.Named(params.Extensions) {
		return nil, presenter.Refuse(presenter.BadRequest, "The request has no query.")
	}
	if halvedLiteral(params.Query) {
		return nil, presenter.Refuse(presenter.InvalidInput, "A text in the document has half a surrogate pair.")
	}
	return params, nil
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
