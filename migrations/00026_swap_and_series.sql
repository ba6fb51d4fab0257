-- +goose Up
-- rollback: safe
-- Several visits that change together, or not at all: two that take each other's place, the visits of a series that are booked, moved or
-- cancelled at once.
--
-- A change of several takes all locks of all its parts first, in the one order, and then calls the function of each part, which finds its locks
-- taken. What any part answers but DONE takes the others back: they stand in a block of their own. Parts have no idempotency key; the change
-- has one. p.beside names the appointments of the other parts: what a part was decided on passes over them, wherever they stand by now, as
-- whoever decides has looked at the parts together. p.aside are the claims that all parts leave, p.left those of this one.

CREATE TABLE appointment_series (
    organization_id uuid NOT NULL REFERENCES organizations,
    id              uuid NOT NULL,
    patient_id      uuid NOT NULL,
    every_weeks     integer NOT NULL CHECK (every_weeks BETWEEN 1 AND 26),
    created_at      timestamptz NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, patient_id) REFERENCES patients
);
CREATE INDEX appointment_series_by_patient ON appointment_series (organization_id, patient_id);
ALTER TABLE appointment_series ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON appointment_series TO mediconnect_app USING (organization_id = (SELECT current_organization()));
GRANT SELECT, INSERT ON appointment_series TO mediconnect_app;

ALTER TABLE appointments ADD COLUMN series_id uuid, ADD COLUMN series_index integer,
    ADD CONSTRAINT appointments_series_check CHECK ((series_id IS NULL) = (series_index IS NULL)) NOT VALID,
    ADD CONSTRAINT appointments_series_fkey FOREIGN KEY (organization_id, series_id) REFERENCES appointment_series NOT VALID;
ALTER TABLE appointments VALIDATE CONSTRAINT appointments_series_check, VALIDATE CONSTRAINT appointments_series_fkey;
CREATE UNIQUE INDEX appointments_of_series ON appointments (organization_id, series_id, series_index) WHERE series_id IS NOT NULL;

-- +goose StatementBegin
-- Whether an appointment is one of those that change together with what is asked for.
CREATE FUNCTION beside(p jsonb, appointment uuid) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(p->'beside' ? appointment::text, false)
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION ids(list jsonb) RETURNS uuid[] LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    RETURN ARRAY(SELECT jsonb_array_elements_text(list)::uuid);
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- The claims of appointments.
CREATE FUNCTION claims_of(org uuid, appointments_ uuid[]) RETURNS uuid[] LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN ARRAY(SELECT c.id FROM unnest(appointments_) a CROSS JOIN LATERAL (
        SELECT v.id FROM claims v WHERE v.organization_id = org AND v.appointment_id = a AND v.state IN ('ACTIVE', 'PAST') OFFSET 0) c);
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- The claims that some changes set aside, as each of them finds them.
CREATE FUNCTION leaving_together(org uuid, parts jsonb[], now_ timestamptz) RETURNS uuid[] LANGUAGE plpgsql STABLE AS $$
DECLARE
    old uuid[] := claims_of(org, ARRAY(SELECT (x->>'appointment')::uuid FROM unnest(parts) x));
    leaving uuid[] := old;
    part jsonb;
BEGIN
    FOREACH part IN ARRAY parts LOOP
        leaving := leaving || moving_holds(org, old, (part->>'appointment')::uuid);
        IF part->>'provider' IS NOT NULL THEN
            leaving := leaving || spent_holds(org, part, now_) || spare_holds(org, part, now_);
        END IF;
    END LOOP;
    RETURN ARRAY(SELECT DISTINCT unnest(leaving));
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Locks the days and windows of all parties that some changes leave and take.
CREATE FUNCTION lock_days_together(org uuid, parts jsonb[], leaving uuid[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    parties uuid[];
    days date[];
    providers_ uuid[];
    windows_ uuid[];
BEGIN
    SELECT array_agg(u.party), array_agg(u.day) INTO parties, days FROM (
        SELECT c.party_id AS party, unnest(c.days) AS day FROM claims c WHERE c.organization_id = org AND c.id = ANY (leaving)
        UNION SELECT (x->>'provider')::uuid, unnest(dates(x->'providerDays')) FROM unnest(parts) x
        UNION SELECT (x->>'patient')::uuid, unnest(dates(x->'patientDays')) FROM unnest(parts) x
        UNION SELECT o.party, o.day FROM unnest(parts) x CROSS JOIN LATERAL (
            SELECT unnest(l.parties) AS party, unnest(l.days) AS day FROM lock_others(org, x) l) o) u;
    PERFORM lock_days(org, parties, days);
    SELECT array_agg(u.provider), array_agg(u.win) INTO providers_, windows_ FROM (
        SELECT c.party_id AS provider, unnest(c.counted_windows) AS win FROM claims c WHERE c.organization_id = org AND c.id = ANY (leaving)
        UNION SELECT (x->>'provider')::uuid, (w->>'id')::uuid FROM unnest(parts) x CROSS JOIN LATERAL jsonb_array_elements(x->'windows') w) u;
    IF windows_ IS NOT NULL THEN
        PERFORM lock_windows(org, providers_, windows_);
    END IF;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Locks, in one order, the claims that some changes may end: those that leave, with what else their holds have, and of holds that have run out
-- those of rooms that may be taken.
CREATE FUNCTION lock_ending_together(org uuid, parts jsonb[], leaving uuid[], now_ timestamptz) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    ending uuid[];
BEGIN
    ending := ARRAY(SELECT unnest(leaving)
        UNION SELECT unnest(claims_of(org, ARRAY(SELECT (x->>'appointment')::uuid FROM unnest(parts) x)))
        UNION SELECT o.id FROM claims c JOIN claims o ON o.organization_id = org AND o.hold_id = c.hold_id AND o.state = 'ACTIVE'
            WHERE c.organization_id = org AND c.id = ANY (leaving) AND c.hold_id IS NOT NULL
        UNION SELECT v.id FROM unnest(parts) x
            JOIN resources r ON r.organization_id = org AND r.location_id = (x->>'location')::uuid AND r.pool = ANY (pools_needed(x))
            JOIN claims v ON v.organization_id = org AND v.party_id = r.id AND v.state = 'ACTIVE' AND v.hold_id IS NOT NULL AND v.expires_at <= now_
                AND v.starts_at < (x->>'occupiedTo')::timestamptz AND v.ends_at > (x->>'occupiedFrom')::timestamptz
                AND v.starts_at > (x->>'occupiedFrom')::timestamptz - interval '48 hours');
    PERFORM FROM claims c WHERE c.organization_id = org AND c.id = ANY (ending) AND c.state IN ('ACTIVE', 'PAST') ORDER BY c.id FOR UPDATE;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Takes all locks of some changes in the one order. Null: they may begin. Otherwise the answer, which says by the part's number, from 0, what
-- was decided on something that has changed.
CREATE FUNCTION lock_together(org uuid, parts jsonb[], now_ timestamptz) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    leaving uuid[];
    nth_ integer;
BEGIN
    PERFORM lock_limited(org, x) FROM unnest(parts) x;
    PERFORM pg_advisory_xact_lock_shared(locks.l) FROM (
        SELECT provider_lock(org, u.v) AS l, u.v FROM (
            SELECT (x->>'provider')::uuid AS v FROM unnest(parts) x UNION SELECT (x->>'oldProvider')::uuid FROM unnest(parts) x) u
        WHERE u.v IS NOT NULL ORDER BY u.v) locks;
    SELECT u.nth - 1 INTO nth_ FROM unnest(parts) WITH ORDINALITY u(x, nth)
    WHERE u.x->>'provider' IS NOT NULL AND NOT EXISTS (SELECT FROM providers v
        WHERE v.organization_id = org AND v.id = (u.x->>'provider')::uuid AND v.schedule_revision = (u.x->>'rulesRevision')::bigint)
    ORDER BY u.nth LIMIT 1;
    IF FOUND THEN
        RETURN jsonb_build_object('outcome', 'STALE_RULES', 'part', nth_);
    END IF;
    leaving := leaving_together(org, parts, now_);
    PERFORM lock_days_together(org, parts, leaving);
    IF NOT leaving_together(org, parts, now_) <@ leaving THEN -- somebody was faster, with a hold or a room
        RETURN jsonb_build_object('outcome', 'STALE_NEIGHBOURS', 'part', 0);
    END IF;
    PERFORM FROM appointments a WHERE a.organization_id = org AND a.id IN (SELECT (x->>'appointment')::uuid FROM unnest(parts) x) ORDER BY a.id FOR UPDATE;
    SELECT u.nth - 1 INTO nth_ FROM unnest(parts) WITH ORDINALITY u(x, nth)
    WHERE u.x->>'version' IS NOT NULL AND NOT EXISTS (SELECT FROM appointments a
        WHERE a.organization_id = org AND a.id = (u.x->>'appointment')::uuid AND a.version = (u.x->>'version')::integer)
    ORDER BY u.nth LIMIT 1;
    IF FOUND THEN
        RETURN jsonb_build_object('outcome', 'STALE_APPOINTMENT', 'part', nth_);
    END IF;
    PERFORM lock_ending_together(org, parts, leaving, now_);
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- What the days and the capped windows of some changes are counted: for each part its day, then its windows.
CREATE FUNCTION counted_together(org uuid, parts jsonb[]) RETURNS TABLE (part integer, refused text, most integer, booked integer)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY SELECT u.nth::integer - 1, 'DAILY_CAP', (u.x->>'dailyCap')::integer, d.booked
    FROM unnest(parts) WITH ORDINALITY u(x, nth)
    JOIN party_days d ON d.organization_id = org AND d.party_id = (u.x->>'provider')::uuid AND d.day = (u.x->>'day')::date
    WHERE u.x->>'dailyCap' IS NOT NULL
    ORDER BY u.nth;
    RETURN QUERY SELECT u.nth::integer - 1, 'WINDOW_CAP', (w->>'cap')::integer, n.booked
    FROM unnest(parts) WITH ORDINALITY u(x, nth) CROSS JOIN LATERAL jsonb_array_elements(u.x->'windows') w
    JOIN window_counts n ON n.organization_id = org AND n.provider_id = (u.x->>'provider')::uuid AND n.exception_id = (w->>'id')::uuid
    ORDER BY u.nth, w->>'id';
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Null, or the answer: some changes have together raised a count beyond its cap, though none has alone.
CREATE FUNCTION over_caps(org uuid, parts jsonb[], before_ integer[]) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT jsonb_build_object('outcome', c.refused, 'part', c.part)
        FROM counted_together(org, parts) WITH ORDINALITY c(part, refused, most, booked, nth)
        WHERE c.booked > c.most AND c.booked > before_[c.nth] ORDER BY c.nth LIMIT 1);
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Moves appointments, each as move_appointment() does, into places that may be each other's. p: organization, now, forgotten, key and parts. Where
-- one can't be moved none is: the answer is that one's, with its number. With p.leaves, they may leave times that somebody waits for.
CREATE FUNCTION move_together(p jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    org uuid := (p->>'organization')::uuid;
    now_ timestamptz := (p->>'now')::timestamptz;
    parts jsonb[] := ARRAY(SELECT jsonb_array_elements(p->'parts'));
    moved CONSTANT uuid[] := ARRAY(SELECT (x->>'appointment')::uuid FROM unnest(parts) x);
    aside jsonb;
    before_ integer[];
    nth integer := 0;
    part jsonb;
    answer jsonb;
BEGIN
    answer := key_begin(org, p->'key', (p->>'forgotten')::timestamptz);
    IF answer IS NULL THEN
        answer := lock_together(org, parts, now_);
    END IF;
    IF answer IS NOT NULL THEN
        RETURN answer;
    END IF;
    aside := to_jsonb(claims_of(org, moved));
    before_ := ARRAY(SELECT c.booked FROM counted_together(org, parts) c);
    BEGIN
        FOREACH part IN ARRAY parts LOOP
            -- The first frees what all leave: which are whose is still to be seen by when they were taken.
            answer := move_appointment(part || jsonb_build_object('key', NULL, 'aside', aside, 'left', (
                SELECT coalesce(jsonb_agg(c.id), '[]') FROM claims c
                WHERE c.organization_id = org AND c.id = ANY (ids(aside)) AND c.appointment_id = (part->>'appointment')::uuid)));
            IF answer->>'outcome' <> 'DONE' THEN
                RAISE EXCEPTION 'a part is refused' USING ERRCODE = 'MC003';
            END IF;
            nth := nth + 1;
        END LOOP;
        answer := over_caps(org, parts, before_);
        IF answer IS NOT NULL THEN
            nth := answer->>'part';
            RAISE EXCEPTION 'a cap is exceeded' USING ERRCODE = 'MC003';
        END IF;
    EXCEPTION
        WHEN SQLSTATE 'MC001' THEN RETURN jsonb_build_object('outcome', 'SLOT_TAKEN', 'part', nth);
        WHEN SQLSTATE 'MC002' THEN RETURN jsonb_build_object('outcome', 'RESOURCE_BUSY', 'part', nth);
        WHEN SQLSTATE 'MC003' THEN RETURN answer || jsonb_build_object('part', nth);
    END;
    IF (p->>'leaves')::boolean THEN
        PERFORM look_for_waiting(org, now_);
    END IF;
    answer := jsonb_build_object('appointments', to_jsonb(moved));
    PERFORM key_end(org, p->'key', now_, answer);
    RETURN answer || jsonb_build_object('outcome', 'DONE');
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Cancels appointments, each as cancel_appointment() does; p as for move_together().
CREATE FUNCTION cancel_together(p jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    org uuid := (p->>'organization')::uuid;
    now_ timestamptz := (p->>'now')::timestamptz;
    parts jsonb[] := ARRAY(SELECT jsonb_array_elements(p->'parts'));
    part jsonb;
    answer jsonb;
BEGIN
    answer := key_begin(org, p->'key', (p->>'forgotten')::timestamptz);
    IF answer IS NULL THEN
        answer := lock_together(org, parts, now_);
    END IF;
    IF answer IS NOT NULL THEN
        RETURN answer;
    END IF;
    FOREACH part IN ARRAY parts LOOP
        answer := cancel_appointment(part || '{"key": null}');
        IF answer->>'outcome' <> 'DONE' THEN -- its version was read under the locks
            RAISE EXCEPTION 'a part was refused: %', answer->>'outcome';
        END IF;
    END LOOP;
    answer := jsonb_build_object('appointments', (SELECT jsonb_agg(x->'appointment') FROM unnest(parts) x));
    PERFORM key_end(org, p->'key', now_, answer);
    RETURN answer || jsonb_build_object('outcome', 'DONE');
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Null: as many more appointments of the patient's may be ahead as a series has. Otherwise the answer, as of ahead_reached().
CREATE FUNCTION series_reached(org uuid, p jsonb, more integer, now_ timestamptz) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
    most integer := p->'limits'->>'ahead';
    ahead timestamptz[];
BEGIN
    IF most IS NULL THEN
        RETURN NULL;
    END IF;
    ahead := ARRAY(SELECT c.starts_at FROM claims c
        WHERE c.organization_id = org AND c.party_id = (p->>'patient')::uuid AND c.state = 'ACTIVE' AND c.starts_at > now_ ORDER BY c.starts_at DESC);
    IF cardinality(ahead) + more <= most THEN
        RETURN NULL;
    END IF;
    RETURN limit_reached('FUTURE_APPOINTMENTS', most, cardinality(ahead), coalesce(ahead[greatest(most - more, 0) + 1], now_));
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Books one visit of a series. One that the same caller has booked a moment ago by itself is the patient's, but not the series'.
CREATE FUNCTION book_part(p jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    answer jsonb;
BEGIN
    answer := book(p);
    IF answer->>'outcome' = 'REPLAYED' THEN
        RETURN jsonb_build_object('outcome', 'PATIENT_BUSY', 'with', answer->'appointment');
    END IF;
    RETURN answer;
EXCEPTION
    WHEN SQLSTATE 'MC001' THEN RETURN jsonb_build_object('outcome', 'SLOT_TAKEN');
    WHEN SQLSTATE 'MC002' THEN RETURN jsonb_build_object('outcome', 'RESOURCE_BUSY');
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Books the visits of a series, each as book() does. p: organization, now, forgotten, key, series, patient, everyWeeks, all, skipped: what was left
-- out before, and parts, each with its seriesIndex and its slot. What can't be had is added to skipped, with the outcome. With all, it keeps out the
-- others, too, and the answer is LEFT_OUT; without, that is the answer if nothing is left. Patients are told of the first visit; of the others they
-- are reminded.
CREATE FUNCTION book_together(p jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    org uuid := (p->>'organization')::uuid;
    now_ timestamptz := (p->>'now')::timestamptz;
    series_ uuid := (p->>'series')::uuid;
    parts jsonb[] := ARRAY(SELECT jsonb_array_elements(p->'parts'));
    skipped jsonb := coalesce(p->'skipped', '[]');
    made integer := 0;
    part jsonb;
    answer jsonb;
BEGIN
    answer := key_begin(org, p->'key', (p->>'forgotten')::timestamptz);
    IF answer IS NULL THEN
        answer := coalesce(lock_together(org, parts, now_), series_reached(org, parts[1], cardinality(parts), now_));
    END IF;
    IF answer IS NOT NULL THEN
        RETURN answer;
    END IF;
    BEGIN
        INSERT INTO appointment_series (organization_id, id, patient_id, every_weeks, created_at)
        VALUES (org, series_, (p->>'patient')::uuid, (p->>'everyWeeks')::integer, now_);
        FOREACH part IN ARRAY parts LOOP
            answer := book_part(part || jsonb_build_object('key', NULL, 'quiet', made > 0));
            IF answer->>'outcome' = 'DONE' THEN
                made := made + 1;
                UPDATE appointments a SET series_id = series_, series_index = (part->>'seriesIndex')::integer
                WHERE a.organization_id = org AND a.id = (part->>'appointment')::uuid;
            ELSIF answer->>'outcome' IN ('SLOT_TAKEN', 'RESOURCE_BUSY', 'DAILY_CAP', 'WINDOW_CAP', 'PATIENT_BUSY') THEN
                skipped := skipped || jsonb_build_object('index', part->'seriesIndex', 'slot', part->'slot', 'outcome', answer->'outcome');
            ELSE
                RAISE EXCEPTION 'a part is to be decided again' USING ERRCODE = 'MC003';
            END IF;
        END LOOP;
        IF made = 0 OR made < cardinality(parts) AND (p->>'all')::boolean THEN
            answer := jsonb_build_object('outcome', 'LEFT_OUT', 'skipped', skipped);
            RAISE EXCEPTION 'parts are left out' USING ERRCODE = 'MC003';
        END IF;
    EXCEPTION
        WHEN SQLSTATE 'MC003' THEN RETURN answer;
    END;
    answer := jsonb_build_object('series', series_, 'skipped', skipped);
    PERFORM key_end(org, p->'key', now_, answer);
    RETURN answer || jsonb_build_object('outcome', 'DONE');
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Makes the functions know of other parts, each in the one place where it matters.
CREATE FUNCTION apply_together(up boolean) RETURNS void LANGUAGE plpgsql AS $apply$
DECLARE
    change record;
    text_ text;
    was_ text;
    becomes_ text;
BEGIN
    FOR change IN SELECT * FROM (VALUES
        -- The key is the whole change's.
        (1, 'key_begin', '    IF NOT pg_try_advisory_xact_lock(', '    IF k IS NULL OR k = ''null'' THEN
        RETURN NULL;
    END IF;
    IF NOT pg_try_advisory_xact_lock('),
        (2, 'key_end', '    INSERT INTO idempotency_keys (', '    IF k IS NULL OR k = ''null'' THEN
        RETURN;
    END IF;
    INSERT INTO idempotency_keys ('),
        -- What all parts leave is in no part's way, is freed with what the first leaves, and counts as its own; each tells of what it leaves itself.
        (3, 'move_appointment', '    leaving := spent_holds(org, p, now_) || moving_holds(', '    old := old || ids(p->''aside'');
    leaving := spent_holds(org, p, now_) || moving_holds('),
        (4, 'move_appointment', '    IF seen.version IS DISTINCT FROM', '    old := old || ids(p->''aside'');
    IF seen.version IS DISTINCT FROM'),
        (5, 'move_appointment', 'leaving || old || (p->>''providerClaim'')::uuid', 'leaving || CASE WHEN p ? ''left'' THEN ids(p->''left'') ELSE old END || (p->>''providerClaim'')::uuid'),
        (6, 'find_resources', 'c.hold_id <> ALL (ended) AND c.expires_at > now_))', 'c.hold_id <> ALL (ended) AND c.expires_at > now_) AND c.id <> ALL (leaving))'),
        (7, 'nothing_free', '    RETURN array_position(', '    held := held || claims_of(org, ids(p->''beside''));
    RETURN array_position('),
        -- Neighbours are others than the parts.
        (8, 'provider_elsewhere', 'a.id IS DISTINCT FROM own', 'a.id IS DISTINCT FROM own AND NOT beside(p, a.id)'),
        (9, 'been_before', 'a.id IS DISTINCT FROM own', 'a.id IS DISTINCT FROM own AND NOT beside(p, a.id)'),
        (10, 'prerequisites_before', 'a.id IS DISTINCT FROM own', 'a.id IS DISTINCT FROM own AND NOT beside(p, a.id)'),
        (11, 'counting_on', 'd.id IS DISTINCT FROM own', 'd.id IS DISTINCT FROM own AND NOT beside(p, d.id)'),
        (12, 'counting_on', 'a.id IS DISTINCT FROM own', 'a.id IS DISTINCT FROM own AND NOT beside(p, a.id)'),
        (13, 'in_their_care', 'v.appointment_id IS DISTINCT FROM own', 'v.appointment_id IS DISTINCT FROM own AND NOT beside(p, v.appointment_id)'),
        (14, 'neighbours', 'a.id IS DISTINCT FROM o.own', 'a.id IS DISTINCT FROM o.own AND NOT beside(w.p, a.id)'),
        (15, 'neighbours', 'a.id IS DISTINCT FROM t.own', 'a.id IS DISTINCT FROM t.own AND NOT beside(w.p, a.id)'),
        -- What patients are told.
        (16, 'note_visit', '        WHEN ''appointment.book'' THEN ''BOOKED''', '        WHEN ''appointment.swap'' THEN ''MOVED''
        WHEN ''appointment.book'' THEN CASE WHEN (p->>''quiet'')::boolean THEN ''REPLANNED'' ELSE ''BOOKED'' END')
    ) c(n, name, was, becomes) ORDER BY CASE WHEN up THEN n ELSE -n END LOOP
        was_ := CASE WHEN up THEN change.was ELSE change.becomes END;
        becomes_ := CASE WHEN up THEN change.becomes ELSE change.was END;
        text_ := pg_get_functiondef(change.name::regproc);
        IF length(text_) - length(replace(text_, was_, '')) <> length(was_) THEN
            RAISE EXCEPTION '%() is not as it was made: %', change.name, was_;
        END IF;
        EXECUTE replace(text_, was_, becomes_);
    END LOOP;
END $apply$;
-- +goose StatementEnd
SELECT apply_together(true);

ALTER FUNCTION move_together SET plan_cache_mode = 'force_generic_plan' SET enable_seqscan = off;
ALTER FUNCTION cancel_together SET plan_cache_mode = 'force_generic_plan' SET enable_seqscan = off;
ALTER FUNCTION book_together SET plan_cache_mode = 'force_generic_plan' SET enable_seqscan = off;

-- +goose Down
SELECT apply_together(false);
DROP FUNCTION apply_together, book_part, book_together, series_reached, cancel_together, move_together, over_caps, counted_together, lock_together,
    lock_ending_together, lock_days_together, leaving_together, claims_of, ids, beside;
DROP INDEX appointments_of_series;
ALTER TABLE appointments DROP COLUMN series_id, DROP COLUMN series_index;
DROP TABLE appointment_series;
