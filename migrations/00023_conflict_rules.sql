-- +goose Up
-- rollback: safe
-- Rooms and equipment, which are claimed like providers, and rules that depend on a person's other visits.
--
-- What a visit needs (p.needs, from the rules whose revision is checked) is claimed in the change's own transaction, whatever is decided elsewhere: one of a pool at the visit's location, under
-- the lock of the pool's days, so that nobody waits for another in a circle. The exclusion constraint over claims has the last word.
--
-- What depends on other visits is decided by the program, on what neighbours() tells it. A change that was decided so carries a digest of what
-- it was told (p.seen) and asks again under the locks of everybody concerned: another answer is STALE_NEIGHBOURS, and nothing happens.
-- People are locked by their row of day one, whatever the day of the visit, since rules may reach over months; a provider who travels by the
-- days around the visit.

CREATE TABLE resources (
    organization_id uuid NOT NULL REFERENCES organizations,
    id              uuid NOT NULL,
    location_id     uuid NOT NULL,
    identifier_system text NOT NULL,
    identifier_value text NOT NULL,
    kind            text NOT NULL CHECK (kind IN ('EQUIPMENT', 'ROOM')),
    pool            text NOT NULL, -- those that stand in for each other
    name            text NOT NULL,
    retired         boolean NOT NULL DEFAULT false, -- nothing new is claimed
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, identifier_system, identifier_value),
    FOREIGN KEY (organization_id, location_id) REFERENCES locations
);
CREATE INDEX resources_of_pool ON resources (organization_id, location_id, pool, id) WHERE NOT retired;
CREATE INDEX resources_by_name ON resources (organization_id, name, id);

-- Organisations whose kinds of visit need something else than before, or whose resources are others: a worker looks at their visits ahead, a page
-- at a time.
CREATE TABLE visits_to_equip (
    organization_id uuid NOT NULL REFERENCES organizations,
    id              uuid NOT NULL, -- another one with each change
    at              timestamptz NOT NULL, -- of the change
    due_at          timestamptz NOT NULL, -- when it has its turn
    after_start     timestamptz, -- the last visit of the pages that are done; null: none is
    after_id        uuid,
    lacking         boolean NOT NULL DEFAULT false, -- for a visit of those pages nothing was free
    PRIMARY KEY (organization_id),
    CHECK ((after_start IS NULL) = (after_id IS NULL))
);
CREATE INDEX visits_to_equip_due ON visits_to_equip (due_at);

-- How long people take from one location to another. An organisation without a row has the program's defaults.
CREATE TABLE travel_rules (
    organization_id uuid NOT NULL REFERENCES organizations,
    patients        boolean NOT NULL, -- whether it is asked of patients
    providers       boolean NOT NULL,
    speed           integer NOT NULL CHECK (speed > 0),   -- km/h as the crow flies
    margin          integer NOT NULL CHECK (margin >= 0), -- seconds, for every way
    routes          jsonb NOT NULL, -- [{from, to, seconds}], known better
    PRIMARY KEY (organization_id)
);

ALTER TABLE visit_kinds
    ADD COLUMN needs         text[] NOT NULL DEFAULT '{}', -- one of each pool
    ADD COLUMN repeat_after  integer CHECK (repeat_after > 0), -- seconds from start to start
    ADD COLUMN prerequisites jsonb NOT NULL DEFAULT '[]', -- [{visitKind, within}], within in seconds
    ADD COLUMN patients      text NOT NULL DEFAULT 'ALL' CHECK (patients IN ('ALL', 'ESTABLISHED', 'NEW')),
    ADD COLUMN minimum_age   integer CHECK (minimum_age >= 0),
    ADD COLUMN maximum_age   integer CHECK (maximum_age >= 0);

ALTER TABLE appointments ADD COLUMN awaits_doctor boolean NOT NULL DEFAULT false; -- to approve what somebody else booked over
ALTER TABLE claims DROP CONSTRAINT claims_party_kind_check,
    ADD CONSTRAINT claims_party_kind_check CHECK (party_kind IN ('EQUIPMENT', 'PATIENT', 'PROVIDER', 'ROOM')) NOT VALID;
ALTER TABLE claims VALIDATE CONSTRAINT claims_party_kind_check;

-- Soft rules that a member of the staff booked over.
CREATE TABLE rule_overrides (
    organization_id uuid NOT NULL,
    id              uuid NOT NULL,
    appointment_id  uuid NOT NULL,
    version         integer NOT NULL, -- of the appointment, once it was done
    patient_id      uuid NOT NULL,
    rules           text[] NOT NULL CHECK (cardinality(rules) > 0),
    reason          private,
    waits           boolean NOT NULL, -- for a doctor's approval
    at              timestamptz NOT NULL,
    actor_id        uuid NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, appointment_id, version),
    FOREIGN KEY (organization_id, appointment_id) REFERENCES appointments
);

-- +goose StatementBegin
DO $$
DECLARE
    table_ text;
BEGIN
    FOREACH table_ IN ARRAY '{resources,rule_overrides,travel_rules,visits_to_equip}'::text[] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', table_);
        EXECUTE format('CREATE POLICY tenant ON %I TO mediconnect_app USING (organization_id = (SELECT current_organization()))', table_);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO mediconnect_app', table_);
    END LOOP;
END $$;
-- +goose StatementEnd

CREATE POLICY equipping ON visits_to_equip TO mediconnect_sweeper USING (true);
GRANT SELECT (organization_id, due_at), UPDATE (due_at) ON visits_to_equip TO mediconnect_sweeper;
GRANT SELECT (party_kind) ON claims TO mediconnect_sweeper;

-- +goose StatementBegin
-- Who is locked for a pool at a location.
CREATE FUNCTION pool_party(location uuid, pool text) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT md5('pool:' || location || ':' || pool)::uuid
$$;
-- +goose StatementEnd

-- +goose StatementBegin
-- The pools that a visit takes one each of.
CREATE FUNCTION pools_needed(p jsonb) RETURNS text[] LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    RETURN ARRAY(SELECT jsonb_array_elements_text(coalesce(p->'needs', '[]')));
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Of each pool that a visit needs, one that is free over the whole occupied span, in the order of the pools; a null where none is. Free is what
-- nobody has but the hold or the appointment that the change ends, or a hold that has run out. What the change had already comes first.
CREATE FUNCTION find_resources(org uuid, p jsonb, leaving uuid[], now_ timestamptz) RETURNS uuid[] LANGUAGE plpgsql STABLE AS $$
DECLARE
    from_ timestamptz := (p->>'occupiedFrom')::timestamptz;
    to_ timestamptz := (p->>'occupiedTo')::timestamptz;
    needs_ text[] := pools_needed(p);
    ended uuid[];
    own uuid := coalesce(p->>'moving', p->>'appointment')::uuid;
    found_ uuid[] := '{}';
    pool_ text;
BEGIN
    IF cardinality(needs_) = 0 THEN
        RETURN '{}';
    END IF;
    ended := ARRAY(SELECT c.hold_id FROM claims c WHERE c.organization_id = org AND c.id = ANY (leaving) AND c.hold_id IS NOT NULL);
    FOREACH pool_ IN ARRAY needs_ LOOP
        found_ := found_ || (SELECT r.id FROM resources r
            WHERE r.organization_id = org AND r.location_id = (p->>'location')::uuid AND r.pool = pool_ AND NOT r.retired
              AND NOT EXISTS (SELECT FROM claims c
                WHERE c.organization_id = org AND c.party_id = r.id AND c.state IN ('ACTIVE', 'PAST') AND c.state <> 'PAST' AND c.starts_at < to_ AND c.ends_at > from_
                  AND c.starts_at > from_ - interval '48 hours' AND c.starts_at < c.ends_at
                  AND (own IS NULL OR c.appointment_id IS DISTINCT FROM own) AND (c.hold_id IS NULL OR c.hold_id <> ALL (ended) AND c.expires_at > now_))
            ORDER BY EXISTS (SELECT FROM claims c WHERE c.organization_id = org AND c.party_id = r.id AND c.state = 'ACTIVE'
                AND (c.appointment_id = own OR c.hold_id = ANY (ended))) DESC, r.id
            LIMIT 1);
    END LOOP;
    RETURN found_;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Claims what find_resources found, for an appointment or a hold. Call it under the pools' locks, after freeing what leaves. What the
-- appointment that a hold would move keeps busy itself is left out. A resource that is put elsewhere meanwhile is as good as taken.
CREATE FUNCTION take_resources(org uuid, p jsonb, found_ uuid[], appointment uuid, hold uuid, expires timestamptz, now_ timestamptz)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    from_ timestamptz := (p->>'occupiedFrom')::timestamptz;
    to_ timestamptz := (p->>'occupiedTo')::timestamptz;
    one resources;
    own record;
    part tstzrange;
    left_ integer := cardinality(array_remove(found_, NULL));
BEGIN
    UPDATE claims c SET state = 'LAPSED' FROM (
        SELECT v.id FROM claims v
        WHERE v.organization_id = org AND v.party_id = ANY (found_) AND v.state = 'ACTIVE' AND v.hold_id IS NOT NULL AND v.expires_at <= now_
          AND v.starts_at < to_ AND v.ends_at > from_ AND v.starts_at > from_ - interval '48 hours'
        ORDER BY v.id FOR UPDATE) over_
    WHERE c.organization_id = org AND c.id = over_.id;
    FOR one IN SELECT * FROM resources r
        WHERE r.organization_id = org AND r.id = ANY (found_) AND r.location_id = (p->>'location')::uuid AND r.pool = ANY (pools_needed(p)) AND NOT r.retired
        ORDER BY r.id FOR SHARE
    LOOP
        left_ := left_ - 1;
        SELECT c.starts_at, c.ends_at INTO own FROM claims c
        WHERE c.organization_id = org AND c.party_id = one.id AND c.state = 'ACTIVE' AND c.appointment_id = (p->>'moving')::uuid
          AND c.starts_at < to_ AND c.ends_at > from_;
        FOR part IN SELECT unnest(tstzmultirange(tstzrange(from_, to_)) - CASE WHEN own.starts_at IS NULL THEN '{}'::tstzmultirange
            ELSE tstzmultirange(tstzrange(own.starts_at, own.ends_at)) END)
        LOOP
            INSERT INTO claims (organization_id, id, party_kind, party_id, lane, starts_at, ends_at, state, appointment_id, hold_id, expires_at, days)
            VALUES (org, gen_random_uuid(), one.kind, one.id, 0, lower(part), upper(part), 'ACTIVE', appointment, hold, expires, '{}')
            ON CONFLICT DO NOTHING;
            IF NOT FOUND THEN
                RAISE EXCEPTION 'resource taken' USING ERRCODE = 'MC002';
            END IF;
        END LOOP;
    END LOOP;
    IF left_ > 0 THEN
        RAISE EXCEPTION 'resource moved' USING ERRCODE = 'MC002';
    END IF;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Locks, in one order, what end_holds() and take_resources() are about to end: others come to some of it, once it has run out, by another provider
-- or by another pool.
CREATE FUNCTION lock_ending(org uuid, p jsonb, found_ uuid[], leaving uuid[], now_ timestamptz) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    from_ timestamptz := (p->>'occupiedFrom')::timestamptz;
    to_ timestamptz := (p->>'occupiedTo')::timestamptz;
    ending uuid[];
BEGIN
    IF cardinality(found_) = 0 THEN
        RETURN;
    END IF;
    ending := ARRAY(SELECT unnest(leaving)
        UNION SELECT o.id FROM claims c JOIN claims o ON o.organization_id = org AND o.hold_id = c.hold_id AND o.state = 'ACTIVE'
            WHERE c.organization_id = org AND c.id = ANY (leaving) AND c.hold_id IS NOT NULL
        UNION SELECT v.id FROM claims v
            WHERE v.organization_id = org AND v.party_id = ANY (found_) AND v.state = 'ACTIVE' AND v.hold_id IS NOT NULL AND v.expires_at <= now_
              AND v.starts_at < to_ AND v.ends_at > from_ AND v.starts_at > from_ - interval '48 hours');
    PERFORM FROM claims c WHERE c.organization_id = org AND c.id = ANY (ending) AND c.state = 'ACTIVE' ORDER BY c.id FOR UPDATE;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Gives an appointment that was booked before its kind needed anything what it lacks, as far as something is free, and takes what it has and
-- doesn't need. It answers how many pools have nothing free. Pools' days come before the appointment's row, as when it is moved; who moves or
-- cancels it looks for its claims again once they have that row. p: organization, appointment, now, and where and when it was as it was read:
-- location, occupiedFrom, occupiedTo, occupiedDays.
CREATE FUNCTION equip(p jsonb) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    org uuid := (p->>'organization')::uuid;
    now_ timestamptz := (p->>'now')::timestamptz;
    appointment_ uuid := (p->>'appointment')::uuid;
    location_ uuid := (p->>'location')::uuid;
    needs_ text[];
    seen appointments;
    had text[];
    lacking text[];
    spare uuid[];
    want jsonb;
    found_ uuid[];
BEGIN
    needs_ := (SELECT k.needs FROM appointments a JOIN visit_kinds k ON k.organization_id = org AND k.id = a.visit_kind_id
        WHERE a.organization_id = org AND a.id = appointment_);
    PERFORM lock_days(org, array_agg(pool_party(location_, n)), array_agg(d)) FROM unnest(needs_) n, unnest(dates(p->'occupiedDays')) d;
    SELECT * INTO seen FROM appointments a WHERE a.organization_id = org AND a.id = appointment_ AND a.location_id = location_ FOR NO KEY UPDATE;
    IF seen.id IS NULL OR seen.status NOT IN ('ARRIVED', 'BOOKED', 'CHECKED_IN', 'PENDING') OR seen.modality <> 'IN_PERSON'
        OR NOT EXISTS (SELECT FROM claims c WHERE c.organization_id = org AND c.appointment_id = appointment_ AND c.party_kind = 'PROVIDER'
            AND c.state IN ('ACTIVE', 'PAST') AND c.starts_at = (p->>'occupiedFrom')::timestamptz AND c.ends_at = (p->>'occupiedTo')::timestamptz) THEN
        RETURN 0; -- what became of it gave it what it needs
    END IF;

    -- From the visit's few claims to the pools, and never from a pool to all that its resources have.
    SELECT coalesce(array_agg(h.pool), '{}'), coalesce(array_agg(h.id) FILTER (WHERE h.pool <> ALL (needs_)), '{}') INTO had, spare FROM (
        SELECT c.id, (SELECT r.pool FROM resources r WHERE r.organization_id = org AND r.id = c.party_id) AS pool FROM claims c
        WHERE c.organization_id = org AND c.appointment_id = appointment_ AND c.state IN ('ACTIVE', 'PAST') AND c.party_kind IN ('EQUIPMENT', 'ROOM')) h;
    lacking := ARRAY(SELECT n FROM unnest(needs_) n WHERE n <> ALL (had) ORDER BY 1);
    PERFORM free_claims(org, spare, 'FREED');
    want := p || jsonb_build_object('needs', to_jsonb(lacking));
    found_ := find_resources(org, want, '{}', now_);
    PERFORM take_resources(org, want, found_, appointment_, NULL, NULL, now_);
    RETURN cardinality(lacking) - cardinality(array_remove(found_, NULL));
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- The accounts by which people act for a patient, themself included.
CREATE FUNCTION accounts_of(org uuid, patient uuid) RETURNS uuid[] LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN ARRAY(SELECT l.account_id FROM account_links l
        WHERE l.organization_id = org AND l.patient_id = patient AND l.ended_at IS NULL ORDER BY 1);
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Whoever else is locked with the provider's and the patient's days: the pools that are needed, and of a change that was decided on other visits
-- (p.seen) the patient and those who act for them, and the provider, if they travel (p.travels), on the days around.
CREATE FUNCTION lock_others(org uuid, p jsonb, OUT parties uuid[], OUT days date[]) LANGUAGE plpgsql STABLE AS $$
DECLARE
    around date[];
    people uuid[];
    needs_ text[] := pools_needed(p);
BEGIN
    parties := '{}';
    days := '{}';
    IF cardinality(needs_) > 0 THEN
        SELECT array_agg(pool_party((p->>'location')::uuid, n)), array_agg(d) INTO parties, days
        FROM unnest(needs_) n, unnest(dates(p->'occupiedDays')) d;
    END IF;
    IF p->>'seen' IS NULL THEN
        RETURN;
    END IF;
    IF p->>'patient' IS NOT NULL THEN
        people := (p->>'patient')::uuid || accounts_of(org, (p->>'patient')::uuid);
        parties := parties || people;
        days := days || array_fill(date '0001-01-01', ARRAY[cardinality(people)]);
    END IF;
    IF (p->>'travels')::boolean THEN
        around := dates(p->'aroundDays');
        parties := parties || array_fill((p->>'provider')::uuid, ARRAY[cardinality(around)]);
        days := days || around;
    END IF;
END $$;
-- +goose StatementEnd

-- What follows is asked for cases. A case: provider, location, visitKind, modality, startsAt, endsAt, occupiedFrom, occupiedTo, newSince (who hasn't
-- been there after it is new), now, and, where there are such, patient, hold, holder, the appointment, or what is moved, which is passed over (own),
-- and where that was; asOf: what was made later doesn't count (as_of). Each claim's visit is looked up by itself, and claims by their party's index,
-- whatever statistics say. Ways are at most 8 hours long.

-- +goose StatementBegin
-- The statuses of visits that take place, or did.
CREATE FUNCTION taking_place() RETURNS text[] LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    RETURN '{ARRIVED,BOOKED,CHECKED_IN,FULFILLED,PENDING}';
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Where else a provider is on the hours around a visit, or will be by a hold.
CREATE FUNCTION provider_elsewhere(org uuid, p jsonb, own uuid, as_of timestamptz) RETURNS jsonb[] LANGUAGE plpgsql STABLE AS $$
DECLARE
    from_ timestamptz := (p->>'occupiedFrom')::timestamptz;
    furthest CONSTANT interval := '8 hours';
    lives CONSTANT text[] := taking_place();
BEGIN
    RETURN ARRAY(SELECT jsonb_build_object('location', l.id, 'latitude', l.latitude, 'longitude', l.longitude, 'start', c.starts_at, 'end', c.ends_at)
        FROM claims c
        LEFT JOIN LATERAL (SELECT * FROM appointments v WHERE v.organization_id = org AND v.id = c.appointment_id LIMIT 1) a ON true
        LEFT JOIN LATERAL (SELECT * FROM holds v WHERE v.organization_id = org AND v.id = c.hold_id LIMIT 1) h ON true
        CROSS JOIN LATERAL (SELECT * FROM locations v WHERE v.organization_id = org AND v.id = coalesce(a.location_id, h.location_id) LIMIT 1) l
        WHERE c.organization_id = org AND c.party_id = (p->>'provider')::uuid AND c.state IN ('ACTIVE', 'PAST') AND c.starts_at < c.ends_at
          AND c.starts_at < (p->>'occupiedTo')::timestamptz + furthest AND c.ends_at > from_ - furthest AND c.starts_at > from_ - furthest - interval '48 hours'
          AND l.id <> (p->>'location')::uuid AND coalesce(a.modality, h.modality) = 'IN_PERSON' AND coalesce(a.created_at, h.created_at) <= as_of
          AND (a.id IS NULL OR a.id IS DISTINCT FROM own AND a.status = ANY (lives))
          AND (h.id IS NULL OR h.expires_at > (p->>'now')::timestamptz AND h.id IS DISTINCT FROM (p->>'hold')::uuid
            AND h.actor_id IS DISTINCT FROM (p->>'holder')::uuid)
        ORDER BY c.starts_at, c.id);
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Whether a patient has been there before.
CREATE FUNCTION been_before(org uuid, p jsonb, own uuid, as_of timestamptz) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
    lives CONSTANT text[] := taking_place();
BEGIN
    RETURN EXISTS (SELECT FROM appointments a
        WHERE a.organization_id = org AND a.patient_id = (p->>'patient')::uuid AND a.status = ANY (lives) AND a.starts_at < (p->>'startsAt')::timestamptz
          AND a.starts_at > (p->>'newSince')::timestamptz AND a.id IS DISTINCT FROM own AND a.created_at <= as_of);
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Of the kinds of visit that have to come before, those that do.
CREATE FUNCTION prerequisites_before(org uuid, p jsonb, own uuid, as_of timestamptz, wanted jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
    from_ timestamptz := (p->>'startsAt')::timestamptz;
    lives CONSTANT text[] := taking_place();
BEGIN
    RETURN (SELECT coalesce(jsonb_agg(r->>'visitKind' ORDER BY r->>'visitKind'), '[]') FROM jsonb_array_elements(wanted) r
        WHERE EXISTS (SELECT FROM appointments a
            WHERE a.organization_id = org AND a.patient_id = (p->>'patient')::uuid AND a.visit_kind_id = (r->>'visitKind')::uuid AND a.status = ANY (lives)
              AND a.ends_at <= from_ AND a.starts_at >= from_ - make_interval(secs => (r->>'within')::integer) AND a.id IS DISTINCT FROM own
              AND a.created_at <= as_of));
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Visits that count on the one that is moved, where it was, and on no other.
CREATE FUNCTION counting_on(org uuid, p jsonb, own uuid, as_of timestamptz) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
    patient_ uuid := (p->>'patient')::uuid;
    lives CONSTANT text[] := taking_place();
BEGIN
    RETURN (SELECT coalesce(jsonb_agg(jsonb_build_object('start', d.starts_at, 'within', (r->>'within')::integer) ORDER BY d.starts_at, d.id), '[]')
        FROM appointments d
        JOIN visit_kinds k ON k.organization_id = org AND k.id = d.visit_kind_id
        CROSS JOIN jsonb_array_elements(k.prerequisites) r
        WHERE d.organization_id = org AND d.patient_id = patient_ AND d.status IN ('BOOKED', 'PENDING') AND d.id IS DISTINCT FROM own AND d.created_at <= as_of
          AND d.starts_at >= (p->'was'->>'end')::timestamptz AND r->>'visitKind' = p->'was'->>'visitKind'
          AND (p->'was'->>'start')::timestamptz >= d.starts_at - make_interval(secs => (r->>'within')::integer)
          AND NOT EXISTS (SELECT FROM appointments a
            WHERE a.organization_id = org AND a.patient_id = patient_ AND a.visit_kind_id = (r->>'visitKind')::uuid AND a.status = ANY (lives)
              AND a.ends_at <= d.starts_at AND a.starts_at >= d.starts_at - make_interval(secs => (r->>'within')::integer)
              AND a.id IS DISTINCT FROM own AND a.created_at <= as_of));
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Visits at the same time of other patients whom the same people act for.
CREATE FUNCTION in_their_care(org uuid, p jsonb, own uuid, as_of timestamptz, acting uuid[]) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
    from_ timestamptz := (p->>'startsAt')::timestamptz;
BEGIN
    RETURN (SELECT coalesce(jsonb_agg(jsonb_build_object('start', v.starts_at, 'end', v.ends_at, 'caregivers', v.who) ORDER BY v.starts_at, v.id), '[]')
        FROM (
            SELECT c.id, c.starts_at, c.ends_at, CASE WHEN bool_or(l.relation = 'SELF')
                THEN array_agg(DISTINCT l.account_id) FILTER (WHERE l.relation = 'SELF') ELSE array_agg(DISTINCT l.account_id) END AS who
            FROM (SELECT DISTINCT m.patient_id FROM account_links m
                WHERE m.organization_id = org AND m.account_id = ANY (acting) AND m.ended_at IS NULL AND m.patient_id <> (p->>'patient')::uuid) others
            CROSS JOIN LATERAL (SELECT * FROM claims v WHERE v.organization_id = org AND v.party_id = others.patient_id
                AND v.state IN ('ACTIVE', 'PAST') AND v.state <> 'PAST' AND v.starts_at < (p->>'endsAt')::timestamptz AND v.ends_at > from_
                AND v.starts_at > from_ - interval '48 hours' AND v.appointment_id IS DISTINCT FROM own AND (as_of = 'infinity' OR EXISTS (SELECT FROM appointments a
                    WHERE a.organization_id = org AND a.id = v.appointment_id AND a.created_at <= as_of)) OFFSET 0) c
            JOIN account_links l ON l.organization_id = org AND l.patient_id = others.patient_id AND l.ended_at IS NULL
            GROUP BY c.id, c.starts_at, c.ends_at
        ) v WHERE v.who && acting);
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Whether nothing of a pool that a visit needs is free.
CREATE FUNCTION nothing_free(org uuid, p jsonb) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
    held uuid[];
BEGIN
    -- Of the holder's own holds whatever may give way: who writes says which do.
    held := ARRAY(SELECT c.id FROM claims c JOIN holds h ON h.organization_id = org AND h.id = c.hold_id
        WHERE c.organization_id = org AND c.party_id = (p->>'provider')::uuid AND c.state = 'ACTIVE' AND c.hold_id IS NOT NULL
          AND (h.id = (p->>'hold')::uuid OR h.actor_id = (p->>'holder')::uuid AND (meets(c, p) OR h.starts_at = (p->>'startsAt')::timestamptz)));
    RETURN array_position(find_resources(org, p, held, (p->>'now')::timestamptz), NULL) IS NOT NULL;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- What the rules about other visits follow from, for each of some cases in their order, as far as those of the visit's kind ask for it: facts, and the
-- digest by which they are told from others; if rooms are asked for, whether nothing of a needed pool is free, too.
-- One statement serves all cases, and has in itself what is asked of nearly each, so that what it costs to begin is small and paid once.
CREATE FUNCTION neighbours(org uuid, cases jsonb[], rooms boolean) RETURNS TABLE (facts jsonb, seen text, none_free boolean)
LANGUAGE plpgsql STABLE ROWS 16 SET plan_cache_mode = 'force_generic_plan' SET enable_seqscan = off AS $$
DECLARE
    furthest CONSTANT interval := '8 hours';
    lives CONSTANT text[] := taking_place();
    travel travel_rules;
    ways jsonb;
BEGIN
    SELECT * INTO travel FROM travel_rules t WHERE t.organization_id = org;
    ways := CASE WHEN travel.organization_id IS NOT NULL THEN to_jsonb(travel) - 'organization_id' END;
    RETURN QUERY SELECT a.facts, md5(a.facts::text), a.none_free FROM (
        SELECT w.nth, jsonb_build_object(
            'travel', ways,
            'here', CASE WHEN cardinality(o.provider) > 0 OR cardinality(o.patient) > 0 THEN (
                SELECT jsonb_build_object('latitude', l.latitude, 'longitude', l.longitude) FROM locations l WHERE l.organization_id = org AND l.id = c.location) END,
            'providerElsewhere', to_jsonb(o.provider),
            'patientElsewhere', to_jsonb(o.patient),
            'alike', CASE WHEN k.repeat_after IS NOT NULL THEN to_jsonb(ARRAY(
                SELECT a.starts_at FROM appointments a
                WHERE a.organization_id = org AND a.patient_id = c.patient AND a.visit_kind_id = k.id AND a.status = ANY (lives)
                  AND a.starts_at > c."startsAt" - make_interval(secs => k.repeat_after) AND a.starts_at < c."startsAt" + make_interval(secs => k.repeat_after)
                  AND a.id IS DISTINCT FROM o.own AND a.created_at <= o.as_of
                ORDER BY a.starts_at, a.id)) END,
            'established', CASE WHEN k.patients <> 'ALL' THEN been_before(org, w.p, o.own, o.as_of) END,
            'before', CASE WHEN k.prerequisites <> '[]' THEN prerequisites_before(org, w.p, o.own, o.as_of, k.prerequisites) END,
            'after', CASE WHEN w.p ? 'was' THEN counting_on(org, w.p, o.own, o.as_of) END,
            'caregivers', to_jsonb(o.acting),
            'inTheirCare', CASE WHEN cardinality(o.acting) > 0 THEN in_their_care(org, w.p, o.own, o.as_of, o.acting) END
            ) AS facts, CASE WHEN rooms AND w.p ? 'needs' THEN nothing_free(org, w.p) ELSE false END AS none_free
        FROM unnest(cases) WITH ORDINALITY w(p, nth)
        CROSS JOIN LATERAL jsonb_to_record(w.p) c(patient uuid, location uuid, "visitKind" uuid, modality text, travels boolean, "startsAt" timestamptz,
            "endsAt" timestamptz, "asOf" timestamptz, moving uuid, appointment uuid)
        CROSS JOIN LATERAL (
            SELECT t.*, CASE WHEN c.modality = 'IN_PERSON' AND coalesce(travel.providers, true) AND c.travels
                THEN provider_elsewhere(org, w.p, t.own, t.as_of) END AS provider,
                CASE WHEN c.modality = 'IN_PERSON' AND coalesce(travel.patients, true) THEN ARRAY(
                    SELECT jsonb_build_object('location', l.id, 'latitude', l.latitude, 'longitude', l.longitude, 'start', v.starts_at, 'end', v.ends_at)
                    FROM claims v
                    CROSS JOIN LATERAL (SELECT * FROM appointments x WHERE x.organization_id = org AND x.id = v.appointment_id LIMIT 1) a
                    CROSS JOIN LATERAL (SELECT * FROM locations x WHERE x.organization_id = org AND x.id = a.location_id LIMIT 1) l
                    WHERE v.organization_id = org AND v.party_id = c.patient AND v.state IN ('ACTIVE', 'PAST')
                      AND v.starts_at < c."endsAt" + furthest AND v.ends_at > c."startsAt" - furthest AND v.starts_at > c."startsAt" - furthest - interval '48 hours'
                      AND l.id <> c.location AND a.modality = 'IN_PERSON' AND a.status = ANY (lives) AND a.id IS DISTINCT FROM t.own AND a.created_at <= t.as_of
                    ORDER BY v.starts_at, v.id) END AS patient,
                ARRAY(SELECT l.account_id FROM account_links l
                    WHERE l.organization_id = org AND l.patient_id = c.patient AND l.ended_at IS NULL AND l.relation = 'CAREGIVER' AND NOT EXISTS (
                        SELECT FROM account_links s WHERE s.organization_id = org AND s.patient_id = c.patient AND s.ended_at IS NULL AND s.relation = 'SELF')
                    ORDER BY 1) AS acting
            FROM (SELECT coalesce(c.moving, c.appointment) AS own, coalesce(c."asOf", 'infinity') AS as_of OFFSET 0) t OFFSET 0) o
        LEFT JOIN LATERAL (SELECT * FROM visit_kinds v WHERE v.organization_id = org AND v.id = c."visitKind" LIMIT 1) k ON true
        OFFSET 0) a
    ORDER BY a.nth;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Whether what a change was decided on has become another since.
CREATE FUNCTION neighbours_changed(org uuid, p jsonb) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF p->>'seen' IS NULL THEN
        RETURN false;
    END IF;
    RETURN (SELECT p->>'seen' <> v.seen FROM neighbours(org, ARRAY[p], false) v);
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Notes the rules that a change broke with leave; lane_: the provider's that it took, the overflow lane being -1.
CREATE FUNCTION note_override(org uuid, p jsonb, now_ timestamptz, appointment uuid, version_ integer, lane_ integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    rules_ text[] := ARRAY(SELECT r FROM jsonb_array_elements_text(coalesce(p->'override'->'rules', '[]')) r
        UNION SELECT 'PROVIDER_BUSY' WHERE lane_ = -1 ORDER BY 1);
BEGIN
    UPDATE appointments a SET awaits_doctor = coalesce((p->>'awaitsDoctor')::boolean, false)
    WHERE a.organization_id = org AND a.id = appointment AND a.awaits_doctor <> coalesce((p->>'awaitsDoctor')::boolean, false);
    IF cardinality(rules_) > 0 THEN
        INSERT INTO rule_overrides (organization_id, id, appointment_id, version, patient_id, rules, reason, waits, at, actor_id)
        VALUES (org, (p->'override'->>'id')::uuid, appointment, version_, (p->>'patient')::uuid, rules_, decode(p->'override'->>'reason', 'base64'),
            (p->'override'->>'waits')::boolean, now_, (p->'audit'->>'actor')::uuid);
    END IF;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Makes the functions do all this, each in the one place where it is done.
CREATE FUNCTION apply_conflict_rules(up boolean) RETURNS void LANGUAGE plpgsql AS $apply$
DECLARE
    change record;
    text_ text;
    was_ text;
    becomes_ text;
BEGIN
    FOR change IN SELECT * FROM (VALUES
        -- What they remember.
        (1, 'book', '    busy uuid;', '    busy uuid;
    rooms uuid[];'),
        (2, 'move_appointment', '    busy uuid;', '    busy uuid;
    rooms uuid[];'),
        (3, 'place_hold', '    moved claims;', '    moved claims;
    rooms uuid[];'),
        -- Locks.
        (4, 'book', 'array_fill(patient_, ARRAY[jsonb_array_length(p->''patientDays'')]),', 'array_fill(patient_, ARRAY[jsonb_array_length(p->''patientDays'')]) || (SELECT o.parties FROM lock_others(org, p) o),'),
        (5, 'book', 'dates(p->''providerDays'') || dates(p->''patientDays''),', 'dates(p->''providerDays'') || dates(p->''patientDays'') || (SELECT o.days FROM lock_others(org, p) o),'),
        (6, 'move_appointment', 'array_fill(patient_, ARRAY[jsonb_array_length(p->''patientDays'')]),', 'array_fill(patient_, ARRAY[jsonb_array_length(p->''patientDays'')]) || (SELECT o.parties FROM lock_others(org, p) o),'),
        (7, 'move_appointment', 'dates(p->''providerDays'') || dates(p->''patientDays''),', 'dates(p->''providerDays'') || dates(p->''patientDays'') || (SELECT o.days FROM lock_others(org, p) o),'),
        (8, 'place_hold', 'array_fill(provider_, ARRAY[jsonb_array_length(p->''providerDays'')]),', 'array_fill(provider_, ARRAY[jsonb_array_length(p->''providerDays'')]) || (SELECT o.parties FROM lock_others(org, p) o),'),
        (9, 'place_hold', 'dates(p->''providerDays''), provider_', 'dates(p->''providerDays'') || (SELECT o.days FROM lock_others(org, p) o), provider_'),
        -- Looking again.
        (10, 'book', '    busy := patient_busy(org, p, leaving);', '    IF neighbours_changed(org, p) THEN
        RETURN jsonb_build_object(''outcome'', ''STALE_NEIGHBOURS'');
    END IF;
    IF (p->>''squeeze'')::boolean AND seat.lane >= 0 THEN -- there is room by now, so that it isn''t squeezed in
        RETURN jsonb_build_object(''outcome'', ''STALE_NEIGHBOURS'');
    END IF;
    rooms := find_resources(org, p, leaving, now_);
    IF array_position(rooms, NULL) IS NOT NULL AND cardinality(spare) > 0 THEN
        leaving := ARRAY(SELECT unnest(leaving) UNION SELECT unnest(spare));
        SELECT * INTO seat FROM find_lane(org, p, leaving, kept);
        rooms := find_resources(org, p, leaving, now_);
    END IF;
    IF array_position(rooms, NULL) IS NOT NULL THEN
        RETURN jsonb_build_object(''outcome'', ''RESOURCE_BUSY'');
    END IF;
    PERFORM lock_ending(org, p, rooms, leaving, now_);
    busy := patient_busy(org, p, leaving);'),
        (11, 'move_appointment', '    busy := patient_busy(org, p, leaving || old);', '    IF neighbours_changed(org, p) THEN
        RETURN jsonb_build_object(''outcome'', ''STALE_NEIGHBOURS'');
    END IF;
    IF (p->>''squeeze'')::boolean AND seat.lane >= 0 THEN -- there is room by now, so that it isn''t squeezed in
        RETURN jsonb_build_object(''outcome'', ''STALE_NEIGHBOURS'');
    END IF;
    rooms := find_resources(org, p, leaving || old, now_);
    IF array_position(rooms, NULL) IS NOT NULL AND cardinality(spare) > 0 THEN
        leaving := ARRAY(SELECT unnest(leaving) UNION SELECT unnest(spare));
        SELECT * INTO seat FROM find_lane(org, p, leaving || old, kept);
        rooms := find_resources(org, p, leaving || old, now_);
    END IF;
    IF array_position(rooms, NULL) IS NOT NULL THEN
        RETURN jsonb_build_object(''outcome'', ''RESOURCE_BUSY'');
    END IF;
    PERFORM lock_ending(org, p, rooms, leaving, now_);
    busy := patient_busy(org, p, leaving || old);'),
        (12, 'place_hold', '    IF cardinality(leaving) > 0 THEN
        PERFORM end_holds(org, leaving, now_, NULL);', '    IF neighbours_changed(org, p) THEN
        RETURN jsonb_build_object(''outcome'', ''STALE_NEIGHBOURS'');
    END IF;
    rooms := find_resources(org, p, leaving, now_);
    IF array_position(rooms, NULL) IS NOT NULL THEN
        RETURN jsonb_build_object(''outcome'', ''RESOURCE_BUSY'');
    END IF;
    PERFORM lock_ending(org, p, rooms, leaving, now_);

    IF cardinality(leaving) > 0 THEN
        PERFORM end_holds(org, leaving, now_, NULL);'),
        -- Claiming.
        (13, 'book', '    PERFORM take_patient(org,', '    PERFORM take_resources(org, p, rooms, appointment_, NULL, NULL, now_);
    PERFORM take_patient(org,'),
        (14, 'move_appointment', '    PERFORM take_patient(org,', '    PERFORM take_resources(org, p, rooms, appointment_, NULL, NULL, now_);
    PERFORM take_patient(org,'),
        (15, 'place_hold', '    answer := jsonb_build_object(''hold'', hold_);', '    PERFORM take_resources(org, p, rooms, NULL, hold_, expires, now_);
    answer := jsonb_build_object(''hold'', hold_);'),
        -- Overrides.
        (16, 'book', '    answer := jsonb_build_object(''appointment'', appointment_, ''version'', 1);', '    PERFORM note_override(org, p, now_, appointment_, 1, seat.lane);
    answer := jsonb_build_object(''appointment'', appointment_, ''version'', 1);'),
        (17, 'move_appointment', '    answer := jsonb_build_object(''appointment'', appointment_, ''version'', seen.version + 1, ''released''', '    PERFORM note_override(org, p, now_, appointment_, seen.version + 1, seat.lane);
    answer := jsonb_build_object(''appointment'', appointment_, ''version'', seen.version + 1, ''released'''),
        -- The overflow lane, for one visit at a time that is squeezed in where every lane is taken.
        (18, 'find_lane', '    ELSE
        refused := ''SLOT_TAKEN'';', '    ELSIF (p->>''squeeze'')::boolean AND lanes > 0 AND NOT EXISTS (
        SELECT FROM claims c
        WHERE c.organization_id = org AND c.party_id = provider_ AND c.lane = -1 AND c.state = ''ACTIVE''
          AND c.starts_at < to_ AND c.starts_at > from_ - interval ''48 hours'' AND c.ends_at > from_ AND c.id <> ALL (leaving)) THEN
        lane := -1;
    ELSE
        refused := ''SLOT_TAKEN'';'),
        -- What a hold has besides the provider's lane ends, and lasts, as long as that.
        (19, 'end_holds', '    SELECT array_agg(id) INTO lapsed FROM claims', '    ids := ids || ARRAY(SELECT o.id FROM claims o WHERE o.organization_id = org AND o.state = ''ACTIVE'' AND o.hold_id IN (
        SELECT c.hold_id FROM claims c WHERE c.organization_id = org AND c.id = ANY (ids) AND c.hold_id IS NOT NULL) AND o.id <> ALL (ids));
    SELECT array_agg(id) INTO lapsed FROM claims'),
        (20, 'change_hold', '        UPDATE claims c SET expires_at = (p->>''expiresAt'')::timestamptz WHERE c.organization_id = org AND c.id = ANY (ids);', '        UPDATE claims c SET expires_at = (p->>''expiresAt'')::timestamptz
        WHERE c.organization_id = org AND (c.id = ANY (ids) OR c.hold_id = hold_ AND c.state = ''ACTIVE'');'),
        -- What equip() has given a visit meanwhile goes with its other claims.
        (21, 'cancel_appointment', '    SELECT * INTO seen FROM appointments a WHERE a.organization_id = org AND a.id = appointment_ FOR UPDATE;', '    SELECT * INTO seen FROM appointments a WHERE a.organization_id = org AND a.id = appointment_ FOR UPDATE;
    old := ARRAY(SELECT c.id FROM claims c
        WHERE c.organization_id = org AND c.appointment_id = appointment_ AND c.state IN (''ACTIVE'', ''PAST''));'),
        (22, 'move_appointment', '    SELECT * INTO seen FROM appointments a WHERE a.organization_id = org AND a.id = appointment_ FOR UPDATE;', '    SELECT * INTO seen FROM appointments a WHERE a.organization_id = org AND a.id = appointment_ FOR UPDATE;
    old := ARRAY(SELECT c.id FROM claims c
        WHERE c.organization_id = org AND c.appointment_id = appointment_ AND c.state IN (''ACTIVE'', ''PAST''));'),
        -- A hold ends by its provider's claim: whatever else it has goes with that one.
        (23, 'lapse_holds', 'AND c.hold_id IS NOT NULL AND c.expires_at <= now_ ORDER BY c.expires_at LIMIT 100);', 'AND c.hold_id IS NOT NULL AND c.party_kind = ''PROVIDER''
          AND c.expires_at <= now_ ORDER BY c.expires_at LIMIT 100);'),
        -- Whoever ends claims has them in one order, whoever else ends some of them as they have run out.
        (25, 'free_claims', '    WITH freed AS (', '    PERFORM FROM claims c WHERE c.organization_id = org AND c.id = ANY (ids) AND c.state IN (''ACTIVE'', ''PAST'') ORDER BY c.id FOR UPDATE;
    WITH freed AS ('),
        -- What waits for a doctor is approved by whoever may, whatever program they come by.
        (26, 'change_appointment', 'AND a.id = appointment_ AND a.version = (p->>''version'')::integer', 'AND a.id = appointment_ AND a.version = (p->>''version'')::integer
      AND (NOT a.awaits_doctor OR p->>''lastAction'' IS DISTINCT FROM ''APPROVE'' OR (p->>''doctor'')::boolean)'),
        (24, 'moving_holds', 'WHERE o.organization_id = org AND o.id = ANY (old)));', 'WHERE o.organization_id = org AND o.id = ANY (old) AND o.party_kind = ''PROVIDER''));')
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
SELECT apply_conflict_rules(true);

CREATE INDEX claims_of_hold ON claims (organization_id, hold_id) WHERE state = 'ACTIVE' AND hold_id IS NOT NULL;
ALTER FUNCTION equip SET plan_cache_mode = 'force_generic_plan' SET enable_seqscan = off;

-- +goose Down
SELECT apply_conflict_rules(false);
DROP INDEX claims_of_hold;
DROP FUNCTION apply_conflict_rules, note_override, neighbours_changed, neighbours, nothing_free, in_their_care, counting_on, prerequisites_before, been_before,
    provider_elsewhere, taking_place, lock_others, accounts_of, equip, lock_ending, take_resources, find_resources, pools_needed, pool_party;
DROP TABLE rule_overrides, travel_rules, visits_to_equip, resources;
ALTER TABLE claims NO FORCE ROW LEVEL SECURITY;
DELETE FROM claims WHERE party_kind IN ('EQUIPMENT', 'ROOM');
ALTER TABLE claims FORCE ROW LEVEL SECURITY;
ALTER TABLE claims DROP CONSTRAINT claims_party_kind_check,
    ADD CONSTRAINT claims_party_kind_check CHECK (party_kind IN ('PATIENT', 'PROVIDER', 'ROOM'));
ALTER TABLE appointments DROP COLUMN awaits_doctor;
ALTER TABLE visit_kinds DROP COLUMN needs, DROP COLUMN repeat_after, DROP COLUMN prerequisites, DROP COLUMN patients, DROP COLUMN minimum_age, DROP COLUMN maximum_age;
