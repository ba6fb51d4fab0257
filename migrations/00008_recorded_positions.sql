-- +goose Up
-- rollback: safe
-- Recordings take positions of the log, too. Who writes both tables may begin with either: a step that held both would deadlock with
-- them.
ALTER TABLE audit_events ALTER COLUMN position SET DEFAULT next_log_position();

-- +goose Down
ALTER TABLE audit_events ALTER COLUMN position SET DEFAULT nextval('log_positions');
