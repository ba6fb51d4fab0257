package app

import (
	"fmt"
	"os"

	"github.com/mediconnect/mediconnect/graph"
	"github.com/mediconnect/mediconnect/graph/documents"
	"github.com/mediconnect/mediconnect/graph/limits"
	"github.com/mediconnect/mediconnect/graph/relay"
	"github.com/mediconnect/mediconnect/resolvers"
)

// RequestSettings say what a request may ask for.
type RequestSettings struct {
	Body    int64 `env:"LIMIT_BODY" envDefault:"102400" help:"bytes of a request, up to 1 MiB"`
	Tokens  int   `env:"LIMIT_TOKENS" envDefault:"1000" help:"tokens of a document, up to 5,000"`
	Depth   int   `env:"LIMIT_DEPTH" envDefault:"12" help:"fields of a document inside one another, introspection apart"`
	Aliases int   `env:"LIMIT_ALIASES" envDefault:"15" help:"aliases of a document"`
	Page    int   `env:"LIMIT_PAGE" envDefault:"100" help:"things on a page, from 25 to 100; of a search 50 at most"`
	Cost    int   `env:"LIMIT_COST" envDefault:"1000" help:"cost of an operation: weights times page sizes"`

	Documents string `env:"TRUSTED_DOCUMENTS" help:"file of the documents that clients may name by documentId: a JSON object of documents by their ids"`
	Only      bool   `env:"TRUSTED_ONLY" envDefault:"false" help:"execute no other documents than the trusted ones"`

	trusted documents.Trusted
}

// The most that limits may be set to: what the server is built and proven for.
const (
	mostTokens  = 5000
	mostDepth   = 50
	mostAliases = 500
	mostCost    = 100_000
)

func (s *RequestSettings) check() (faults []fault) {
	wanted := limits.Default()
	faults = append(faults, wantAtLeast("LIMIT_BODY", s.Body, 1<<10)...)
	faults = append(faults, wantAtMost("LIMIT_BODY", s.Body, longestBody)...)
	for _, limit := range []struct {
		name               string
		value, least, most int
	}{
		{"LIMIT_TOKENS", s.Tokens, 1, mostTokens}, {"LIMIT_DEPTH", s.Depth, 1, mostDepth}, {"LIMIT_ALIASES", s.Aliases, 1, mostAliases},
		{"LIMIT_PAGE", s.Page, relay.DefaultPage, wanted.Page}, {"LIMIT_COST", s.Cost, 1, mostCost},
	} {
		faults = append(faults, wantAtLeast(limit.name, limit.value, limit.least)...)
		faults = append(faults, wantAtMost(limit.name, limit.value, limit.most)...)
	}
	if s.Documents == "" {
		if s.Only {
			faults = append(faults, fault{settingPrefix + "TRUSTED_ONLY", "needs " + settingPrefix + "TRUSTED_DOCUMENTS"})
		}
		return faults
	}
	if err := s.read(); err != nil {
		faults = append(faults, fault{settingPrefix + "TRUSTED_DOCUMENTS", fmt.Sprintf("must name a file of documents that fit the schema and the limits: %v", err)})
	}
	return faults
}

func (s *RequestSettings) read() error {
	manifest, err := os.ReadFile(s.Documents)
	if err != nil {
		return err
	}
	s.trusted, err = graph.ReadTrusted(manifest, resolvers.Schema(&resolvers.Resolver{}), s.limits())
	return err
}

func (s *RequestSettings) limits() limits.Limits {
	l := limits.Default()
	l.Body, l.Tokens, l.Depth, l.Aliases, l.Page, l.Cost = s.Body, s.Tokens, s.Depth, s.Aliases, s.Page, s.Cost
	return l
}
