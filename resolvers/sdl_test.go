package resolvers_test

import (
	"os"
	"testing"

	"github.com/mediconnect/mediconnect/graph"
	"github.com/mediconnect/mediconnect/resolvers"
)

func TestZZ(t *testing.T) {
	os.WriteFile("/tmp/gq/sdl.graphql", []byte(graph.SDL(resolvers.Schema(&resolvers.Resolver{}))), 0o644)
}
