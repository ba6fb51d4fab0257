package prove_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/mediconnect/mediconnect/bench/rig"
	"github.com/mediconnect/mediconnect/internal/live"
)

// thing is a slot or an appointment as a client shows it.
type thing struct {
	Version int64
	Shown   string // all else that the client shows of it
	Free    bool
}

// picture is what a client shows, by id.
type picture map[string]thing

// show is what a client shows: how to query it, and how to follow it.
type show interface {
	// query answers what there is now, and where to continue from.
	query(ctx context.Context, c rig.Client) (picture, string, error)
	// follow is the subscription.
	follow() (document string, variables map[string]any)
	// takes says whether something belongs into the picture, of those that the subscription tells of.
	takes(n node) bool
	// open says whether the client may only see what is free.
	open() bool
}

// node is a slot or an appointment in an answer.
type node struct {
	ID, Start, Status string
	Version           int64
	Remaining         int
	Location          struct{ ID string }
	Provider          struct{ ID string }
}

func (n node) thing() thing {
	return thing{n.Version, fmt.Sprintf("%s %s, %d more", n.Start, n.Status, n.Remaining), n.Status == "FREE"}
}

const (
	slotShown    = `{ id version start remaining status location { id } provider { id } }`
	visitShown   = `{ id version start status location { id } provider { id } }`
	slotsChanged = `subscription($scope: AvailabilityScopeInput!, $after: String) { told: availabilityChanged(scope: $scope, after: $after) {
		__typename ... on StreamEvent { cursor } ... on StreamReset { reason } ... on SlotsChanged { slots ` + slotShown + ` removedSlotIds } } }`
	visitsChanged = `subscription($provider: ID, $after: String) { told: appointmentChanged(providerId: $provider, after: $after) {
		__typename ... on StreamEvent { cursor } ... on StreamReset { reason } ... on AppointmentChanged { appointment ` + visitShown + ` } } }`

	page       = `streamCursor pageInfo { hasNextPage endCursor }`
	slotsThere = `query($provider: ID!, $kind: ID!, $from: DateTime!, $to: DateTime!, $status: [SlotStatus!], $after: String) {
		node(id: $provider) { ... on Provider { list: slots(visitKindId: $kind, from: $from, to: $to, status: $status, first: 100, after: $after) {
			` + page + ` edges { node ` + slotShown + ` } } } } }`
	visitsThere = `query($provider: ID, $after: String) { list: appointments(where: {providerId: $provider}, first: 100, after: $after) {
		` + page + ` edges { node ` + visitShown + ` } } }`
	found = `query($where: AvailabilitySearchInput!, $after: String) { list: searchAvailability(where: $where, first: 20, after: $after) {
		` + page + ` edges { node { openingCount upcoming(limit: 12) ` + slotShown + ` } } } }`
)

// list is a page of an answer.
type list struct {
	StreamCursor string
	PageInfo     struct {
		HasNextPage bool
		EndCursor   string
	}
	Edges []struct{ Node json.RawMessage }
}

// gather asks for all pages of a list and adds what is taken to a picture. It answers the cursor of the first page.
func gather(ctx context.Context, c rig.Client, document string, variables map[string]any, inner bool, add func([]byte) error) (cursor string, err error) {
	for {
		var data struct {
			List list
			Node struct{ List list }
		}
		if err := c.Ask(ctx, document, variables, &data); err != nil {
			return "", err
		}
		l := data.List
		if inner {
			l = data.Node.List
		}
		for _, e := range l.Edges {
			if err := add(e.Node); err != nil {
				return "", err
			}
		}
		if cursor == "" {
			cursor = l.StreamCursor
		}
		if !l.PageInfo.HasNextPage {
			return cursor, nil
		}
		variables["after"] = l.PageInfo.EndCursor
	}
}

// slots shows the openings of providers, perhaps at some locations only.
type slots struct {
	*town
	scope     map[string]any
	providers []string
	locations []string // nil: all
	all       bool     // whatever their state
}

func (s slots) open() bool { return !s.all }

func (s slots) follow() (string, map[string]any) {
	return slotsChanged, map[string]any{"scope": s.scope}
}

func (s slots) takes(n node) bool {
	from, to := s.Day.Format("2006-01-02"), s.until().Format("2006-01-02")
	return n.Start >= from && n.Start < to && (s.locations == nil || slices.Contains(s.locations, n.Location.ID))
}

func (s slots) query(ctx context.Context, c rig.Client) (picture, string, error) {
	p, first := picture{}, ""
	status := []string{"FREE"}
	if s.all {
		status = []string{"FREE", "HELD", "BOOKED", "BLOCKED"}
	}
	for _, provider := range s.providers {
		for _, kind := range []string{s.short, s.long} {
			cursor, err := gather(ctx, c, slotsThere, map[string]any{
				"provider": provider, "kind": kind, "from": s.Day, "to": s.until(), "status": status,
			}, true, func(text []byte) error { return p.add(s, text) })
			if err != nil {
				return nil, "", err
			}
			if first, err = earlier(first, cursor); err != nil {
				return nil, "", err
			}
		}
	}
	return p, first, nil
}

func (p picture) add(s show, text []byte) error {
	var n node
	err := json.Unmarshal(text, &n)
	if s.takes(n) {
		p[n.ID] = n.thing()
	}
	return err
}

// earlier is the one of two cursors after which nothing is missing of either.
func earlier(a, b string) (string, error) {
	if a == "" {
		return b, nil
	}
	one, err := live.ParseCursor(a)
	if err != nil {
		return "", err
	}
	other, err := live.ParseCursor(b)
	if err != nil {
		return "", err
	}
	if other.Position < one.Position {
		return b, nil
	}
	return a, nil
}

// search shows what a search finds.
type search struct {
	*town
	where map[string]any
}

func (s search) open() bool { return true }

func (s search) follow() (string, map[string]any) {
	return slotsChanged, map[string]any{"scope": map[string]any{"search": s.where}}
}

func (s search) takes(node) bool { return true }

func (s search) query(ctx context.Context, c rig.Client) (picture, string, error) {
	p := picture{}
	cursor, err := gather(ctx, c, found, map[string]any{"where": s.where}, false, func(text []byte) error {
		var match struct {
			OpeningCount int
			Upcoming     []node
		}
		if err := json.Unmarshal(text, &match); err != nil {
			return err
		}
		if match.OpeningCount != len(match.Upcoming) {
			return fmt.Errorf("%d openings, of which %d are listed: the search is too wide for the proof", match.OpeningCount, len(match.Upcoming))
		}
		for _, n := range match.Upcoming {
			p[n.ID] = n.thing()
		}
		return nil
	})
	return p, cursor, err
}

// agenda shows appointments, perhaps of one provider.
type agenda struct {
	*town
	who      int
	provider string // empty: of all
}

func (a agenda) open() bool { return false }

func (a agenda) follow() (string, map[string]any) {
	return visitsChanged, a.variables()
}

func (a agenda) variables() map[string]any {
	if a.provider == "" {
		return map[string]any{}
	}
	return map[string]any{"provider": a.provider}
}

func (a agenda) takes(n node) bool { return a.provider == "" || a.provider == n.Provider.ID }

func (a agenda) query(ctx context.Context, c rig.Client) (picture, string, error) {
	p := picture{}
	cursor, err := gather(ctx, c, visitsThere, a.variables(), false, func(text []byte) error { return p.add(a, text) })
	return p, cursor, err
}
