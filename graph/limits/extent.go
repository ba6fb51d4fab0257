package limits

// extent is how far a selection set reaches once its fragments are written out.
type extent struct {
	selections    int
	depth         int // of fields
	introspection int // of fields inside introspection
	nesting       int // of fields, inline fragments and spreads
	schemas       int // how often the whole schema is asked for
}

func (e extent) beside(o extent) extent {
	return extent{
		selections:    capped(e.selections + o.selections),
		depth:         max(e.depth, o.depth),
		introspection: max(e.introspection, o.introspection),
		nesting:       max(e.nesting, o.nesting),
		schemas:       capped(e.schemas + o.schemas),
	}
}

func (e extent) orElse(o extent) extent {
	selections, schemas := max(e.selections, o.selections), max(e.schemas, o.schemas)
	e = e.beside(o)
	e.selections, e.schemas = selections, schemas
	return e
}

const ceiling = 1 << 30

func capped(n int) int { return min(n, ceiling) }
