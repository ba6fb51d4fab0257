package form

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The longest texts, in characters (Unicode code points).
const (
	MaxName       = 200
	MaxText       = 2_000
	MaxKey        = 200
	MaxValue      = 200
	MaxPostalCode = 20
)

// Line reads a text of one line, such as a name: trimmed, 1 to limit characters, valid UTF-8 without control characters,
// and something to see.
func (c *Check) Line(s string, limit int, path ...string) string {
	s = c.clean(s, limit, unicode.IsControl, path)
	c.That(s != "", "This must not be empty.", path...)
	return s
}

// OptionalLine is Line for a field that may be left out. A text of nothing but space counts as left out.
func (c *Check) OptionalLine(s *string, limit int, path ...string) *string {
	if s == nil {
		return nil
	}
	return present(c.clean(*s, limit, unicode.IsControl, path))
}

// OptionalText reads a text of several lines that may be left out: trimmed, at most limit characters, valid UTF-8 without
// control characters other than line breaks and tabs.
func (c *Check) OptionalText(s *string, limit int, path ...string) *string {
	if s == nil {
		return nil
	}
	return present(c.clean(*s, limit, func(r rune) bool { return unicode.IsControl(r) && !strings.ContainsRune("\n\r\t", r) }, path))
}

// Lines reads a list of at most most lines, each as Line does.
func (c *Check) Lines(list []string, most, limit int, path ...string) []string {
	if len(list) > most {
		c.Fail("At most "+strconv.Itoa(most)+" lines.", path...)
		return nil
	}
	lines := make([]string, len(list))
	for i, s := range list {
		lines[i] = c.Line(s, limit, At(path, i)...)
	}
	return lines
}

// At is a path's element of a list: "hours", "3", and what follows, such as "to".
func At(path []string, index int, then ...string) []string {
	whole := append(append([]string{}, path...), strconv.Itoa(index))
	return append(whole, then...)
}

func (c *Check) clean(s string, limit int, refused func(rune) bool, path []string) string {
	s = strings.TrimSpace(s)
	switch {
	case len(s) > limit*utf8.UTFMax || utf8.RuneCountInString(s) > limit:
		c.Fail("At most "+strconv.Itoa(limit)+" characters.", path...)
	case !utf8.ValidString(s):
		c.Fail("This is not valid UTF-8.", path...)
	case strings.ContainsFunc(s, refused):
		c.Fail("Control characters are not allowed.", path...)
	case s != "" && !strings.ContainsFunc(s, visible):
		c.Fail("There is nothing to read in this.", path...)
	default:
		return s
	}
	return ""
}

// visible says whether a character shows by itself. The Hangul fillers and the empty Braille pattern are a letter and a symbol
// to Unicode, and still blank.
func visible(r rune) bool {
	return unicode.In(r, unicode.L, unicode.N, unicode.P, unicode.S) && !unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) && r != '\u2800'
}

func present(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
