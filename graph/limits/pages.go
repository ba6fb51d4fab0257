package limits

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/mediconnect/mediconnect/graph/presenter"
	"github.com/mediconnect/mediconnect/graph/relay"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/paging"
)

// CheckPages refuses page sizes, cursors and limits that no list takes, wherever in an operation: found out where the list is
// read, they would spoil the answer of a change that was made.
func (l Limits) CheckPages(op *graphql.OperationContext) *gqlerror.Error {
	p := pages{most: l.Page, vars: op.Variables, seen: map[string]bool{}}
	return p.set(op.Operation.SelectionSet)
}

type pages struct {
	most int
	vars map[string]any
	seen map[string]bool // fragments
}

func (p pages) set(set ast.SelectionSet) *gqlerror.Error {
	for _, s := range set {
		if err := p.selection(s); err != nil {
			return err
		}
	}
	return nil
}

func (p pages) selection(s ast.Selection) *gqlerror.Error {
	switch s := s.(type) {
	case *ast.Field:
		if err := p.field(s); err != nil {
			return err
		}
		return p.set(s.SelectionSet)
	case *ast.InlineFragment:
		return p.set(s.SelectionSet)
	case *ast.FragmentSpread:
		if !p.seen[s.Name] {
			p.seen[s.Name] = true
			return p.set(s.Definition.SelectionSet)
		}
	}
	return nil
}

func (p pages) field(f *ast.Field) *gqlerror.Error {
	if f.Definition == nil {
		return nil
	}
	kind, args := f.Definition.Type.Name(), f.ArgumentMap(p.vars)
	var err error
	switch {
	case strings.HasSuffix(kind, "Connection"):
		err = p.window(kind, paging.Args{
			First: whole(args["first"]), After: word(args["after"]), Last: whole(args["last"]), Before: word(args["before"]),
		})
	case f.Definition.Arguments.ForName("limit") != nil:
		limit := whole(args["limit"])
		if limit == nil { // a variable that may be null where the default is not
			return wrong([]string{"limit"})
		}
		err = checkLimit(f, *limit)
	}
	if e, ok := errors.AsType[*errs.Error](err); ok {
		return presenter.Refuse(presenter.InvalidInput, e.Message, e.Path...)
	}
	return nil
}

// window checks a list's arguments as the list does, and the page against this server's own limit.
func (p pages) window(kind string, asked paging.Args) error {
	w, err := relay.Window(kind, asked)
	if err != nil || w.Size <= p.most {
		return err
	}
	size := "first"
	if w.Backward {
		size = "last"
	}
	return errs.Invalid("The page size is from 1 to "+strconv.Itoa(p.most)+".", size)
}

// checkLimit asks whoever a limit is for.
func checkLimit(f *ast.Field, limit int) error {
	if f.ObjectDefinition != nil && f.ObjectDefinition.Name == "AvailabilityMatch" {
		return availability.CheckUpcoming(limit)
	}
	return availability.CheckLimit(limit)
}

// whole and word read arguments whose types were checked.
func whole(value any) *int {
	switch v := value.(type) {
	case int64:
		n := int(v)
		return &n
	case json.Number:
		n, _ := v.Int64()
		i := int(n)
		return &i
	}
	return nil
}

func word(value any) *string {
	if v, ok := value.(string); ok {
		return &v
	}
	return nil
}
