-- +goose Up
-- rollback: safe
-- What patients are told of their visits. Whatever changes a visit leaves a notice in its own transaction, and withdraws what was planned for
-- the visit as it was; a worker turns the notice into messages, one for each channel. A message is the truth of what was sent: the queue in
-- Redis only says when to look at it.
--
-- mediconnect_courier plans, queues and sends for all tenants: it sees which message is due where and how it stands, and nothing of whom
-- or what it is about; that is read as the tenant.

-- +goose StatementBegin
DO $$
BEGIN
    BEGIN
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'mediconnect_courier') THEN
            CREATE ROLE mediconnect_courier NOLOGIN NOINHERIT;
        END IF;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN
        NULL; -- another database of this cluster was faster
    END;
    IF NOT pg_has_role('mediconnect_server', 'mediconnect_courier', 'MEMBER') THEN
        GRANT mediconnect_courier TO mediconnect_server;
    END IF;
END $$;
-- +goose StatementEnd

-- A visit changed, and whoever it is of may have to be told.
CREATE TABLE message_notices (
    organization_id uuid NOT NULL,
    appointment_id  uuid NOT NULL,
    version         integer NOT NULL, -- of the visit, once it had changed
    kind            text NOT NULL CHECK (kind IN ('BOOKED', 'CANCELLED', 'CHANGED', 'ENDED', 'MOVED', 'REPLANNED', 'RESTORED')),
    at              timestamptz NOT NULL,
    due_at          timestamptz NOT NULL, -- of one whose planning failed: when it is tried again
    tries           integer NOT NULL DEFAULT 0,
    request_id      text NOT NULL, -- of what changed it
    PRIMARY KEY (organization_id, appointment_id, version),
    FOREIGN KEY (organization_id, appointment_id) REFERENCES appointments
);
CREATE INDEX message_notices_due ON message_notices (due_at);
CREATE INDEX message_notices_in_turn ON message_notices ((kind = 'REPLANNED'), due_at); -- news first: of those planned anew there may be very many

CREATE TABLE messages (
    organization_id uuid NOT NULL,
    id              uuid NOT NULL,
    appointment_id  uuid NOT NULL,
    patient_id      uuid NOT NULL,
    version         integer NOT NULL, -- of the visit that it tells
    kind            text NOT NULL CHECK (kind IN ('CANCELLATION', 'CHANGE', 'CONFIRMATION', 'REMINDER')),
    rule            text NOT NULL DEFAULT '',
    channel         text NOT NULL CHECK (channel IN ('EMAIL', 'PUSH', 'SMS', 'VOICE')),
    place           smallint NOT NULL DEFAULT 0, -- in the patient's order of channels
    every_channel   boolean NOT NULL DEFAULT false,
    scheduled_for   timestamptz NOT NULL,
    expires_at      timestamptz NOT NULL,
    due_at          timestamptz, -- null: not before another channel has failed, or never
    state           text NOT NULL CHECK (state IN
        ('CANCELLED', 'DELIVERED', 'EXPIRED', 'FAILED', 'QUEUED', 'SCHEDULED', 'SENDING', 'SENT', 'SUPPRESSED', 'UNKNOWN')),
    cause           text,
    generation      integer NOT NULL DEFAULT 0, -- of its task in the queue
    episode         integer NOT NULL DEFAULT 0,
    attempts        integer NOT NULL DEFAULT 0, -- in this episode
    tries           integer NOT NULL DEFAULT 0, -- in all
    claims          integer NOT NULL DEFAULT 0, -- fences what the workers say who had it
    claimed_until   timestamptz,
    left_at         timestamptz, -- the last try is known to have left, and no answer came
    overtaken_at    timestamptz, -- the visit changed while a worker had it
    recipient       private, -- whom the last try was for
    recipient_token bytea, -- by which an answer is matched: a digest under the platform's secret
    reference       text NOT NULL,
    vendor_id       text,
    trace           text NOT NULL DEFAULT '',
    planned_at      timestamptz NOT NULL,
    queued_at       timestamptz,
    sending_at      timestamptz,
    sent_at         timestamptz,
    delivered_at    timestamptz,
    ended_at        timestamptz,
    response        text CHECK (response IN ('ASKED_TO_CANCEL', 'ASKED_TO_RESCHEDULE', 'CONFIRMED', 'OPTED_OUT')),
    responded_at    timestamptz,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, appointment_id, kind, rule, channel, scheduled_for),
    FOREIGN KEY (organization_id, appointment_id) REFERENCES appointments,
    FOREIGN KEY (organization_id, patient_id) REFERENCES patients,
    CHECK ((state = 'SENDING') = (claimed_until IS NOT NULL)),
    CHECK (state IN ('SCHEDULED', 'QUEUED') OR due_at IS NULL),
    CHECK (state <> 'QUEUED' OR due_at IS NOT NULL)
);
CREATE INDEX messages_due ON messages (due_at) WHERE state = 'SCHEDULED' AND due_at IS NOT NULL;
CREATE INDEX messages_queued ON messages (due_at) WHERE state = 'QUEUED';
CREATE INDEX messages_claimed ON messages (claimed_until) WHERE state = 'SENDING';
CREATE INDEX messages_ending ON messages (expires_at) WHERE state IN ('SCHEDULED', 'QUEUED');
CREATE INDEX messages_by_time ON messages (organization_id, scheduled_for, id);
CREATE INDEX messages_by_recipient ON messages (recipient_token) WHERE recipient_token IS NOT NULL;

-- Each try, from before it leaves.
CREATE TABLE message_attempts (
    organization_id uuid NOT NULL,
    message_id      uuid NOT NULL,
    try             integer NOT NULL,
    began_at        timestamptz NOT NULL,
    ended_at        timestamptz,
    outcome         text CHECK (outcome IN ('FAILED', 'NOT_ASKED', 'OVERTAKEN', 'REFUSED', 'SENT', 'UNKNOWN')),
    cause           text,
    code            text, -- the vendor's, or an HTTP status
    PRIMARY KEY (organization_id, message_id, try),
    FOREIGN KEY (organization_id, message_id) REFERENCES messages ON DELETE CASCADE,
    CHECK ((outcome IS NULL) = (ended_at IS NULL))
);

-- Messages that were given up, at least for a while: what outlives the queue's own archive.
CREATE TABLE dead_letters (
    organization_id uuid NOT NULL,
    message_id      uuid NOT NULL,
    generation      integer NOT NULL, -- of the task that ended here
    channel         text NOT NULL,
    kind            text NOT NULL,
    died_at         timestamptz NOT NULL,
    cause           text NOT NULL,
    code            text NOT NULL DEFAULT '',
    tries           integer NOT NULL,
    trace           text NOT NULL DEFAULT '',
    replayed_at     timestamptz,
    replayed_by     uuid,
    PRIMARY KEY (organization_id, message_id, generation),
    FOREIGN KEY (organization_id, message_id) REFERENCES messages ON DELETE CASCADE
);
CREATE INDEX dead_letters_by_time ON dead_letters (organization_id, died_at, message_id, generation);
CREATE INDEX dead_letters_of_all ON dead_letters (died_at, organization_id, message_id, generation);
CREATE INDEX dead_letters_waiting ON dead_letters (died_at) WHERE replayed_at IS NULL;

-- Numbers and addresses that want no more, of whatever organisation: digests under the platform's secret.
CREATE TABLE opt_outs (
    channel text NOT NULL CHECK (channel IN ('EMAIL', 'SMS')),
    token   bytea NOT NULL,
    at      timestamptz NOT NULL,
    PRIMARY KEY (channel, token)
);

-- +goose StatementBegin
-- Notes that a visit changed, and takes back what was planned for it as it was. What a worker has by now is marked: it goes on only if it has
-- left already, and then the message that follows sets it right. p: what the change was asked with.
CREATE FUNCTION note_visit(org uuid, now_ timestamptz, p jsonb, appointment uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    seen appointments;
    kind_ text;
BEGIN
    SELECT * INTO seen FROM appointments a WHERE a.organization_id = org AND a.id = appointment;
    kind_ := CASE p->'audit'->>'action'
        WHEN 'appointment.book' THEN 'BOOKED'
        WHEN 'appointment.reschedule' THEN 'MOVED'
        WHEN 'appointment.rezone' THEN 'MOVED'
        WHEN 'appointment.cancel' THEN 'CANCELLED'
        ELSE CASE seen.last_action WHEN 'CONFIRM' THEN NULL WHEN 'APPROVE' THEN 'BOOKED' WHEN 'UNDO' THEN 'RESTORED' ELSE 'ENDED' END END;
    IF kind_ IS NULL THEN -- who confirms is told, and reminded, as before: also of what nobody has planned yet
        UPDATE message_notices n SET version = seen.version, due_at = now_
        WHERE n.organization_id = org AND n.appointment_id = appointment AND n.version = seen.version - 1;
        RETURN;
    END IF;
    INSERT INTO message_notices (organization_id, appointment_id, version, kind, at, due_at, request_id)
    VALUES (org, appointment, seen.version, kind_, now_, now_, coalesce(p->'audit'->>'request', ''));
    IF kind_ <> 'BOOKED' THEN
        PERFORM withdraw_messages(org, now_, appointment);
    END IF;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION withdraw_messages(org uuid, now_ timestamptz, appointment uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    -- Whoever concludes a message has that one first, and then those that wait for what comes of it.
    PERFORM FROM messages m WHERE m.organization_id = org AND m.appointment_id = appointment AND m.state IN ('SCHEDULED', 'QUEUED', 'SENDING')
    ORDER BY m.state <> 'SENDING' AND m.due_at IS NULL, m.id FOR UPDATE;
    UPDATE messages m SET
        state = CASE WHEN m.state = 'SENDING' THEN m.state ELSE 'CANCELLED' END,
        cause = CASE WHEN m.state = 'SENDING' THEN m.cause ELSE 'VISIT_CHANGED' END,
        ended_at = CASE WHEN m.state = 'SENDING' THEN m.ended_at ELSE now_ END,
        overtaken_at = now_, due_at = NULL
    WHERE m.organization_id = org AND m.appointment_id = appointment AND m.state IN ('SCHEDULED', 'QUEUED', 'SENDING');
    -- Nor is there a turn for these, when what had been told instead of them turns out not to have arrived.
    UPDATE messages m SET overtaken_at = now_
    WHERE m.organization_id = org AND m.appointment_id = appointment AND m.state = 'SUPPRESSED' AND m.cause = 'REACHED_OTHERWISE';
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Makes the functions that change visits say so: each in the one place where it is done.
DO $$
DECLARE
    was CONSTANT text := 'PERFORM audit(org, now_, p->''audit'', ''Appointment'', appointment_);';
    name_ text;
    text_ text;
BEGIN
    FOREACH name_ IN ARRAY '{book,move_appointment,cancel_appointment,change_appointment}'::text[] LOOP
        text_ := pg_get_functiondef(name_::regproc);
        IF length(text_) - length(replace(text_, was, '')) <> length(was) THEN
            RAISE EXCEPTION '%() is not as 00002_booking.sql made it', name_;
        END IF;
        EXECUTE replace(text_, was, was || E'\n    PERFORM note_visit(org, now_, p, appointment_);');
    END LOOP;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
DO $$
DECLARE
    table_ text;
BEGIN
    FOREACH table_ IN ARRAY '{message_notices,messages,message_attempts,dead_letters}'::text[] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', table_);
        EXECUTE format('CREATE POLICY tenant ON %I TO mediconnect_app USING (organization_id = (SELECT current_organization()))', table_);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO mediconnect_app', table_);
        EXECUTE format('CREATE POLICY delivering ON %I TO mediconnect_courier USING (true)', table_);
        EXECUTE format('CREATE POLICY sweeping ON %I TO mediconnect_sweeper USING (true)', table_);
    END LOOP;
END $$;
-- +goose StatementEnd
GRANT SELECT, UPDATE (due_at, tries) ON message_notices TO mediconnect_courier;
GRANT SELECT (organization_id, id, appointment_id, version, kind, rule, channel, place, every_channel, scheduled_for, expires_at, due_at, state, cause, generation,
        episode, attempts, tries, claims, claimed_until, left_at, overtaken_at, reference, vendor_id, trace, planned_at, queued_at, sending_at, sent_at,
        delivered_at, ended_at),
    UPDATE (due_at, state, cause, generation, episode, attempts, tries, claims, claimed_until, left_at, overtaken_at, recipient, recipient_token, vendor_id, queued_at,
        sending_at, sent_at, delivered_at, ended_at) ON messages TO mediconnect_courier;
GRANT SELECT, INSERT, UPDATE ON message_attempts TO mediconnect_courier;
GRANT SELECT, INSERT, UPDATE ON dead_letters TO mediconnect_courier;
GRANT SELECT (organization_id, id, scheduled_for, ended_at), DELETE ON messages TO mediconnect_sweeper;
GRANT SELECT (organization_id, message_id), DELETE ON message_attempts, dead_letters TO mediconnect_sweeper;
GRANT SELECT (organization_id, appointment_id, at), DELETE ON message_notices TO mediconnect_sweeper;
GRANT SELECT, INSERT, DELETE ON opt_outs TO mediconnect_app;

-- +goose Down
-- +goose StatementBegin
DO $$
DECLARE
    name_ text;
BEGIN
    FOREACH name_ IN ARRAY '{book,move_appointment,cancel_appointment,change_appointment}'::text[] LOOP
        EXECUTE replace(pg_get_functiondef(name_::regproc), E'\n    PERFORM note_visit(org, now_, p, appointment_);', '');
    END LOOP;
END $$;
-- +goose StatementEnd
DROP FUNCTION note_visit, withdraw_messages;
DROP TABLE opt_outs, dead_letters, message_attempts, messages, message_notices;
