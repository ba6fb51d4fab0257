package availability

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/paging"
)

// Service answers what can be booked.
type Service struct {
	store Store
	clock clock.Clock
	rules *lru.Cache[rulesKey, Rules]
}

// A provider's rules are kept for a month at a time, at most so many months.
const keptRules = 20_000

type rulesKey struct {
	provider clinic.Ref
	year     int
	month    time.Month
}

// NewService makes the service.
func NewService(store Store, c clock.Clock) *Service {
	kept, err := lru.New[rulesKey, Rules](keptRules)
	if err != nil {
		panic(err) // only a size below 1 fails
	}
	return &Service{store: store, clock: c, rules: kept}
}

// MaxPeriod bounds a listing.
const MaxPeriod = 31 * 24 * time.Hour

// Listing asks for a provider's slots whose visits start in [From, To).
type Listing struct {
	Provider  clinic.Ref
	VisitKind uuid.UUID
	From, To  time.Time
	Statuses  []Status
}

// SlotKeyParts is how many values the key of a slot in a listing has: start, location, modality.
const SlotKeyParts = 3

// SlotKey is the key of a slot in a listing.
func SlotKey(s Slot) []string {
	return []string{strconv.FormatInt(s.Start.Unix(), 10), s.Location.String(), string(s.Modality)}
}

// Listed is a page of a listing, with all that was found out on the way.
type Listed struct {
	paging.Page[Slot]
	Total        int    // up to paging.MaxCount
	StreamCursor string // the log position of what was read
}

// Slots lists a provider's slots in order of start. Callers who are not staff, or don't read appointments, see free ones only.
func (s *Service) Slots(ctx context.Context, a access.Actor, l Listing, w paging.Window) (Listed, error) {
	if err := errors.Join(checkKey(w.After, "after"), checkKey(w.Before, "before")); err != nil {
		return Listed{}, err
	}
	slots, cursor, err := s.list(ctx, a, l)
	if err != nil {
		return Listed{}, err
	}
	total := min(len(slots), paging.MaxCount)
	return Listed{Page: cut(slots, w), Total: total, StreamCursor: cursor}, nil
}

func checkKey(key []string, field string) error {
	if key == nil {
		return nil
	}
	if _, err := strconv.ParseInt(key[0], 10, 64); err != nil {
		return errs.Invalid("This is not a cursor of this list.", field)
	}
	return nil
}

func (s *Service) list(ctx context.Context, a access.Actor, l Listing) ([]Slot, string, error) {
	if err := l.check(); err != nil {
		return nil, "", err
	}
	cursor, err := s.store.StreamCursor(ctx, s.clock.Now())
	if err != nil {
		return nil, "", err
	}
	view, err := s.store.View(ctx, l.Provider, Period{From: l.From, To: l.To, Holder: holder(a, l.Provider)})
	if err != nil {
		return nil, "", err
	}
	return Openings(view.Rules, view.Taken, Query{
		VisitKind: l.VisitKind, From: l.From, To: l.To, Now: s.clock.Now(), Asking: asking(a), Statuses: shown(a, l),
	}), cursor, nil
}

func (l Listing) check() error {
	switch {
	case !l.From.Before(l.To):
		return errs.Invalid("The period ends before it starts.", "to")
	case l.To.Sub(l.From) > MaxPeriod:
		return errs.Invalid("The period is longer than 31 days.", "to")
	case l.From.Year() < 1970 || l.To.Year() > 2200:
		return errs.Invalid("The period is out of range.", "from")
	}
	return nil
}

// shown narrows the states asked for to those that the caller may see.
func shown(a access.Actor, l Listing) []Status {
	if a.IsStaff() && a.In(l.Provider.Organization) && a.Has(access.AppointmentsRead) {
		return l.Statuses
	}
	if slices.Contains(l.Statuses, Free) || len(l.Statuses) == 0 {
		return []Status{Free}
	}
	return []Status{none}
}

// none is no slot's state.
const none Status = ""

func asking(a access.Actor) Asking {
	return Asking{Holder: Holder{Actor: a.ID}} // whomever of theirs a hold is for, they may book it
}

// holder names whoever asks among those who may have holds with a provider.
func holder(a access.Actor, provider clinic.Ref) clinic.Ref {
	if !a.In(provider.Organization) {
		return clinic.Ref{}
	}
	return clinic.Ref{Organization: provider.Organization, ID: a.ID}
}

// cut makes a page of a list that is all there.
func cut(slots []Slot, w paging.Window) paging.Page[Slot] {
	return paging.Whole(slots, w, func(s Slot, key []string) int { return compareKeys(SlotKey(s), key) })
}

func compareKeys(a, b []string) int {
	x, _ := strconv.ParseInt(a[0], 10, 64)
	y, _ := strconv.ParseInt(b[0], 10, 64)
	if x != y {
		return int(min(max(x-y, -1), 1))
	}
	return slices.Compare(a[1:], b[1:])
}

// ahead are the stretches in which the next opening is looked for, one after the other.
var ahead = []time.Duration{7 * day, 28 * day, 90 * day, 365 * day, 365 * day}

const day = 24 * time.Hour

// NextAvailable is the earliest slot that can be booked, or nil.
func (s *Service) NextAvailable(ctx context.Context, a access.Actor, provider clinic.Ref, kind uuid.UUID, m *clinic.Modality) (*Slot, error) {
	now := s.clock.Now()
	q := Query{VisitKind: kind, Now: now, Asking: asking(a), Statuses: []Status{Free}, From: now, Limit: 1}
	if m != nil {
		q.Modalities = []clinic.Modality{*m}
	}
	for _, stretch := range ahead {
		q.To = q.From.Add(stretch)
		view, err := s.store.View(ctx, provider, Period{From: q.From, To: q.To, Holder: holder(a, provider)})
		if err != nil {
			return nil, err
		}
		if found := Openings(view.Rules, view.Taken, q); len(found) > 0 {
			return &found[0], nil
		}
		k, offered := view.Rules.Kind(kind)
		if !offered || q.To.After(now.Add(k.Policy.MaximumAdvance)) {
			return nil, nil
		}
		q.From = q.To
	}
	return nil, nil
}

// RulesAt gives the rules that hold around an instant. They may be out of date: whoever acts on them has their revision
// checked by the store, and calls Forget when it was refused.
func (s *Service) RulesAt(ctx context.Context, provider clinic.Ref, at time.Time) (Rules, error) {
	key := keyOf(provider, at)
	if r, ok := s.rules.Get(key); ok {
		return r, nil
	}
	month := time.Date(key.year, key.month, 1, 0, 0, 0, 0, time.UTC)
	reach := ReachOf(month, month.AddDate(0, 1, 0))
	r, err := s.store.Rules(ctx, provider, reach.From, reach.Until)
	if err == nil {
		s.rules.Add(key, r)
	}
	return r, err
}

// Forget drops the kept rules of a provider around an instant.
func (s *Service) Forget(provider clinic.Ref, at time.Time) { s.rules.Remove(keyOf(provider, at)) }

func keyOf(provider clinic.Ref, at time.Time) rulesKey {
	at = at.UTC()
	return rulesKey{provider: provider, year: at.Year(), month: at.Month()}
}
