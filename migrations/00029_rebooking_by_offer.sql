-- +goose Up
-- rollback: safe
-- Patients of displaced visits are asked whether another time suits, before their visits are moved or cancelled.
--
-- Such a time is held and offered as one is to whoever waits: by an entry that the closure makes, and which ends with its offer. Whoever takes it
-- moves the visit, and the closure's item is settled in that transaction; otherwise the item waits again, with what became of the offer, for what
-- is to be done then. A worker of the version before moves such visits without asking, also
-- after their patients have declined, and ends a closure whose patients have yet to answer: the answer has it run again.
--
-- The lock order goes on: claims, messages of the visit, offers, items, closures, entries.

ALTER TABLE closures DROP CONSTRAINT closures_mode_check, ADD CONSTRAINT closures_mode_check CHECK (mode IN ('BOOK', 'NONE', 'OFFER')),
    ADD COLUMN answer_within integer CHECK (answer_within > 0); -- seconds that a patient has who is asked; null: nobody is
ALTER TABLE closure_items DROP CONSTRAINT closure_items_outcome_check, DROP CONSTRAINT closure_items_cause_check, DROP CONSTRAINT closure_items_check,
    ADD COLUMN offer_id uuid, -- the last that was made; the item outlives it
    ADD CONSTRAINT closure_items_outcome_check CHECK (outcome IN ('CANCELLED', 'FAILED', 'GONE', 'KEPT', 'MOVED', 'OFFERED', 'WAITING')),
    ADD CONSTRAINT closure_items_cause_check CHECK (cause IN ('ARRIVED', 'BEGUN', 'CHANGED', 'DECLINED', 'NO_ALTERNATIVE', 'TOO_SOON', 'UNANSWERED')),
    ADD CONSTRAINT closure_items_check CHECK ((outcome IN ('OFFERED', 'WAITING')) = (settled_at IS NULL));
CREATE UNIQUE INDEX closure_items_of_offer ON closure_items (organization_id, offer_id) WHERE offer_id IS NOT NULL;
CREATE INDEX closure_items_asked ON closure_items (organization_id, appointment_id) WHERE outcome = 'OFFERED';

-- What a closure has a patient wait for stands beside what they wait for themselves, and says nothing of what they want.
ALTER TABLE waitlist_entries ADD COLUMN closure_id uuid, DROP CONSTRAINT waitlist_entries_check1,
    ADD CONSTRAINT waitlist_entries_check1 CHECK (wanted IS NOT NULL OR ended_at IS NOT NULL OR closure_id IS NOT NULL),
    ADD FOREIGN KEY (organization_id, closure_id) REFERENCES closures;
DROP INDEX waitlist_entries_once;
CREATE UNIQUE INDEX waitlist_entries_once ON waitlist_entries (organization_id, patient_id, visit_kind_id) WHERE ended_at IS NULL AND closure_id IS NULL;
ALTER TABLE waitlist_offers ADD COLUMN local_was timestamp, -- when the visit was, which can't take place, by its own clock; null: it can
    ADD COLUMN otherwise text CHECK (otherwise IN ('CANCEL', 'KEEP')), -- what becomes of it unless the offer is taken
    ADD CHECK ((local_was IS NULL) = (otherwise IS NULL));

-- +goose StatementBegin
-- Asks the patient of a displaced visit: nothing else is told of that until there is an answer, also by whoever is planning it just now. p: of
-- offer_slot. Not found: it was dealt with before, or stands elsewhere.
CREATE FUNCTION ask_displaced(org uuid, p jsonb, now_ timestamptz) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    visit uuid := (p->>'moving')::uuid;
BEGIN
    UPDATE message_notices n SET due_at = now_ WHERE n.organization_id = org AND n.appointment_id = visit;
    PERFORM withdraw_messages(org, now_, visit);
    UPDATE closure_items i SET outcome = 'OFFERED', cause = NULL, offer_id = (p->'offer'->>'id')::uuid
    FROM appointments a WHERE i.organization_id = org AND i.closure_id = (p->'displaced'->>'closure')::uuid AND i.appointment_id = visit AND i.outcome = 'WAITING'
      AND a.organization_id = org AND a.id = visit AND a.status IN ('BOOKED', 'PENDING') AND a.provider_id = i.provider_id AND a.location_id = i.location_id
      AND a.starts_at = i.starts_at;
    RETURN FOUND;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Has a visit told of and reminded of again, about which its patient was asked, and which stands for the time being.
CREATE FUNCTION restore_displaced(org uuid, visit uuid, now_ timestamptz) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO message_notices (organization_id, appointment_id, version, kind, at, due_at, request_id)
    SELECT org, a.id, a.version, 'RESTORED', now_, now_, '' FROM appointments a
    WHERE a.organization_id = org AND a.id = visit AND a.status = 'BOOKED' AND a.starts_at > now_
    ON CONFLICT (organization_id, appointment_id, version) DO UPDATE SET due_at = EXCLUDED.due_at;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Notes what became of an offer, where a closure has made it, and answers how its entry ends: as asked, for those that patients have made.
CREATE FUNCTION answer_displaced(org uuid, offer_ uuid, entry_ uuid, state_ text, entry_state text, now_ timestamptz, appointment_ uuid) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    closure_ uuid := (SELECT e.closure_id FROM waitlist_entries e WHERE e.organization_id = org AND e.id = entry_);
    visit uuid;
    anew boolean;
    stands boolean;
BEGIN
    IF closure_ IS NULL THEN
        RETURN entry_state;
    END IF;
    IF state_ = 'ACCEPTED' THEN
        UPDATE closure_items i SET outcome = 'MOVED', settled_at = now_, new_provider_id = o.provider_id, new_starts_at = o.starts_at
        FROM waitlist_offers o WHERE o.organization_id = org AND o.id = offer_
          AND i.organization_id = org AND i.offer_id = offer_ AND i.outcome = 'OFFERED' AND i.appointment_id = appointment_;
        IF NOT FOUND THEN -- the visit had been ended, so that another was booked
            UPDATE closure_items i SET outcome = 'GONE', cause = 'CHANGED', settled_at = now_
            WHERE i.organization_id = org AND i.offer_id = offer_ AND i.outcome = 'OFFERED';
        END IF;
    ELSE
        UPDATE closure_items i SET outcome = 'WAITING', due_at = now_, tries = 0, cause = CASE
            WHEN state_ = 'EXPIRED' THEN 'UNANSWERED' WHEN state_ = 'WITHDRAWN' AND entry_state = 'ACTIVE' THEN NULL ELSE 'DECLINED' END -- withdrawn: asked anew
        WHERE i.organization_id = org AND i.offer_id = offer_ AND i.outcome = 'OFFERED' RETURNING i.appointment_id, i.cause IS NULL INTO visit, anew;
    END IF;
    UPDATE closures c SET state = CASE c.state WHEN 'DONE' THEN 'RUNNING' ELSE c.state END, finished_at = NULL, due_at = least(c.due_at, now_)
    WHERE c.organization_id = org AND c.id = closure_ RETURNING c.state <> 'RUNNING' OR c.otherwise = 'KEEP' INTO stands;
    IF stands OR anew THEN -- else it is cancelled at once; none when it was moved
        PERFORM restore_displaced(org, visit, now_);
    END IF;
    RETURN CASE WHEN entry_state <> 'ACTIVE' THEN entry_state WHEN state_ = 'DECLINED' THEN 'LEFT' ELSE 'EXPIRED' END;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION apply_rebooking_by_offer(up boolean) RETURNS void LANGUAGE plpgsql AS $apply$
DECLARE
    change record;
    was_ text;
    becomes_ text;
    text_ text;
BEGIN
    FOR change IN SELECT * FROM (VALUES
        (1, 'offer_slot', '    UPDATE waitlist_entries e SET status = ''OFFERED''', '    IF p ? ''displaced'' THEN
        INSERT INTO waitlist_entries (organization_id, id, patient_id, status, priority, visit_kind_id, minimum_notice, current_appointment_id, joined_at, joined_by,
            closure_id)
        VALUES (org, (o->>''entry'')::uuid, (p->>''patient'')::uuid, ''ACTIVE'', 0, (p->>''visitKind'')::uuid, 0, (p->>''moving'')::uuid, now_, (p->>''holder'')::uuid,
            (p->''displaced''->>''closure'')::uuid);
    END IF;
    UPDATE waitlist_entries e SET status = ''OFFERED'''),
        (2, 'offer_slot', 'wave, passed_over)', 'wave, passed_over, local_was, otherwise)'),
        (3, 'offer_slot', 'o->''passedOver'')', 'o->''passedOver'', (o->>''displacedLocal'')::timestamp, o->>''otherwise'')'),
        (4, 'offer_slot', '    DELETE FROM waitlist_turns t', '    IF p ? ''displaced'' AND NOT ask_displaced(org, p, now_) THEN
        RAISE EXCEPTION ''dealt with'' USING ERRCODE = ''MC028'';
    END IF;
    DELETE FROM waitlist_turns t'),
        (5, 'offer_slot', '    RETURN jsonb_build_object(''outcome'', ''NOT_WAITING'');', '    RETURN jsonb_build_object(''outcome'', ''NOT_WAITING'');
WHEN SQLSTATE ''MC028'' THEN
    RETURN jsonb_build_object(''outcome'', ''STALE_APPOINTMENT'');'),
        -- Whoever helps themselves instead is found by a look at the list.
        (6, 'offer_slot', '    RETURN answer;
EXCEPTION', '    IF p ? ''displaced'' THEN
        PERFORM look_for_waiting(org, now_ + interval ''15 minutes'');
    END IF;
    RETURN answer;
EXCEPTION'),
        (7, 'close_offer', '    UPDATE waitlist_entries e SET', '    entry_state := answer_displaced(org, offer_, entry_, state_, entry_state, now_, appointment_);
    UPDATE waitlist_entries e SET')
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
SELECT apply_rebooking_by_offer(true);

-- What messages of an offer tell besides.
CREATE OR REPLACE VIEW told_visits WITH (security_invoker = true) AS
SELECT organization_id, id, version, status, provider_id, location_id, visit_kind_id, patient_id, modality, starts_at, ends_at, local_start, time_zone,
    confirmed_at, cancelled_by, last_action, NULL::timestamptz AS answer_by, NULL::timestamp AS answer_by_local,
    NULL::timestamp AS local_was, NULL::text AS otherwise FROM appointments
UNION ALL
SELECT organization_id, id, version, CASE state WHEN 'OPEN' THEN 'OFFERED' ELSE state END, provider_id, location_id, visit_kind_id, patient_id, modality,
    starts_at, ends_at, local_start, time_zone, NULL, NULL, NULL, expires_at, local_expires, local_was, otherwise FROM waitlist_offers;

-- +goose Down
DROP VIEW told_visits;
CREATE VIEW told_visits WITH (security_invoker = true) AS
SELECT organization_id, id, version, status, provider_id, location_id, visit_kind_id, patient_id, modality, starts_at, ends_at, local_start, time_zone,
    confirmed_at, cancelled_by, last_action, NULL::timestamptz AS answer_by, NULL::timestamp AS answer_by_local FROM appointments
UNION ALL
SELECT organization_id, id, version, CASE state WHEN 'OPEN' THEN 'OFFERED' ELSE state END, provider_id, location_id, visit_kind_id, patient_id, modality,
    starts_at, ends_at, local_start, time_zone, NULL, NULL, NULL, expires_at, local_expires FROM waitlist_offers;
GRANT SELECT ON told_visits TO mediconnect_app;
SELECT apply_rebooking_by_offer(false);
DROP FUNCTION apply_rebooking_by_offer, answer_displaced, ask_displaced;
ALTER TABLE appointments NO FORCE ROW LEVEL SECURITY;
ALTER TABLE messages NO FORCE ROW LEVEL SECURITY;
ALTER TABLE message_notices NO FORCE ROW LEVEL SECURITY;
ALTER TABLE waitlist_offers NO FORCE ROW LEVEL SECURITY;
ALTER TABLE waitlist_entries NO FORCE ROW LEVEL SECURITY;
ALTER TABLE closure_items NO FORCE ROW LEVEL SECURITY;
ALTER TABLE closures NO FORCE ROW LEVEL SECURITY;
-- Who was asked isn't any more: the staff looks after them.
SELECT restore_displaced(i.organization_id, i.appointment_id, i.due_at) FROM closure_items i WHERE i.outcome = 'OFFERED';
SELECT withdraw_messages(o.organization_id, o.offered_at, o.id) FROM waitlist_offers o JOIN waitlist_entries e ON e.organization_id = o.organization_id AND e.id = o.entry_id
WHERE e.closure_id IS NOT NULL AND o.state = 'OPEN';
DROP FUNCTION restore_displaced;
ALTER TABLE appointments FORCE ROW LEVEL SECURITY;
ALTER TABLE messages FORCE ROW LEVEL SECURITY;
ALTER TABLE message_notices FORCE ROW LEVEL SECURITY;
UPDATE closure_items SET outcome = 'KEPT', settled_at = due_at WHERE outcome = 'OFFERED';
UPDATE closure_items SET cause = NULL WHERE cause IN ('DECLINED', 'TOO_SOON', 'UNANSWERED');
UPDATE closures SET mode = 'BOOK' WHERE mode = 'OFFER';
UPDATE waitlist_offers o SET state = 'WITHDRAWN', ended_at = o.offered_at FROM waitlist_entries e
WHERE e.organization_id = o.organization_id AND e.id = o.entry_id AND e.closure_id IS NOT NULL AND o.state = 'OPEN';
UPDATE waitlist_entries SET status = 'LEFT', ended_at = joined_at WHERE closure_id IS NOT NULL AND ended_at IS NULL;
ALTER TABLE closures FORCE ROW LEVEL SECURITY, DROP CONSTRAINT closures_mode_check, ADD CONSTRAINT closures_mode_check CHECK (mode IN ('BOOK', 'NONE')),
    DROP COLUMN answer_within;
ALTER TABLE closure_items FORCE ROW LEVEL SECURITY, DROP CONSTRAINT closure_items_outcome_check, DROP CONSTRAINT closure_items_cause_check, DROP CONSTRAINT closure_items_check,
    DROP COLUMN offer_id,
    ADD CONSTRAINT closure_items_outcome_check CHECK (outcome IN ('CANCELLED', 'FAILED', 'GONE', 'KEPT', 'MOVED', 'WAITING')),
    ADD CONSTRAINT closure_items_cause_check CHECK (cause IN ('ARRIVED', 'BEGUN', 'CHANGED', 'NO_ALTERNATIVE')),
    ADD CONSTRAINT closure_items_check CHECK ((outcome = 'WAITING') = (settled_at IS NULL));
DROP INDEX closure_items_asked;
DROP INDEX waitlist_entries_once;
ALTER TABLE waitlist_entries FORCE ROW LEVEL SECURITY, DROP CONSTRAINT waitlist_entries_check1, DROP COLUMN closure_id,
    ADD CONSTRAINT waitlist_entries_check1 CHECK (wanted IS NOT NULL OR ended_at IS NOT NULL);
CREATE UNIQUE INDEX waitlist_entries_once ON waitlist_entries (organization_id, patient_id, visit_kind_id) WHERE ended_at IS NULL;
ALTER TABLE waitlist_offers FORCE ROW LEVEL SECURITY, DROP COLUMN local_was, DROP COLUMN otherwise;
