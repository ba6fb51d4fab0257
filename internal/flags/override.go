package flags

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// LongestOverride is how long a tester's wish may hold.
const LongestOverride = 24 * time.Hour

// Audience is whose overrides are accepted.
type Audience string

// The audiences.
const (
	Nobodys   Audience = "none"
	Staffs    Audience = "staff"
	Anybodies Audience = "anybody" // where this isn't production
)

// Overrides signs testers' wishes, and takes them. The zero value takes none.
type Overrides struct {
	Key   []byte // 32 bytes or more; nil: none are taken
	From  Audience
	Clock clock.Clock // the machine's
}

// Wish is what a tester wants for a while.
type Wish struct {
	Flags        map[string]string // key to variant, or on or off
	Organization uuid.UUID         // of the callers who may use it; zero: any
	For          time.Duration     // at most LongestOverride
}

// kindOfToken is its header typ, which keeps other tokens of ours from being taken for one (RFC 8725, section 3.11).
const kindOfToken = "flag-override+jwt"

// longestToken is in bytes: every flag there is fits several times.
const longestToken = 4 << 10

type wishClaims struct {
	jwt.RegisteredClaims
	Flags        map[string]string `json:"flags"`
	Organization uuid.UUID         `json:"org,omitzero"`
}

// check says what is wrong with a wish's flags.
func check(wished map[string]string) error {
	if len(wished) == 0 {
		return errors.New("it names no flag")
	}
	for _, key := range slices.Sorted(maps.Keys(wished)) {
		s, known := Find(key)
		if !known {
			return errors.New("it names a flag that isn't declared")
		}
		if !s.Takes(wished[key]) {
			return fmt.Errorf("%s can't be that, but one of %v", s.key, s.ways())
		}
	}
	return nil
}

// Sign makes the token that a client sends as the header MediConnect-Feature-Override.
func (o Overrides) Sign(w Wish) (token string, expires time.Time, err error) {
	if err := check(w.Flags); err != nil {
		return "", time.Time{}, fmt.Errorf("the override can't be signed: %w", err)
	}
	if w.For <= 0 || w.For > LongestOverride {
		return "", time.Time{}, fmt.Errorf("an override holds for a time of up to %s", LongestOverride)
	}
	now := o.Clock.Now().Truncate(time.Second)
	unsigned := jwt.NewWithClaims(jwt.SigningMethodHS256, wishClaims{
		RegisteredClaims: jwt.RegisteredClaims{IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(w.For))},
		Flags:            w.Flags, Organization: w.Organization,
	})
	unsigned.Header["typ"] = kindOfToken
	token, err = unsigned.SignedString(o.Key)
	return token, now.Add(w.For), err
}

// Accept reads a token that a caller has sent: what they wish for, and until when. It fails with errs.Forbidden, and says why as far as
// that helps whoever may use one.
func (o Overrides) Accept(token string, a access.Actor) (wished map[string]string, expires time.Time, err error) {
	switch {
	case len(o.Key) == 0 || o.From != Staffs && o.From != Anybodies:
		return nil, expires, refused("overrides are not taken here")
	case o.From == Staffs && a.Kind != access.Staff:
		return nil, expires, refused("overrides are for staff who have signed in")
	case len(token) > longestToken:
		return nil, expires, refused("it is too long")
	}
	claims, err := o.read(token)
	if err != nil {
		return nil, expires, err
	}
	if claims.Organization != uuid.Nil && claims.Organization != a.Organization {
		return nil, expires, refused("it is for another organisation")
	}
	if err := check(claims.Flags); err != nil {
		return nil, expires, refused(err.Error())
	}
	return claims.Flags, claims.ExpiresAt.Time, nil
}

func (o Overrides) read(token string) (claims wishClaims, err error) {
	parsed, err := jwt.ParseWithClaims(token, &claims, func(t *jwt.Token) (any, error) {
		if t.Header["typ"] != kindOfToken {
			return nil, errors.New("another kind of token")
		}
		return o.Key, nil
	}, jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithLeeway(leeway), jwt.WithTimeFunc(o.Clock.Now))
	switch {
	case errors.Is(err, jwt.ErrTokenExpired):
		return claims, refused("it has expired")
	case err != nil || !parsed.Valid || claims.IssuedAt == nil:
		return claims, refused("it is not one that was signed for this service")
	case claims.ExpiresAt.Sub(claims.IssuedAt.Time) > LongestOverride:
		return claims, refused("it holds for longer than it may")
	}
	return claims, nil
}

// leeway is how far the clocks of who signs and who accepts may differ.
const leeway = 30 * time.Second

func refused(why string) error {
	return errs.Denied("The feature override is refused: " + why + ".")
}
