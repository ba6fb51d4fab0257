-- +goose Up
-- rollback: safe
-- What live streams are told from.

CREATE INDEX event_log_by_provider ON event_log (organization_id, provider_id, position);
-- Who follows a search or a place asks for everybody's changed hours: few of very many entries.
CREATE INDEX event_log_of_schedules ON event_log (position) WHERE topic = 'schedule.changed';

-- +goose StatementBegin
-- Events also tell when the claims were that they are about, freed ones too: which slots may differ follows from it.
DO $$
DECLARE
    was CONSTANT text := '''days'', (SELECT jsonb_object_agg(';
    log_claims_ text := pg_get_functiondef('log_claims'::regproc);
BEGIN
    IF strpos(log_claims_, was) = 0 THEN
        RAISE EXCEPTION 'log_claims() is not as 00002_booking.sql made it';
    END IF;
    EXECUTE replace(log_claims_, was, '''spans'', (SELECT coalesce(jsonb_agg(jsonb_build_array(c.starts_at, c.ends_at)), ''[]'') FROM c),
            ' || was);
END $$;
-- +goose StatementEnd

-- A provider's rules as they were before a change, for whoever comes back to a stream with slots of then.
CREATE TABLE former_rules (
    organization_id uuid NOT NULL,
    provider_id     uuid NOT NULL,
    revision        bigint NOT NULL,
    at              timestamptz NOT NULL,
    rules           jsonb NOT NULL,
    PRIMARY KEY (organization_id, provider_id, revision),
    FOREIGN KEY (organization_id, provider_id) REFERENCES providers
);
CREATE INDEX former_rules_by_age ON former_rules (at);
ALTER TABLE former_rules ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON former_rules TO mediconnect_app USING (organization_id = (SELECT current_organization()));
GRANT SELECT, INSERT ON former_rules TO mediconnect_app;
CREATE POLICY public_reading ON former_rules FOR SELECT TO mediconnect_public USING (true);
GRANT SELECT ON former_rules TO mediconnect_public;
CREATE POLICY sweeping ON former_rules TO mediconnect_sweeper USING (true);
GRANT SELECT (organization_id, provider_id, revision, at), UPDATE (at), DELETE ON former_rules TO mediconnect_sweeper;

-- +goose Down
DROP TABLE former_rules;
-- +goose StatementBegin
DO $$
BEGIN
    EXECUTE replace(pg_get_functiondef('log_claims'::regproc), '''spans'', (SELECT coalesce(jsonb_agg(jsonb_build_array(c.starts_at, c.ends_at)), ''[]'') FROM c),
            ', '');
END $$;
-- +goose StatementEnd
DROP INDEX event_log_of_schedules;
DROP INDEX event_log_by_provider;
