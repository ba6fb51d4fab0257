-- +goose Up
-- rollback: safe
-- A patient who comes back to a stream is told from the entries about their own appointments: few of very many.
CREATE INDEX event_log_by_appointment ON event_log (organization_id, appointment_id, position) WHERE appointment_id IS NOT NULL;

-- +goose Down
DROP INDEX event_log_by_appointment;
