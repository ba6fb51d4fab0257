-- +goose Up
-- rollback: safe
-- What an account or a patient may keep from others at a time: holds that are open, holds made within an hour, appointments ahead, keys
-- that are remembered. How many is the program's to say, in p.limits and k.most; where it says nothing, nothing is limited.
--
-- The one lock order has a new step between the idempotency key and the providers' rules: the account, then the patient, that a limit
-- counts for. Only changes that are limited take it. So of any number of them at once each sees what those before it made.

CREATE INDEX holds_made ON holds (organization_id, actor_id, created_at);

-- +goose StatementBegin
CREATE FUNCTION limit_lock(kind text, org uuid, id uuid) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT hashtextextended('limit:' || kind || ':' || org || ':' || id, 0)
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION lock_limited(org uuid, p jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF p->'limits'->>'accountHolds' IS NOT NULL OR p->'limits'->>'holdsAnHour' IS NOT NULL THEN
        PERFORM pg_advisory_xact_lock(limit_lock('account', org, (p->>'holder')::uuid));
    END IF;
    IF p->'limits'->>'patientHolds' IS NOT NULL OR p->'limits'->>'ahead' IS NOT NULL THEN
        PERFORM pg_advisory_xact_lock(limit_lock('patient', org, (p->>'patient')::uuid));
    END IF;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION limit_reached(kind text, most integer, in_use bigint, retry timestamptz) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_build_object('outcome', 'LIMIT_REACHED', 'limit', kind, 'most', most, 'inUse', in_use, 'at', retry)
$$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Null: one more appointment of the patient's may be ahead. Otherwise the answer, whose time is when fewer are ahead again, if none
-- comes or goes: the start of the one after which only as many are left.
CREATE FUNCTION ahead_reached(org uuid, p jsonb, now_ timestamptz) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
    most integer := p->'limits'->>'ahead';
    until_ timestamptz;
BEGIN
    IF most IS NULL THEN
        RETURN NULL;
    END IF;
    SELECT c.starts_at INTO until_ FROM claims c
    WHERE c.organization_id = org AND c.party_id = (p->>'patient')::uuid AND c.state = 'ACTIVE' AND c.starts_at > now_
    ORDER BY c.starts_at DESC OFFSET most - 1 LIMIT 1;
    IF until_ IS NULL THEN
        RETURN NULL;
    END IF;
    RETURN limit_reached('FUTURE_APPOINTMENTS', most, (SELECT count(*) FROM claims c
        WHERE c.organization_id = org AND c.party_id = (p->>'patient')::uuid AND c.state = 'ACTIVE' AND c.starts_at > now_), until_);
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Null: one more hold may be open for the patient, of the account, and be made within this hour. leaving: claims of holds that it ends.
CREATE FUNCTION holds_reached(org uuid, p jsonb, leaving uuid[], now_ timestamptz) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
    patient_ uuid := p->>'patient';
    holder_ uuid := p->>'holder';
    for_patient integer := p->'limits'->>'patientHolds';
    of_account integer := p->'limits'->>'accountHolds';
    an_hour integer := p->'limits'->>'holdsAnHour';
    gone uuid[];
    open_ timestamptz[];
    until_ timestamptz;
BEGIN
    IF p->>'limits' IS NULL THEN
        RETURN NULL;
    END IF;
    gone := ARRAY(SELECT c.hold_id FROM claims c WHERE c.organization_id = org AND c.id = ANY (leaving));
    IF for_patient IS NOT NULL THEN
        open_ := ARRAY(SELECT h.expires_at FROM holds h
            WHERE h.organization_id = org AND h.patient_id = patient_ AND h.state = 'ACTIVE' AND h.expires_at > now_ AND h.id <> ALL (gone)
            ORDER BY h.expires_at DESC);
        IF cardinality(open_) >= for_patient THEN
            RETURN limit_reached('PATIENT_HOLDS', for_patient, cardinality(open_), open_[for_patient]);
        END IF;
    END IF;
    IF of_account IS NOT NULL THEN
        open_ := ARRAY(SELECT h.expires_at FROM holds h
            WHERE h.organization_id = org AND h.actor_id = holder_ AND h.state = 'ACTIVE' AND h.expires_at > now_ AND h.id <> ALL (gone)
            ORDER BY h.expires_at DESC);
        IF cardinality(open_) >= of_account THEN
            RETURN limit_reached('ACCOUNT_HOLDS', of_account, cardinality(open_), open_[of_account]);
        END IF;
    END IF;
    IF an_hour IS NOT NULL THEN
        SELECT h.created_at + interval '1 hour' INTO until_ FROM holds h
        WHERE h.organization_id = org AND h.actor_id = holder_ AND h.created_at > now_ - interval '1 hour'
        ORDER BY h.created_at DESC OFFSET an_hour - 1 LIMIT 1;
        IF until_ IS NOT NULL THEN
            RETURN limit_reached('HOLDS_AN_HOUR', an_hour, (SELECT count(*) FROM holds h
                WHERE h.organization_id = org AND h.actor_id = holder_ AND h.created_at > now_ - interval '1 hour'), until_);
        END IF;
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Null: the account may have one more key remembered. What is kept of keys are digests, so their first digits make sixteen parts of equal
-- size: a sixteenth of k.most in each is k.most in all, and to look at one part is enough. An account's last tenth may be refused before.
-- Keys that are forgotten don't count, although they may be there for some seconds more. The answer's time is when the one that has to be
-- forgotten first was used.
CREATE FUNCTION keys_reached(org uuid, k jsonb, forgotten timestamptz) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
    who uuid := k->>'actor';
    app text := k->>'client';
    part text := left(k->>'key', 1);
    most integer := k->>'most';
    until_ timestamptz;
BEGIN
    IF most IS NULL THEN
        RETURN NULL;
    END IF;
    PERFORM FROM idempotency_keys u
    WHERE u.organization_id = org AND u.client = app AND u.actor_id = who AND u.key >= part AND u.key < part || 'g'
    OFFSET most / 16 - 1 LIMIT 1;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    SELECT u.created_at INTO until_ FROM idempotency_keys u
    WHERE u.organization_id = org AND u.client = app AND u.actor_id = who AND u.key >= part AND u.key < part || 'g' AND u.created_at > forgotten
    ORDER BY u.created_at DESC OFFSET most / 16 - 1 LIMIT 1;
    IF until_ IS NULL THEN
        RETURN NULL;
    END IF;
    RETURN limit_reached('IDEMPOTENCY_KEYS', most, (SELECT count(*) FROM (SELECT FROM idempotency_keys u
        WHERE u.organization_id = org AND u.client = app AND u.actor_id = who AND u.created_at > forgotten LIMIT most) there),
        until_);
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Makes the functions lock and look: where they lock the provider's rules, where nothing has been changed yet, and where a key is new.
DO $$
DECLARE
    change record;
    text_ text;
BEGIN
    FOR change IN SELECT * FROM (VALUES
        ('book', '    PERFORM pg_advisory_xact_lock_shared(', '    PERFORM lock_limited(org, p);
    PERFORM pg_advisory_xact_lock_shared('),
        ('book', '    SELECT c.id INTO kept FROM claims c', '    answer := ahead_reached(org, p, now_);
    IF answer IS NOT NULL THEN
        RETURN answer;
    END IF;
    SELECT c.id INTO kept FROM claims c'),
        ('place_hold', '    PERFORM pg_advisory_xact_lock_shared(', '    PERFORM lock_limited(org, p);
    PERFORM pg_advisory_xact_lock_shared('),
        ('place_hold', '    SELECT * INTO moved FROM claims c', '    answer := holds_reached(org, p, leaving, now_);
    IF answer IS NOT NULL THEN
        RETURN answer;
    END IF;
    SELECT * INTO moved FROM claims c'),
        ('key_begin', '    IF NOT FOUND THEN
        RETURN NULL;', '    IF NOT FOUND THEN
        RETURN keys_reached(org, k, forgotten);')) c(name, was, becomes)
    LOOP
        text_ := pg_get_functiondef(change.name::regproc);
        IF (length(text_) - length(replace(text_, change.was, ''))) <> length(change.was) THEN
            RAISE EXCEPTION '%() is not as it was made', change.name;
        END IF;
        EXECUTE replace(text_, change.was, change.becomes);
    END LOOP;
END $$;
-- +goose StatementEnd

-- How often an account has tried wrong codes is forgotten an hour after the last one, as it has stopped to count then.
CREATE INDEX invitation_tries_by_age ON invitation_tries (since);
CREATE POLICY sweeping ON invitation_tries TO mediconnect_sweeper USING (true);
GRANT SELECT (organization_id, account_id, since), UPDATE (since), DELETE ON invitation_tries TO mediconnect_sweeper;

-- +goose Down
REVOKE SELECT (organization_id, account_id, since), UPDATE (since), DELETE ON invitation_tries FROM mediconnect_sweeper;
DROP POLICY sweeping ON invitation_tries;
DROP INDEX invitation_tries_by_age;
-- +goose StatementBegin
DO $$
DECLARE
    change record;
    text_ text;
BEGIN
    FOR change IN SELECT * FROM (VALUES
        ('book', '    PERFORM pg_advisory_xact_lock_shared(', '    PERFORM lock_limited(org, p);
    PERFORM pg_advisory_xact_lock_shared('),
        ('book', '    SELECT c.id INTO kept FROM claims c', '    answer := ahead_reached(org, p, now_);
    IF answer IS NOT NULL THEN
        RETURN answer;
    END IF;
    SELECT c.id INTO kept FROM claims c'),
        ('place_hold', '    PERFORM pg_advisory_xact_lock_shared(', '    PERFORM lock_limited(org, p);
    PERFORM pg_advisory_xact_lock_shared('),
        ('place_hold', '    SELECT * INTO moved FROM claims c', '    answer := holds_reached(org, p, leaving, now_);
    IF answer IS NOT NULL THEN
        RETURN answer;
    END IF;
    SELECT * INTO moved FROM claims c'),
        ('key_begin', '    IF NOT FOUND THEN
        RETURN NULL;', '    IF NOT FOUND THEN
        RETURN keys_reached(org, k, forgotten);')) c(name, was, becomes)
    LOOP
        text_ := pg_get_functiondef(change.name::regproc);
        EXECUTE replace(text_, change.becomes, change.was);
    END LOOP;
END $$;
-- +goose StatementEnd
DROP FUNCTION keys_reached, holds_reached, ahead_reached, limit_reached, lock_limited, limit_lock;
DROP INDEX holds_made;
