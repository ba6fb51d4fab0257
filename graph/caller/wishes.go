package caller

import (
	"time"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// Override is the header by which a tester asks for flags to be as they want them, with a token that was signed for it.
const Override = "MediConnect-Feature-Override"

// Wishes reads such a token: what flags shall be for a caller, and until when. It fails with errs.Forbidden.
type Wishes func(token string, a access.Actor) (wished map[string]string, expires time.Time, err error)

// Wishing is the caller with the flags that a token asks for; without a token, as before. A token that isn't accepted fails with
// errs.Forbidden, so that nobody tests something else than they think. The caller is known no longer than the token holds.
func (c Caller) Wishing(tokens ...string) (Caller, error) {
	if len(tokens) == 0 {
		return c, nil
	}
	for _, other := range tokens[1:] {
		if other != tokens[0] {
			return c, errs.Denied("The feature override is refused: there is more than one.")
		}
	}
	if c.known.Wishes == nil {
		return c, errs.Denied("The feature override is refused: overrides are not taken here.")
	}
	wished, expires, err := c.known.Wishes(tokens[0], c.actor)
	if err != nil {
		return c, err
	}
	c.actor.Overrides = wished
	if c.about.Expires.IsZero() || expires.Before(c.about.Expires) {
		c.about.Expires = expires
	}
	return c, nil
}
