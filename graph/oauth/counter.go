package oauth

import (
	"bytes"
	"context"
	"io"
	"mime"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/mediconnect/mediconnect/graph/accesslog"
)

// longestBody of a token request. Nothing but an assertion is long, and none of that length is accepted.
const longestBody = 16 << 10

type sentKey struct{}

// sent is what the desk needs to know of a request besides its form.
type sent struct{ network string }

func networkOf(ctx context.Context) string {
	s, _ := ctx.Value(sentKey{}).(sent)
	return s.network
}

func requestOf(ctx context.Context) string { return accesslog.From(ctx).RequestID }

// note keeps what was answered for the request's line.
func note(ctx context.Context, fault *oidc.Error) {
	entry := accesslog.From(ctx)
	entry.Codes = append(entry.Codes, string(fault.ErrorType))
}

// counter takes token requests and hands on those that are well formed. What it refuses it words itself: the library repeats what was sent.
func (e Endpoints) counter(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		unkept(w.Header())
		w = challenging{w, r.Header.Get("Authorization") != ""}
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			refuse(w, r, oidc.ErrInvalidRequest().WithDescription("Use POST."), http.StatusMethodNotAllowed)
			return
		}
		form, fault, status := read(r)
		if fault == nil {
			fault, status = judge(r, form)
		}
		if fault != nil {
			refuse(w, r, fault, status)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), sentKey{}, sent{e.network(r)})))
	})
}

func refuse(w http.ResponseWriter, r *http.Request, fault *oidc.Error, status int) {
	note(r.Context(), fault)
	op.WriteError(w, r, op.NewStatusError(fault, status), nil)
}

// read reads the form, and leaves it to be read once more.
func read(r *http.Request) (url.Values, *oidc.Error, int) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return nil, oidc.ErrInvalidRequest().WithDescription("Send application/x-www-form-urlencoded."), http.StatusBadRequest
	}
	if r.URL.RawQuery != "" { // what is secret doesn't belong there
		return nil, oidc.ErrInvalidRequest().WithDescription("Send parameters in the body."), http.StatusBadRequest
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, longestBody+1))
	if err != nil {
		return nil, oidc.ErrInvalidRequest().WithDescription("The body can't be read."), http.StatusBadRequest
	}
	if len(body) > longestBody {
		fault, status := notProved()
		return nil, fault, status
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, oidc.ErrInvalidRequest().WithDescription("The body is no form."), http.StatusBadRequest
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return form, nil, 0
}

// judge looks at what the library would tell of in other words than ours.
func judge(r *http.Request, form url.Values) (*oidc.Error, int) {
	for _, values := range form {
		if len(values) > 1 { // RFC 6749, section 3.2
			return oidc.ErrInvalidRequest().WithDescription("Send each parameter once."), http.StatusBadRequest
		}
	}
	switch form.Get("grant_type") {
	case string(oidc.GrantTypeClientCredentials):
	case "":
		return oidc.ErrInvalidRequest().WithDescription("grant_type is missing."), http.StatusBadRequest
	default:
		return oidc.ErrUnsupportedGrantType().WithDescription("The only grant here is client_credentials."), http.StatusBadRequest
	}
	return proofs(r, form)
}

// proofs looks at how a client wants to prove to be itself: in one way.
func proofs(r *http.Request, form url.Values) (*oidc.Error, int) {
	basic := r.Header.Get("Authorization") != ""
	assertion, secret := form.Get("client_assertion"), form.Get("client_secret")
	ways := 0
	for _, way := range []bool{basic, assertion != "", secret != ""} {
		if way {
			ways++
		}
	}
	if ways > 1 { // RFC 6749, section 2.3
		return oidc.ErrInvalidRequest().WithDescription("Prove to be the client in one way."), http.StatusBadRequest
	}
	if ways == 0 || basic && !readable(r, form.Get("client_id")) || assertion != "" && form.Get("client_assertion_type") != oidc.ClientAssertionTypeJWTAssertion {
		return notProved()
	}
	return nil, 0
}

// readable says whether HTTP Basic names a client, in the form's encoding (RFC 6749, section 2.3.1), and no other than the form does.
func readable(r *http.Request, client string) bool {
	name, password, ok := r.BasicAuth()
	if !ok {
		return false
	}
	id, err := url.QueryUnescape(name)
	_, failed := url.QueryUnescape(password)
	return err == nil && failed == nil && id != "" && (client == "" || client == id)
}

// network is where a request comes from, of IPv6 the part that one subscriber has.
func (e Endpoints) network(r *http.Request) string {
	if e.Address == nil {
		return "unknown"
	}
	address := e.Address(r)
	at, err := netip.ParseAddr(address)
	if err != nil || at.Unmap().Is4() {
		return strings.ToLower(address)
	}
	const subscriber = 64
	prefix, err := at.WithZone("").Prefix(subscriber)
	if err != nil {
		return address
	}
	return prefix.String()
}

// challenging tells whoever came by a header by which scheme to come, and with which status (RFC 6749, section 5.2). Others have nothing to
// read in a challenge, and their libraries read nothing else once there is one.
type challenging struct {
	http.ResponseWriter
	header bool
}

func (c challenging) WriteHeader(status int) {
	switch {
	case status == http.StatusUnauthorized && c.header:
		c.Header().Set("WWW-Authenticate", `Basic realm="MediConnect"`)
	case status == http.StatusUnauthorized:
		status = http.StatusBadRequest
	case status == http.StatusServiceUnavailable:
		c.Header().Set("Retry-After", "2")
	}
	c.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the connection.
func (c challenging) Unwrap() http.ResponseWriter { return c.ResponseWriter }
