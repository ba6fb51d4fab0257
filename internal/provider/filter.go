package provider

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/form"
)

// Filter narrows a list of providers. What is nil narrows nothing.
type Filter struct {
	Text      *string
	Specialty *clinic.Coding // its system and code
	Near      *clinic.Near
	Brief     bool // of each leaves out kinds of visit, insurance plans and specialties
}

// Search is what a filter comes to: who has each of its words in the name or a specialty, the specialty, and has or had hours
// in the area.
type Search struct {
	Words     []string
	Specialty *clinic.Coding
	Area      *clinic.Area
	Brief     bool
}

const (
	maxSearch = 100 // characters
	maxWords  = 10
)

// search reads a filter. Faults are at its fields: "text", and below "near".
func (s *Service) search(ctx context.Context, actor access.Actor, f Filter) (Search, error) {
	found := Search{Specialty: f.Specialty, Brief: f.Brief}
	var err error
	if f.Text != nil {
		if found.Words, err = words(*f.Text); err != nil {
			return found, err
		}
	}
	if f.Near == nil {
		return found, nil
	}
	area, err := s.clinic.Area(ctx, actor, *f.Near)
	found.Area = &area
	return found, errs.Under(err, "near")
}

// words parts a text at its spaces. Stops at the end of a word belong to the sentence.
func words(text string) ([]string, error) {
	var check form.Check
	list := strings.Fields(check.Line(text, maxSearch, "text"))
	check.That(len(list) <= maxWords, "At most "+strconv.Itoa(maxWords)+" words.", "text")
	for i, word := range list {
		if bare := strings.TrimRight(word, ".,;:"); bare != "" {
			list[i] = bare
		}
	}
	return list, check.Err()
}

// possible says whether anybody can have what is searched for: texts out of an opaque id may be none that a store takes.
func (s Search) possible() bool {
	return s.Specialty == nil || isText(s.Specialty.System, s.Specialty.Code)
}

// isText says whether texts out of an opaque id can be in the store at all.
func isText(parts ...string) bool {
	return !slices.ContainsFunc(parts, func(s string) bool { return !utf8.ValidString(s) || strings.ContainsRune(s, 0) })
}
