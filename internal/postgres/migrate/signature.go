package migrate

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/pressly/goose/v3"

	"github.com/mediconnect/mediconnect/migrations"
)

// What the steps said that made a database is kept as a comment of the table that counts them: a word for each, its number
// and its digest.
const (
	selectSignature = `SELECT obj_description(to_regclass('goose_db_version'), 'pg_class')`
	writeSignature  = `COMMENT ON TABLE goose_db_version IS '%s'`
)

// compare fails with ErrOtherSteps when a step up to version wasn't applied with the text that this program has.
func (r *Runner) compare(ctx context.Context, version int64) error {
	signed, err := r.signature(ctx)
	if err != nil {
		return err
	}
	words := strings.Fields(signed)
	for i, source := range r.goose.ListSources() {
		if source.Version <= version && (i >= len(words) || words[i] != word(source)) {
			return fmt.Errorf("%w: its step %s differs", ErrOtherSteps, source.Path)
		}
	}
	return nil
}

// sign writes down this program's steps before any is applied, so that a run that breaks off leaves none unsigned.
func (r *Runner) sign(ctx context.Context) error {
	ctx, cancel := inTurn(ctx)
	defer cancel()
	if _, err := r.goose.GetDBVersion(ctx); err != nil { // makes the table
		return fmt.Errorf("schema version: %w", err)
	}
	signed, err := r.signature(ctx)
	if err != nil {
		return err
	}
	var words []string
	for _, source := range r.goose.ListSources() {
		words = append(words, word(source))
	}
	mine := strings.Join(words, " ")
	if signed == mine {
		return nil
	}
	if _, err := r.db.ExecContext(ctx, fmt.Sprintf(writeSignature, mine)); err != nil {
		return fmt.Errorf("sign schema: %w", err)
	}
	return nil
}

func (r *Runner) signature(ctx context.Context) (string, error) {
	var text sql.NullString
	if err := r.db.QueryRowContext(ctx, selectSignature).Scan(&text); err != nil {
		return "", fmt.Errorf("schema signature: %w", err)
	}
	return text.String, nil
}

// word has nothing that SQL would have to quote.
func word(source *goose.Source) string {
	return fmt.Sprintf("%d:%s", source.Version, migrations.Digest(source.Path))
}
