-- +goose Up
-- rollback: safe
-- Patients who wait for an opening, and what is offered to them.
--
-- What a visit leaves is kept for a moment for whoever waits: its claims go over to a hold for nobody, of the waitlist's own (p.reserve), in the
-- transaction that ends the visit, and a turn says that somebody is to be found for it. An offer is such a hold for one patient, who has until
-- expires_at to answer; the hold lasts a little longer, so that the time can go to the next one without anybody else coming between. Whoever
-- accepts books, or moves their visit, in the same transaction in which the offer ends.
--
-- The lock order goes on: claims, then offers, entries, turns. A patient has one open offer at most, which an index holds.

CREATE TABLE waitlist_entries (
    organization_id uuid NOT NULL,
    id              uuid NOT NULL,
    patient_id      uuid NOT NULL,
    status          text NOT NULL CHECK (status IN ('ACTIVE', 'EXPIRED', 'FULFILLED', 'LEFT', 'OFFERED')),
    priority        integer NOT NULL,
    visit_kind_id   uuid NOT NULL,
    provider_ids    uuid[], -- null: whoever
    not_before      timestamptz, -- starts that suit: [not_before, not_after)
    not_after       timestamptz,
    wanted          private, -- the whole search, as JSON; null once the patient is erased
    minimum_notice  integer NOT NULL CHECK (minimum_notice >= 0), -- seconds before the start that an offer has to come
    current_appointment_id uuid, -- the visit that would be moved forward
    joined_at       timestamptz NOT NULL,
    joined_by       uuid NOT NULL,
    ended_at        timestamptz,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, patient_id) REFERENCES patients,
    FOREIGN KEY (organization_id, visit_kind_id) REFERENCES visit_kinds,
    FOREIGN KEY (organization_id, current_appointment_id) REFERENCES appointments,
    CHECK ((status IN ('ACTIVE', 'OFFERED')) = (ended_at IS NULL)),
    CHECK (wanted IS NOT NULL OR ended_at IS NOT NULL)
);
CREATE UNIQUE INDEX waitlist_entries_once ON waitlist_entries (organization_id, patient_id, visit_kind_id) WHERE ended_at IS NULL;
CREATE INDEX waitlist_entries_in_turn ON waitlist_entries (organization_id, priority DESC, joined_at, id) WHERE ended_at IS NULL;
CREATE INDEX waitlist_entries_of_patient ON waitlist_entries (organization_id, patient_id, joined_at, id);
CREATE INDEX waitlist_entries_ended ON waitlist_entries (ended_at) WHERE ended_at IS NOT NULL;
CREATE TRIGGER patient_stands BEFORE INSERT ON waitlist_entries FOR EACH ROW EXECUTE FUNCTION patient_stands();

CREATE TABLE waitlist_offers (
    organization_id uuid NOT NULL,
    id              uuid NOT NULL,
    entry_id        uuid NOT NULL,
    patient_id      uuid NOT NULL,
    version         integer NOT NULL DEFAULT 1,
    state           text NOT NULL CHECK (state IN ('ACCEPTED', 'DECLINED', 'EXPIRED', 'OPEN', 'WITHDRAWN')),
    hold_id         uuid NOT NULL,
    provider_id     uuid NOT NULL,
    location_id     uuid NOT NULL,
    visit_kind_id   uuid NOT NULL,
    modality        text NOT NULL,
    starts_at       timestamptz NOT NULL,
    ends_at         timestamptz NOT NULL CHECK (ends_at > starts_at),
    local_start     timestamp NOT NULL,
    time_zone       text NOT NULL,
    appointment_id  uuid, -- what it became
    offered_at      timestamptz NOT NULL,
    told_at         timestamptz NOT NULL, -- when the patient is told; later than offered_at in quiet hours
    expires_at      timestamptz NOT NULL,
    local_expires   timestamp NOT NULL, -- by the clock of local_start
    ended_at        timestamptz,
    wave            integer NOT NULL CHECK (wave > 0), -- the how-manieth offer of this time
    passed_over     jsonb NOT NULL DEFAULT '[]', -- [{entry, reason}]: who came before, and why it wasn't them
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, entry_id) REFERENCES waitlist_entries,
    FOREIGN KEY (organization_id, patient_id) REFERENCES patients,
    FOREIGN KEY (organization_id, appointment_id) REFERENCES appointments,
    CHECK ((state = 'OPEN') = (ended_at IS NULL)),
    CHECK ((state = 'ACCEPTED') = (appointment_id IS NOT NULL))
);
CREATE UNIQUE INDEX waitlist_offers_open ON waitlist_offers (organization_id, patient_id) WHERE state = 'OPEN';
CREATE INDEX waitlist_offers_of_patient ON waitlist_offers (organization_id, patient_id, offered_at);
CREATE INDEX waitlist_offers_of_entry ON waitlist_offers (organization_id, entry_id, offered_at, id);
CREATE INDEX waitlist_offers_ended ON waitlist_offers (ended_at) WHERE ended_at IS NOT NULL;

-- What the matching has to do, and when: find somebody for a time that is kept (FREED), let an offer lapse (OFFER), or look whether there is
-- an opening for any who wait (LOOK: the organisation itself). Whoever takes a turn has it for some seconds.
CREATE TABLE waitlist_turns (
    organization_id uuid NOT NULL REFERENCES organizations,
    id              uuid NOT NULL, -- the hold's, the offer's or the organisation's
    kind            text NOT NULL CHECK (kind IN ('FREED', 'LOOK', 'OFFER')),
    due_at          timestamptz NOT NULL,
    wave            integer NOT NULL DEFAULT 1,
    after_id        uuid, -- of a look that goes on: the last entry that was looked at
    PRIMARY KEY (organization_id, id)
);
CREATE INDEX waitlist_turns_due ON waitlist_turns (due_at);

-- How an organisation's waitlist goes. One without a row has the program's defaults.
CREATE TABLE waitlist_rules (
    organization_id uuid NOT NULL REFERENCES organizations,
    answer_within   integer NOT NULL CHECK (answer_within > 0), -- seconds
    offers_a_day    integer NOT NULL CHECK (offers_a_day > 0), -- to a patient
    shows_position  boolean NOT NULL,
    PRIMARY KEY (organization_id)
);

ALTER TABLE event_log ADD COLUMN offer_id uuid;
CREATE INDEX event_log_of_offers ON event_log (organization_id, position) WHERE offer_id IS NOT NULL;

-- +goose StatementBegin
DO $$
DECLARE
    table_ text;
BEGIN
    FOREACH table_ IN ARRAY '{waitlist_entries,waitlist_offers,waitlist_turns,waitlist_rules}'::text[] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', table_);
        EXECUTE format('CREATE POLICY tenant ON %I TO mediconnect_app USING (organization_id = (SELECT current_organization()))', table_);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO mediconnect_app', table_);
    END LOOP;
END $$;
-- +goose StatementEnd
CREATE POLICY matching ON waitlist_turns TO mediconnect_sweeper USING (true);
GRANT SELECT, UPDATE (due_at) ON waitlist_turns TO mediconnect_sweeper;
CREATE POLICY sweeping ON waitlist_entries TO mediconnect_sweeper USING (true);
CREATE POLICY sweeping ON waitlist_offers TO mediconnect_sweeper USING (true);
GRANT SELECT (organization_id, id, patient_id, joined_at, ended_at), DELETE ON waitlist_entries TO mediconnect_sweeper;
GRANT SELECT (organization_id, id, entry_id, ended_at), DELETE ON waitlist_offers TO mediconnect_sweeper;
GRANT SELECT (appointment_id) ON messages TO mediconnect_sweeper; -- of an offer: it is kept for as long as its messages

-- +goose StatementBegin
-- Keeps what a visit leaves for whoever waits, and answers the claims that it keeps; none, if nobody waits for such a time, if the visit moves
-- only a little, or if keeping it would count twice for a cap. Call it in place of freeing these claims. p.reserve: {hold, holder, expiresAt}.
CREATE FUNCTION reserve_freed(org uuid, p jsonb, appointment_ uuid, old uuid[], now_ timestamptz) RETURNS uuid[] LANGUAGE plpgsql AS $$
DECLARE
    hold_ uuid := (p->'reserve'->>'hold')::uuid;
    seat claims;
    was appointments;
    meets_ boolean := false;
    ids uuid[];
BEGIN
    IF hold_ IS NULL THEN
        RETURN '{}';
    END IF;
    SELECT * INTO seat FROM claims c
    WHERE c.organization_id = org AND c.id = ANY (old) AND c.party_kind = 'PROVIDER' AND c.state = 'ACTIVE' AND c.lane >= 0 AND c.starts_at > now_;
    IF seat.id IS NULL OR NOT EXISTS (
        SELECT FROM waitlist_entries e
        WHERE e.organization_id = org AND e.ended_at IS NULL AND e.status = 'ACTIVE' AND e.current_appointment_id IS DISTINCT FROM appointment_
          AND coalesce(e.not_after, 'infinity') > seat.starts_at AND coalesce(e.not_before, '-infinity') < seat.ends_at
          AND (e.provider_ids IS NULL OR seat.party_id = ANY (e.provider_ids))
          AND EXISTS (SELECT FROM provider_visit_kinds k WHERE k.organization_id = org AND k.provider_id = seat.party_id AND k.visit_kind_id = e.visit_kind_id)
    ) THEN
        RETURN '{}';
    END IF;
    IF p->>'occupiedFrom' IS NOT NULL THEN
        meets_ := seat.starts_at < (p->>'occupiedTo')::timestamptz AND seat.ends_at > (p->>'occupiedFrom')::timestamptz;
        IF seat.party_id = (p->>'provider')::uuid AND (meets_ OR p->>'dailyCap' IS NOT NULL AND seat.counted_day = (p->>'day')::date
            OR seat.counted_windows && ARRAY(SELECT (w->>'id')::uuid FROM jsonb_array_elements(p->'windows') w)) THEN
            RETURN '{}';
        END IF;
    END IF;
    SELECT * INTO was FROM appointments a WHERE a.organization_id = org AND a.id = appointment_;
    INSERT INTO holds (organization_id, id, provider_id, location_id, visit_kind_id, modality, starts_at, ends_at, actor_id, expires_at, state, created_at)
    VALUES (org, hold_, was.provider_id, was.location_id, was.visit_kind_id, was.modality, was.starts_at, was.ends_at,
        (p->'reserve'->>'holder')::uuid, (p->'reserve'->>'expiresAt')::timestamptz, 'ACTIVE', now_);
    INSERT INTO waitlist_turns (organization_id, id, kind, due_at) VALUES (org, hold_, 'FREED', now_);
    WITH kept AS (
        UPDATE claims c SET appointment_id = NULL, hold_id = hold_, expires_at = (p->'reserve'->>'expiresAt')::timestamptz
        WHERE c.organization_id = org AND c.id = ANY (old) AND c.state = 'ACTIVE'
          AND (c.id = seat.id OR c.party_kind IN ('EQUIPMENT', 'ROOM') AND NOT meets_)
        RETURNING c.id)
    SELECT array_agg(k.id) INTO ids FROM kept k;
    RETURN ids;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Makes whatever ends or moves a visit keep its time so. And what answers are kept for an idempotency key of an offer name it.
DO $$
DECLARE
    was CONSTANT text := 'PERFORM free_claims(org, old, ''FREED'');';
    becomes CONSTANT text := 'PERFORM free_claims(org, ARRAY(SELECT unnest(old) EXCEPT SELECT unnest(reserve_freed(org, p, appointment_, old, now_))), ''FREED'');';
    name_ text;
    text_ text;
BEGIN
    FOREACH name_ IN ARRAY '{move_appointment,cancel_appointment}'::text[] LOOP
        text_ := pg_get_functiondef(name_::regproc);
        IF length(text_) - length(replace(text_, was, '')) <> length(was) THEN
            RAISE EXCEPTION '%() is not as it was made', name_;
        END IF;
        EXECUTE replace(text_, was, becomes);
    END LOOP;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Ends an offer that is open: what is told of it is taken back, and its turn. Not found: it isn't open, or over by now.
CREATE FUNCTION close_offer(org uuid, offer_ uuid, state_ text, now_ timestamptz, appointment_ uuid, entry_state text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    entry_ uuid;
BEGIN
    UPDATE waitlist_offers o SET state = state_, ended_at = now_, version = o.version + 1, appointment_id = appointment_
    WHERE o.organization_id = org AND o.id = offer_ AND o.state = 'OPEN' AND (state_ IN ('EXPIRED', 'WITHDRAWN') OR o.expires_at > now_)
    RETURNING o.entry_id INTO entry_;
    IF entry_ IS NULL THEN
        RETURN false;
    END IF;
    UPDATE waitlist_entries e SET status = entry_state, ended_at = CASE WHEN entry_state = 'ACTIVE' THEN NULL ELSE now_ END
    WHERE e.organization_id = org AND e.id = entry_ AND e.ended_at IS NULL;
    DELETE FROM waitlist_turns t WHERE t.organization_id = org AND t.id = offer_;
    PERFORM withdraw_messages(org, now_, offer_);
    INSERT INTO event_log (organization_id, at, topic, offer_id, payload) VALUES (org, now_, 'waitlist.offer', offer_, '{}');
    RETURN true;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- How an offer ended that somebody comes too late for.
CREATE FUNCTION offer_ended(org uuid, offer_ uuid) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT jsonb_build_object('outcome', 'OFFER_ENDED', 'at', least(o.expires_at, o.ended_at), 'appointment', o.appointment_id)
        FROM waitlist_offers o WHERE o.organization_id = org AND o.id = offer_);
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Holds a time for a patient who waits, and offers it. p: of place_hold, with p.offer: {id, entry, toldAt, expiresAt, wave, passedOver,
-- localStart, localExpires, timeZone}; p.hold: what is kept of the time so far. NOT_WAITING: the entry has gone, or its patient has another offer.
CREATE FUNCTION offer_slot(p jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    org uuid := (p->>'organization')::uuid;
    now_ timestamptz := (p->>'now')::timestamptz;
    o jsonb := p->'offer';
    answer jsonb;
BEGIN
    answer := place_hold(p);
    IF answer->>'outcome' <> 'DONE' THEN
        RETURN answer;
    END IF;
    UPDATE waitlist_entries e SET status = 'OFFERED' WHERE e.organization_id = org AND e.id = (o->>'entry')::uuid AND e.status = 'ACTIVE';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'not waiting' USING ERRCODE = 'MC003';
    END IF;
    INSERT INTO waitlist_offers (organization_id, id, entry_id, patient_id, state, hold_id, provider_id, location_id, visit_kind_id, modality, starts_at,
        ends_at, local_start, time_zone, offered_at, told_at, expires_at, local_expires, wave, passed_over)
    VALUES (org, (o->>'id')::uuid, (o->>'entry')::uuid, (p->>'patient')::uuid, 'OPEN', (p->>'newHold')::uuid, (p->>'provider')::uuid, (p->>'location')::uuid,
        (p->>'visitKind')::uuid, p->>'modality', (p->>'startsAt')::timestamptz, (p->>'endsAt')::timestamptz, (o->>'localStart')::timestamp, o->>'timeZone', now_,
        (o->>'toldAt')::timestamptz, (o->>'expiresAt')::timestamptz, (o->>'localExpires')::timestamp, (o->>'wave')::integer, o->'passedOver')
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'another offer' USING ERRCODE = 'MC003';
    END IF;
    DELETE FROM waitlist_turns t WHERE t.organization_id = org AND t.id = (p->>'hold')::uuid;
    INSERT INTO waitlist_turns (organization_id, id, kind, due_at, wave)
    VALUES (org, (o->>'id')::uuid, 'OFFER', (o->>'expiresAt')::timestamptz, (o->>'wave')::integer);
    INSERT INTO message_notices (organization_id, appointment_id, version, kind, at, due_at, request_id)
    VALUES (org, (o->>'id')::uuid, 1, 'OFFERED', (o->>'toldAt')::timestamptz, (o->>'toldAt')::timestamptz, coalesce(p->'audit'->>'request', ''));
    INSERT INTO event_log (organization_id, at, topic, offer_id, payload) VALUES (org, now_, 'waitlist.offer', (o->>'id')::uuid, '{}');
    RETURN answer;
EXCEPTION WHEN SQLSTATE 'MC003' THEN
    RETURN jsonb_build_object('outcome', 'NOT_WAITING');
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Keeps a time that is open for whoever of those who wait is found. p: of place_hold.
CREATE FUNCTION keep_slot(p jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    answer jsonb := place_hold(p);
BEGIN
    IF answer->>'outcome' = 'DONE' THEN
        INSERT INTO waitlist_turns (organization_id, id, kind, due_at)
        VALUES ((p->>'organization')::uuid, (p->>'newHold')::uuid, 'FREED', (p->>'now')::timestamptz);
    END IF;
    RETURN answer;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Takes an offer: books its time, or with p.oldProvider moves a visit there, and ends it, all or nothing. p: of book or move_appointment, with
-- p.offer: {id}. OFFER_ENDED: too late, or it was answered before.
CREATE FUNCTION take_offer(p jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    org uuid := (p->>'organization')::uuid;
    now_ timestamptz := (p->>'now')::timestamptz;
    offer_ uuid := (p->'offer'->>'id')::uuid;
    answer jsonb;
BEGIN
    PERFORM FROM waitlist_offers o WHERE o.organization_id = org AND o.id = offer_ AND o.state = 'OPEN' AND o.expires_at > now_;
    IF NOT FOUND THEN
        IF p->'key' <> 'null' THEN
            answer := key_begin(org, p->'key', (p->>'forgotten')::timestamptz);
        END IF;
        RETURN coalesce(answer, offer_ended(org, offer_));
    END IF;
    answer := CASE WHEN p->>'oldProvider' IS NULL THEN book(p) ELSE move_appointment(p) END;
    IF answer->>'outcome' <> 'DONE' THEN
        RETURN answer;
    END IF;
    IF NOT close_offer(org, offer_, 'ACCEPTED', now_, (answer->>'appointment')::uuid, 'FULFILLED') THEN
        RAISE EXCEPTION 'offer ended' USING ERRCODE = 'MC003';
    END IF;
    RETURN answer;
EXCEPTION WHEN SQLSTATE 'MC003' THEN
    RETURN offer_ended(org, offer_);
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Ends an offer that nobody takes. Its time is kept for whoever is next, for nobody, where p.reserve says so and the hold covers all of it;
-- otherwise it is free. p: organization, now, key, offer: {id, state, entryState}, reserve: {holder, expiresAt}, audit.
CREATE FUNCTION end_offer(p jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    org uuid := (p->>'organization')::uuid;
    now_ timestamptz := (p->>'now')::timestamptz;
    offer_ uuid := (p->'offer'->>'id')::uuid;
    until_ timestamptz := (p->'reserve'->>'expiresAt')::timestamptz;
    o waitlist_offers;
    ids uuid[];
    answer jsonb;
BEGIN
    IF p->'key' <> 'null' THEN
        answer := key_begin(org, p->'key', (p->>'forgotten')::timestamptz);
        IF answer IS NOT NULL THEN
            RETURN answer;
        END IF;
    END IF;
    SELECT * INTO o FROM waitlist_offers w WHERE w.organization_id = org AND w.id = offer_;
    ids := ARRAY(SELECT c.id FROM claims c WHERE c.organization_id = org AND c.party_id = o.provider_id AND c.hold_id = o.hold_id AND c.state = 'ACTIVE');
    PERFORM lock_all(org, ids, '{}', '{}', NULL, '{}');
    ids := ARRAY(SELECT c.id FROM claims c WHERE c.organization_id = org AND c.id = ANY (ids) AND c.state = 'ACTIVE');
    IF NOT close_offer(org, offer_, p->'offer'->>'state', now_, NULL, p->'offer'->>'entryState') THEN
        RETURN offer_ended(org, offer_);
    END IF;
    UPDATE holds h SET patient_id = NULL, moving_appointment_id = NULL, expires_at = until_
    WHERE h.organization_id = org AND h.id = o.hold_id AND h.state = 'ACTIVE' AND until_ IS NOT NULL
      AND EXISTS (SELECT FROM claims c WHERE c.organization_id = org AND c.id = ANY (ids) AND c.starts_at <= h.starts_at AND c.ends_at >= h.ends_at);
    IF FOUND THEN
        UPDATE claims c SET expires_at = until_ WHERE c.organization_id = org AND c.hold_id = o.hold_id AND c.state = 'ACTIVE';
        INSERT INTO waitlist_turns (organization_id, id, kind, due_at, wave) VALUES (org, o.hold_id, 'FREED', now_, o.wave + 1);
    ELSE
        PERFORM end_holds(org, ids, now_, NULL);
    END IF;
    PERFORM log_claims(org, now_, 'hold.released', NULL, ids);
    PERFORM audit(org, now_, p->'audit', 'WaitlistOffer', offer_);
    IF p->'key' <> 'null' THEN
        PERFORM key_end(org, p->'key', now_, '{}');
    END IF;
    RETURN jsonb_build_object('outcome', 'DONE');
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Has an organisation's whole list looked at, as there may be openings that nobody left: for who has just come, in hours that are new.
CREATE FUNCTION look_for_waiting(org uuid, at timestamptz) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO waitlist_turns (organization_id, id, kind, due_at)
    SELECT org, org, 'LOOK', at WHERE EXISTS (SELECT FROM waitlist_entries e WHERE e.organization_id = org AND e.ended_at IS NULL)
    ON CONFLICT (organization_id, id) DO UPDATE SET due_at = least(waitlist_turns.due_at, EXCLUDED.due_at);
END $$;
-- +goose StatementEnd

-- Messages tell of visits and of offers: what either is, as far as words need it.
ALTER TABLE message_notices DROP CONSTRAINT message_notices_organization_id_appointment_id_fkey,
    DROP CONSTRAINT message_notices_kind_check,
    ADD CONSTRAINT message_notices_kind_check CHECK (kind IN ('BOOKED', 'CANCELLED', 'CHANGED', 'ENDED', 'MOVED', 'OFFERED', 'REPLANNED', 'RESTORED'));
ALTER TABLE messages DROP CONSTRAINT messages_organization_id_appointment_id_fkey,
    DROP CONSTRAINT messages_kind_check,
    ADD CONSTRAINT messages_kind_check CHECK (kind IN ('CANCELLATION', 'CHANGE', 'CONFIRMATION', 'OFFER', 'REMINDER'));
ALTER TABLE message_replies DROP CONSTRAINT message_replies_effect_check,
    ADD CONSTRAINT message_replies_effect_check CHECK (effect IN ('ASKED_TO_CANCEL', 'ASKED_TO_RESCHEDULE', 'CANCELLED', 'CONFIRMED', 'HELP', 'NOT_CONFIRMED', 'NOT_UNDERSTOOD',
        'NO_VISIT', 'OFFER_DECLINED', 'OFFER_OVER', 'OFFER_TAKEN', 'RESUMED', 'STOPPED', 'VISIT_MOVED', 'WHICH_VISIT'));
CREATE VIEW told_visits WITH (security_invoker = true) AS
SELECT organization_id, id, version, status, provider_id, location_id, visit_kind_id, patient_id, modality, starts_at, ends_at, local_start, time_zone,
    confirmed_at, cancelled_by, last_action, NULL::timestamptz AS answer_by, NULL::timestamp AS answer_by_local FROM appointments
UNION ALL
SELECT organization_id, id, version, CASE state WHEN 'OPEN' THEN 'OFFERED' ELSE state END, provider_id, location_id, visit_kind_id, patient_id, modality,
    starts_at, ends_at, local_start, time_zone, NULL, NULL, NULL, expires_at, local_expires FROM waitlist_offers;
GRANT SELECT ON told_visits TO mediconnect_app;

ALTER FUNCTION offer_slot SET plan_cache_mode = 'force_generic_plan' SET enable_seqscan = off;
ALTER FUNCTION keep_slot SET plan_cache_mode = 'force_generic_plan' SET enable_seqscan = off;
ALTER FUNCTION take_offer SET plan_cache_mode = 'force_generic_plan' SET enable_seqscan = off;
ALTER FUNCTION end_offer SET plan_cache_mode = 'force_generic_plan' SET enable_seqscan = off;

-- +goose Down
REVOKE SELECT (appointment_id) ON messages FROM mediconnect_sweeper;
DROP VIEW told_visits;
ALTER TABLE messages NO FORCE ROW LEVEL SECURITY;
ALTER TABLE message_notices NO FORCE ROW LEVEL SECURITY;
DELETE FROM message_notices WHERE kind = 'OFFERED';
ALTER TABLE message_replies NO FORCE ROW LEVEL SECURITY;
DELETE FROM message_replies WHERE effect LIKE 'OFFER%';
ALTER TABLE message_replies FORCE ROW LEVEL SECURITY, DROP CONSTRAINT message_replies_effect_check,
    ADD CONSTRAINT message_replies_effect_check CHECK (effect IN ('ASKED_TO_CANCEL', 'ASKED_TO_RESCHEDULE', 'CANCELLED', 'CONFIRMED', 'HELP', 'NOT_CONFIRMED', 'NOT_UNDERSTOOD',
        'NO_VISIT', 'RESUMED', 'STOPPED', 'VISIT_MOVED', 'WHICH_VISIT'));
DELETE FROM messages WHERE kind = 'OFFER';
ALTER TABLE messages FORCE ROW LEVEL SECURITY;
ALTER TABLE message_notices FORCE ROW LEVEL SECURITY;
ALTER TABLE messages DROP CONSTRAINT messages_kind_check,
    ADD CONSTRAINT messages_kind_check CHECK (kind IN ('CANCELLATION', 'CHANGE', 'CONFIRMATION', 'REMINDER')),
    ADD FOREIGN KEY (organization_id, appointment_id) REFERENCES appointments;
ALTER TABLE message_notices DROP CONSTRAINT message_notices_kind_check,
    ADD CONSTRAINT message_notices_kind_check CHECK (kind IN ('BOOKED', 'CANCELLED', 'CHANGED', 'ENDED', 'MOVED', 'REPLANNED', 'RESTORED')),
    ADD FOREIGN KEY (organization_id, appointment_id) REFERENCES appointments;
-- +goose StatementBegin
DO $$
DECLARE
    was CONSTANT text := 'PERFORM free_claims(org, ARRAY(SELECT unnest(old) EXCEPT SELECT unnest(reserve_freed(org, p, appointment_, old, now_))), ''FREED'');';
    name_ text;
BEGIN
    FOREACH name_ IN ARRAY '{move_appointment,cancel_appointment}'::text[] LOOP
        EXECUTE replace(pg_get_functiondef(name_::regproc), was, 'PERFORM free_claims(org, old, ''FREED'');');
    END LOOP;
END $$;
-- +goose StatementEnd
DROP FUNCTION look_for_waiting, end_offer, take_offer, keep_slot, offer_slot, offer_ended, close_offer, reserve_freed;
ALTER TABLE event_log DROP COLUMN offer_id;
DROP TABLE waitlist_rules, waitlist_turns, waitlist_offers, waitlist_entries;
