package postgres

import (
	"context"
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

const countProviders = `SELECT FROM providers p `

// What narrows providers. The index on the text serves both ways of having a word. Under a policy, be it one that shows all, the
// planner has no statistics about these operators and takes a hundredth of all rows to be like a word, so that it would go through
// the names in order until a page is full. Told the same the other way round, too, it expects few, and goes by the text.
const (
	hasPart      = ` AND search_text LIKE search_part($)`
	hasWord      = ` AND (search_text LIKE search_part($) OR search_text %> folded($)) AND (search_text LIKE search_part($) OR folded($) <% search_text)`
	hasSpecialty = ` AND EXISTS (SELECT FROM provider_specialties s
    WHERE s.organization_id = p.organization_id AND s.provider_id = p.id AND s.system = $ AND s.code = $)`
	hasDesk = ` AND (p.organization_id, p.id) IN (SELECT d.organization_id, d.provider_id FROM locations l
    JOIN desks d ON d.organization_id = l.organization_id AND d.location_id = l.id WHERE true`
)

// ListProviders is documented at provider.Store.
func (d *Directory) ListProviders(ctx context.Context, organization uuid.UUID, s provider.Search, w paging.Window) (paging.Page[provider.Provider], error) {
	from := selectProviders
	if s.Brief {
		from = selectBriefProviders
	}
	query, args := searching(whose(from, organization), organization, s)
	rows, err := page[providerRow](ctx, d.db.everybody(), planned(len(s.Words) > 0 || s.Area != nil), query, nameAndID, w, args...)
	return mapPage(rows, providerRow.provider), err
}

// CountProviders is documented at provider.Store.
func (d *Directory) CountProviders(ctx context.Context, organization uuid.UUID, s provider.Search) (int, error) {
	query, args := searching(whose(countProviders, organization), organization, s)
	return count(ctx, d.db.everybody(), planned(len(s.Words) > 0 || s.Area != nil), query, args...)
}

// searching narrows a query whose first argument is the organisation.
func searching(query string, organization uuid.UUID, s provider.Search) (string, []any) {
	n := narrowing{args: []any{organization}}
	for _, word := range s.Words {
		n.word(word)
	}
	if s.Specialty != nil {
		n.add(hasSpecialty, s.Specialty.System, s.Specialty.Code)
	}
	if s.Area != nil {
		n.add(hasDesk)
		n.area(*s.Area)
		n.add(")")
	}
	return query + n.sql.String(), n.args
}

// A shorter word is too often another one with a letter changed.
const forgiving = 5

// word narrows to those who have a word as a part of the text or, if it is long enough, by three fifths of its trigrams
// (PostgreSQL's default for pg_trgm.word_similarity_threshold).
func (n *narrowing) word(word string) {
	if utf8.RuneCountInString(word) < forgiving {
		n.add(hasPart, word)
	} else {
		n.add(hasWord, word, word, word, word)
	}
}
