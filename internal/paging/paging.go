// Package paging is a foundation: bounded pages over a stable order, as the Relay cursor connections specification asks.
package paging

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"

	"github.com/mediconnect/mediconnect/internal/errs"
)

// MaxCount is where a count of all matches stops.
const MaxCount = 10_000

// Args are the four arguments of a connection as the caller gave them.
type Args struct {
	First  *int
	After  *string
	Last   *int
	Before *string
}

// Window is a checked request for a page: at most Size items after and before two keys of the order, taken from the
// end when Backward. A key lists the values of the order's columns.
type Window struct {
	Size          int
	Backward      bool
	After, Before []string
}

// Page is what a store answers: items in the order's own direction.
type Page[T any] struct {
	Items                []T
	HasNext, HasPrevious bool
}

// Window checks the arguments: sizes from 1 to limit, not both directions at once, cursors with parts keys. No size asked
// for means fallback.
func (a Args) Window(limit, fallback, parts int) (Window, error) {
	w := Window{Size: fallback}
	switch {
	case a.First != nil && a.Last != nil:
		return w, errs.Invalid("Give either first or last.", "last")
	case a.First != nil:
		w.Size = *a.First
	case a.Last != nil:
		w.Size, w.Backward = *a.Last, true
	}
	if w.Size < 1 || w.Size > limit {
		return w, errs.Invalid("The page size is from 1 to "+strconv.Itoa(limit)+".", a.sizeField())
	}
	var err error
	if w.After, err = key(a.After, parts, "after"); err != nil {
		return w, err
	}
	w.Before, err = key(a.Before, parts, "before")
	return w, err
}

func (a Args) sizeField() string {
	if a.Last != nil {
		return "last"
	}
	return "first"
}

// Cut makes a page of rows that a store read in the window's direction, one more than its size where there are more.
func Cut[T any](rows []T, w Window) Page[T] {
	more := len(rows) > w.Size
	if more {
		rows = rows[:w.Size]
	}
	p := Page[T]{Items: rows, HasNext: more, HasPrevious: len(w.After) > 0}
	if w.Backward {
		slices.Reverse(p.Items)
		p.HasPrevious, p.HasNext = more, len(w.Before) > 0
	}
	return p
}

// Whole makes a page of a list that is all there, in order. compare holds an item against a key.
func Whole[T any](all []T, w Window, compare func(T, []string) int) Page[T] {
	inside := slices.DeleteFunc(slices.Clone(all), func(item T) bool {
		return len(w.After) > 0 && compare(item, w.After) <= 0 || len(w.Before) > 0 && compare(item, w.Before) >= 0
	})
	if w.Backward {
		slices.Reverse(inside)
	}
	return Cut(inside[:min(len(inside), w.Size+1)], w)
}

// Cursor makes an opaque cursor of a key.
func Cursor(parts ...string) string {
	raw, err := json.Marshal(parts)
	if err != nil {
		panic(err) // strings always marshal
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

// maxCursor fits the longest key: two names, each character of which JSON may write in 6 bytes, and an id.
const maxCursor = 2500

// Parts opens a cursor that was made of so many parts.
func Parts(cursor string, parts int) ([]string, bool) {
	var k []string
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	ok := err == nil && len(raw) <= maxCursor && json.Unmarshal(raw, &k) == nil && len(k) == parts
	return k, ok
}

func key(cursor *string, parts int, field string) ([]string, error) {
	if cursor == nil {
		return nil, nil
	}
	k, ok := Parts(*cursor, parts)
	if !ok {
		return nil, errs.Invalid("This is not a cursor of this list.", field)
	}
	return k, nil
}
