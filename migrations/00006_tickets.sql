-- +goose Up
-- rollback: safe
-- Tickets that open one stream each, for clients that can't send a token with it. They are kept as digests, and whoever has one is
-- nobody's tenant yet: like signing in, issuing and redeeming them is no tenant's work.
CREATE TABLE stream_tickets (
    digest     bytea PRIMARY KEY CHECK (octet_length(digest) = 32), -- SHA-256
    account_id uuid NOT NULL,
    holder     jsonb NOT NULL,     -- what the token says of its subject: ids, a role and scopes
    until      timestamptz,        -- the token's end; null: none
    expires_at timestamptz NOT NULL
);
CREATE INDEX stream_tickets_by_account ON stream_tickets (account_id, expires_at);
CREATE INDEX stream_tickets_by_age ON stream_tickets (expires_at);
GRANT SELECT, INSERT, DELETE ON stream_tickets TO mediconnect_signin;
GRANT SELECT (digest, expires_at), DELETE ON stream_tickets TO mediconnect_sweeper;

-- +goose StatementBegin
-- An event about an appointment says whose it is now, also when none of its claims are left.
DO $$
DECLARE
    was CONSTANT text := 'payload) VALUES (org, at, topic, appointment, ''{}'')';
    log_claims_ text := pg_get_functiondef('log_claims'::regproc);
BEGIN
    IF strpos(log_claims_, 'INSERT INTO event_log (organization_id, at, topic, appointment_id, ' || was) = 0 THEN
        RAISE EXCEPTION 'log_claims() is not as 00002_booking.sql made it';
    END IF;
    EXECUTE replace(log_claims_, 'INSERT INTO event_log (organization_id, at, topic, appointment_id, ' || was,
        'INSERT INTO event_log (organization_id, at, topic, provider_id, appointment_id, payload) VALUES (org, at, topic,
            (SELECT a.provider_id FROM appointments a WHERE a.organization_id = org AND a.id = appointment), appointment, ''{}'')');
END $$;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DO $$
BEGIN
    EXECUTE replace(pg_get_functiondef('log_claims'::regproc),
        'INSERT INTO event_log (organization_id, at, topic, provider_id, appointment_id, payload) VALUES (org, at, topic,
            (SELECT a.provider_id FROM appointments a WHERE a.organization_id = org AND a.id = appointment), appointment, ''{}'')',
        'INSERT INTO event_log (organization_id, at, topic, appointment_id, payload) VALUES (org, at, topic, appointment, ''{}'')');
END $$;
-- +goose StatementEnd
DROP TABLE stream_tickets;
