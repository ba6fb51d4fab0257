-- +goose Up
-- rollback: safe
-- The writes of booking, one function and one statement each. They settle concurrency and nothing else: what may be booked
-- is decided before, from rules whose revision is checked here under a lock.
--
-- One lock order for every write, so that none waits for another in a circle:
--   1 the idempotency key (tried, never waited for), 2 the providers' rules (shared), 3 the day rows of all parties touched,
--   old and new, in key order, 4 the counters of capped windows in key order, 5 hold and appointment rows, 6 claims.
-- Each function checks everything under these locks before its first change, so a refusal leaves nothing behind. The
-- exclusion constraint has the last word; MC001 reports that it refused what the checks had passed.
-- Times of the product's clock come in as parameters. Statements stand in PL/pgSQL, which keeps their plans for the session,
-- and the functions that the program calls ask at their end for generic plans over indexes: planning would cost more than the rest.

-- +goose StatementBegin
CREATE FUNCTION provider_lock(org uuid, provider uuid) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT hashtextextended('provider:' || org || ':' || provider, 0)
$$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Null: go on. Otherwise the answer: KEY_IN_USE, KEY_REUSED with firstUsedAt, or REPLAYED with the result. A replay writes,
-- so that under synchronous replication it waits as the first answer did.
CREATE FUNCTION key_begin(org uuid, k jsonb, forgotten timestamptz) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    used idempotency_keys;
    who uuid := (k->>'actor')::uuid;
    app text := k->>'client';
    key_ text := k->>'key';
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtextextended(concat_ws(':', 'key', org, who, app, key_), 0)) THEN
        RETURN jsonb_build_object('outcome', 'KEY_IN_USE');
    END IF;
    SELECT * INTO used FROM idempotency_keys u
    WHERE u.organization_id = org AND u.client = app AND u.actor_id = who AND u.key = key_;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    IF used.created_at <= forgotten THEN
        DELETE FROM idempotency_keys u
        WHERE u.organization_id = org AND u.client = app AND u.actor_id = who AND u.key = key_;
        RETURN NULL;
    END IF;
    IF used.operation <> k->>'operation' OR used.input_hash <> decode(k->>'hash', 'hex') THEN
        RETURN jsonb_build_object('outcome', 'KEY_REUSED', 'firstUsedAt', used.created_at);
    END IF;
    UPDATE idempotency_keys u SET replays = replays + 1
    WHERE u.organization_id = org AND u.client = app AND u.actor_id = who AND u.key = key_;
    RETURN used.result || jsonb_build_object('outcome', 'REPLAYED');
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION key_end(org uuid, k jsonb, at timestamptz, answer jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO idempotency_keys (organization_id, client, actor_id, key, operation, input_hash, result, created_at)
    VALUES (org, k->>'client', (k->>'actor')::uuid, k->>'key', k->>'operation', decode(k->>'hash', 'hex'), answer, at);
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION dates(list jsonb) RETURNS date[] LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    RETURN (
        SELECT coalesce(array_agg(d::date), '{}') FROM jsonb_array_elements_text(list) d
    );
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION lock_days(org uuid, parties uuid[], days date[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO party_days (organization_id, party_id, day)
    SELECT DISTINCT org, u.party, u.day FROM unnest(parties, days) u(party, day) ORDER BY u.party, u.day
    ON CONFLICT (organization_id, party_id, day) DO UPDATE SET revision = party_days.revision WHERE false;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION lock_windows(org uuid, providers uuid[], windows uuid[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO window_counts (organization_id, exception_id, provider_id)
    SELECT DISTINCT org, u.win, u.provider FROM unnest(providers, windows) u(provider, win) ORDER BY u.win, u.provider
    ON CONFLICT (organization_id, exception_id, provider_id) DO UPDATE SET booked = window_counts.booked WHERE false;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Locks the days and windows of claims that are about to be freed together with those about to be taken.
-- parties/days and providers/windows are the new ones.
CREATE FUNCTION lock_all(org uuid, leaving uuid[], parties uuid[], days date[], provider uuid, windows uuid[])
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    more_parties uuid[]; more_days date[]; more_providers uuid[]; more_windows uuid[];
BEGIN
    IF cardinality(leaving) > 0 THEN
        SELECT array_agg(c.party_id), array_agg(d) INTO more_parties, more_days
        FROM claims c, unnest(c.days) d WHERE c.organization_id = org AND c.id = ANY (leaving);
        SELECT array_agg(c.party_id), array_agg(w) INTO more_providers, more_windows
        FROM claims c, unnest(c.counted_windows) w WHERE c.organization_id = org AND c.id = ANY (leaving);
    END IF;
    PERFORM lock_days(org, parties || more_parties, days || more_days);
    IF cardinality(windows) > 0 OR cardinality(more_windows) > 0 THEN
        PERFORM lock_windows(org,
            array_fill(provider, ARRAY[cardinality(windows)]) || more_providers, windows || more_windows);
    END IF;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Whether a claim of a hold stands in the way of a change: it meets the span, or counts against the same caps.
CREATE FUNCTION meets(c claims, p jsonb) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
        SELECT c.starts_at < c.ends_at AND c.starts_at < (p->>'occupiedTo')::timestamptz AND c.ends_at > (p->>'occupiedFrom')::timestamptz
            OR p->>'dailyCap' IS NOT NULL AND c.counted_day = (p->>'day')::date
            OR c.counted_windows && ARRAY(SELECT (w->>'id')::uuid FROM jsonb_array_elements(p->'windows') w)
    );
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- The claims that a change sets aside: of the hold that is booked from, of holds of this provider that have run out and stand
-- on these days or windows, and of the caller's own for the same patient that stand in the way.
CREATE FUNCTION spent_holds(org uuid, p jsonb, now_ timestamptz) RETURNS uuid[] LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
        SELECT coalesce(array_agg(c.id), '{}')
        FROM claims c JOIN holds h ON h.organization_id = c.organization_id AND h.id = c.hold_id
        WHERE c.organization_id = org AND c.party_id = (p->>'provider')::uuid AND c.state = 'ACTIVE' AND c.hold_id IS NOT NULL
          AND (h.id = (p->>'hold')::uuid
            OR c.expires_at <= now_ AND (c.days && dates(p->'providerDays') OR meets(c, p))
            OR h.actor_id = (p->>'holder')::uuid AND h.patient_id = (p->>'patient')::uuid
                AND (meets(c, p) OR h.starts_at = (p->>'startsAt')::timestamptz))
    );
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- The claims of the caller's own holds for nobody in particular that stand in the way. They give way to a booking by the
-- same caller when there is no room otherwise.
CREATE FUNCTION spare_holds(org uuid, p jsonb, now_ timestamptz) RETURNS uuid[] LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
        SELECT coalesce(array_agg(c.id), '{}')
        FROM claims c JOIN holds h ON h.organization_id = c.organization_id AND h.id = c.hold_id
        WHERE c.organization_id = org AND c.party_id = (p->>'provider')::uuid AND c.state = 'ACTIVE' AND c.hold_id IS NOT NULL
          AND c.expires_at > now_ AND h.actor_id = (p->>'holder')::uuid AND h.patient_id IS NULL
          AND h.id IS DISTINCT FROM (p->>'hold')::uuid AND meets(c, p)
    );
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- The claims of holds, at the provider of these claims, that were placed to move an appointment. They cover only what the
-- appointment doesn't, and so they end when it leaves.
CREATE FUNCTION moving_holds(org uuid, old uuid[], appointment uuid) RETURNS uuid[] LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN ARRAY(
        SELECT c.id FROM claims c JOIN holds h ON h.organization_id = c.organization_id AND h.id = c.hold_id
        WHERE c.organization_id = org AND c.state = 'ACTIVE' AND c.hold_id IS NOT NULL AND h.moving_appointment_id = appointment
          AND c.party_id IN (SELECT o.party_id FROM claims o WHERE o.organization_id = org AND o.id = ANY (old)));
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Ends claims, those of visits that are over too, and lowers exactly the counters that they raised.
CREATE FUNCTION free_claims(org uuid, ids uuid[], ended text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    WITH freed AS (
        UPDATE claims SET state = ended WHERE organization_id = org AND id = ANY (ids) AND state IN ('ACTIVE', 'PAST')
        RETURNING party_id, counted_day, counted_windows
    ), days AS (
        UPDATE party_days d SET booked = d.booked - f.n
        FROM (SELECT party_id, counted_day, count(*) AS n FROM freed WHERE counted_day IS NOT NULL GROUP BY 1, 2) f
        WHERE d.organization_id = org AND d.party_id = f.party_id AND d.day = f.counted_day
    )
    UPDATE window_counts w SET booked = w.booked - f.n
    FROM (SELECT party_id, win, count(*) AS n FROM freed, unnest(counted_windows) win GROUP BY 1, 2) f
    WHERE w.organization_id = org AND w.provider_id = f.party_id AND w.exception_id = f.win;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Ends spent holds: those that ran out lapse, the caller's own are released or, the one that is booked from, booked.
CREATE FUNCTION end_holds(org uuid, ids uuid[], now_ timestamptz, booked uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    lapsed uuid[];
BEGIN
    SELECT array_agg(id) INTO lapsed FROM claims WHERE organization_id = org AND id = ANY (ids) AND expires_at <= now_;
    UPDATE holds h SET ended_at = now_, state = CASE
        WHEN h.expires_at <= now_ THEN 'LAPSED' WHEN h.id = booked THEN 'BOOKED' ELSE 'RELEASED' END
    FROM claims c
    WHERE c.organization_id = org AND c.id = ANY (ids) AND h.organization_id = org AND h.id = c.hold_id AND h.state = 'ACTIVE';
    PERFORM free_claims(org, lapsed, 'LAPSED');
    PERFORM free_claims(org, ids, 'FREED');
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- The days, and the capped windows, that a change's own claims are counted for already: of the caller's holds that it ends, of the
-- appointment that it moves. Staying there raises no count, whatever the cap has become.
CREATE FUNCTION own_counts(org uuid, p jsonb, leaving uuid[], own uuid, OUT days date[], OUT windows uuid[])
LANGUAGE plpgsql STABLE AS $$
BEGIN
    SELECT coalesce(array_agg(c.counted_day) FILTER (WHERE c.counted_day IS NOT NULL), '{}'),
        coalesce(array_agg(w) FILTER (WHERE w IS NOT NULL), '{}') INTO days, windows
    FROM claims c LEFT JOIN LATERAL unnest(c.counted_windows) w ON true
    WHERE c.organization_id = org AND c.party_id = (p->>'provider')::uuid
      AND (c.id = own OR c.id = ANY (leaving) AND (c.appointment_id IS NOT NULL OR c.expires_at > (p->>'now')::timestamptz));
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- The reason that a slot can't be claimed, or null: SLOT_TAKEN, DAILY_CAP, WINDOW_CAP. lane is the free lane.
-- leaving: claims that this change frees and that therefore don't count. own: the caller's claim that is counted already;
-- when it is a hold's, its lane is the caller's too, whatever the rules have become. Every lane that is taken over the span
-- uses up one of the lanes there are, also one from when there were more, or of a place that has more.
CREATE FUNCTION find_lane(org uuid, p jsonb, leaving uuid[], own_ uuid, OUT refused text, OUT lane integer)
LANGUAGE plpgsql AS $$
DECLARE
    provider_ uuid := (p->>'provider')::uuid;
    from_ timestamptz := (p->>'occupiedFrom')::timestamptz;
    to_ timestamptz := (p->>'occupiedTo')::timestamptz;
    day_ date := (p->>'day')::date;
    lanes integer := (p->>'lanes')::integer;
    taken integer[];
    own claims;
    already record;
BEGIN
    taken := ARRAY(
        SELECT DISTINCT c.lane FROM claims c
        WHERE c.organization_id = org AND c.party_id = provider_ AND c.lane >= 0 AND c.state = 'ACTIVE'
          AND c.starts_at < to_ AND c.starts_at > from_ - interval '48 hours' AND c.ends_at > from_ AND c.starts_at < c.ends_at
          AND c.id <> ALL (leaving));
    IF own_ IS NOT NULL THEN
        SELECT * INTO own FROM claims c WHERE c.organization_id = org AND c.id = own_;
    END IF;
    IF own.hold_id IS NOT NULL AND own.lane <> ALL (taken) THEN
        lane := own.lane;
    ELSIF cardinality(taken) < lanes THEN
        SELECT min(g) INTO lane FROM generate_series(0, lanes - 1) g WHERE g <> ALL (taken);
    ELSE
        refused := 'SLOT_TAKEN';
        RETURN;
    END IF;
    IF p->>'dailyCap' IS NULL AND coalesce(jsonb_array_length(p->'windows'), 0) = 0 THEN
        RETURN;
    END IF;
    SELECT * INTO already FROM own_counts(org, p, leaving, own_);
    IF p->>'dailyCap' IS NOT NULL AND day_ <> ALL (already.days) AND
        (SELECT d.booked FROM party_days d WHERE d.organization_id = org AND d.party_id = provider_ AND d.day = day_)
        - (SELECT count(*) FROM claims c WHERE c.organization_id = org AND c.id = ANY (leaving) AND c.state IN ('ACTIVE', 'PAST')
             AND c.party_id = provider_ AND c.counted_day = day_) >= (p->>'dailyCap')::integer THEN
        refused := 'DAILY_CAP';
    ELSIF EXISTS (
        SELECT FROM jsonb_array_elements(p->'windows') w
        JOIN window_counts n ON n.organization_id = org AND n.provider_id = provider_ AND n.exception_id = (w->>'id')::uuid
        WHERE n.exception_id <> ALL (already.windows)
          AND n.booked - (SELECT count(*) FROM claims c
                WHERE c.organization_id = org AND c.id = ANY (leaving) AND c.state IN ('ACTIVE', 'PAST') AND c.party_id = provider_
                  AND n.exception_id = ANY (c.counted_windows)) >= (w->>'cap')::integer) THEN
        refused := 'WINDOW_CAP';
    END IF;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Takes a lane of the provider and raises the counters. Call it only after find_lane and after freeing what leaves.
CREATE FUNCTION take_lane(org uuid, claim uuid, p jsonb, lane_ integer, from_ timestamptz, to_ timestamptz,
    appointment uuid, hold uuid, expires timestamptz, day_ date, windows uuid[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO claims (organization_id, id, party_kind, party_id, lane, starts_at, ends_at, state, appointment_id,
        hold_id, expires_at, days, counted_day, counted_windows)
    VALUES (org, claim, 'PROVIDER', (p->>'provider')::uuid, lane_, from_, to_, 'ACTIVE', appointment,
        hold, expires, dates(p->'providerDays'), day_, windows)
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'slot taken' USING ERRCODE = 'MC001';
    END IF;
    IF day_ IS NOT NULL THEN
        UPDATE party_days d SET booked = d.booked + 1
        WHERE d.organization_id = org AND d.party_id = (p->>'provider')::uuid AND d.day = day_;
    END IF;
    IF cardinality(windows) > 0 THEN
        UPDATE window_counts n SET booked = n.booked + 1
        WHERE n.organization_id = org AND n.provider_id = (p->>'provider')::uuid AND n.exception_id = ANY (windows);
    END IF;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- The appointment that keeps the patient busy in the bare span, leaving claims aside; null when none.
CREATE FUNCTION patient_busy(org uuid, p jsonb, leaving uuid[]) RETURNS uuid LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
        SELECT c.appointment_id FROM claims c
        WHERE c.organization_id = org AND c.party_id = (p->>'patient')::uuid AND c.state = 'ACTIVE'
          AND c.starts_at < (p->>'endsAt')::timestamptz AND c.ends_at > (p->>'startsAt')::timestamptz
          AND c.starts_at > (p->>'startsAt')::timestamptz - interval '48 hours' AND c.id <> ALL (leaving)
        LIMIT 1
    );
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION take_patient(org uuid, claim uuid, p jsonb, appointment uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO claims (organization_id, id, party_kind, party_id, lane, starts_at, ends_at, state, appointment_id, days)
    VALUES (org, claim, 'PATIENT', (p->>'patient')::uuid, 0, (p->>'startsAt')::timestamptz, (p->>'endsAt')::timestamptz,
        'ACTIVE', appointment, dates(p->'patientDays'))
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'patient busy' USING ERRCODE = 'MC001';
    END IF;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Raises the revision of each provider's days that the claims stand on and appends one event a provider: what was freed,
-- what is taken, and the counts. Call it last: the position is taken after the claims are won.
CREATE FUNCTION log_claims(org uuid, at timestamptz, topic text, appointment uuid, touched uuid[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    party uuid;
BEGIN
    FOR party IN SELECT DISTINCT c.party_id FROM claims c
        WHERE c.organization_id = org AND c.id = ANY (touched) AND c.party_kind = 'PROVIDER' ORDER BY 1
    LOOP
        WITH c AS MATERIALIZED (
            SELECT * FROM claims WHERE organization_id = org AND id = ANY (touched) AND party_id = party
        ), raised AS (
            UPDATE party_days d SET revision = d.revision + 1
            WHERE d.organization_id = org AND d.party_id = party AND d.day IN (SELECT unnest(c.days) FROM c)
            RETURNING d.day, d.revision, d.booked
        )
        INSERT INTO event_log (organization_id, at, topic, provider_id, appointment_id, payload)
        SELECT org, at, topic, party, appointment, jsonb_build_object(
            'freed', (SELECT coalesce(jsonb_agg(c.id), '[]') FROM c WHERE c.state <> 'ACTIVE'),
            'taken', (SELECT coalesce(jsonb_agg(jsonb_build_object('id', c.id, 'lane', c.lane, 'from', c.starts_at,
                'to', c.ends_at, 'appointment', c.appointment_id, 'hold', c.hold_id, 'expiresAt', c.expires_at)), '[]')
                FROM c WHERE c.state = 'ACTIVE'),
            'days', (SELECT jsonb_object_agg(r.day, jsonb_build_object('revision', r.revision, 'booked', r.booked)) FROM raised r),
            'windows', (SELECT coalesce(jsonb_object_agg(n.exception_id, n.booked), '{}') FROM window_counts n
                WHERE n.organization_id = org AND n.provider_id = party
                  AND n.exception_id IN (SELECT unnest(c.counted_windows) FROM c)));
    END LOOP;
    IF NOT FOUND THEN
        INSERT INTO event_log (organization_id, at, topic, appointment_id, payload) VALUES (org, at, topic, appointment, '{}');
    END IF;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- a: {id, kind, actor, client, request, action}
CREATE FUNCTION audit(org uuid, at timestamptz, a jsonb, entity_kind text, entity uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit_events (organization_id, id, at, actor_kind, actor_id, client, action, entity_kind, entity_id, request_id)
    VALUES (org, (a->>'id')::uuid, at, a->>'kind', (a->>'actor')::uuid, a->>'client', a->>'action', entity_kind, entity, a->>'request');
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- The same caller's booking of the same slot for the same patient within 5 minutes, under whatever key.
CREATE FUNCTION same_booking(org uuid, p jsonb, now_ timestamptz) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
        SELECT jsonb_build_object('outcome', 'REPLAYED', 'appointment', a.id, 'version', a.version)
        FROM appointments a
        WHERE a.organization_id = org AND a.patient_id = (p->>'patient')::uuid AND a.starts_at = (p->>'startsAt')::timestamptz
          AND a.provider_id = (p->>'provider')::uuid AND a.location_id = (p->>'location')::uuid
          AND a.visit_kind_id = (p->>'visitKind')::uuid AND a.modality = p->>'modality' AND a.created_by = (p->>'holder')::uuid
          AND a.status IN ('BOOKED', 'PENDING') AND a.created_at > now_ - interval '5 minutes'
        LIMIT 1
    );
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Books p.appointment. Answers {outcome: DONE | STALE_RULES | HOLD_ENDED | SLOT_TAKEN | DAILY_CAP | WINDOW_CAP |
-- PATIENT_BUSY | KEY_IN_USE | KEY_REUSED | REPLAYED, …}.
CREATE FUNCTION book(p jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    org uuid := (p->>'organization')::uuid;
    now_ timestamptz := (p->>'now')::timestamptz;
    provider_ uuid := (p->>'provider')::uuid;
    patient_ uuid := (p->>'patient')::uuid;
    windows_ uuid[] := ARRAY(SELECT (w->>'id')::uuid FROM jsonb_array_elements(p->'windows') w);
    appointment_ uuid := (p->>'appointment')::uuid;
    leaving uuid[];
    spare uuid[];
    kept uuid;
    held holds;
    seat record;
    busy uuid;
    answer jsonb;
BEGIN
    answer := key_begin(org, p->'key', (p->>'forgotten')::timestamptz);
    IF answer IS NOT NULL THEN
        RETURN answer;
    END IF;
    PERFORM pg_advisory_xact_lock_shared(provider_lock(org, provider_));
    PERFORM FROM providers v WHERE v.organization_id = org AND v.id = provider_
        AND v.schedule_revision = (p->>'rulesRevision')::bigint;
    IF NOT FOUND THEN
        RETURN jsonb_build_object('outcome', 'STALE_RULES');
    END IF;

    leaving := spent_holds(org, p, now_);
    spare := spare_holds(org, p, now_);
    -- Who comes too late is told so before queueing for the locks: what is committed now is enough to know.
    SELECT * INTO seat FROM find_lane(org, p, leaving || spare, NULL);
    IF seat.refused = 'SLOT_TAKEN' AND p->>'hold' IS NULL AND same_booking(org, p, now_) IS NULL THEN
        RETURN jsonb_build_object('outcome', 'SLOT_TAKEN');
    END IF;
    PERFORM lock_all(org, leaving || spare,
        array_fill(provider_, ARRAY[jsonb_array_length(p->'providerDays')])
            || array_fill(patient_, ARRAY[jsonb_array_length(p->'patientDays')]),
        dates(p->'providerDays') || dates(p->'patientDays'), provider_, windows_);
    leaving := ARRAY(SELECT unnest(leaving) INTERSECT SELECT unnest(spent_holds(org, p, now_)));
    spare := ARRAY(SELECT unnest(spare) INTERSECT SELECT unnest(spare_holds(org, p, now_)));

    answer := same_booking(org, p, now_);
    IF answer IS NOT NULL THEN
        PERFORM key_end(org, p->'key', now_, answer - 'outcome');
        RETURN answer;
    END IF;

    IF p->>'hold' IS NOT NULL THEN
        SELECT * INTO held FROM holds h WHERE h.organization_id = org AND h.id = (p->>'hold')::uuid FOR UPDATE;
        IF held.state IS DISTINCT FROM 'ACTIVE' OR held.expires_at <= now_ THEN
            RETURN jsonb_build_object('outcome', 'HOLD_ENDED', 'at', coalesce(held.ended_at, held.expires_at));
        END IF;
    ELSE
        SELECT h.* INTO held FROM claims c JOIN holds h ON h.organization_id = org AND h.id = c.hold_id
        WHERE c.organization_id = org AND c.id = ANY (leaving || spare) AND h.expires_at > now_
          AND h.starts_at = (p->>'startsAt')::timestamptz AND h.location_id = (p->>'location')::uuid
          AND h.visit_kind_id = (p->>'visitKind')::uuid AND h.modality = p->>'modality'
        ORDER BY h.patient_id NULLS LAST, h.id LIMIT 1;
        leaving := leaving || ARRAY(SELECT c.id FROM claims c
            WHERE c.organization_id = org AND c.id = ANY (spare) AND c.hold_id = held.id);
    END IF;
    SELECT c.id INTO kept FROM claims c
    WHERE c.organization_id = org AND c.hold_id = held.id AND c.party_id = provider_ AND c.state = 'ACTIVE' LIMIT 1;

    SELECT * INTO seat FROM find_lane(org, p, leaving, kept);
    IF seat.refused IS NOT NULL AND cardinality(spare) > 0 THEN
        leaving := leaving || spare;
        SELECT * INTO seat FROM find_lane(org, p, leaving, kept);
    END IF;
    IF seat.refused IS NOT NULL THEN
        RETURN jsonb_build_object('outcome', seat.refused);
    END IF;
    busy := patient_busy(org, p, leaving);
    IF busy IS NOT NULL THEN
        RETURN jsonb_build_object('outcome', 'PATIENT_BUSY', 'with', busy);
    END IF;

    IF cardinality(leaving) > 0 THEN
        PERFORM end_holds(org, leaving, now_, held.id);
    END IF;
    PERFORM take_lane(org, (p->>'providerClaim')::uuid, p, seat.lane, (p->>'occupiedFrom')::timestamptz,
        (p->>'occupiedTo')::timestamptz, appointment_, NULL, NULL, (p->>'day')::date, windows_);
    PERFORM take_patient(org, (p->>'patientClaim')::uuid, p, appointment_);
    INSERT INTO appointments (organization_id, id, version, status, provider_id, location_id, visit_kind_id, patient_id,
        modality, starts_at, ends_at, local_start, time_zone, tzdb_version, reason, created_at, created_by, updated_at)
    VALUES (org, appointment_, 1, p->>'status', provider_, (p->>'location')::uuid, (p->>'visitKind')::uuid, patient_,
        p->>'modality', (p->>'startsAt')::timestamptz, (p->>'endsAt')::timestamptz, (p->>'localStart')::timestamp,
        p->>'timeZone', p->>'tzdb', decode(p->>'reason', 'base64'), now_, (p->>'holder')::uuid, now_);
    INSERT INTO appointment_identifiers (organization_id, appointment_id, system, value)
    SELECT org, appointment_, i->>'system', i->>'value' FROM jsonb_array_elements(p->'identifiers') i
    ON CONFLICT DO NOTHING;

    answer := jsonb_build_object('appointment', appointment_, 'version', 1);
    PERFORM log_claims(org, now_, 'appointment.booked', appointment_, leaving || (p->>'providerClaim')::uuid);
    PERFORM audit(org, now_, p->'audit', 'Appointment', appointment_);
    PERFORM key_end(org, p->'key', now_, answer);
    RETURN answer || jsonb_build_object('outcome', 'DONE');
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Places p.newHold on a slot. With moving, the appointment's own time counts as free: on its lane the hold
-- claims only what the appointment doesn't, and counts only where the appointment isn't counted already.
CREATE FUNCTION place_hold(p jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    org uuid := (p->>'organization')::uuid;
    now_ timestamptz := (p->>'now')::timestamptz;
    provider_ uuid := (p->>'provider')::uuid;
    windows_ uuid[] := ARRAY(SELECT (w->>'id')::uuid FROM jsonb_array_elements(p->'windows') w);
    hold_ uuid := (p->>'newHold')::uuid;
    from_ timestamptz := (p->>'occupiedFrom')::timestamptz;
    to_ timestamptz := (p->>'occupiedTo')::timestamptz;
    expires timestamptz := (p->>'expiresAt')::timestamptz;
    day_ date := (p->>'day')::date;
    leaving uuid[];
    aside uuid[];
    moved claims;
    seat record;
    answer jsonb;
BEGIN
    answer := key_begin(org, p->'key', (p->>'forgotten')::timestamptz);
    IF answer IS NOT NULL THEN
        RETURN answer;
    END IF;
    PERFORM pg_advisory_xact_lock_shared(provider_lock(org, provider_));
    PERFORM FROM providers v WHERE v.organization_id = org AND v.id = provider_
        AND v.schedule_revision = (p->>'rulesRevision')::bigint;
    IF NOT FOUND THEN
        RETURN jsonb_build_object('outcome', 'STALE_RULES');
    END IF;
    leaving := spent_holds(org, p, now_);
    PERFORM lock_all(org, leaving, array_fill(provider_, ARRAY[jsonb_array_length(p->'providerDays')]),
        dates(p->'providerDays'), provider_, windows_);
    leaving := ARRAY(SELECT unnest(leaving) INTERSECT SELECT unnest(spent_holds(org, p, now_)));

    SELECT * INTO moved FROM claims c
    WHERE c.organization_id = org AND c.appointment_id = (p->>'moving')::uuid AND c.party_id = provider_
      AND c.state IN ('ACTIVE', 'PAST');
    aside := CASE WHEN moved.id IS NULL THEN leaving ELSE leaving || moved.id END;
    SELECT * INTO seat FROM find_lane(org, p, aside, moved.id);
    IF seat.refused IS NOT NULL THEN
        RETURN jsonb_build_object('outcome', seat.refused);
    END IF;

    IF cardinality(leaving) > 0 THEN
        PERFORM end_holds(org, leaving, now_, NULL);
    END IF;
    INSERT INTO holds (organization_id, id, provider_id, location_id, visit_kind_id, modality, starts_at, ends_at,
        actor_id, patient_id, moving_appointment_id, expires_at, state, created_at)
    VALUES (org, hold_, provider_, (p->>'location')::uuid, (p->>'visitKind')::uuid, p->>'modality',
        (p->>'startsAt')::timestamptz, (p->>'endsAt')::timestamptz, (p->>'holder')::uuid, (p->>'patient')::uuid,
        (p->>'moving')::uuid, expires, 'ACTIVE', now_);
    IF moved.id IS NOT NULL THEN
        IF moved.counted_day = day_ THEN
            day_ := NULL;
        END IF;
        windows_ := ARRAY(SELECT unnest(windows_) EXCEPT SELECT unnest(moved.counted_windows));
    END IF;
    IF moved.id IS NOT NULL AND seat.lane = moved.lane AND moved.starts_at < to_ AND moved.ends_at > from_ THEN
        PERFORM take_lane(org, (p->>'providerClaim')::uuid, p, seat.lane, from_, greatest(from_, moved.starts_at),
            NULL, hold_, expires, day_, windows_);
        IF moved.ends_at < to_ THEN
            PERFORM take_lane(org, (p->>'secondClaim')::uuid, p, seat.lane, moved.ends_at, to_, NULL, hold_, expires, NULL, '{}');
        END IF;
    ELSE
        PERFORM take_lane(org, (p->>'providerClaim')::uuid, p, seat.lane, from_, to_, NULL, hold_, expires, day_, windows_);
    END IF;
    answer := jsonb_build_object('hold', hold_);
    PERFORM log_claims(org, now_, 'hold.placed', NULL, leaving || (p->>'providerClaim')::uuid || (p->>'secondClaim')::uuid);
    PERFORM audit(org, now_, p->'audit', 'SlotHold', hold_);
    PERFORM key_end(org, p->'key', now_, answer);
    RETURN answer || jsonb_build_object('outcome', 'DONE');
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Extends (p.expiresAt given) or releases a hold. Repeating either answers as the first time.
CREATE FUNCTION change_hold(p jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    org uuid := (p->>'organization')::uuid;
    now_ timestamptz := (p->>'now')::timestamptz;
    hold_ uuid := (p->>'hold')::uuid;
    ids uuid[];
    held holds;
BEGIN
    ids := ARRAY(SELECT c.id FROM claims c JOIN holds h ON h.organization_id = org AND h.id = hold_
        WHERE c.organization_id = org AND c.party_id = h.provider_id AND c.hold_id = hold_ AND c.state = 'ACTIVE');
    PERFORM lock_all(org, ids, '{}', '{}', NULL, '{}');
    SELECT * INTO held FROM holds h WHERE h.organization_id = org AND h.id = hold_ FOR UPDATE;
    IF held.state = 'RELEASED' AND p->>'expiresAt' IS NULL
        OR held.state = 'ACTIVE' AND held.extended AND held.expires_at > now_ AND p->>'expiresAt' IS NOT NULL THEN
        RETURN jsonb_build_object('outcome', 'DONE');
    END IF;
    IF held.state IS DISTINCT FROM 'ACTIVE' OR held.expires_at <= now_ THEN
        RETURN jsonb_build_object('outcome', 'HOLD_ENDED', 'at', coalesce(held.ended_at, held.expires_at));
    END IF;
    IF p->>'expiresAt' IS NULL THEN
        PERFORM end_holds(org, ids, now_, NULL);
    ELSE
        UPDATE holds h SET expires_at = (p->>'expiresAt')::timestamptz, extended = true
        WHERE h.organization_id = org AND h.id = hold_;
        UPDATE claims c SET expires_at = (p->>'expiresAt')::timestamptz WHERE c.organization_id = org AND c.id = ANY (ids);
    END IF;
    PERFORM log_claims(org, now_, p->>'topic', NULL, ids);
    PERFORM audit(org, now_, p->'audit', 'SlotHold', hold_);
    RETURN jsonb_build_object('outcome', 'DONE');
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Lapses the holds of one provider that have run out, at most 100 at a time; answers how many claims ended.
CREATE FUNCTION lapse_holds(p jsonb) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    org uuid := (p->>'organization')::uuid;
    now_ timestamptz := (p->>'now')::timestamptz;
    ids uuid[];
BEGIN
    ids := ARRAY(SELECT c.id FROM claims c
        WHERE c.organization_id = org AND c.party_id = (p->>'provider')::uuid AND c.state = 'ACTIVE'
          AND c.hold_id IS NOT NULL AND c.expires_at <= now_ ORDER BY c.expires_at LIMIT 100);
    PERFORM lock_all(org, ids, '{}', '{}', NULL, '{}');
    ids := ARRAY(SELECT c.id FROM claims c
        WHERE c.organization_id = org AND c.id = ANY (ids) AND c.state = 'ACTIVE' AND c.expires_at <= now_);
    IF cardinality(ids) = 0 THEN
        RETURN 0;
    END IF;
    PERFORM end_holds(org, ids, now_, NULL);
    PERFORM log_claims(org, now_, 'hold.lapsed', NULL, ids);
    RETURN cardinality(ids);
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Moves an appointment that was read at p.version: the old slot is freed only if the new one is taken.
CREATE FUNCTION move_appointment(p jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    org uuid := (p->>'organization')::uuid;
    now_ timestamptz := (p->>'now')::timestamptz;
    provider_ uuid := (p->>'provider')::uuid;
    patient_ uuid := (p->>'patient')::uuid;
    appointment_ uuid := (p->>'appointment')::uuid;
    windows_ uuid[] := ARRAY(SELECT (w->>'id')::uuid FROM jsonb_array_elements(p->'windows') w);
    old uuid[];
    leaving uuid[];
    spare uuid[];
    kept uuid;
    held holds;
    seat record;
    busy uuid;
    seen appointments;
    answer jsonb;
BEGIN
    IF p->'key' <> 'null' THEN
        answer := key_begin(org, p->'key', (p->>'forgotten')::timestamptz);
        IF answer IS NOT NULL THEN
            RETURN answer;
        END IF;
    END IF;
    PERFORM pg_advisory_xact_lock_shared(l) FROM (
        SELECT DISTINCT provider_lock(org, v) AS l, v FROM unnest(ARRAY[provider_, (p->>'oldProvider')::uuid]) v ORDER BY v) locks;
    PERFORM FROM providers v WHERE v.organization_id = org AND v.id = provider_
        AND v.schedule_revision = (p->>'rulesRevision')::bigint;
    IF NOT FOUND THEN
        RETURN jsonb_build_object('outcome', 'STALE_RULES');
    END IF;

    old := ARRAY(SELECT c.id FROM claims c
        WHERE c.organization_id = org AND c.appointment_id = appointment_ AND c.state IN ('ACTIVE', 'PAST'));
    leaving := spent_holds(org, p, now_) || moving_holds(org, old, appointment_);
    spare := spare_holds(org, p, now_);
    PERFORM lock_all(org, leaving || spare || old,
        array_fill(provider_, ARRAY[jsonb_array_length(p->'providerDays')])
            || array_fill(patient_, ARRAY[jsonb_array_length(p->'patientDays')]),
        dates(p->'providerDays') || dates(p->'patientDays'), provider_, windows_);
    leaving := ARRAY(SELECT unnest(leaving) INTERSECT SELECT unnest(spent_holds(org, p, now_) || moving_holds(org, old, appointment_)));
    spare := ARRAY(SELECT unnest(spare) INTERSECT SELECT unnest(spare_holds(org, p, now_)));
    SELECT * INTO seen FROM appointments a WHERE a.organization_id = org AND a.id = appointment_ FOR UPDATE;
    IF seen.version IS DISTINCT FROM (p->>'version')::integer THEN
        RETURN jsonb_build_object('outcome', 'STALE_APPOINTMENT');
    END IF;

    IF p->>'hold' IS NOT NULL THEN
        SELECT * INTO held FROM holds h WHERE h.organization_id = org AND h.id = (p->>'hold')::uuid FOR UPDATE;
        IF held.state IS DISTINCT FROM 'ACTIVE' OR held.expires_at <= now_ THEN
            RETURN jsonb_build_object('outcome', 'HOLD_ENDED', 'at', coalesce(held.ended_at, held.expires_at));
        END IF;
        SELECT c.id INTO kept FROM claims c
        WHERE c.organization_id = org AND c.hold_id = held.id AND c.party_id = provider_ AND c.state = 'ACTIVE'
        ORDER BY c.counted_day NULLS LAST LIMIT 1;
    END IF;
    SELECT * INTO seat FROM find_lane(org, p, leaving || old, kept);
    IF seat.refused IS NOT NULL AND cardinality(spare) > 0 THEN
        leaving := leaving || spare;
        SELECT * INTO seat FROM find_lane(org, p, leaving || old, kept);
    END IF;
    IF seat.refused IS NOT NULL THEN
        RETURN jsonb_build_object('outcome', seat.refused);
    END IF;
    busy := patient_busy(org, p, leaving || old);
    IF busy IS NOT NULL THEN
        RETURN jsonb_build_object('outcome', 'PATIENT_BUSY', 'with', busy);
    END IF;

    IF cardinality(leaving) > 0 THEN
        PERFORM end_holds(org, leaving, now_, held.id);
    END IF;
    PERFORM free_claims(org, old, 'FREED');
    PERFORM take_lane(org, (p->>'providerClaim')::uuid, p, seat.lane, (p->>'occupiedFrom')::timestamptz,
        (p->>'occupiedTo')::timestamptz, appointment_, NULL, NULL, (p->>'day')::date, windows_);
    PERFORM take_patient(org, (p->>'patientClaim')::uuid, p, appointment_);
    UPDATE appointments a SET version = a.version + 1, status = p->>'status', provider_id = provider_,
        location_id = (p->>'location')::uuid, visit_kind_id = (p->>'visitKind')::uuid, modality = p->>'modality',
        starts_at = (p->>'startsAt')::timestamptz, ends_at = (p->>'endsAt')::timestamptz,
        local_start = (p->>'localStart')::timestamp, time_zone = p->>'timeZone', tzdb_version = p->>'tzdb',
        reschedules = (p->>'reschedules')::integer, confirmed_at = (p->>'confirmedAt')::timestamptz, updated_at = now_,
        last_action = NULL, prior_status = NULL, prior_confirmed_at = NULL
    WHERE a.organization_id = org AND a.id = appointment_;
    answer := jsonb_build_object('appointment', appointment_, 'version', seen.version + 1, 'released', p->'released');
    PERFORM log_claims(org, now_, p->>'topic', appointment_, leaving || old || (p->>'providerClaim')::uuid);
    PERFORM audit(org, now_, p->'audit', 'Appointment', appointment_);
    IF p->'key' <> 'null' THEN
        PERFORM key_end(org, p->'key', now_, answer);
    END IF;
    RETURN answer || jsonb_build_object('outcome', 'DONE');
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Cancels (or declines) an appointment that was read at p.version, and frees its claims.
CREATE FUNCTION cancel_appointment(p jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    org uuid := (p->>'organization')::uuid;
    now_ timestamptz := (p->>'now')::timestamptz;
    appointment_ uuid := (p->>'appointment')::uuid;
    old uuid[];
    holding uuid[];
    seen appointments;
    answer jsonb;
BEGIN
    IF p->'key' <> 'null' THEN
        answer := key_begin(org, p->'key', (p->>'forgotten')::timestamptz);
        IF answer IS NOT NULL THEN
            RETURN answer;
        END IF;
    END IF;
    old := ARRAY(SELECT c.id FROM claims c
        WHERE c.organization_id = org AND c.appointment_id = appointment_ AND c.state IN ('ACTIVE', 'PAST'));
    holding := moving_holds(org, old, appointment_);
    PERFORM lock_all(org, old || holding, '{}', '{}', NULL, '{}');
    holding := ARRAY(SELECT unnest(holding) INTERSECT SELECT unnest(moving_holds(org, old, appointment_)));
    SELECT * INTO seen FROM appointments a WHERE a.organization_id = org AND a.id = appointment_ FOR UPDATE;
    IF seen.version IS DISTINCT FROM (p->>'version')::integer THEN
        RETURN jsonb_build_object('outcome', 'STALE_APPOINTMENT');
    END IF;
    IF cardinality(holding) > 0 THEN
        PERFORM end_holds(org, holding, now_, NULL);
    END IF;
    PERFORM free_claims(org, old, 'FREED');
    UPDATE appointments a SET version = a.version + 1, status = 'CANCELLED', updated_at = now_,
        cancel_reason = p->>'reason', cancel_note = decode(p->>'note', 'base64'), cancelled_at = now_, cancelled_by = p->>'by',
        cancel_fee_units = (p->'fee'->>'minorUnits')::integer, cancel_fee_currency = p->'fee'->>'currency',
        last_action = p->>'action', prior_status = a.status, prior_confirmed_at = a.confirmed_at
    WHERE a.organization_id = org AND a.id = appointment_;
    answer := jsonb_build_object('appointment', appointment_, 'version', seen.version + 1);
    PERFORM log_claims(org, now_, 'appointment.cancelled', appointment_, old || holding);
    PERFORM audit(org, now_, p->'audit', 'Appointment', appointment_);
    IF p->'key' <> 'null' THEN
        PERFORM key_end(org, p->'key', now_, answer);
    END IF;
    RETURN answer || jsonb_build_object('outcome', 'DONE');
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Changes the state of an appointment that was read at p.version, or the wall clock that it shows; its time and claims stay.
CREATE FUNCTION change_appointment(p jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    org uuid := (p->>'organization')::uuid;
    now_ timestamptz := (p->>'now')::timestamptz;
    appointment_ uuid := (p->>'appointment')::uuid;
    answer jsonb;
    seen appointments;
BEGIN
    IF p->'key' <> 'null' THEN
        answer := key_begin(org, p->'key', (p->>'forgotten')::timestamptz);
        IF answer IS NOT NULL THEN
            RETURN answer;
        END IF;
    END IF;
    UPDATE appointments a SET version = a.version + 1, status = p->>'status', updated_at = now_,
        confirmed_at = (p->>'confirmedAt')::timestamptz, last_action = p->>'lastAction',
        prior_status = p->>'priorStatus', prior_confirmed_at = (p->>'priorConfirmedAt')::timestamptz,
        local_start = coalesce((p->>'localStart')::timestamp, a.local_start), tzdb_version = coalesce(p->>'tzdb', a.tzdb_version)
    WHERE a.organization_id = org AND a.id = appointment_ AND a.version = (p->>'version')::integer
    RETURNING * INTO seen;
    IF NOT FOUND THEN
        RETURN jsonb_build_object('outcome', 'STALE_APPOINTMENT');
    END IF;
    answer := jsonb_build_object('appointment', appointment_, 'version', seen.version);
    INSERT INTO event_log (organization_id, at, topic, provider_id, appointment_id, payload)
    VALUES (org, now_, p->>'topic', seen.provider_id, appointment_, '{}');
    PERFORM audit(org, now_, p->'audit', 'Appointment', appointment_);
    IF p->'key' <> 'null' THEN
        PERFORM key_end(org, p->'key', now_, answer);
    END IF;
    RETURN answer || jsonb_build_object('outcome', 'DONE');
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Answers a change whose state is reached already: for a key as it was answered before, else by noting this answer. It writes
-- even without a key, so that under synchronous replication it waits as the change itself did.
CREATE FUNCTION affirm(p jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    org uuid := (p->>'organization')::uuid;
    answer jsonb;
BEGIN
    IF p->'key' = 'null' THEN
        PERFORM pg_logical_emit_message(true, 'mediconnect', 'reached');
        RETURN jsonb_build_object('outcome', 'DONE');
    END IF;
    answer := key_begin(org, p->'key', (p->>'forgotten')::timestamptz);
    IF answer IS NOT NULL THEN
        RETURN answer;
    END IF;
    PERFORM key_end(org, p->'key', (p->>'now')::timestamptz,
        jsonb_build_object('appointment', (p->>'appointment')::uuid, 'version', (p->>'version')::integer));
    RETURN jsonb_build_object('outcome', 'DONE');
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Answers a booking that is refused as it was answered before: by its key, or the same booking under another one within 5
-- minutes. DONE: neither.
CREATE FUNCTION recall(p jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    org uuid := (p->>'organization')::uuid;
    now_ timestamptz := (p->>'now')::timestamptz;
    answer jsonb := key_begin(org, p->'key', (p->>'forgotten')::timestamptz);
BEGIN
    IF answer IS NULL AND p->>'startsAt' IS NOT NULL THEN
        answer := same_booking(org, p, now_);
        IF answer IS NOT NULL THEN
            PERFORM key_end(org, p->'key', now_, answer - 'outcome');
        END IF;
    END IF;
    RETURN coalesce(answer, jsonb_build_object('outcome', 'DONE'));
END $$;
-- +goose StatementEnd

ALTER FUNCTION book SET plan_cache_mode = 'force_generic_plan' SET enable_seqscan = off;
ALTER FUNCTION place_hold SET plan_cache_mode = 'force_generic_plan' SET enable_seqscan = off;
ALTER FUNCTION change_hold SET plan_cache_mode = 'force_generic_plan' SET enable_seqscan = off;
ALTER FUNCTION lapse_holds SET plan_cache_mode = 'force_generic_plan' SET enable_seqscan = off;
ALTER FUNCTION move_appointment SET plan_cache_mode = 'force_generic_plan' SET enable_seqscan = off;
ALTER FUNCTION cancel_appointment SET plan_cache_mode = 'force_generic_plan' SET enable_seqscan = off;
ALTER FUNCTION change_appointment SET plan_cache_mode = 'force_generic_plan' SET enable_seqscan = off;

-- +goose Down
DROP FUNCTION recall, affirm, change_appointment, cancel_appointment, move_appointment, lapse_holds, change_hold, place_hold, book, same_booking,
    audit, log_claims, take_patient, patient_busy, take_lane, find_lane, own_counts, end_holds, free_claims, moving_holds, spare_holds, spent_holds, meets, lock_all,
    lock_windows, lock_days, dates, key_end, key_begin, provider_lock;
