package audit

import (
	"bytes"
	"context"
	"errors"
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
}

const (
	verifyPage = 1000
	// What is older than this is sealed and anchored while the workers run.
	overdue = 15 * time.Minute
)

// Verify tells how the record of each clinic stands, or of one when it is named. It fails with *Broken, after telling the rest,
// when the anchors themselves were tampered with.
func (v *Verifier) Verify(ctx context.Context, only uuid.UUID, named bool, tell func(Finding)) error {
	marks := marks{verifier: v, of: map[uuid.UUID]*mark{}}
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
	if from.Ordinal > 0 && !m.prunedAt(from) {
		found.Fault = &Fault{Ordinal: from.Ordinal, Position: from.Position, What: "the beginning up to here was dropped and no anchor tells of it"}
		return found, nil
	}
	w := walker{Verifier: v, organization: organization, head: from, found: &found, secrets: map[int][]byte{}}
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
		found.Fault = m.late(found, v.clock.Now())
	}
	if found.Fault != nil {
		found.Fault.Since = m.before(ctx, v, found)
	}
	return found
}

// walker is on its way along a chain.
type walker struct {
	*Verifier
	organization uuid.UUID
	head         Head
	found        *Finding
	secrets      map[int][]byte
}

// page looks at the next links and their events, and says whether there may be more.
func (w *walker) page(ctx context.Context) (more bool, err error) {
	links, err := w.store.Links(ctx, w.organization, w.head.Ordinal, verifyPage)
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
		secret, err := w.secret(ctx, l.KeyID)
		if err != nil {
			return false, err
		}
		if w.found.Fault = l.faultOf(w.head, e, secret); w.found.Fault != nil {
			return false, nil
		}
		w.head = l.Head()
		w.found.Good, w.found.UpTo = w.found.Good+1, e.At
	}
	return len(links) == verifyPage, nil
}

func (w *walker) secret(ctx context.Context, id int) ([]byte, error) {
	if secret, ok := w.secrets[id]; ok {
		return secret, nil
	}
	secret, err := w.keys.ChainKeyOf(ctx, w.organization, id)
	if err == nil {
		w.secrets[id] = secret
	}
	return secret, err
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
