package app

import (
	"io"

	"github.com/vektah/gqlparser/v2/formatter"

	"github.com/mediconnect/mediconnect/graph/generated"
)

// PrintSchema writes the schema that this program serves, in GraphQL's schema definition language.
func PrintSchema(out io.Writer) error {
	schema := generated.NewExecutableSchema(generated.Config{}).Schema()
	writer := &firstError{to: out}
	formatter.NewFormatter(writer, formatter.WithIndent("  ")).FormatSchema(schema)
	return writer.err
}

// firstError keeps the error that the formatter doesn't return.
type firstError struct {
	to  io.Writer
	err error
}

func (w *firstError) Write(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	n, err := w.to.Write(p)
	w.err = err
	return n, err
}
