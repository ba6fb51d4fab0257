-- +goose Up
-- rollback: safe
-- Mails about accounts. Whoever signs up, asks for another password or is invited leaves a note, whether there is an account or not;
-- what is sent is found out later, by a worker. What a mail's reader can prove with it shows to the role mediconnect_signin alone.

-- Somebody asked for a mail to an address.
CREATE TABLE account_notes (
    organization_id uuid NOT NULL,
    id              uuid NOT NULL,
    kind            text NOT NULL CHECK (kind IN ('INVITE', 'RESET', 'SIGN_UP')),
    email           private NOT NULL,
    email_token     bytea NOT NULL, -- by which the account is found
    locale          text NOT NULL,
    role            text CHECK (role IN ('ADMIN', 'AUDITOR', 'CAREGIVER', 'FRONT_DESK', 'PATIENT', 'PROVIDER')),
    provider_id     uuid CHECK (provider_id IS NULL OR role = 'PROVIDER'),
    asked_at        timestamptz NOT NULL,
    due_at          timestamptz NOT NULL, -- of one that a worker has taken: when another may
    attempts        integer NOT NULL DEFAULT 0,
    sent_at         timestamptz,
    dropped_at      timestamptz,
    outcome         text, -- the mail that was sent, or why there is none
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, provider_id) REFERENCES providers,
    CHECK ((role IS NOT NULL) = (kind = 'INVITE')),
    CHECK (num_nonnulls(sent_at, dropped_at) <= 1 AND (outcome IS NULL) = (num_nonnulls(sent_at, dropped_at) = 0))
);
CREATE INDEX account_notes_due ON account_notes (due_at) WHERE sent_at IS NULL AND dropped_at IS NULL;
CREATE INDEX account_notes_by_age ON account_notes (asked_at);

-- What was mailed, as a digest. It works once, and a newer one of the same kind and address ends it.
CREATE TABLE account_codes (
    organization_id uuid NOT NULL,
    id              uuid NOT NULL,
    asked_by        uuid NOT NULL, -- the note
    kind            text NOT NULL CHECK (kind IN ('INVITE', 'RESET', 'SIGN_UP')),
    email_token     bytea NOT NULL,
    token           bytea NOT NULL,
    made_at         timestamptz NOT NULL,
    expires_at      timestamptz NOT NULL,
    used_at         timestamptz,
    ended_at        timestamptz,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, token),
    FOREIGN KEY (organization_id, asked_by) REFERENCES account_notes
);
CREATE INDEX account_codes_by_asking ON account_codes (organization_id, asked_by);
CREATE INDEX account_codes_live ON account_codes (organization_id, kind, email_token) WHERE used_at IS NULL AND ended_at IS NULL;
CREATE INDEX account_codes_by_age ON account_codes (expires_at);

-- How many messages somebody has caused, been sent, or has had sent, in an hour or a day. Nobody is named: subjects are digests under
-- the organisation's secret. A country is that of a telephone number.
CREATE TABLE message_counts (
    organization_id uuid NOT NULL,
    channel         text NOT NULL CHECK (channel IN ('EMAIL')),
    counted         text NOT NULL CHECK (counted IN ('ASKER', 'ORGANIZATION', 'RECIPIENT')),
    subject         bytea NOT NULL, -- of the organisation as a whole: empty
    country         text NOT NULL DEFAULT '',
    span            text NOT NULL CHECK (span IN ('DAY', 'HOUR')),
    starts_at       timestamptz NOT NULL,
    messages        integer NOT NULL,
    PRIMARY KEY (organization_id, channel, counted, subject, country, span, starts_at)
);
CREATE INDEX message_counts_by_age ON message_counts (starts_at);

-- +goose StatementBegin
-- Counts a message and says which limit it is over, if any. The work is the same whatever comes of it. What one limit refuses doesn't
-- count for the next: whoever asks too often takes nothing from those whom they ask about, and a flood to one address nothing from
-- the others. p: {channel, country, asker, recipient, hour, day, askerHour, recipientHour, recipientDay, organizationDay}
CREATE FUNCTION count_message(org uuid, p jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    step integer := 1; -- 0: refused by a limit before
    over text;
    c    record;
    n    integer;
BEGIN
    FOR c IN SELECT * FROM (VALUES
        (1, 'ASKER', decode(p->>'asker', 'base64'), 'HOUR', (p->>'hour')::timestamptz, (p->>'askerHour')::integer),
        (2, 'RECIPIENT', decode(p->>'recipient', 'base64'), 'HOUR', (p->>'hour')::timestamptz, (p->>'recipientHour')::integer),
        (3, 'RECIPIENT', decode(p->>'recipient', 'base64'), 'DAY', (p->>'day')::timestamptz, (p->>'recipientDay')::integer),
        (4, 'ORGANIZATION', ''::bytea, 'DAY', (p->>'day')::timestamptz, (p->>'organizationDay')::integer)
    ) v (ordinal, counted, subject, span, starts_at, most) ORDER BY ordinal LOOP
        INSERT INTO message_counts AS m (organization_id, channel, counted, subject, country, span, starts_at, messages)
        VALUES (org, p->>'channel', c.counted, c.subject, p->>'country', c.span, c.starts_at, step)
        ON CONFLICT (organization_id, channel, counted, subject, country, span, starts_at) DO UPDATE SET messages = m.messages + step
        RETURNING m.messages INTO n;
        IF step = 1 AND n > c.most THEN
            step := 0;
            over := c.counted || '_' || c.span;
        END IF;
    END LOOP;
    RETURN over;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
DO $$
DECLARE
    table_ text;
BEGIN
    FOREACH table_ IN ARRAY '{account_notes,account_codes,message_counts}'::text[] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', table_);
        EXECUTE format('CREATE POLICY tenant ON %I TO mediconnect_app USING (organization_id = (SELECT current_organization()))', table_);
        EXECUTE format('CREATE POLICY signing_in ON %I TO mediconnect_signin USING (organization_id = (SELECT current_organization()))', table_);
        EXECUTE format('CREATE POLICY sweeping ON %I TO mediconnect_sweeper USING (true)', table_);
    END LOOP;
END $$;
-- +goose StatementEnd
GRANT SELECT, INSERT, UPDATE ON account_notes, account_codes, message_counts TO mediconnect_signin;
GRANT SELECT (organization_id, id, email), INSERT, UPDATE (email) ON account_notes TO mediconnect_app;
GRANT SELECT, INSERT, UPDATE (messages) ON message_counts TO mediconnect_app;
GRANT SELECT (organization_id, id, asked_at, due_at, sent_at, dropped_at), DELETE ON account_notes TO mediconnect_sweeper;
GRANT SELECT (organization_id, id, asked_by, expires_at), DELETE ON account_codes TO mediconnect_sweeper;
GRANT SELECT (organization_id, channel, counted, subject, country, span, starts_at), DELETE ON message_counts TO mediconnect_sweeper;

-- +goose Down
DROP FUNCTION count_message;
DROP TABLE account_codes, account_notes, message_counts;
