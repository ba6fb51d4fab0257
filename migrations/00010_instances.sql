-- +goose Up
-- rollback: safe
-- The servers that there are, so that each knows its share of what all of them may allow together. A process writes its own row.
CREATE TABLE instances (
    id      uuid PRIMARY KEY,
    seen_at timestamptz NOT NULL -- by the database's clock, which they share
);
GRANT SELECT, INSERT, UPDATE, DELETE ON instances TO mediconnect_app;

-- +goose Down
DROP TABLE instances;
