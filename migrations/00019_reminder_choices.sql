-- +goose Up
-- rollback: safe
-- How a patient wants to be told of visits. Who has no row hasn't said anything: then every channel is allowed that there is an address
-- for. It says nothing of the patient but that, and goes when they are erased.
CREATE TABLE contact_preferences (
    organization_id uuid NOT NULL,
    patient_id      uuid NOT NULL,
    version         integer NOT NULL CHECK (version > 0),
    channels        jsonb NOT NULL, -- [{channel, allowed, since?, by?, account?}], in the patient's order
    reminders       boolean NOT NULL,
    remind_before   integer[] NOT NULL, -- minutes; empty: as the organisation's rules say
    quiet_from      integer CHECK (quiet_from BETWEEN 0 AND 1439), -- minutes of the patient's day; null: as for everybody
    quiet_until     integer CHECK (quiet_until BETWEEN 0 AND 1439),
    changed_at      timestamptz NOT NULL,
    PRIMARY KEY (organization_id, patient_id),
    FOREIGN KEY (organization_id, patient_id) REFERENCES patients,
    CHECK ((quiet_from IS NULL) = (quiet_until IS NULL)),
    CHECK (cardinality(remind_before) <= 5)
);
CREATE TRIGGER patient_stands BEFORE INSERT OR UPDATE ON contact_preferences FOR EACH ROW EXECUTE FUNCTION patient_stands();

-- When patients are reminded. An organisation, or a kind of visit, without any has the default, or the organisation's; one whose only rule
-- is OFF has no reminders.
CREATE TABLE reminder_rules (
    organization_id uuid NOT NULL REFERENCES organizations,
    id              uuid NOT NULL,
    visit_kind_id   uuid, -- null: every kind that has none of its own
    key             text NOT NULL,
    kind            text NOT NULL CHECK (kind IN ('LOCAL_TIME', 'OFF', 'OFFSET')),
    before_minutes  integer CHECK (before_minutes BETWEEN 15 AND 86400),
    days_before     integer CHECK (days_before BETWEEN 0 AND 60),
    at_minute       integer CHECK (at_minute BETWEEN 0 AND 1439), -- of the day, by the clock of the visit's place
    PRIMARY KEY (organization_id, id),
    UNIQUE NULLS NOT DISTINCT (organization_id, visit_kind_id, key),
    FOREIGN KEY (organization_id, visit_kind_id) REFERENCES visit_kinds,
    CHECK ((kind = 'OFFSET') = (before_minutes IS NOT NULL)),
    CHECK ((kind = 'LOCAL_TIME') = (days_before IS NOT NULL) AND (kind = 'LOCAL_TIME') = (at_minute IS NOT NULL))
);

-- Whose visits ahead are to be planned anew, since their rules changed: a worker leaves notices of them, a page at a time.
CREATE TABLE message_replans (
    organization_id uuid NOT NULL REFERENCES organizations,
    id              uuid NOT NULL,
    visit_kind_id   uuid, -- null: visits of every kind
    at              timestamptz NOT NULL, -- when the rules changed
    due_at          timestamptz NOT NULL, -- when it has its turn
    after_start     timestamptz, -- the last visit of the pages that are done; null: none is
    after_id        uuid,
    request_id      text NOT NULL, -- of what changed them
    PRIMARY KEY (organization_id, id),
    UNIQUE NULLS NOT DISTINCT (organization_id, visit_kind_id),
    FOREIGN KEY (organization_id, visit_kind_id) REFERENCES visit_kinds,
    CHECK ((after_start IS NULL) = (after_id IS NULL))
);
CREATE INDEX message_replans_due ON message_replans (due_at);

-- Of visits that were booked before there were notices nobody would be reminded. This comes before the table is closed to its owner, too.
INSERT INTO message_replans (organization_id, id, at, due_at, request_id) SELECT id, gen_random_uuid(), now(), now(), '' FROM organizations;

-- +goose StatementBegin
DO $$
DECLARE
    table_ text;
BEGIN
    FOREACH table_ IN ARRAY '{contact_preferences,reminder_rules,message_replans}'::text[] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', table_);
        EXECUTE format('CREATE POLICY tenant ON %I TO mediconnect_app USING (organization_id = (SELECT current_organization()))', table_);
    END LOOP;
END $$;
-- +goose StatementEnd
GRANT SELECT, INSERT, UPDATE, DELETE ON contact_preferences TO mediconnect_app;
GRANT SELECT, INSERT, DELETE ON reminder_rules TO mediconnect_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON message_replans TO mediconnect_app;
CREATE POLICY delivering ON message_replans TO mediconnect_courier USING (true);
GRANT SELECT (organization_id, id, at, due_at), UPDATE (due_at) ON message_replans TO mediconnect_courier;

-- +goose Down
DROP TABLE message_replans;
DROP TABLE reminder_rules;
DROP TABLE contact_preferences;
