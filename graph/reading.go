package graph

import (
	"context"
	"errors"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/99designs/gqlgen/graphql/executor"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/mediconnect/mediconnect/graph/documents"
	"github.com/mediconnect/mediconnect/graph/limits"
)

// reader reads documents: within the limits first, against the schema then.
type reader struct {
	limits limits.Limits
	schema *ast.Schema
	rules  *rules.Rules
}

func newReader(schema graphql.ExecutableSchema, l limits.Limits) reader {
	return reader{limits: l, schema: schema.Schema(), rules: soberRules()}
}

// soberRules are those of GraphQL without suggestions, which are computed over the whole schema for each misspelt name.
func soberRules() *rules.Rules {
	sober := rules.NewDefaultRules()
	sober.ReplaceRule(rules.FieldsOnCorrectTypeRule.Name, rules.FieldsOnCorrectTypeRuleWithoutSuggestions.RuleFunc)
	sober.ReplaceRule(rules.KnownArgumentNamesRule.Name, rules.KnownArgumentNamesRuleWithoutSuggestions.RuleFunc)
	sober.ReplaceRule(rules.KnownTypeNamesRule.Name, rules.KnownTypeNamesRuleWithoutSuggestions.RuleFunc)
	sober.ReplaceRule(rules.ScalarLeafsRule.Name, rules.ScalarLeafsRuleWithoutSuggestions.RuleFunc)
	sober.ReplaceRule(rules.ValuesOfCorrectTypeRule.Name, rules.ValuesOfCorrectTypeRuleWithoutSuggestions.RuleFunc)
	return sober
}

func (r reader) read(text string) (*ast.QueryDocument, gqlerror.List) {
	doc, refused := r.limits.Parse(text)
	if refused != nil {
		return nil, gqlerror.List{refused}
	}
	faults := validator.ValidateWithRules(r.schema, doc, r.rules)
	for _, f := range faults {
		errcode.Set(f, errcode.ValidationFailed)
	}
	if len(faults) == 0 {
		if refused := checkStreams(doc); refused != nil {
			faults = gqlerror.List{refused}
		}
	}
	return doc, faults
}

// ReadTrusted reads a manifest of trusted documents, each of which must fit the schema and the limits.
func ReadTrusted(manifest []byte, schema graphql.ExecutableSchema, l limits.Limits) (documents.Trusted, error) {
	r := newReader(schema, l)
	return documents.Read(manifest, func(text string) error {
		doc, faults := r.read(text)
		if len(faults) > 0 {
			return faults
		}
		if len(doc.Operations) == 0 {
			return errors.New("it has no operation")
		}
		return nil
	})
}

// executing is gqlgen's executor, but for a document with several faults: it tells all of them.
type executing struct{ *executor.Executor }

// CreateOperationContext implements graphql.GraphExecutor.
func (e executing) CreateOperationContext(ctx context.Context, params *graphql.RawParams) (*graphql.OperationContext, gqlerror.List) {
	op, faults := e.Executor.CreateOperationContext(ctx, params)
	if len(faults) == 1 {
		if several, ok := errors.AsType[gqlerror.List](faults[0].Err); ok {
			return op, several
		}
	}
	return op, faults
}

// kept are the documents that have passed the limits and the validation.
type kept struct {
	documents *lru.Cache[string, *ast.QueryDocument]
}

const (
	maxDocuments = 1000
	maxKept      = 8 << 10 // bytes of one; longer ones are read each time
)

func keepDocuments() kept {
	documents, err := lru.New[string, *ast.QueryDocument](maxDocuments)
	if err != nil {
		panic(err) // only a size below 1 fails
	}
	return kept{documents}
}

// Get implements graphql.Cache. The guard has read every document, or found it here, before the executor asks for it.
func (kept) Get(ctx context.Context, _ string) (*ast.QueryDocument, bool) {
	doc := graphql.GetOperationContext(ctx).Doc
	return doc, doc != nil
}

// Add implements graphql.Cache. The executor reads no document by itself.
func (kept) Add(context.Context, string, *ast.QueryDocument) {}

func (k kept) keep(text string, doc *ast.QueryDocument) {
	if len(text) <= maxKept {
		k.documents.Add(text, doc)
	}
}
