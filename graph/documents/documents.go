// Package documents belongs to the door: documents that a client names instead of sending them. Trusted ones are told to the server
// when it starts; others are kept once they have been sent with their hash (automatic persisted queries, as Apollo's clients ask for
// them). Names stand in a request's parameters, so they hold for every transport.
package documents

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/99designs/gqlgen/graphql"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/mediconnect/mediconnect/graph/presenter"
)

// ID is the request parameter that names a document (GraphQL over HTTP, appendix A). Transports hand it on in the extensions.
const ID = "documentId"

// hashed is the extension in which Apollo's clients name a document.
const hashed = "persistedQuery"

const (
	mostKept = 1000
	longest  = 8 << 10 // bytes of one that is kept; longer ones are sent each time
)

// Named says whether a request's extensions name its document.
func Named(extensions map[string]any) bool { return extensions[ID] != nil || extensions[hashed] != nil }

// Documents finds the document of a request by its name.
type Documents struct {
	trusted Trusted
	only    bool
	kept    *lru.Cache[string, string] // by the SHA-256 of the text, in hexadecimal
}

// Of makes the extension of an executor. With only, no other documents than the trusted ones are executed.
func Of(trusted Trusted, only bool) *Documents {
	kept, err := lru.New[string, string](mostKept)
	if err != nil {
		panic(err) // only a size below 1 fails
	}
	return &Documents{trusted: trusted, only: only, kept: kept}
}

// ExtensionName implements graphql.HandlerExtension.
func (*Documents) ExtensionName() string { return "Documents" }

// Validate implements graphql.HandlerExtension.
func (*Documents) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationParameters implements graphql.OperationParameterMutator: it puts the document in the place of its name.
func (d *Documents) MutateOperationParameters(_ context.Context, request *graphql.RawParams) *gqlerror.Error {
	if id := request.Extensions[ID]; id != nil {
		return d.byID(request, id)
	}
	if by := request.Extensions[hashed]; by != nil {
		return d.byHash(request, by)
	}
	if d.only {
		return presenter.Refuse(presenter.DocumentNotTrusted, "This server executes trusted documents only. Name one by documentId.")
	}
	return nil
}

func (d *Documents) byID(request *graphql.RawParams, id any) *gqlerror.Error {
	if request.Query != "" {
		return presenter.Refuse(presenter.BadRequest, "Send a query or a documentId, not both.")
	}
	name, _ := id.(string)
	text, ok := d.trusted[name]
	if !ok {
		return presenter.Refuse(presenter.DocumentNotFound, "There is no trusted document of this id.")
	}
	request.Query = text
	return nil
}

// byHash answers in the words that Apollo's clients look for: on "not found" they send the document too, on "not supported" they
// give hashes up.
func (d *Documents) byHash(request *graphql.RawParams, by any) *gqlerror.Error {
	hash, ok := sha256Of(by)
	if !ok {
		return presenter.Refuse(presenter.BadRequest, "The extension persistedQuery has version 1 and a sha256Hash in lower case.")
	}
	if text, ok := d.trusted.hashed(hash); ok && (request.Query == "" || request.Query == text) {
		request.Query = text
		return nil
	}
	if d.only {
		return presenter.Refuse(presenter.PersistedNotSupported, "PersistedQueryNotSupported")
	}
	if request.Query != "" {
		if hash != hashOf(request.Query) {
			return presenter.Refuse(presenter.BadRequest, "The sha256Hash is not that of the query.")
		}
		return nil
	}
	text, ok := d.kept.Get(hash)
	if !ok {
		return presenter.Refuse(presenter.PersistedNotFound, "PersistedQueryNotFound")
	}
	request.Query = text
	return nil
}

// Keeping is the extension that keeps documents, to be used after whatever refuses some.
func (d *Documents) Keeping() graphql.HandlerExtension { return keeping{d} }

type keeping struct{ *Documents }

// ExtensionName implements graphql.HandlerExtension.
func (keeping) ExtensionName() string { return "DocumentsKeeping" }

// MutateOperationParameters is not this extension's: the document is in its place.
func (keeping) MutateOperationParameters(context.Context, *graphql.RawParams) *gqlerror.Error {
	return nil
}

// MutateOperationContext implements graphql.OperationContextMutator: a document that came with its hash is kept once it has passed
// the validation and the limits, also of its cost.
func (d keeping) MutateOperationContext(_ context.Context, op *graphql.OperationContext) *gqlerror.Error {
	hash, ok := sha256Of(op.Extensions[hashed])
	if ok && !d.only && op.Extensions[ID] == nil && len(op.RawQuery) <= longest {
		if _, trusted := d.trusted.hashed(hash); !trusted {
			d.kept.ContainsOrAdd(hash, op.RawQuery)
		}
	}
	return nil
}

func sha256Of(extension any) (string, bool) {
	fields, _ := extension.(map[string]any)
	hash, _ := fields["sha256Hash"].(string)
	return hash, fmt.Sprint(fields["version"]) == "1" && isHash(hash)
}

func isHash(text string) bool {
	raw, err := hex.DecodeString(text)
	return err == nil && len(raw) == sha256.Size && text == hex.EncodeToString(raw)
}

func hashOf(document string) string {
	sum := sha256.Sum256([]byte(document))
	return hex.EncodeToString(sum[:])
}
