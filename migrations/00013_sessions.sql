-- +goose Up
-- rollback: safe
-- Keys that access tokens are signed with, sessions of accounts, and what was revoked. Global are signing_keys and revocations: a key is
-- the platform's, and what was revoked is only an id, whoever's it was.
CREATE TABLE signing_keys (
    kid             text PRIMARY KEY CHECK (kid ~ '^[A-Za-z0-9_-]{43}$'), -- RFC 7638
    public_key      bytea NOT NULL CHECK (octet_length(public_key) = 32),
    private_key     bytea NOT NULL, -- sealed, for the organisation zero
    created_at      timestamptz NOT NULL,
    signs_from      timestamptz NOT NULL,
    signs_until     timestamptz NOT NULL,
    published_until timestamptz NOT NULL,
    CHECK (signs_from < signs_until AND signs_until < published_until)
);
GRANT SELECT, INSERT, UPDATE (private_key) ON signing_keys TO mediconnect_signin; -- which is sealed anew when keys are rotated
GRANT SELECT (kid, published_until), DELETE ON signing_keys TO mediconnect_sweeper;

-- What is accepted no more: a session, a client or a key, by its id. The time is the database's own, since every process asks for what is
-- newer than what it has seen.
CREATE TABLE revocations (
    subject uuid PRIMARY KEY,
    at      timestamptz NOT NULL
);
CREATE INDEX revocations_by_age ON revocations (at);
GRANT SELECT, INSERT, UPDATE ON revocations TO mediconnect_app;
GRANT SELECT (subject, at), DELETE ON revocations TO mediconnect_sweeper;

-- Of an account's session there are tokens of one generation that can be refreshed with; those before were used, or were never needed.
CREATE TABLE sessions (
    organization_id uuid NOT NULL, -- zero: of the platform's administrators
    id              uuid NOT NULL,
    account_id      uuid NOT NULL,
    role            text NOT NULL,
    provider_id     uuid,
    client          text NOT NULL,
    created_at      timestamptz NOT NULL,
    last_used_at    timestamptz NOT NULL,
    expires_at      timestamptz NOT NULL,
    generation      integer NOT NULL,
    rotated_at      timestamptz NOT NULL,
    ended_at        timestamptz,
    PRIMARY KEY (organization_id, id)
);
CREATE INDEX sessions_by_account ON sessions (organization_id, account_id, created_at) WHERE ended_at IS NULL;
CREATE INDEX sessions_by_expiry ON sessions (expires_at);
CREATE INDEX sessions_by_end ON sessions (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE session_refreshes (
    organization_id uuid NOT NULL,
    session_id      uuid NOT NULL,
    digest          bytea NOT NULL CHECK (octet_length(digest) = 32), -- SHA-256 of the token
    generation      integer NOT NULL,
    created_at      timestamptz NOT NULL,
    used_at         timestamptz,
    PRIMARY KEY (organization_id, session_id, digest),
    FOREIGN KEY (organization_id, session_id) REFERENCES sessions ON DELETE CASCADE
);
CREATE INDEX session_refreshes_by_use ON session_refreshes (used_at) WHERE used_at IS NOT NULL;

-- +goose StatementBegin
DO $$
DECLARE
    table_ text;
BEGIN
    FOREACH table_ IN ARRAY '{sessions,session_refreshes}'::text[] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', table_);
        EXECUTE format('CREATE POLICY tenant ON %I TO mediconnect_app USING (organization_id = (SELECT current_organization()))', table_);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO mediconnect_app', table_);
    END LOOP;
END $$;
-- +goose StatementEnd
-- When sessions were last used is noted for many at once, whoever's they are.
CREATE POLICY noting ON sessions TO mediconnect_signin USING (true);
GRANT SELECT (organization_id, id, last_used_at), UPDATE (last_used_at) ON sessions TO mediconnect_signin;
CREATE POLICY sweeping ON sessions TO mediconnect_sweeper USING (true);
GRANT SELECT (organization_id, id, expires_at, ended_at), UPDATE (ended_at), DELETE ON sessions TO mediconnect_sweeper;
CREATE POLICY sweeping ON session_refreshes TO mediconnect_sweeper USING (true);
GRANT SELECT (organization_id, session_id, digest, used_at), UPDATE (used_at), DELETE ON session_refreshes TO mediconnect_sweeper;

-- +goose Down
DROP TABLE session_refreshes, sessions, revocations, signing_keys;
