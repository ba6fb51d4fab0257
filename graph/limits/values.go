package limits

import (
	"encoding/json"
	"math"
	"reflect"
	"strconv"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/mediconnect/mediconnect/graph/presenter"
	"github.com/mediconnect/mediconnect/graph/scalar"
)

// CheckValues refuses arguments that gqlgen would let through or meet only half-way through the execution: exclusive inputs
// with several parts, misspelt enum values and scalars, numbers beyond 32 bits, long lists. It names the path.
func (l Limits) CheckValues(schema *ast.Schema, op *graphql.OperationContext) *gqlerror.Error {
	c := coercion{limits: l, schema: schema, vars: op.Variables, seen: map[string]bool{}}
	return c.set(op.Operation.SelectionSet)
}

type coercion struct {
	limits Limits
	schema *ast.Schema
	vars   map[string]any
	seen   map[string]bool // fragments
	read   bool            // the field at hand is read; of one that writes, the room judges the text
}

func (c *coercion) set(set ast.SelectionSet) *gqlerror.Error {
	for _, s := range set {
		if err := c.selection(s); err != nil {
			return err
		}
	}
	return nil
}

func (c *coercion) selection(s ast.Selection) *gqlerror.Error {
	switch s := s.(type) {
	case *ast.Field:
		c.read = s.ObjectDefinition != c.schema.Mutation
		if err := c.arguments(s); err != nil {
			return err
		}
		return c.set(s.SelectionSet)
	case *ast.InlineFragment:
		return c.set(s.SelectionSet)
	case *ast.FragmentSpread:
		if c.seen[s.Name] {
			return nil
		}
		c.seen[s.Name] = true
		return c.set(s.Definition.SelectionSet)
	}
	return nil
}

func (c *coercion) arguments(f *ast.Field) *gqlerror.Error {
	for _, arg := range f.Arguments {
		def := f.Definition.Arguments.ForName(arg.Name)
		if def == nil {
			continue // an argument of __type
		}
		value, err := arg.Value.Value(c.vars)
		if err != nil {
			return wrong([]string{arg.Name})
		}
		if err := c.value(def.Type, value, []string{arg.Name}); err != nil {
			return err
		}
	}
	return nil
}

func wrong(path []string) *gqlerror.Error {
	return presenter.Refuse(presenter.InvalidInput, "The value doesn't fit its type.", path...)
}

func (c *coercion) value(t *ast.Type, value any, path []string) *gqlerror.Error {
	if value == nil {
		return nil // validation has seen to what must not be null
	}
	if t.Elem != nil {
		return c.list(t.Elem, value, path)
	}
	switch def := c.schema.Types[t.NamedType]; def.Kind {
	case ast.InputObject:
		return c.object(def, value, path)
	case ast.Enum:
		if name, ok := value.(string); !ok || def.EnumValues.ForName(name) == nil {
			return wrong(path)
		}
	case ast.Scalar:
		return c.scalar(def.Name, value, path)
	}
	return nil
}

func (c *coercion) list(elem *ast.Type, value any, path []string) *gqlerror.Error {
	values := reflect.ValueOf(value) // gqlgen makes a typed slice of a variable that is a single value
	if values.Kind() != reflect.Slice {
		return c.value(elem, value, path)
	}
	if values.Len() > c.limits.ListValues {
		return presenter.Refuse(presenter.InvalidInput, "At most "+strconv.Itoa(c.limits.ListValues)+" values.", path...)
	}
	for i := range values.Len() {
		if err := c.value(elem, values.Index(i).Interface(), at(path, strconv.Itoa(i))); err != nil {
			return err
		}
	}
	return nil
}

func at(path []string, step string) []string { return append(path[:len(path):len(path)], step) }

func (c *coercion) object(def *ast.Definition, value any, path []string) *gqlerror.Error {
	fields, ok := value.(map[string]any)
	if !ok {
		return wrong(path)
	}
	if def.Directives.ForName("oneOf") != nil && !single(fields) {
		return presenter.Refuse(presenter.InvalidInput, "Give exactly one of the fields.", path...)
	}
	for _, field := range def.Fields {
		if err := c.value(field.Type, fields[field.Name], at(path, field.Name)); err != nil {
			return err
		}
	}
	return nil
}

// single says whether an exclusive input names one field and gives it a value (GraphQL, September 2025, section 3.10.1).
func single(fields map[string]any) bool {
	for _, v := range fields {
		if v == nil {
			return false
		}
	}
	return len(fields) == 1
}

func (c *coercion) scalar(name string, value any, path []string) *gqlerror.Error {
	if s, ok := value.(string); ok && c.read && strings.ContainsRune(s, 0) {
		return presenter.Refuse(presenter.InvalidInput, "Control characters are not allowed.", path...)
	}
	ok := true
	switch name {
	case "Int":
		n, whole := integer(value)
		ok = whole && n >= math.MinInt32 && n <= math.MaxInt32
	case "Float":
		_, text := value.(string)
		ok = !text
	case "String", "ID":
		_, ok = value.(string)
	default:
		if err := scalar.Check(name, value); err != nil {
			return presenter.Refuse(presenter.InvalidInput, err.Error(), path...)
		}
	}
	if !ok {
		return wrong(path)
	}
	return nil
}

func integer(value any) (int64, bool) {
	switch v := value.(type) {
	case int64:
		return v, true
	case json.Number:
		n, err := strconv.ParseInt(v.String(), 10, 64)
		return n, err == nil
	}
	return 0, false
}
