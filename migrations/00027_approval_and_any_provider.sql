-- +goose Up
-- rollback: safe
-- What waits for approval lapses in time, and whoever of a location's providers is free is booked in one statement.

ALTER TABLE visit_kinds ADD COLUMN approval_within integer NOT NULL DEFAULT 259200 CHECK (approval_within BETWEEN 900 AND 5184000); -- seconds
ALTER TABLE appointments ADD COLUMN approval_due_at timestamptz; -- a pending one lapses then

-- What was pending before has its time from now on. The table's owner sees no rows while it is closed to them, too.
ALTER TABLE appointments NO FORCE ROW LEVEL SECURITY;
UPDATE appointments SET approval_due_at = least(starts_at, now() + interval '3 days') WHERE status = 'PENDING';
ALTER TABLE appointments FORCE ROW LEVEL SECURITY;

-- +goose StatementBegin
-- Whatever comes to be pending, or is moved while it is, has as long to be approved as its kind says, and no longer than until it starts.
CREATE FUNCTION await_approval() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.status <> 'PENDING' THEN
        NEW.approval_due_at := NULL;
    ELSIF TG_OP = 'INSERT' OR OLD.status <> 'PENDING'
        OR (NEW.starts_at, NEW.provider_id, NEW.location_id, NEW.modality) <> (OLD.starts_at, OLD.provider_id, OLD.location_id, OLD.modality) THEN
        NEW.approval_due_at := least(NEW.starts_at, NEW.updated_at + make_interval(secs => (
            SELECT k.approval_within FROM visit_kinds k WHERE k.organization_id = NEW.organization_id AND k.id = NEW.visit_kind_id)));
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER await_approval BEFORE INSERT OR UPDATE OF status, starts_at, provider_id, location_id, modality ON appointments
    FOR EACH ROW WHEN (NEW.status = 'PENDING' OR NEW.approval_due_at IS NOT NULL) EXECUTE FUNCTION await_approval();
ALTER TABLE appointments ADD CONSTRAINT appointments_pending_are_due CHECK ((status = 'PENDING') = (approval_due_at IS NOT NULL)) NOT VALID;
ALTER TABLE appointments VALIDATE CONSTRAINT appointments_pending_are_due;
CREATE INDEX appointments_due ON appointments (approval_due_at, id) WHERE approval_due_at IS NOT NULL;
CREATE INDEX appointments_awaiting ON appointments (organization_id, approval_due_at, id) WHERE approval_due_at IS NOT NULL;
GRANT SELECT (approval_due_at) ON appointments TO mediconnect_sweeper;

-- What is asked for is told as such. A visit that is booked or moved, and then pending, leaves a notice of its own, and who approves it takes back
-- what was planned of the asking.
ALTER TABLE message_notices DROP CONSTRAINT message_notices_kind_check, ADD CONSTRAINT message_notices_kind_check
    CHECK (kind IN ('BOOKED', 'CANCELLED', 'CHANGED', 'ENDED', 'MOVED', 'OFFERED', 'REPLANNED', 'REQUESTED', 'RESTORED')) NOT VALID;
ALTER TABLE message_notices VALIDATE CONSTRAINT message_notices_kind_check;
ALTER TABLE messages DROP CONSTRAINT messages_kind_check, ADD CONSTRAINT messages_kind_check
    CHECK (kind IN ('CANCELLATION', 'CHANGE', 'CONFIRMATION', 'OFFER', 'REMINDER', 'REQUEST')) NOT VALID;
ALTER TABLE messages VALIDATE CONSTRAINT messages_kind_check;

-- +goose StatementBegin
CREATE FUNCTION apply_approval(up boolean) RETURNS void LANGUAGE plpgsql AS $apply$
DECLARE
    change record;
    was_ text;
    becomes_ text;
    text_ text;
BEGIN
    FOR change IN SELECT * FROM (VALUES
        (1, '    IF kind_ IS NULL THEN', '    IF kind_ IN (''BOOKED'', ''MOVED'') AND seen.status = ''PENDING'' THEN
        kind_ := ''REQUESTED'';
    END IF;
    IF kind_ IS NULL THEN'),
        (2, '    IF kind_ <> ''BOOKED'' THEN', '    IF kind_ <> ''BOOKED'' OR seen.last_action = ''APPROVE'' THEN')
    ) c(n, was, becomes) ORDER BY n LOOP
        was_ := CASE WHEN up THEN change.was ELSE change.becomes END;
        becomes_ := CASE WHEN up THEN change.becomes ELSE change.was END;
        text_ := pg_get_functiondef('note_visit'::regproc);
        IF length(text_) - length(replace(text_, was_, '')) <> length(was_) THEN
            RAISE EXCEPTION 'note_visit() is not as it was made: %', was_;
        END IF;
        EXECUTE replace(text_, was_, becomes_);
    END LOOP;
END $apply$;
-- +goose StatementEnd
SELECT apply_approval(true);

-- +goose StatementBegin
-- Who books any provider for a kind of visit at a location on a day does so one after the other, so that each sees how many visits those before
-- it have left everybody with. It comes before every other lock, and nobody else takes it.
CREATE FUNCTION anybody_lock(org uuid, kind uuid, location uuid, day date) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT hashtextextended('anybody:' || org || ':' || kind || ':' || location || ':' || (day - date '2000-01-01'), 0)
$$;
-- +goose StatementEnd

-- +goose StatementBegin
-- The same caller's booking of the same kind of visit, place, way of meeting and start for the same patient within 5 minutes, with whoever it
-- could be now, under whatever key.
CREATE FUNCTION same_booking_of_anybody(org uuid, p jsonb, now_ timestamptz) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
        SELECT jsonb_build_object('outcome', 'REPLAYED', 'appointment', a.id, 'version', a.version)
        FROM appointments a
        WHERE a.organization_id = org AND a.patient_id = (p->>'patient')::uuid AND a.starts_at = (p->>'startsAt')::timestamptz
          AND a.provider_id IN (SELECT jsonb_array_elements_text(p->'among')::uuid) AND a.location_id = (p->>'location')::uuid
          AND a.visit_kind_id = (p->>'visitKind')::uuid AND a.modality = p->>'modality' AND a.created_by = (p->>'holder')::uuid
          AND a.status IN ('BOOKED', 'PENDING') AND a.created_at > now_ - interval '5 minutes'
        LIMIT 1
    );
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Books one of p.options, each of which is what book() reads: with the provider who has the fewest visits, and holds, on that day, else with the
-- next. One that is refused is rolled back, which gives back its locks. What would refuse all of them ends the trying. A provider whom somebody
-- else has locked for long is passed over, so that whoever waits behind needn't wait for that, too. Answers what book() answers, with option, or
-- {outcome: NONE_FREE, refused: [why, for each option]}. p.among are all whom it could be with.
CREATE FUNCTION book_any(p jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    org uuid := (p->>'organization')::uuid;
    now_ timestamptz := (p->>'now')::timestamptz;
    option_ record;
    why text;
    refused_ text[] := array_fill(NULL::text, ARRAY[jsonb_array_length(p->'options')]);
    answer jsonb;
BEGIN
    IF jsonb_array_length(p->'options') > 0 THEN
        PERFORM pg_advisory_xact_lock(anybody_lock(org, (p->>'visitKind')::uuid, (p->>'location')::uuid, (p->>'day')::date));
    END IF;
    answer := key_begin(org, p->'key', (p->>'forgotten')::timestamptz);
    IF answer IS NOT NULL THEN
        RETURN answer;
    END IF;
    answer := same_booking_of_anybody(org, p, now_);
    IF answer IS NOT NULL THEN
        PERFORM key_end(org, p->'key', now_, answer - 'outcome');
        RETURN answer;
    END IF;
    IF current_setting('lock_timeout')::interval NOT BETWEEN '1ms' AND '500ms' THEN
        PERFORM set_config('lock_timeout', '500ms', true);
    END IF;
    FOR option_ IN
        SELECT o.value || jsonb_build_object('key', p->'key') AS wanted, o.ordinality AS nth FROM jsonb_array_elements(p->'options') WITH ORDINALITY o
        LEFT JOIN party_days d ON d.organization_id = org AND d.party_id = (o.value->>'provider')::uuid AND d.day = (p->>'day')::date
        ORDER BY coalesce(d.booked, 0), md5((p->>'appointment') || (o.value->>'provider'))
    LOOP
        BEGIN
            answer := book(option_.wanted);
            why := answer->>'outcome';
            IF why IN ('DONE', 'REPLAYED') THEN
                RETURN answer || jsonb_build_object('option', option_.nth - 1);
            END IF;
            RAISE EXCEPTION 'refused' USING ERRCODE = 'MC003';
        EXCEPTION
            WHEN SQLSTATE 'MC001' THEN
                why := 'SLOT_TAKEN';
            WHEN SQLSTATE 'MC002' THEN
                why := 'RESOURCE_BUSY';
            WHEN SQLSTATE 'MC003' THEN
                NULL; -- as book() said
            WHEN lock_not_available THEN
                IF 'LOCKED' = ANY (refused_) THEN -- twice is long enough
                    RAISE;
                END IF;
                why := 'LOCKED';
        END;
        IF why IN ('PATIENT_BUSY', 'LIMIT_REACHED', 'KEY_IN_USE', 'KEY_REUSED') THEN
            RETURN answer;
        END IF;
        refused_[option_.nth] := why;
    END LOOP;
    IF 'LOCKED' = ANY (refused_) THEN -- that one may be free
        RAISE EXCEPTION 'locked' USING ERRCODE = 'lock_not_available';
    END IF;
    RETURN jsonb_build_object('outcome', 'NONE_FREE', 'refused', to_jsonb(refused_));
END $$;
-- +goose StatementEnd
ALTER FUNCTION book_any SET plan_cache_mode = 'force_generic_plan' SET enable_seqscan = off;

-- +goose Down
DROP FUNCTION book_any, same_booking_of_anybody, anybody_lock;
SELECT apply_approval(false);
DROP FUNCTION apply_approval;
ALTER TABLE messages NO FORCE ROW LEVEL SECURITY;
DELETE FROM messages WHERE kind = 'REQUEST';
ALTER TABLE messages FORCE ROW LEVEL SECURITY;
ALTER TABLE messages DROP CONSTRAINT messages_kind_check, ADD CONSTRAINT messages_kind_check
    CHECK (kind IN ('CANCELLATION', 'CHANGE', 'CONFIRMATION', 'OFFER', 'REMINDER'));
ALTER TABLE message_notices NO FORCE ROW LEVEL SECURITY;
DELETE FROM message_notices WHERE kind = 'REQUESTED';
ALTER TABLE message_notices FORCE ROW LEVEL SECURITY;
ALTER TABLE message_notices DROP CONSTRAINT message_notices_kind_check, ADD CONSTRAINT message_notices_kind_check
    CHECK (kind IN ('BOOKED', 'CANCELLED', 'CHANGED', 'ENDED', 'MOVED', 'OFFERED', 'REPLANNED', 'RESTORED'));
REVOKE SELECT (approval_due_at) ON appointments FROM mediconnect_sweeper;
DROP TRIGGER await_approval ON appointments;
DROP FUNCTION await_approval;
ALTER TABLE appointments DROP COLUMN approval_due_at;
ALTER TABLE visit_kinds DROP COLUMN approval_within;
