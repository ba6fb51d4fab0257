-- +goose Up
-- rollback: safe
-- Periods that are closed in one step, and what becomes of the visits in them.
--
-- A closure makes its exceptions to the hours in the transaction that makes itself. A worker then lists the visits that meet it, page by page, and
-- brings them elsewhere, one at a time: what becomes of a visit is noted in the transaction that moves or cancels it. Whoever takes an item has
-- it for some seconds, so that several may be at it, and whoever dies with one loses nothing.
--
-- The lock order goes on: claims, then the closure's items.

CREATE TABLE closures (
    organization_id uuid NOT NULL REFERENCES organizations,
    id              uuid NOT NULL,
    provider_id     uuid, -- whose; with the location also null: everybody's
    location_id     uuid, -- where
    local_from      timestamp NOT NULL,
    local_to        timestamp NOT NULL CHECK (local_to > local_from),
    reason          private, -- the staff's
    mode            text NOT NULL CHECK (mode IN ('BOOK', 'NONE')),
    within          integer NOT NULL CHECK (within > 0), -- seconds after a visit's start in which another time is looked for
    same_provider   boolean NOT NULL,
    otherwise       text NOT NULL CHECK (otherwise IN ('CANCEL', 'KEEP')),
    state           text NOT NULL CHECK (state IN ('DONE', 'PAUSED', 'RUNNING')),
    listed          boolean NOT NULL, -- whether all of its items are there
    after_start     timestamptz,      -- the last visit that was listed
    after_id        uuid,
    due_at          timestamptz NOT NULL, -- when there may be something to do
    created_at      timestamptz NOT NULL,
    created_by      uuid NOT NULL,
    finished_at     timestamptz,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, provider_id) REFERENCES providers,
    FOREIGN KEY (organization_id, location_id) REFERENCES locations,
    CHECK (provider_id IS NULL OR location_id IS NULL),
    CHECK ((state = 'DONE') = (finished_at IS NOT NULL))
);
CREATE INDEX closures_by_time ON closures (organization_id, created_at, id);
CREATE INDEX closures_due ON closures (due_at) WHERE state = 'RUNNING';

CREATE TABLE closure_items (
    organization_id  uuid NOT NULL,
    id               uuid NOT NULL,
    closure_id       uuid NOT NULL,
    appointment_id   uuid NOT NULL,
    version          integer NOT NULL, -- of the visit, as it was listed; and where it stood then
    provider_id      uuid NOT NULL,
    location_id      uuid NOT NULL,
    starts_at        timestamptz NOT NULL,
    ends_at          timestamptz NOT NULL,
    outcome          text NOT NULL DEFAULT 'WAITING' CHECK (outcome IN ('CANCELLED', 'FAILED', 'GONE', 'KEPT', 'MOVED', 'WAITING')),
    cause            text CHECK (cause IN ('ARRIVED', 'BEGUN', 'CHANGED', 'NO_ALTERNATIVE')),
    new_provider_id  uuid, -- where it stands instead
    new_starts_at    timestamptz,
    due_at           timestamptz NOT NULL, -- of one that waits: until then somebody has it, or it rests
    tries            integer NOT NULL DEFAULT 0,
    settled_at       timestamptz,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, closure_id, appointment_id),
    FOREIGN KEY (organization_id, closure_id) REFERENCES closures,
    FOREIGN KEY (organization_id, appointment_id) REFERENCES appointments,
    CHECK ((outcome = 'WAITING') = (settled_at IS NULL)),
    CHECK ((outcome = 'MOVED') = (new_starts_at IS NOT NULL))
);
CREATE INDEX closure_items_in_order ON closure_items (organization_id, closure_id, starts_at, id);
CREATE INDEX closure_items_waiting ON closure_items (organization_id, closure_id, starts_at, id) WHERE outcome = 'WAITING';

-- +goose StatementBegin
DO $$
DECLARE
    table_ text;
BEGIN
    FOREACH table_ IN ARRAY '{closures,closure_items}'::text[] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', table_);
        EXECUTE format('CREATE POLICY tenant ON %I TO mediconnect_app USING (organization_id = (SELECT current_organization()))', table_);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO mediconnect_app', table_);
    END LOOP;
END $$;
-- +goose StatementEnd
CREATE POLICY rebooking ON closures FOR SELECT TO mediconnect_sweeper USING (true);
GRANT SELECT (organization_id, id, state, due_at) ON closures TO mediconnect_sweeper;

-- +goose StatementBegin
-- Moves a visit that a closure displaces or, without p.oldProvider, cancels it, and notes it, all or nothing. p: of move or cancel_appointment,
-- with p.displaced: {closure, cause}. STALE_APPOINTMENT also when it was dealt with before.
CREATE FUNCTION displace(p jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    moved boolean := p->>'oldProvider' IS NOT NULL;
    answer jsonb;
BEGIN
    answer := CASE WHEN moved THEN move_appointment(p) ELSE cancel_appointment(p) END;
    IF answer->>'outcome' <> 'DONE' THEN
        RETURN answer;
    END IF;
    UPDATE closure_items i SET outcome = CASE WHEN moved THEN 'MOVED' ELSE 'CANCELLED' END, cause = p->'displaced'->>'cause', settled_at = (p->>'now')::timestamptz,
        new_provider_id = (p->>'provider')::uuid, new_starts_at = (p->>'startsAt')::timestamptz
    WHERE i.organization_id = (p->>'organization')::uuid AND i.closure_id = (p->'displaced'->>'closure')::uuid
      AND i.appointment_id = (p->>'appointment')::uuid AND i.outcome = 'WAITING';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'dealt with' USING ERRCODE = 'MC028';
    END IF;
    RETURN answer;
EXCEPTION WHEN SQLSTATE 'MC028' THEN
    RETURN jsonb_build_object('outcome', 'STALE_APPOINTMENT');
END $$;
-- +goose StatementEnd
ALTER FUNCTION displace SET plan_cache_mode = 'force_generic_plan' SET enable_seqscan = off;

-- +goose Down
DROP FUNCTION displace;
DROP TABLE closure_items, closures;
