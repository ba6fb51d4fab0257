package audit

import (
	"bytes"
	"context"
	"errors"
	"math"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clock"
)

// Verifier holds events, chains and anchors against one another.
type Verifier struct {
	store   Chains
	keys    Keys
	anchors Anchors
	clock   clock.Clock
}

// NewVerifier makes a verifier.
func NewVerifier(store Chains, keys Keys, anchors Anchors, c clock.Clock) *Verifier {
	return &Verifier{store: store, keys: keys, anchors: anchors, clock: c}
}

// Fault is the first row of a clinic's record that isn't as it was written.
type Fault struct {
	Ordinal  int64     // in the chain; 0 when it has no place there
	Position int64     // 0 when not known
	Event    uuid.UUID // zero when not known
	What     string    // a sentence
	Since    Anchor    // the last anchor before it that agrees; its Ordinal is 0 when there is none
}

// Finding is how a clinic's record stands.
type Finding struct {
	Organization uuid.UUID
	Good         int64     // links that are as they were written, with their events
	UpTo         time.Time // the time of the last of them; zero when there is none
	Unsealed     int       // events that are not in the chain yet
	Fault        *Fault    // nil when all is well

	untold time.Time // of the first good link that no anchor tells of; zero when there is none
}

const (
	verifyPage = 1000
	// What is older than this is sealed and anchored while the workers run.
	overdue = 15 * time.Minute
)

// Verify tells how the record of each clinic stands, or of one when it is named. It fails with *Broken, after telling the rest,
// when the anchors themselves were tampered with.
func (v *Verifier) Verify(ctx context.Context, only uuid.UUID, named bool, tell func(Finding)) error {
	marks := marks{verifier: v, of: map[uuid.UUID]*mark{}, began: v.clock.Now()}
	broken := v.anchors.Each(ctx, func(a Anchor) error {
		if named && a.Organization != only {
			return nil
		}
		return marks.add(ctx, a)
	})
	var tampered *Broken
	if broken != nil && !errors.As(broken, &tampered) {
		return broken
	}
	if err := marks.flush(ctx); err != nil {
		return err
	}
	tenants, err := v.store.Tenants(ctx)
	if err != nil {
		return err
	}
	for _, organization := range marks.and(tenants) {
		if named && organization != only {
			continue
		}
		found, err := v.one(ctx, organization, marks.at(organization))
		if err != nil {
			return err
		}
		tell(found)
	}
	return broken
}

// one verifies a clinic. Somebody may drop its beginning meanwhile: then it is looked at again.
func (v *Verifier) one(ctx context.Context, organization uuid.UUID, m *mark) (Finding, error) {
	for {
		from, err := v.store.Pruned(ctx, organization)
		if err != nil {
			return Finding{}, err
		}
		found, err := v.walk(ctx, organization, from, m)
		if err != nil {
			return found, err
		}
		if now, err := v.store.Pruned(ctx, organization); err != nil || now.Ordinal == from.Ordinal {
			return v.judged(ctx, found, m), err
		}
	}
}

// walk follows a chain from where it begins and stops at the first row that is wrong.
func (v *Verifier) walk(ctx context.Context, organization uuid.UUID, from Head, m *mark) (Finding, error) {
	found := Finding{Organization: organization}
	if !m.beginsAfter(ctx, v, organization, from) {
		found.Fault = &Fault{Ordinal: from.Ordinal, Position: from.Position, What: "the beginning up to here was dropped and no anchor tells of it"}
		return found, nil
	}
	w := newWalker(v.store, v.keys, organization, from, &found)
	w.clock, w.told = v.clock, max(m.newest.Ordinal, from.Ordinal)
	if err := w.beginning(ctx); err != nil || found.Fault != nil {
		return found, err
	}
	for {
		more, err := w.page(ctx)
		if err != nil || found.Fault != nil {
			return found, err
		}
		if !more {
			return found, w.rest(ctx)
		}
	}
}

// judged adds what the anchors say: of a chain that is good in itself, or goes wrong only beyond where they differ. Where it goes
// wrong before that, the row itself is known.
func (v *Verifier) judged(ctx context.Context, found Finding, m *mark) Finding {
	if f := m.fault(found); f != nil && (found.Fault == nil || m.differs.Ordinal < found.Fault.Ordinal) {
		found.Fault = f
	}
	if found.Fault == nil {
		found.Fault = m.late(found)
	}
	if found.Fault != nil {
		found.Fault.Since = m.before(ctx, v, found)
	}
	return found
}

// walker is on its way along a chain.
type walker struct {
	store        Chains
	keys         Keys
	clock        clock.Clock
	organization uuid.UUID
	head         Head
	last         int64 // the ordinal to stop at
	told         int64 // the ordinal up to which anchors tell
	found        *Finding
	secrets      map[int][]byte
}

func newWalker(store Chains, keys Keys, organization uuid.UUID, from Head, found *Finding) *walker {
	return &walker{store: store, keys: keys, organization: organization, head: from, last: math.MaxInt64, found: found, secrets: map[int][]byte{}}
}

// beginning looks for events before the chain's first, where no link leads.
func (w *walker) beginning(ctx context.Context) error {
	first, err := w.store.Events(ctx, w.organization, math.MinInt64, 1)
	if err == nil && len(first) > 0 && first[0].Position <= w.head.Position {
		w.found.Fault = &Fault{
			Ordinal: w.head.Ordinal + 1, Position: first[0].Position, Event: first[0].ID, What: "an event was inserted before the chain begins",
		}
	}
	return err
}

// page looks at the next links and their events, and says whether there may be more.
func (w *walker) page(ctx context.Context) (more bool, err error) {
	limit := int(min(verifyPage, w.last-w.head.Ordinal))
	links, err := w.store.Links(ctx, w.organization, w.head.Ordinal, limit)
	if err != nil || len(links) == 0 {
		return false, err
	}
	events, err := w.store.Events(ctx, w.organization, w.head.Position, len(links)+1)
	if err != nil {
		return false, err
	}
	for i, l := range links {
		var e Event
		if i < len(events) {
			e = events[i]
		}
		if w.found.Fault = l.faultOf(w.head, e, w.secret(ctx, l.KeyID)); w.found.Fault != nil {
			return false, nil
		}
		w.passed(l, e)
	}
	return len(links) == limit, nil
}

func (w *walker) passed(l Link, e Event) {
	w.head = l.Head()
	w.found.Good, w.found.UpTo = w.found.Good+1, e.At
	if l.Ordinal > w.told && w.found.untold.IsZero() {
		w.found.untold = e.At
	}
}

// secret is a key of the chain by its id, or nil if there is none: no link follows under that.
func (w *walker) secret(ctx context.Context, id int) []byte {
	if _, ok := w.secrets[id]; !ok {
		w.secrets[id], _ = w.keys.ChainKeyOf(ctx, w.organization, id)
	}
	return w.secrets[id]
}

// faultOf says what is wrong with a link or the event that comes next in order of position, if anything is.
func (l Link) faultOf(head Head, e Event, secret []byte) *Fault {
	at := func(what string) *Fault {
		return &Fault{Ordinal: l.Ordinal, Position: l.Position, Event: l.Event, What: what}
	}
	switch {
	case l.Ordinal != head.Ordinal+1:
		f := &Fault{Ordinal: head.Ordinal + 1, What: "the chain's row was deleted"}
		if e.ID != uuid.Nil && e.Position < l.Position {
			f.Position, f.Event = e.Position, e.ID
		}
		return f
	case e.ID != uuid.Nil && e.Position < l.Position:
		return &Fault{Ordinal: l.Ordinal, Position: e.Position, Event: e.ID, What: "an event was inserted that the chain doesn't have"}
	case e.ID == uuid.Nil || e.Position > l.Position:
		return at("the event was deleted")
	case e.ID != l.Event || !bytes.Equal(e.Digest(), l.Digest):
		return at("the event isn't as it was sealed")
	case secret == nil:
		return at("the chain's row names a key that there isn't")
	case !l.Follows(head, secret):
		return at("the chain's row doesn't follow from the one before")
	}
	return nil
}

// rest counts what is not sealed yet.
func (w *walker) rest(ctx context.Context) error {
	after := w.head.Position
	for {
		events, err := w.store.Events(ctx, w.organization, after, verifyPage)
		if err != nil {
			return err
		}
		for _, e := range events {
			if w.found.Unsealed == 0 && e.At.Before(w.clock.Now().Add(-overdue)) {
				w.found.Fault = &Fault{Ordinal: w.head.Ordinal + 1, Position: e.Position, Event: e.ID, What: "the event has not been sealed for more than 15 minutes"}
			}
			w.found.Unsealed++
			after = e.Position
		}
		if len(events) < verifyPage {
			return nil
		}
	}
}
