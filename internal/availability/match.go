package availability

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/paging"
)

// Desk is a provider at a location.
type Desk struct {
	Provider clinic.Ref
	Location uuid.UUID
	TimeZone string
	Metres   *int // over the ground from where the search begins; nil when it begins nowhere
}

// Match is a provider at a location with the openings that fit.
type Match struct {
	Desk
	NextAvailable Slot

	fitting string
	key     MatchKey
	found   *openings // nil: none
}

// MatchID names a match by its desk and what fits there, so that it can be found again without its search.
type MatchID struct {
	Provider clinic.Ref
	Location uuid.UUID
	Fitting  string // as Fitting.Text writes it
}

// Ref names the match.
func (m Match) Ref() MatchID { return MatchID{m.Provider, m.Location, m.fitting} }

// MaxUpcoming bounds how many openings a match tells.
const MaxUpcoming = 12

// CheckUpcoming says what is wrong with a number of openings.
func CheckUpcoming(limit int) error {
	if limit < 1 || limit > MaxUpcoming {
		return errs.Invalid("The limit is from 1 to 12.", "limit")
	}
	return nil
}

// Upcoming lists the first openings that fit.
func (m Match) Upcoming(limit int) ([]Slot, error) {
	if err := CheckUpcoming(limit); err != nil {
		return nil, err
	}
	if m.found == nil {
		return nil, nil
	}
	first := m.found.first()
	return first[:min(limit, len(first))], nil
}

const maxOpenings = 1000

// OpeningCount counts the openings that fit in the period, up to 1000.
func (m Match) OpeningCount() int {
	if m.found == nil {
		return 0
	}
	return m.found.count()
}

// openings are looked for when they are asked for, and once under however many names that is.
type openings struct {
	first func() []Slot // up to MaxUpcoming
	count func() int
}

// MatchKeyParts is how many values the key of a match has.
const MatchKeyParts = 5

// MatchKey places a match among the others of its search.
type MatchKey struct {
	search             string // digest of what was asked
	rank, tie          int64
	provider, location uuid.UUID
}

// Key is the key as a cursor holds it.
func (m Match) Key() []string {
	k := m.key
	return []string{k.search, strconv.FormatInt(k.rank, 10), strconv.FormatInt(k.tie, 10), k.provider.String(), k.location.String()}
}

// readKey reads the key of a match of this search.
func readKey(parts []string, search, field string) (*MatchKey, error) {
	if parts == nil {
		return nil, nil
	}
	if parts[0] != search {
		return nil, errs.Invalid("This is a cursor of another search.", field)
	}
	var k MatchKey
	var faults [4]error
	k.rank, faults[0] = strconv.ParseInt(parts[1], 10, 64)
	k.tie, faults[1] = strconv.ParseInt(parts[2], 10, 64)
	k.provider, faults[2] = uuid.Parse(parts[3])
	k.location, faults[3] = uuid.Parse(parts[4])
	if cmp.Or(faults[:]...) != nil {
		return nil, errs.Invalid("This is not a cursor of this list.", field)
	}
	return &k, nil
}

func (k MatchKey) compare(o MatchKey) int {
	return cmp.Or(cmp.Compare(k.rank, o.rank), cmp.Compare(k.tie, o.tie),
		slices.Compare(k.provider[:], o.provider[:]), slices.Compare(k.location[:], o.location[:]))
}

// digest tells searches apart, so that a cursor is good for its own.
func (q Search) digest(organization uuid.UUID, o Order) string {
	text, err := json.Marshal([]any{q, organization, o})
	if err != nil {
		panic(err) // nothing in it can't be written
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

// bounds are the keys that a page lies between.
type bounds struct{ after, before *MatchKey }

func boundsOf(w paging.Window, search string) (b bounds, err error) {
	if b.after, err = readKey(w.After, search, "after"); err != nil {
		return b, err
	}
	b.before, err = readKey(w.Before, search, "before")
	return b, err
}

func (b bounds) hold(k MatchKey) bool {
	return (b.after == nil || k.compare(*b.after) > 0) && (b.before == nil || k.compare(*b.before) < 0)
}
