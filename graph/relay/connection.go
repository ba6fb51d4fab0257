// Package relay belongs to the door: connections and nodes as Relay's specifications describe them.
package relay

import (
	"context"
	"sync"

	"github.com/mediconnect/mediconnect/internal/paging"
)

// Node is anything that has a global id. Rooms know no marker methods, so any type may be one; generated code lists which are.
type Node any

// Versioned is anything that has a version.
type Versioned any

// Connection is a page of results (https://relay.dev/graphql/connections.htm).
type Connection[T any] struct {
	Edges        []*Edge[T]
	PageInfo     *PageInfo
	StreamCursor string
	count        Count
	counting     sync.Mutex
	total        *int // once it was asked for
}

// Edge is an item and its place.
type Edge[T any] struct {
	Node *T
	key  func(T) []string
}

// Cursor is the place. It is made only when a client asks for it, as in a list of many pages few do.
func (e *Edge[T]) Cursor() string { return paging.Cursor(e.key(*e.Node)...) }

// PageInfo is the position of a page.
type PageInfo struct {
	HasNextPage     bool
	HasPreviousPage bool
	start, end      func() string // nil for an empty page
}

// StartCursor is the first edge's.
func (p *PageInfo) StartCursor() *string { return asked(p.start) }

// EndCursor is the last edge's.
func (p *PageInfo) EndCursor() *string { return asked(p.end) }

func asked(cursor func() string) *string {
	if cursor == nil {
		return nil
	}
	c := cursor()
	return &c
}

// Count counts all matches, up to paging.MaxCount. It is called only when a client asks for the total.
type Count func(context.Context) (int, error)

// Connect makes a connection of a page. key tells an item's place in the order.
func Connect[T any](page paging.Page[T], key func(T) []string, count Count) *Connection[T] {
	c := &Connection[T]{
		Edges:    make([]*Edge[T], len(page.Items)),
		PageInfo: &PageInfo{HasNextPage: page.HasNext, HasPreviousPage: page.HasPrevious},
		count:    count,
	}
	edges := make([]Edge[T], len(page.Items))
	for i := range page.Items {
		edges[i] = Edge[T]{Node: &page.Items[i], key: key}
		c.Edges[i] = &edges[i]
	}
	if n := len(edges); n > 0 {
		c.PageInfo.start, c.PageInfo.end = edges[0].Cursor, edges[n-1].Cursor
	}
	return c
}

// Continued marks the connection with the log position that a subscription continues from.
func (c *Connection[T]) Continued(streamCursor string) *Connection[T] {
	c.StreamCursor = streamCursor
	return c
}

// TotalCount counts all matches, once under however many names a client asks for it.
func (c *Connection[T]) TotalCount(ctx context.Context) (*int, error) {
	c.counting.Lock()
	defer c.counting.Unlock()
	if c.count == nil || c.total != nil {
		return c.total, nil
	}
	n, err := c.count(ctx)
	if err == nil {
		c.total = &n
	}
	return c.total, err
}
