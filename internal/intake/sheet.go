package intake

import (
	"encoding/csv"
	"errors"
	"fmt"
	"slices"
	"strings"
)

const (
	maxColumns  = 200
	maxRowLines = 10 // lines of one row, as a quoted value may have several
)

// sheet reads a CSV file with a header (RFC 4180) line by line. A quote that is never closed costs its own line, not the rest of
// the file.
type sheet struct {
	*reading
	columns []string // names in lower case; nil until the header is read
	pending []line   // of a row that may go on
	check   func(columns []string) error
	take    func(row) error
}

// row is one row of a sheet.
type row struct {
	at      place
	columns []string
	values  []string
}

// value is that of a column, empty where there is none.
func (r row) value(column string) string {
	if at := slices.Index(r.columns, column); at >= 0 {
		return clean(r.values[at])
	}
	return ""
}

// push adds a line. It fails only when there is no header that can be used.
func (s *sheet) push(l line) error {
	if l.tooLong {
		if err := s.drain(); err != nil {
			return err
		}
		return s.turnAway(l, fmt.Sprintf("longer than %d bytes", maxLine))
	}
	l.text = slices.Clone(l.text)
	s.pending = append(s.pending, l)
	text := s.text()
	if strings.Count(text, `"`)%2 == 1 {
		if len(s.pending) < maxRowLines && len(text) <= maxLine {
			return nil
		}
		return s.giveUp(errOpenQuote)
	}
	values, err := s.parse(text)
	if err != nil {
		return s.giveUp(err)
	}
	first := s.pending[0]
	s.pending = nil
	return s.add(first, values)
}

// finish tells what the file ended in the middle of.
func (s *sheet) finish() error {
	err := s.drain()
	if err == nil && s.columns == nil {
		err = errors.New("there is no header")
	}
	return err
}

// drain is for where a row can't go on.
func (s *sheet) drain() error {
	for len(s.pending) > 0 {
		if err := s.giveUp(errOpenQuote); err != nil {
			return err
		}
	}
	return nil
}

var errOpenQuote = refusal("a quote isn't closed")

func (s *sheet) text() string {
	var all strings.Builder
	for i, l := range s.pending {
		if i > 0 {
			all.WriteByte('\n')
		}
		all.Write(l.text)
	}
	return all.String()
}

// giveUp refuses the first of the pending lines, and reads the others anew.
func (s *sheet) giveUp(reason error) error {
	others := s.pending[1:]
	first := s.pending[0]
	s.pending = nil
	if err := s.turnAway(first, reason.Error()); err != nil {
		return err
	}
	for _, l := range others {
		if err := s.push(l); err != nil {
			return err
		}
	}
	return nil
}

func (s *sheet) turnAway(l line, reason string) error {
	if s.columns == nil {
		return fmt.Errorf("the header in line %d can't be used: %s", l.number, reason)
	}
	s.refuse(s.place(l.number), reason)
	return nil
}

func (s *sheet) parse(text string) ([]string, error) {
	in := csv.NewReader(strings.NewReader(text))
	in.FieldsPerRecord = len(s.columns) // any, for the header
	if s.columns == nil {
		in.FieldsPerRecord = -1
	}
	values, err := in.Read()
	broken, ok := errors.AsType[*csv.ParseError](err)
	switch {
	case ok && errors.Is(err, csv.ErrFieldCount):
		return nil, refuse("%d values for %d columns", len(values), len(s.columns))
	case ok:
		return nil, refuse("not CSV: %s", broken.Err)
	}
	return values, err
}

func (s *sheet) add(first line, values []string) error {
	if s.columns == nil {
		return s.header(first, values)
	}
	at := s.place(first.number)
	s.attempt(at, func() error { return s.take(row{at: at, columns: s.columns, values: values}) })
	return nil
}

func (s *sheet) header(first line, names []string) error {
	if len(names) > maxColumns {
		return s.turnAway(first, fmt.Sprintf("more than %d columns", maxColumns))
	}
	columns := make([]string, len(names))
	for i, name := range names {
		columns[i] = strings.ToLower(clean(name))
		if columns[i] != "" && slices.Contains(columns[:i], columns[i]) {
			return s.turnAway(first, "two columns are called "+quoted(columns[i]))
		}
	}
	if err := s.check(columns); err != nil {
		return s.turnAway(first, err.Error())
	}
	s.columns = columns
	return nil
}
