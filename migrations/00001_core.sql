-- +goose Up
-- rollback: safe
-- What the booking core keeps. organization_id leads every key of a tenant's table, so that the tables can be distributed by it.
-- Global: organizations, platform_idempotency_keys, log_epoch, and the migration tool's own table.

CREATE EXTENSION IF NOT EXISTS btree_gist;

-- A patient's datum: a version byte, then the value. Only the application opens it.
CREATE DOMAIN private AS bytea;

CREATE TABLE organizations (
    id         uuid PRIMARY KEY,
    name       text NOT NULL,
    created_at timestamptz NOT NULL
);

CREATE TABLE platform_idempotency_keys (
    client     text NOT NULL,
    actor_id   uuid NOT NULL,
    key        text NOT NULL,
    operation  text NOT NULL,
    input_hash bytea NOT NULL,
    result     jsonb NOT NULL,
    replays    integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (client, actor_id, key)
);

CREATE TABLE locations (
    organization_id   uuid NOT NULL REFERENCES organizations,
    id                uuid NOT NULL,
    identifier_system text NOT NULL,
    identifier_value  text NOT NULL,
    name              text NOT NULL,
    time_zone         text NOT NULL,
    step_free_access  boolean,
    phone             text,
    latitude          double precision,
    longitude         double precision,
    address_lines     text[] NOT NULL,
    postal_code       text,
    country           text,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, identifier_system, identifier_value)
);
CREATE INDEX locations_by_name ON locations (organization_id, name, id);
CREATE INDEX locations_by_name_of_all ON locations (name, id);

-- Durations are whole seconds.
CREATE TABLE visit_kinds (
    organization_id          uuid NOT NULL REFERENCES organizations,
    id                       uuid NOT NULL,
    key                      text NOT NULL,
    name                     text NOT NULL,
    duration                 integer NOT NULL CHECK (duration > 0),
    buffer_before            integer NOT NULL CHECK (buffer_before >= 0),
    buffer_after             integer NOT NULL CHECK (buffer_after >= 0),
    slot_step                integer NOT NULL CHECK (slot_step > 0),
    grid_anchor              text NOT NULL CHECK (grid_anchor IN ('DAY', 'WINDOW')),
    instructions             text,
    requires_approval        boolean NOT NULL,
    modalities               text[] NOT NULL CHECK (cardinality(modalities) > 0),
    free_cancellation_before integer NOT NULL CHECK (free_cancellation_before >= 0),
    minimum_notice           integer NOT NULL CHECK (minimum_notice >= 0),
    maximum_advance          integer NOT NULL CHECK (maximum_advance > 0),
    hold_duration            integer NOT NULL CHECK (hold_duration > 0),
    max_reschedules          integer CHECK (max_reschedules >= 0),
    late_fee_minor_units     integer CHECK (late_fee_minor_units > 0),
    late_fee_currency        text,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, key)
);
CREATE INDEX visit_kinds_by_name ON visit_kinds (organization_id, name, id);
CREATE INDEX visit_kinds_by_name_of_all ON visit_kinds (name, id);

-- schedule_revision rises with every change of anything that openings follow from, other than what is taken.
CREATE TABLE providers (
    organization_id        uuid NOT NULL REFERENCES organizations,
    id                     uuid NOT NULL,
    identifier_system      text NOT NULL,
    identifier_value       text NOT NULL,
    name                   text NOT NULL,
    languages              text[] NOT NULL,
    max_daily_appointments integer CHECK (max_daily_appointments > 0),
    schedule_revision      bigint NOT NULL DEFAULT 1,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, identifier_system, identifier_value)
);
CREATE INDEX providers_by_name ON providers (organization_id, name, id);
CREATE INDEX providers_by_name_of_all ON providers (name, id);

CREATE TABLE provider_visit_kinds (
    organization_id uuid NOT NULL,
    provider_id     uuid NOT NULL,
    visit_kind_id   uuid NOT NULL,
    PRIMARY KEY (organization_id, provider_id, visit_kind_id),
    FOREIGN KEY (organization_id, provider_id) REFERENCES providers,
    FOREIGN KEY (organization_id, visit_kind_id) REFERENCES visit_kinds
);
CREATE INDEX provider_visit_kinds_by_kind ON provider_visit_kinds (organization_id, visit_kind_id);

CREATE TABLE provider_specialties (
    organization_id uuid NOT NULL,
    provider_id     uuid NOT NULL,
    ordinal         smallint NOT NULL,
    system          text NOT NULL,
    code            text NOT NULL,
    display         text,
    PRIMARY KEY (organization_id, provider_id, system, code),
    FOREIGN KEY (organization_id, provider_id) REFERENCES providers
);
CREATE INDEX provider_specialties_by_code ON provider_specialties (organization_id, system, code);

-- weekly and hours: arrays of {weekday?, from, to, capacity, visitKinds?, modalities?}, minutes of the wall clock.
CREATE TABLE schedules (
    organization_id uuid NOT NULL,
    id              uuid NOT NULL,
    provider_id     uuid NOT NULL,
    location_id     uuid NOT NULL,
    effective_from  date NOT NULL,
    effective_until date,
    weekly          jsonb NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, provider_id) REFERENCES providers,
    FOREIGN KEY (organization_id, location_id) REFERENCES locations
);
CREATE INDEX schedules_by_provider ON schedules (organization_id, provider_id, location_id);
CREATE INDEX schedules_by_location ON schedules (organization_id, location_id);

CREATE TABLE date_hours (
    organization_id uuid NOT NULL,
    provider_id     uuid NOT NULL,
    location_id     uuid NOT NULL,
    local_date      date NOT NULL,
    hours           jsonb NOT NULL,
    PRIMARY KEY (organization_id, provider_id, location_id, local_date),
    FOREIGN KEY (organization_id, provider_id) REFERENCES providers,
    FOREIGN KEY (organization_id, location_id) REFERENCES locations
);

CREATE TABLE schedule_exceptions (
    organization_id  uuid NOT NULL,
    id               uuid NOT NULL,
    provider_id      uuid,
    location_id      uuid,
    local_from       timestamp NOT NULL,
    local_to         timestamp NOT NULL CHECK (local_to > local_from),
    effect           text NOT NULL CHECK (effect IN ('CLOSED', 'OPEN')),
    capacity         integer NOT NULL CHECK (capacity > 0),
    max_appointments integer CHECK (max_appointments >= 0),
    reason           text,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, provider_id) REFERENCES providers,
    FOREIGN KEY (organization_id, location_id) REFERENCES locations,
    CHECK (provider_id IS NOT NULL OR location_id IS NOT NULL)
);
CREATE INDEX schedule_exceptions_by_provider ON schedule_exceptions (organization_id, provider_id, local_to);
CREATE INDEX schedule_exceptions_by_location ON schedule_exceptions (organization_id, location_id, local_to);

CREATE TABLE patients (
    organization_id   uuid NOT NULL REFERENCES organizations,
    id                uuid NOT NULL,
    identifier_system text NOT NULL,
    identifier_token  bytea NOT NULL,
    identifier        private NOT NULL,
    given_name        private NOT NULL,
    family_name       private NOT NULL,
    birth_date        private,
    phone             private,
    email             private,
    language          private,
    time_zone         private,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, identifier_token)
);

-- Digests of what a patient may be looked up by: name beginnings, birth date, phone, e-mail, identifier.
CREATE TABLE patient_tokens (
    organization_id uuid NOT NULL,
    token           bytea NOT NULL,
    patient_id      uuid NOT NULL,
    PRIMARY KEY (organization_id, token, patient_id),
    FOREIGN KEY (organization_id, patient_id) REFERENCES patients
);
CREATE INDEX patient_tokens_by_patient ON patient_tokens (organization_id, patient_id);

-- One row for each day of a party that a booking has touched: the lock that all writers take first, in key order.
CREATE TABLE party_days (
    organization_id uuid NOT NULL REFERENCES organizations,
    party_id        uuid NOT NULL,
    day             date NOT NULL,
    revision        bigint NOT NULL DEFAULT 0,
    booked          integer NOT NULL DEFAULT 0 CHECK (booked >= 0),
    PRIMARY KEY (organization_id, party_id, day)
);

-- Visits and holds counted against a capped opening window, for each provider.
CREATE TABLE window_counts (
    organization_id uuid NOT NULL,
    exception_id    uuid NOT NULL,
    provider_id     uuid NOT NULL,
    booked          integer NOT NULL DEFAULT 0 CHECK (booked >= 0),
    PRIMARY KEY (organization_id, exception_id, provider_id),
    FOREIGN KEY (organization_id, provider_id) REFERENCES providers
);

CREATE TABLE appointments (
    organization_id    uuid NOT NULL,
    id                 uuid NOT NULL,
    version            integer NOT NULL,
    status             text NOT NULL,
    provider_id        uuid NOT NULL,
    location_id        uuid NOT NULL,
    visit_kind_id      uuid NOT NULL,
    patient_id         uuid NOT NULL,
    modality           text NOT NULL,
    starts_at          timestamptz NOT NULL,
    ends_at            timestamptz NOT NULL CHECK (ends_at > starts_at),
    local_start        timestamp NOT NULL,
    time_zone          text NOT NULL,
    tzdb_version       text NOT NULL,
    reason             private,
    created_at         timestamptz NOT NULL,
    created_by         uuid NOT NULL,
    updated_at         timestamptz NOT NULL,
    confirmed_at       timestamptz,
    reschedules        integer NOT NULL DEFAULT 0,
    cancel_reason      text,
    cancel_note        private,
    cancelled_at       timestamptz,
    cancelled_by       text,
    cancel_fee_units   integer,
    cancel_fee_currency text,
    last_action        text,
    prior_status       text,
    prior_confirmed_at timestamptz,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, provider_id) REFERENCES providers,
    FOREIGN KEY (organization_id, location_id) REFERENCES locations,
    FOREIGN KEY (organization_id, visit_kind_id) REFERENCES visit_kinds,
    FOREIGN KEY (organization_id, patient_id) REFERENCES patients
);
CREATE INDEX appointments_by_start ON appointments (organization_id, starts_at, id);
CREATE INDEX appointments_by_update ON appointments (organization_id, updated_at, id);
CREATE INDEX appointments_by_provider ON appointments (organization_id, provider_id, starts_at, ends_at);
CREATE INDEX appointments_by_patient ON appointments (organization_id, patient_id, starts_at);

CREATE TABLE appointment_identifiers (
    organization_id uuid NOT NULL,
    appointment_id  uuid NOT NULL,
    system          text NOT NULL,
    value           text NOT NULL,
    PRIMARY KEY (organization_id, appointment_id, system, value),
    FOREIGN KEY (organization_id, appointment_id) REFERENCES appointments
);
CREATE INDEX appointment_identifiers_by_value ON appointment_identifiers (organization_id, system, value);

CREATE TABLE holds (
    organization_id       uuid NOT NULL,
    id                    uuid NOT NULL,
    provider_id           uuid NOT NULL,
    location_id           uuid NOT NULL,
    visit_kind_id         uuid NOT NULL,
    modality              text NOT NULL,
    starts_at             timestamptz NOT NULL,
    ends_at               timestamptz NOT NULL CHECK (ends_at > starts_at),
    actor_id              uuid NOT NULL,
    patient_id            uuid,
    moving_appointment_id uuid,
    expires_at            timestamptz NOT NULL,
    extended              boolean NOT NULL DEFAULT false,
    state                 text NOT NULL CHECK (state IN ('ACTIVE', 'BOOKED', 'LAPSED', 'RELEASED')),
    created_at            timestamptz NOT NULL,
    ended_at              timestamptz,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, provider_id) REFERENCES providers,
    FOREIGN KEY (organization_id, location_id) REFERENCES locations,
    FOREIGN KEY (organization_id, visit_kind_id) REFERENCES visit_kinds,
    FOREIGN KEY (organization_id, patient_id) REFERENCES patients
);
CREATE INDEX holds_over ON holds (ends_at) WHERE state <> 'ACTIVE';

-- A lane of a provider, or a patient, kept busy. The constraint has the last word on double booking.
-- Lanes of a provider count from 0; lane -1 is kept aside for overrides by the staff. A patient has lane 0 alone.
-- An empty span (starts_at = ends_at) conflicts with nothing: it only carries counts.
CREATE TABLE claims (
    organization_id uuid NOT NULL REFERENCES organizations,
    id              uuid NOT NULL,
    party_kind      text NOT NULL CHECK (party_kind IN ('PATIENT', 'PROVIDER', 'ROOM')),
    party_id        uuid NOT NULL,
    lane            integer NOT NULL CHECK (lane >= -1),
    starts_at       timestamptz NOT NULL,
    ends_at         timestamptz NOT NULL CHECK (ends_at >= starts_at),
    state           text NOT NULL CHECK (state IN ('ACTIVE', 'FREED', 'LAPSED', 'PAST')),
    appointment_id  uuid,
    hold_id         uuid,
    expires_at      timestamptz,
    days            date[] NOT NULL,
    counted_day     date,
    counted_windows uuid[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (organization_id, id),
    CONSTRAINT claims_once EXCLUDE USING gist (
        organization_id WITH =, party_id WITH =, lane WITH =, tstzrange(starts_at, ends_at, '[)') WITH &&
    ) WHERE (state = 'ACTIVE'),
    CHECK ((appointment_id IS NULL) <> (hold_id IS NULL)),
    CHECK ((hold_id IS NULL) = (expires_at IS NULL))
);
CREATE INDEX claims_by_party ON claims (organization_id, party_id, starts_at, ends_at) WHERE state IN ('ACTIVE', 'PAST');
CREATE INDEX claims_by_appointment ON claims (organization_id, appointment_id) WHERE state IN ('ACTIVE', 'PAST') AND appointment_id IS NOT NULL;
CREATE INDEX claims_of_holds ON claims (organization_id, party_id, hold_id) WHERE state = 'ACTIVE' AND hold_id IS NOT NULL;
CREATE INDEX claims_expiring ON claims (expires_at) WHERE state = 'ACTIVE' AND hold_id IS NOT NULL;
CREATE INDEX claims_ending ON claims (ends_at) WHERE state = 'ACTIVE' AND hold_id IS NULL;
CREATE INDEX claims_past ON claims (ends_at) WHERE state = 'PAST';
CREATE INDEX claims_over ON claims (ends_at) WHERE state IN ('FREED', 'LAPSED');

CREATE TABLE idempotency_keys (
    organization_id uuid NOT NULL REFERENCES organizations,
    client          text NOT NULL,
    actor_id        uuid NOT NULL,
    key             text NOT NULL,
    operation       text NOT NULL,
    input_hash      bytea NOT NULL,
    result          jsonb NOT NULL,
    replays         integer NOT NULL DEFAULT 0,
    created_at      timestamptz NOT NULL,
    PRIMARY KEY (organization_id, client, actor_id, key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

CREATE TABLE audit_events (
    organization_id uuid NOT NULL REFERENCES organizations,
    id              uuid NOT NULL,
    at              timestamptz NOT NULL,
    actor_kind      text NOT NULL,
    actor_id        uuid NOT NULL,
    client          text NOT NULL,
    action          text NOT NULL,
    entity_kind     text NOT NULL,
    entity_id       uuid NOT NULL,
    request_id      text NOT NULL,
    PRIMARY KEY (organization_id, id)
);
CREATE INDEX audit_events_by_entity ON audit_events (organization_id, entity_id, at);

-- The ordered event log. A position is taken after the change is won; see docs/consistency.md for how it is read.
CREATE SEQUENCE log_positions AS bigint CACHE 1;
CREATE TABLE event_log (
    organization_id uuid NOT NULL REFERENCES organizations,
    position        bigint NOT NULL DEFAULT nextval('log_positions'),
    at              timestamptz NOT NULL,
    topic           text NOT NULL,
    provider_id     uuid,
    appointment_id  uuid,
    payload         jsonb NOT NULL,
    PRIMARY KEY (organization_id, position)
);
CREATE INDEX event_log_by_position ON event_log (position);
CREATE INDEX event_log_by_age ON event_log (at);

-- Which life of the log this is, set anew whenever a database is restored, and the last position that was dropped for its age.
CREATE TABLE log_epoch (
    only_row  boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    epoch     uuid NOT NULL,
    forgotten bigint NOT NULL DEFAULT 0
);
INSERT INTO log_epoch (epoch) VALUES (gen_random_uuid());

-- +goose Down
DROP TABLE log_epoch, event_log, audit_events, idempotency_keys, claims, holds, appointment_identifiers, appointments,
    window_counts, party_days, patient_tokens, patients, schedule_exceptions, date_hours, schedules,
    provider_specialties, provider_visit_kinds, providers, visit_kinds, locations, platform_idempotency_keys, organizations;
DROP SEQUENCE log_positions;
DROP DOMAIN private;
DROP EXTENSION btree_gist;
