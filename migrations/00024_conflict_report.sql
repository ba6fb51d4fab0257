-- +goose Up
-- rollback: safe
-- How the full detection of conflicts compares to the basic one, and when it was switched off. Nothing here says whom a case was about, or when the
-- visit would have been.

-- Cases by the hour. LONGEST is a maximum, all else are sums.
CREATE TABLE conflict_counts (
    organization_id uuid NOT NULL REFERENCES organizations,
    hour            timestamptz NOT NULL, -- that began then
    mode            text NOT NULL CHECK (mode IN ('enforce', 'shadow')),
    operation       text NOT NULL,
    what            text NOT NULL CHECK (what IN ('BASIC', 'FULL', 'LONGEST', 'ONLY_FULL', 'TOOK', 'VERDICT')),
    key             text NOT NULL, -- a rule, a verdict, or microseconds
    n               bigint NOT NULL,
    PRIMARY KEY (organization_id, hour, mode, operation, what, key)
);
CREATE INDEX conflict_counts_by_hour ON conflict_counts (hour);

-- Cases of which the two said different things.
CREATE TABLE conflict_disagreements (
    organization_id uuid NOT NULL REFERENCES organizations,
    id              uuid NOT NULL,
    at              timestamptz NOT NULL, -- to the minute
    mode            text NOT NULL CHECK (mode IN ('enforce', 'shadow')),
    operation       text NOT NULL,
    location_id     uuid NOT NULL,
    visit_kind_id   uuid NOT NULL,
    basic           text[] NOT NULL, -- rules
    full_           text[] NOT NULL,
    micros          bigint NOT NULL, -- that the full detection took
    PRIMARY KEY (organization_id, id)
);
CREATE INDEX conflict_disagreements_by_time ON conflict_disagreements (organization_id, at DESC, id);
CREATE INDEX conflict_disagreements_by_age ON conflict_disagreements (at DESC, organization_id, id);

-- The times that a process went back to the basic detection.
CREATE TABLE conflict_fallbacks (
    id         uuid PRIMARY KEY,
    instance   uuid NOT NULL, -- a process's life
    at         timestamptz NOT NULL,
    cause      text NOT NULL CHECK (cause IN ('FAILURES', 'LATENCY', 'REFUSALS')),
    cases      integer NOT NULL, -- and what became of them, as the limit was passed
    failed     integer NOT NULL,
    slow       integer NOT NULL,
    people     integer NOT NULL,
    refused    integer NOT NULL,
    rearmed_at timestamptz,
    rearmed_by uuid,
    CHECK ((rearmed_at IS NULL) = (rearmed_by IS NULL))
);
CREATE INDEX conflict_fallbacks_standing ON conflict_fallbacks (at) WHERE rearmed_at IS NULL;
CREATE INDEX conflict_fallbacks_by_time ON conflict_fallbacks (at);

-- +goose StatementBegin
DO $$
DECLARE
    table_ text;
BEGIN
    FOREACH table_ IN ARRAY '{conflict_counts,conflict_disagreements}'::text[] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', table_);
        EXECUTE format('CREATE POLICY tenant ON %I TO mediconnect_app USING (organization_id = (SELECT current_organization()))', table_);
        EXECUTE format('CREATE POLICY sweeping ON %I TO mediconnect_sweeper USING (true)', table_);
    END LOOP;
END $$;
-- +goose StatementEnd
GRANT SELECT, INSERT, UPDATE (n) ON conflict_counts TO mediconnect_app;
GRANT SELECT, INSERT ON conflict_disagreements TO mediconnect_app;
GRANT SELECT, INSERT, UPDATE (rearmed_at, rearmed_by) ON conflict_fallbacks TO mediconnect_app;
GRANT SELECT, DELETE ON conflict_counts, conflict_disagreements, conflict_fallbacks TO mediconnect_sweeper;

-- +goose Down
DROP TABLE conflict_fallbacks, conflict_disagreements, conflict_counts;
