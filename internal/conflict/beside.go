package conflict

// Beside does what no request waits for.
type Beside struct{}

// Do does something soon, or not at all when there is too much to do.
func (*Beside) Do(what func()) { go what() }

// Note keeps a comparison for the report.
func (*Beside) Note(Comparison) {}
