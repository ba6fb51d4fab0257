package app

import (
	"io"

	"github.com/mediconnect/mediconnect/graph"
	"github.com/mediconnect/mediconnect/resolvers"
)

// PrintSchema writes the schema that this program serves, in GraphQL's schema definition language.
func PrintSchema(out io.Writer) error {
	_, err := io.WriteString(out, graph.SDL(resolvers.Schema(&resolvers.Resolver{})))
	return err
}
