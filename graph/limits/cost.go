package limits

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/mediconnect/mediconnect/graph/presenter"
	"github.com/mediconnect/mediconnect/graph/relay"
)

// CheckCost adds up what an operation asks for: what each field costs once, and its weight (@cost) times its page size, and
// what is inside it as often. Fields without a weight are free, but for a connection, which weighs 1. It refuses what is above
// the limit.
func (l Limits) CheckCost(op *graphql.OperationContext) (int, *gqlerror.Error) {
	b := bill{vars: op.Variables, known: map[string]int{}}
	cost := b.set(op.Operation.SelectionSet)
	if cost > l.Cost {
		return cost, presenter.Refuse(presenter.CostExceeded, fmt.Sprintf("The operation costs %d and at most %d is allowed. Ask for smaller pages.", cost, l.Cost))
	}
	return cost, nil
}

type bill struct {
	vars  map[string]any
	known map[string]int // of fragments
}

func (b *bill) set(set ast.SelectionSet) int {
	sum := 0
	for _, s := range set {
		sum = capped(sum + b.selection(s))
	}
	return sum
}

func (b *bill) selection(s ast.Selection) int {
	switch s := s.(type) {
	case *ast.Field:
		return b.field(s)
	case *ast.InlineFragment:
		return b.set(s.SelectionSet)
	case *ast.FragmentSpread:
		cost, ok := b.known[s.Name]
		if !ok {
			cost = b.set(s.Definition.SelectionSet)
			b.known[s.Name] = cost
		}
		return cost
	}
	return 0
}

func (b *bill) field(f *ast.Field) int {
	if strings.HasPrefix(f.Name, "__") || f.Definition == nil {
		return 0 // introspection is bounded by its depth
	}
	t := tariffOf(f.Definition)
	args := f.ArgumentMap(b.vars)
	return capped(t.once(args) + t.times(args)*capped(t.weight+b.set(f.SelectionSet)))
}

// times is how often a field's inside is answered: the largest of its multipliers, within what a resolver accepts.
func (t tariff) times(args map[string]any) int {
	if len(t.multipliers) == 0 {
		return 1
	}
	most := 0
	for _, name := range t.multipliers {
		most = max(most, size(args[name]))
	}
	if most == 0 {
		most = relay.DefaultPage
	}
	return min(most, relay.MaxPage+1)
}

func size(value any) int {
	if list := reflect.ValueOf(value); list.Kind() == reflect.Slice {
		return list.Len()
	}
	switch v := value.(type) {
	case string:
		return 1
	case int64:
		return int(min(max(v, 0), ceiling))
	case int:
		return min(max(v, 0), ceiling)
	case json.Number:
		n, _ := v.Int64()
		return int(min(max(n, 0), ceiling))
	}
	return 0
}
