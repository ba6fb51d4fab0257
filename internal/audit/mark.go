package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
)

// mark is what the anchors say of one clinic's chain, as far as it has to be remembered.
type mark struct {
	agrees  Anchor // the last before the first that doesn't
	differs *Anchor
	stands  Link // what the chain has in place of that one; its Ordinal is 0 when it doesn't reach so far
	newest  Anchor
	pruned  Anchor // where the chain begins; zero when it was never cut
	began   time.Time
}

// marks holds anchors against the chains, some at a time.
type marks struct {
	verifier *Verifier
	of       map[uuid.UUID]*mark
	waiting  []Anchor
	began    time.Time // when the anchors were read
}

func (m *marks) add(ctx context.Context, a Anchor) error {
	if m.waiting = append(m.waiting, a); len(m.waiting) < verifyPage {
		return nil
	}
	return m.flush(ctx)
}

func (m *marks) at(organization uuid.UUID) *mark {
	if m.of[organization] == nil {
		m.of[organization] = &mark{began: m.began}
	}
	return m.of[organization]
}

// and lists the clinics that have anything at all.
func (m *marks) and(tenants []uuid.UUID) []uuid.UUID {
	for organization := range m.of {
		tenants = append(tenants, organization)
	}
	slices.SortFunc(tenants, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	return slices.Compact(tenants)
}

// flush compares the anchors that are waiting with the chains.
func (m *marks) flush(ctx context.Context) error {
	asked := map[uuid.UUID][]int64{}
	for _, a := range m.waiting {
		asked[a.Organization] = append(asked[a.Organization], a.Ordinal)
	}
	for organization, ordinals := range asked {
		stands, err := m.verifier.store.LinksAt(ctx, organization, ordinals)
		if err != nil {
			return err
		}
		begins, err := m.verifier.store.Pruned(ctx, organization)
		if err != nil {
			return err
		}
		for _, a := range m.waiting {
			if a.Organization == organization {
				m.at(organization).take(a, stands[a.Ordinal], begins)
			}
		}
	}
	m.waiting = m.waiting[:0]
	return nil
}

func (m *mark) take(a Anchor, stands Link, begins Head) {
	if a.Pruned {
		m.pruned = a
		return
	}
	if a.Ordinal > m.newest.Ordinal { // of two processes one may tell late what it saw first
		m.newest = a
	}
	switch {
	case m.differs != nil:
	case a.Ordinal < begins.Ordinal:
	case a.Ordinal == begins.Ordinal && bytes.Equal(a.Hash, begins.Hash):
	case stands.Ordinal == a.Ordinal && stands.Position == a.Position && stands.Event == a.Event && bytes.Equal(stands.Hash, a.Hash):
		m.agrees = a
	default:
		m.differs, m.stands = &a, stands
	}
}

// beginsAfter says whether an anchor tells that a chain begins after a head. Whoever drops a beginning tells of it first: that may be
// after the anchors were read, by two at once, or without the dropping that was to follow. So not the last one counts, but any.
func (m *mark) beginsAfter(ctx context.Context, v *Verifier, organization uuid.UUID, h Head) bool {
	tells := func(a Anchor) bool {
		return a.Ordinal == h.Ordinal && a.Position == h.Position && bytes.Equal(a.Hash, h.Hash)
	}
	if h.Ordinal == 0 {
		m.pruned = Anchor{}
	}
	if h.Ordinal == 0 || tells(m.pruned) {
		return true
	}
	told := false
	_ = v.anchors.Each(ctx, func(a Anchor) error { // that they can be read was found out before
		if a.Pruned && a.Organization == organization && tells(a) {
			m.pruned, told = a, true
			return errFound
		}
		return nil
	})
	return told
}

// fault is what the anchors have against a chain that was found so far.
func (m *mark) fault(found Finding) *Fault {
	if m.differs == nil {
		return nil
	}
	told := m.differs.At.UTC().Format(time.RFC3339)
	if m.stands.Ordinal == 0 {
		// Up to the last anchor that agrees nothing was rewritten; what is there beyond it is good as far as anybody can tell.
		last := max(m.agrees.Ordinal, m.pruned.Ordinal+found.Good)
		return &Fault{Ordinal: last + 1, What: fmt.Sprintf("the chain ends before here, and the anchor of %s has it up to %d", told, m.differs.Ordinal)}
	}
	return &Fault{Ordinal: max(m.agrees.Ordinal, m.pruned.Ordinal) + 1, What: fmt.Sprintf(
		"the chain was written anew between here and %d, where the anchor of %s has another hash", m.differs.Ordinal, told)}
}

// late reports links that no anchor tells of although there was time enough.
func (m *mark) late(found Finding) *Fault {
	if found.untold.IsZero() || !found.untold.Before(m.began.Add(-overdue)) {
		return nil
	}
	return &Fault{Ordinal: max(m.newest.Ordinal, m.pruned.Ordinal) + 1, What: "no anchor tells of the chain from here, for more than 15 minutes"}
}

var errFound = errors.New("found")

// before finds the last anchor that agrees and comes before a fault.
func (m *mark) before(ctx context.Context, v *Verifier, found Finding) Anchor {
	if m.agrees.Ordinal < found.Fault.Ordinal {
		return m.agrees
	}
	var last Anchor
	_ = v.anchors.Each(ctx, func(a Anchor) error { // that they can be read was found out before
		switch {
		case a.Organization != found.Organization || a.Pruned:
		case a.Ordinal >= found.Fault.Ordinal:
			return errFound
		default:
			last = a
		}
		return nil
	})
	return last
}
