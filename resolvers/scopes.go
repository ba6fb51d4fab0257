package resolvers

import (
	"context"
	"slices"
	"strings"

	"github.com/99designs/gqlgen/graphql"

	"github.com/mediconnect/mediconnect/graph/viewer"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// requiresScopes enforces the directive of that name: of the outer list one is enough, of an inner list all are needed. What
// is only read is refused outright. A change is refused in its payload, by attempt, unless nobody is asking.
func requiresScopes(ctx context.Context, _ any, next graphql.Resolver, scopes [][]string) (any, error) {
	err := refused(viewer.Actor(ctx), scopes)
	switch {
	case err == nil:
		return next(ctx)
	case errs.Of(err) == errs.Forbidden && graphql.GetFieldContext(ctx).Object == "Mutation":
		return next(context.WithValue(ctx, refusalKey{}, err))
	}
	return nil, err
}

type refusalKey struct{}

// refusal is why the caller may not make the change that is about to be made, or nil.
func refusal(ctx context.Context) error {
	err, _ := ctx.Value(refusalKey{}).(error)
	return err
}

func refused(a access.Actor, scopes [][]string) error {
	if a.Kind == access.Anonymous {
		return errs.SignIn("Sign in to do this.")
	}
	for _, all := range scopes {
		if !slices.ContainsFunc(all, func(s string) bool { return !a.Has(s) }) {
			return nil
		}
	}
	var ways []string
	for _, all := range scopes {
		ways = append(ways, strings.Join(all, " and "))
	}
	return errs.Denied("Your token lacks the scope " + strings.Join(ways, " or ") + ".")
}
