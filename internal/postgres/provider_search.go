package postgres

import (
	"context"
	"fmt"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/provider"
)

// searched lists what a provider is found by: the name, and the specialties as they are shown.
func searched(p provider.Provider) []string {
	texts := []string{p.Name}
	for _, s := range p.Specialties {
		if s.Display != nil {
			texts = append(texts, *s.Display)
		} else {
			texts = append(texts, s.Code)
		}
	}
	return texts
}

const (
	countProviders = `SELECT FROM providers p `
	withSpecialty  = ` AND EXISTS (SELECT FROM provider_specialties s
    WHERE s.organization_id = p.organization_id AND s.provider_id = p.id AND s.system = %s AND s.code = %s)`
	withDesk = ` AND (p.organization_id, p.id) IN (SELECT d.organization_id, d.provider_id FROM locations l
    JOIN desks d ON d.organization_id = l.organization_id AND d.location_id = l.id WHERE %s)`
)

// ListProviders is documented at provider.Store.
func (d *Directory) ListProviders(ctx context.Context, organization uuid.UUID, s provider.Search, w paging.Window) (paging.Page[provider.Provider], error) {
	narrowed, args := narrowing(organization, s)
	rows, err := page[providerRow](ctx, d.db, whose(selectProviders, organization)+narrowed, nameAndID, w, args...)
	return mapPage(rows, providerRow.provider), err
}

// CountProviders is documented at provider.Store.
func (d *Directory) CountProviders(ctx context.Context, organization uuid.UUID, s provider.Search) (int, error) {
	narrowed, args := narrowing(organization, s)
	return count(ctx, d.db, whose(countProviders, organization)+narrowed, args...)
}

// narrowing is what a search adds to a query whose first argument is the organisation, and all arguments: only conditions that
// narrow, so that each shape has a plan of its own.
func narrowing(organization uuid.UUID, s provider.Search) (conditions string, args []any) {
	cond := &where{args: []any{organization}}
	for _, word := range s.Words {
		conditions += " AND " + cond.has(word)
	}
	if s.Specialty != nil {
		conditions += fmt.Sprintf(withSpecialty, cond.mark(s.Specialty.System), cond.mark(s.Specialty.Code))
	}
	if s.Area != nil {
		conditions += fmt.Sprintf(withDesk, cond.place(s.Area).holds)
	}
	return conditions, cond.args
}

// A shorter word is too often another one with a letter changed.
const forgiving = 5

// has is the condition that a provider has a word: as a part of the text or, if it is long enough, by three fifths of its
// trigrams (PostgreSQL's default for pg_trgm.word_similarity_threshold). The index on the text serves both.
func (w *where) has(word string) string {
	mark := w.mark(word)
	part := "search_text LIKE search_part(" + mark + ")"
	if utf8.RuneCountInString(word) < forgiving {
		return part
	}
	return "(" + part + " OR search_text %> folded(" + mark + "))"
}
