package graph

import (
	"net/http"
	"strings"

	"golang.org/x/text/language"

	"github.com/mediconnect/mediconnect/graph/accesslog"
	"github.com/mediconnect/mediconnect/graph/transport"
	"github.com/mediconnect/mediconnect/graph/viewer"
	"github.com/mediconnect/mediconnect/internal/access"
)

// Verifier reads bearer tokens. It fails with errs.Unauthenticated.
type Verifier interface {
	Verify(token string) (access.Actor, error)
}

// authenticated hands a request on with its caller. A request without a token is nobody's; one with a token that isn't
// accepted is refused, so that nobody takes less than they asked for as an answer.
func (d Deps) authenticated(next transport.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		entry := accesslog.From(r.Context())
		v := viewer.Viewer{Actor: access.Nobody(entry.RequestID), Locale: locale(r.Header.Get("Accept-Language"))}
		v.Trail = &access.Trail{}
		if token, given := Bearer(r); given {
			actor, err := d.Verifier.Verify(token)
			if err != nil {
				w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
				next.Turn(w, r.WithContext(viewer.With(r.Context(), v)), http.StatusUnauthorized, err)
				return
			}
			actor.RequestID, actor.Trail = entry.RequestID, &access.Trail{}
			if d.Bonds != nil {
				actor.Circle = access.NewCircle(d.Bonds)
			}
			v.Actor = actor
			entry.Actor, entry.Client = actor.ID, actor.Client
		}
		next.ServeHTTP(w, r.WithContext(viewer.With(r.Context(), v)))
	})
}

// Bearer reads the token of a request (RFC 6750, section 2.1). One that comes under another scheme is given, and empty.
func Bearer(r *http.Request) (token string, given bool) {
	header := strings.TrimSpace(r.Header.Get("Authorization"))
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", header != ""
	}
	return strings.TrimSpace(token), true
}

const (
	maxLanguages = 200 // bytes of a header
	fallback     = "en"
)

// anyLanguage is what `*` is read as.
var anyLanguage = language.MustParse("mul")

// locale is the language that a caller likes best.
func locale(header string) string {
	if header == "" || len(header) > maxLanguages {
		return fallback
	}
	tags, _, err := language.ParseAcceptLanguage(header)
	if err != nil || len(tags) == 0 || tags[0] == language.Und || tags[0] == anyLanguage {
		return fallback
	}
	return tags[0].String()
}
