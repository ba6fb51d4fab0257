// Package relay belongs to the door: connections and nodes as Relay's specifications describe them.
package relay

import (
	"context"

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
}

// Edge is an item and its place.
type Edge[T any] struct {
	Cursor string
	Node   *T
}

// PageInfo is the position of a page.
type PageInfo struct {
	EndCursor       *string
	HasNextPage     bool
	HasPreviousPage bool
	StartCursor     *string
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
	for i := range page.Items {
		c.Edges[i] = &Edge[T]{Cursor: paging.Cursor(key(page.Items[i])...), Node: &page.Items[i]}
	}
	if n := len(c.Edges); n > 0 {
		c.PageInfo.StartCursor, c.PageInfo.EndCursor = &c.Edges[0].Cursor, &c.Edges[n-1].Cursor
	}
	return c
}

// Continued marks the connection with the log position that a subscription continues from.
func (c *Connection[T]) Continued(streamCursor string) *Connection[T] {
	c.StreamCursor = streamCursor
	return c
}

// TotalCount counts all matches.
func (c *Connection[T]) TotalCount(ctx context.Context) (*int, error) {
	if c.count == nil {
		return nil, nil
	}
	n, err := c.count(ctx)
	return &n, err
}
