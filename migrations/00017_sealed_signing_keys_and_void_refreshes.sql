-- +goose Up
-- rollback: safe
-- The private part of a key that tokens are signed with is sealed as other private columns are, and is told as one.
ALTER TABLE signing_keys ALTER COLUMN private_key TYPE private;

-- Refresh tokens of a session, which one of the same generation was used instead of: they are good for nothing but to tell that they came.
ALTER TABLE session_refreshes ADD COLUMN void_at timestamptz;
CREATE INDEX session_refreshes_by_void ON session_refreshes (void_at) WHERE void_at IS NOT NULL;
CREATE INDEX session_refreshes_by_generation ON session_refreshes (organization_id, session_id, generation);
GRANT SELECT (void_at), UPDATE (void_at) ON session_refreshes TO mediconnect_sweeper;

-- +goose Down
DROP INDEX session_refreshes_by_generation;
ALTER TABLE session_refreshes DROP COLUMN void_at;
ALTER TABLE signing_keys ALTER COLUMN private_key TYPE bytea;
