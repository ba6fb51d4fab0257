-- +goose Up
-- rollback: safe
-- A dead letter has an id, by which it is asked for, and says what came of replaying it: by which replay, and whether its message was sent anew.
ALTER TABLE dead_letters
    ADD COLUMN id uuid NOT NULL DEFAULT gen_random_uuid(),
    ADD COLUMN outcome text CHECK (outcome IN
        ('ALREADY_SENT', 'MAYBE_SENT', 'REACHED_OTHERWISE', 'REPLAYED', 'SUPERSEDED', 'SUPPRESSED', 'TOO_LATE', 'UNDER_WAY', 'VISIT_CHANGED')),
    ADD COLUMN replay_id uuid,
    ADD CONSTRAINT dead_letters_outcome CHECK (outcome IS NULL OR replayed_at IS NOT NULL),
    ADD CONSTRAINT dead_letters_by_id UNIQUE (organization_id, id);
CREATE INDEX dead_letters_by_replay ON dead_letters (organization_id, replay_id) WHERE replay_id IS NOT NULL;

-- Messages by their time, of all tenants: what is dropped once it is old, and how the last hour went. Those that ended badly, likewise.
CREATE INDEX messages_by_age ON messages (scheduled_for);
CREATE INDEX messages_that_failed ON messages (ended_at) WHERE state IN ('EXPIRED', 'FAILED', 'UNKNOWN');
GRANT SELECT (version, due_at) ON message_notices TO mediconnect_sweeper;

-- +goose Down
REVOKE SELECT (version, due_at) ON message_notices FROM mediconnect_sweeper;
DROP INDEX messages_that_failed, messages_by_age, dead_letters_by_replay;
ALTER TABLE dead_letters DROP CONSTRAINT dead_letters_by_id, DROP CONSTRAINT dead_letters_outcome, DROP COLUMN replay_id, DROP COLUMN outcome, DROP COLUMN id;
