// Package limits belongs to the door: it turns a request away before it can cost much. What is counted is bounded first, so
// that the counting itself is cheap.
package limits

import (
	"time"

	"github.com/mediconnect/mediconnect/graph/relay"
)

// Limits bound one request. See docs/limits.md for what a client is told.
type Limits struct {
	Body               int64         // bytes
	Tokens             int           // of the document
	Depth              int           // fields inside one another
	IntrospectionDepth int           // fields inside __schema or __type
	Aliases            int           // in the document
	Directives         int           // in the document
	Fragments          int           // defined in the document
	Selections         int           // once every fragment is written out where it is used
	Merges             int           // pairs of fields that validation has to compare
	ListValues         int           // values of one list in an argument
	Page               int           // things on one page of a list
	Cost               int           // weights times page sizes
	Deadline           time.Duration // for the whole answer
}

// Default is what a server allows unless told otherwise. The contract's longest useful path, a payload's query through the
// caller's appointments to a visit kind's policy, is 11 fields deep.
func Default() Limits {
	return Limits{
		Body:               100 << 10,
		Tokens:             1000,
		Depth:              12,
		IntrospectionDepth: 15,
		Aliases:            15,
		Directives:         20,
		Fragments:          20,
		Selections:         2000,
		Merges:             2000,
		ListValues:         relay.MaxPage,
		Page:               relay.MaxPage,
		Cost:               1000,
		Deadline:           10 * time.Second,
	}
}
