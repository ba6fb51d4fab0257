// Package caller belongs to the door: it finds out who is asking, whichever transport they come by.
package caller

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
	"golang.org/x/text/language"

	"github.com/mediconnect/mediconnect/graph/viewer"
	"github.com/mediconnect/mediconnect/internal/access"
)

// Verifier reads bearer tokens. It fails with errs.Unauthenticated.
type Verifier interface {
	// Verify says whose a token is, and when it expires by the machine's clock; zero: never. It may fail with errs.Busy, too.
	Verify(ctx context.Context, token string) (access.Actor, time.Time, error)
}

// Standing says whether what callers came with, a session or a key, still holds.
type Standing interface {
	// Stands fails with errs.Unauthenticated if it doesn't any more, and with errs.Busy if nobody can say.
	Stands(ctx context.Context, a access.Actor) error
	// Watch has a function called once when a credential is revoked, at once if it was.
	Watch(credential uuid.UUID, then func()) (forget func())
}

// Desk is where callers are recognised.
type Desk struct {
	Verifier Verifier
	Standing Standing                   // nil: what was good when it was made holds until it expires
	Bonds    access.Bonds               // whom a caller acts for; nil: nobody but the patient that the token names
	Wishes   Wishes                     // for flags, of testers; nil: they are refused
	Address  func(*http.Request) string // that a request came from; nil: unknown
}

// AddressOf is where a request came from.
func (d Desk) AddressOf(r *http.Request) string {
	if d.Address == nil {
		return "unknown"
	}
	return d.Address(r)
}

// Caller is who opened a connection.
type Caller struct {
	known Desk
	actor access.Actor
	about viewer.Viewer // but for the actor
	Token string        // empty: none was given
}

// Of recognises the caller of a request by a token, which needn't be the request's own. Without one it is nobody; one that isn't
// accepted fails with errs.Unauthenticated, so that nobody takes less than they asked for as an answer.
func (d Desk) Of(r *http.Request, token string, given bool) (Caller, error) {
	c := Caller{known: d, actor: access.Nobody(""), about: viewer.Viewer{Locale: locale(r.Header.Get("Accept-Language")), Address: d.AddressOf(r)}}
	if !given {
		return c, nil
	}
	actor, expires, err := d.Verifier.Verify(r.Context(), token)
	if err == nil {
		err = d.stands(r.Context(), actor)
	}
	if err != nil {
		return c, err
	}
	c.actor, c.about.Expires, c.Token = actor, expires, token
	return c, nil
}

func (d Desk) stands(ctx context.Context, a access.Actor) error {
	if d.Standing == nil || a.Credential == uuid.Nil {
		return nil
	}
	return d.Standing.Stands(ctx, a)
}

// As is a caller who proved by other means than a token who they are, until then. It fails as Of does if what they proved it by was
// revoked since.
func (d Desk) As(r *http.Request, actor access.Actor, expires time.Time) (Caller, error) {
	c, _ := d.Of(r, "", false) // only a token is refused
	if err := d.stands(r.Context(), actor); err != nil {
		return c, err
	}
	c.actor, c.about.Expires = actor, expires
	return c, nil
}

// Watch has a function called once when what the caller came with is revoked. It is called by whoever holds a connection open for them.
func (c Caller) Watch(then func()) (forget func()) {
	if c.known.Standing == nil || c.actor.Credential == uuid.Nil {
		return func() {}
	}
	return c.known.Standing.Watch(c.actor.Credential, then)
}

// Expires is when the caller's token does; zero: never.
func (c Caller) Expires() time.Time { return c.about.Expires }

// Viewer is the caller of one request: what it saw, and whom they act for, is found out for each anew.
func (c Caller) Viewer(requestID string) viewer.Viewer {
	v := c.about
	v.Actor, v.Watch = c.actor, c.Watch
	v.RequestID, v.Trail = requestID, &access.Trail{}
	if c.actor.Kind != access.Anonymous && c.known.Bonds != nil {
		v.Circle = access.NewCircle(c.known.Bonds)
	}
	return v
}

type sparingKey struct{}

// Spare has a verifier look nothing up in the database: whoever asks may have made a token up, and has asked too often as it is.
func Spare(ctx context.Context) context.Context { return context.WithValue(ctx, sparingKey{}, true) }

// Sparing says whether it shall. What would have to be looked up then fails with errs.Busy.
func Sparing(ctx context.Context) bool { return ctx.Value(sparingKey{}) != nil }

// Bearer reads the token of a request (RFC 6750, section 2.1). One that comes under another scheme is given, and empty.
func Bearer(r *http.Request) (token string, given bool) {
	return Credentials(r.Header.Get("Authorization"))
}

// Credentials reads the token of a header Authorization.
func Credentials(header string) (token string, given bool) {
	header = strings.TrimSpace(header)
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
