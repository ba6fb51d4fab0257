-- +goose Up
-- rollback: safe
-- Whoever of a location's providers is free, booked in one statement.

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
    RETURN jsonb_build_object('outcome', 'NONE_FREE', 'refused', to_jsonb(refused_));
END $$;
-- +goose StatementEnd
ALTER FUNCTION book_any SET plan_cache_mode = 'force_generic_plan' SET enable_seqscan = off;

-- +goose Down
DROP FUNCTION book_any, same_booking_of_anybody, anybody_lock;
