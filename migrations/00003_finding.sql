-- +goose Up
-- rollback: safe
-- What finding care needs: where places are, who is where, and which insurance plans are accepted.

CREATE EXTENSION IF NOT EXISTS cube;
CREATE EXTENSION IF NOT EXISTS pg_trgm;

-- A point of the earth as a cube without size: metres from its centre, on a sphere of the mean radius (IUGG). The straight line
-- between two of them is shorter than the way over the ground, but orders and bounds the same places.
ALTER TABLE locations
    ADD COLUMN point cube GENERATED ALWAYS AS (CASE WHEN latitude IS NOT NULL AND longitude IS NOT NULL THEN cube(ARRAY[
        6371008.8 * cos(radians(latitude)) * cos(radians(longitude)),
        6371008.8 * cos(radians(latitude)) * sin(radians(longitude)),
        6371008.8 * sin(radians(latitude))]) END) STORED,
    ADD COLUMN postal_key text GENERATED ALWAYS AS (upper(regexp_replace(postal_code, '[^A-Za-z0-9]', '', 'g'))) STORED;
CREATE INDEX locations_by_point ON locations USING gist (point);
CREATE INDEX locations_by_postal_key ON locations (country, postal_key text_pattern_ops) WHERE point IS NOT NULL;

-- Who has, or had, hours of any sort where. What has hours is looked up from here, never decided.
CREATE TABLE desks (
    organization_id uuid NOT NULL,
    provider_id     uuid NOT NULL,
    location_id     uuid NOT NULL,
    PRIMARY KEY (organization_id, provider_id, location_id),
    FOREIGN KEY (organization_id, provider_id) REFERENCES providers,
    FOREIGN KEY (organization_id, location_id) REFERENCES locations
);
CREATE INDEX desks_by_location ON desks (organization_id, location_id, provider_id);

INSERT INTO desks (organization_id, provider_id, location_id)
SELECT organization_id, provider_id, location_id FROM schedules
UNION SELECT organization_id, provider_id, location_id FROM date_hours
UNION SELECT organization_id, provider_id, location_id FROM schedule_exceptions WHERE provider_id IS NOT NULL AND location_id IS NOT NULL;

-- +goose StatementBegin
CREATE FUNCTION note_desks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO desks (organization_id, provider_id, location_id)
    SELECT DISTINCT organization_id, provider_id, location_id FROM added
    WHERE provider_id IS NOT NULL AND location_id IS NOT NULL ORDER BY 1, 2, 3
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
-- +goose StatementEnd

CREATE TRIGGER note_new_desks AFTER INSERT ON schedules REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION note_desks();
CREATE TRIGGER note_new_desks AFTER INSERT ON date_hours REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION note_desks();
CREATE TRIGGER note_new_desks AFTER INSERT ON schedule_exceptions REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION note_desks();
CREATE TRIGGER note_moved_desks AFTER UPDATE ON schedules REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION note_desks();
CREATE TRIGGER note_moved_desks AFTER UPDATE ON date_hours REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION note_desks();
CREATE TRIGGER note_moved_desks AFTER UPDATE ON schedule_exceptions REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION note_desks();

-- What is taken of many providers is read at once: visits counted for capped windows apart from the many others, and the windows' counts.
CREATE INDEX claims_capped ON claims (organization_id, party_id, starts_at) WHERE state IN ('ACTIVE', 'PAST') AND hold_id IS NULL AND counted_windows <> '{}';
CREATE INDEX window_counts_by_provider ON window_counts (organization_id, provider_id, exception_id);

-- The appointments with a provider in their order, so that a page of them is read from the index's beginning and not sorted.
DROP INDEX appointments_by_provider;
CREATE INDEX appointments_by_provider ON appointments (organization_id, provider_id, starts_at, id, ends_at);

-- A plan is found again by carrier and name; its id follows from them.
CREATE TABLE insurance_plans (
    organization_id uuid NOT NULL REFERENCES organizations,
    id              uuid NOT NULL,
    carrier         text NOT NULL,
    name            text NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, carrier, name)
);
CREATE INDEX insurance_plans_of_all ON insurance_plans (carrier, name);

CREATE TABLE provider_plans (
    organization_id uuid NOT NULL,
    provider_id     uuid NOT NULL,
    plan_id         uuid NOT NULL,
    PRIMARY KEY (organization_id, provider_id, plan_id),
    FOREIGN KEY (organization_id, provider_id) REFERENCES providers,
    FOREIGN KEY (organization_id, plan_id) REFERENCES insurance_plans
);

CREATE INDEX provider_specialties_of_all ON provider_specialties (system, code);

-- A text as words are compared: without accents, ligatures and capitals. The module unaccent does as much, but by rules in a
-- file that may change, so that its function is only STABLE, and an index may not hold its answers. What is used here is built
-- in, and asks for no locale: under some, lower() knows ASCII alone.
CREATE FUNCTION folded(words text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT replace(replace(replace(replace(lower(translate(
        regexp_replace(normalize(translate(words, '‘’ʼ`´', repeat('''', 5)), NFKD), '[\u0300-\u036f]', '', 'g'),
        'ØøŁłĐđÐðĦħŦŧıẞÆŒÞ‐‒–—ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣςΤΥΦΧΨΩАБВГДЕЖЗИКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯЂЄІЈЉЊЋЏҐ',
        'oollddddhhttißæœþ----αβγδεζηθικλμνξοπρσστυφχψωабвгдежзиклмнопрстуфхцчшщъыьэюяђєіјљњћџґ')),
        'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th')
$$;

-- What somebody is found by: the texts, and once more without what some leave out, as in O'Neill and Smith-Jones.
CREATE FUNCTION search_text(texts text[]) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT t || CASE WHEN t ~ '[''.-]' THEN E'\n' || regexp_replace(t, '[''.-]', '', 'g') ELSE '' END
    FROM folded(array_to_string(texts, E'\n')) t
$$;

-- A pattern of LIKE for what has the word somewhere.
CREATE FUNCTION search_part(word text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT '%' || regexp_replace(folded(word), '[\\%_]', '\\\&', 'g') || '%'
$$;

-- The name, and the specialties as they are shown. Providers are looked for far more often than put, so that the index has no
-- list of what is still to be sorted in, which each search would read.
ALTER TABLE providers ADD COLUMN search_text text NOT NULL DEFAULT '';
UPDATE providers p SET search_text = search_text(name || ARRAY(SELECT coalesce(s.display, s.code) FROM provider_specialties s
    WHERE s.organization_id = p.organization_id AND s.provider_id = p.id ORDER BY s.ordinal));
CREATE INDEX providers_by_text ON providers USING gin (search_text gin_trgm_ops) WITH (fastupdate = off);

-- +goose Down
DROP INDEX appointments_by_provider;
CREATE INDEX appointments_by_provider ON appointments (organization_id, provider_id, starts_at, ends_at);
DROP INDEX window_counts_by_provider, claims_capped;
DROP INDEX providers_by_text;
ALTER TABLE providers DROP COLUMN search_text;
DROP FUNCTION search_part, search_text, folded;
DROP INDEX provider_specialties_of_all;
DROP TABLE provider_plans, insurance_plans;
DROP TRIGGER note_new_desks ON schedules;
DROP TRIGGER note_moved_desks ON schedules;
DROP TRIGGER note_new_desks ON date_hours;
DROP TRIGGER note_moved_desks ON date_hours;
DROP TRIGGER note_new_desks ON schedule_exceptions;
DROP TRIGGER note_moved_desks ON schedule_exceptions;
DROP FUNCTION note_desks;
DROP TABLE desks;
DROP INDEX locations_by_postal_key, locations_by_point;
ALTER TABLE locations DROP COLUMN postal_key, DROP COLUMN point;
DROP EXTENSION pg_trgm;
DROP EXTENSION cube;
