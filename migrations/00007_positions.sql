-- +goose Up
-- rollback: safe
-- Up to where the log is read.
--
-- Whoever takes a position of the log says so first: until the transaction ends it holds a lock, which everybody may hold at once,
-- named by a place that is before every position it may take. So a reader sees at one look up to where everything has ended.

-- +goose StatementBegin
-- log_writing() is the lock's name: 2^62 plus the place. Other locks are named by hashes; one that looks like it, by chance, has a place
-- that is far beyond the log's end.
CREATE FUNCTION log_writing(place bigint) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT (1::bigint << 62) + place $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- next_log_position() takes a position. The lock is taken once a transaction; one that is rolled back to a savepoint loses it, and
-- the setting, too.
CREATE FUNCTION next_log_position() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    writer CONSTANT text := pg_current_xact_id()::text;
BEGIN
    IF current_setting('mediconnect.log_writer', true) IS DISTINCT FROM writer THEN
        PERFORM pg_advisory_xact_lock_shared(log_writing(CASE WHEN is_called THEN last_value ELSE 0 END)) FROM log_positions;
        PERFORM set_config('mediconnect.log_writer', writer, true);
    END IF;
    RETURN nextval('log_positions');
END $$;
-- +goose StatementEnd

ALTER TABLE event_log ALTER COLUMN position SET DEFAULT next_log_position();

-- +goose Down
ALTER TABLE event_log ALTER COLUMN position SET DEFAULT nextval('log_positions');
DROP FUNCTION next_log_position(), log_writing(bigint);
