package relay

import "github.com/mediconnect/mediconnect/internal/paging"

// The sizes of a page.
const (
	MaxPage     = 100
	DefaultPage = 25
)

// Window checks the arguments of a connection whose keys have so many parts.
func Window(parts int, first *int, after *string, last *int, before *string) (paging.Window, error) {
	args := paging.Args{First: first, After: after, Last: last, Before: before}
	return args.Window(MaxPage, DefaultPage, parts)
}
