-- +goose Up
-- rollback: safe
-- People who sign in. What proves who they are (hashes of passwords, secrets of second factors) shows to the role mediconnect_signin
-- alone, one tenant at a time; whoever works for the tenant sees who there is. The organisation zero is the platform itself.
CREATE TABLE accounts (
    organization_id     uuid NOT NULL,
    id                  uuid NOT NULL,
    version             integer NOT NULL,
    email               private NOT NULL,
    email_token         bytea NOT NULL, -- by which it is found
    role                text NOT NULL CHECK (role IN ('ADMIN', 'AUDITOR', 'CAREGIVER', 'FRONT_DESK', 'PATIENT', 'PLATFORM_ADMIN', 'PROVIDER')),
    provider_id         uuid CHECK (provider_id IS NULL OR role = 'PROVIDER'),
    locale              text NOT NULL,
    password_hash       text, -- argon2id, in PHC's string format; null: none is set
    password_changed_at timestamptz,
    totp_secret         private,
    totp_enrolled_at    timestamptz,
    totp_last_step      bigint, -- that a code was taken of
    created_at          timestamptz NOT NULL,
    suspended_at        timestamptz,
    last_sign_in_at     timestamptz,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, email_token),
    FOREIGN KEY (organization_id, provider_id) REFERENCES providers,
    CHECK ((role = 'PLATFORM_ADMIN') = (organization_id = '00000000-0000-0000-0000-000000000000')),
    CHECK ((password_hash IS NULL) = (password_changed_at IS NULL)),
    CHECK ((totp_secret IS NULL) = (totp_enrolled_at IS NULL))
);
CREATE INDEX accounts_by_age ON accounts (organization_id, created_at, id);

-- What stands in for a second factor that was lost, each once.
CREATE TABLE recovery_codes (
    organization_id uuid NOT NULL,
    account_id      uuid NOT NULL,
    digest          bytea NOT NULL,
    PRIMARY KEY (organization_id, account_id, digest),
    FOREIGN KEY (organization_id, account_id) REFERENCES accounts ON DELETE CASCADE
);

-- When somebody tried to sign in with an address, whether anybody has it or not: at most five of the last fifteen minutes.
CREATE TABLE sign_in_tries (
    organization_id uuid NOT NULL,
    email_token     bytea NOT NULL,
    tried_at        timestamptz[] NOT NULL, -- the oldest first
    latest_at       timestamptz NOT NULL,
    told            boolean NOT NULL DEFAULT false, -- the audit trail has it that they are locked out
    PRIMARY KEY (organization_id, email_token)
);
CREATE INDEX sign_in_tries_by_age ON sign_in_tries (latest_at);

-- What somebody still owes who gave the right password.
CREATE TABLE sign_in_challenges (
    organization_id uuid NOT NULL,
    id              uuid NOT NULL,
    digest          bytea NOT NULL CHECK (octet_length(digest) = 32), -- SHA-256
    account_id      uuid NOT NULL,
    account_version integer NOT NULL, -- a change of the account ends it
    kind            text NOT NULL CHECK (kind IN ('ENROLL', 'TOTP')),
    totp_secret     private CHECK ((totp_secret IS NULL) = (kind = 'TOTP')),
    client          text NOT NULL,
    tries           integer NOT NULL DEFAULT 0,
    expires_at      timestamptz NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, digest),
    FOREIGN KEY (organization_id, account_id) REFERENCES accounts ON DELETE CASCADE
);
CREATE INDEX sign_in_challenges_by_age ON sign_in_challenges (expires_at);

-- Who an account is with an OpenID Connect provider.
CREATE TABLE openid_links (
    organization_id uuid NOT NULL,
    provider        text NOT NULL, -- as the settings call it
    subject_token   bytea NOT NULL,
    account_id      uuid NOT NULL,
    linked_at       timestamptz NOT NULL,
    PRIMARY KEY (organization_id, provider, subject_token),
    UNIQUE (organization_id, account_id, provider), -- who gets somebody's address there isn't them
    FOREIGN KEY (organization_id, account_id) REFERENCES accounts ON DELETE CASCADE
);

-- Somebody who was sent to a provider and may come back, once.
CREATE TABLE openid_attempts (
    organization_id uuid NOT NULL,
    digest          bytea NOT NULL CHECK (octet_length(digest) = 32), -- SHA-256 of the state
    provider        text NOT NULL,
    nonce           text NOT NULL,
    verifier        text NOT NULL, -- RFC 7636
    redirect_uri    text NOT NULL,
    client          text NOT NULL,
    account_id      uuid, -- who is signed in and links themself; null: who is linked signs in
    expires_at      timestamptz NOT NULL,
    PRIMARY KEY (organization_id, digest)
);
CREATE INDEX openid_attempts_by_age ON openid_attempts (expires_at);

-- +goose StatementBegin
DO $$
DECLARE
    table_ text;
BEGIN
    FOREACH table_ IN ARRAY '{accounts,recovery_codes,sign_in_tries,sign_in_challenges,openid_links,openid_attempts}'::text[] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', table_);
        EXECUTE format('CREATE POLICY tenant ON %I TO mediconnect_app USING (organization_id = (SELECT current_organization()))', table_);
        EXECUTE format('CREATE POLICY signing_in ON %I TO mediconnect_signin USING (organization_id = (SELECT current_organization()))', table_);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO mediconnect_signin', table_);
    END LOOP;
    FOREACH table_ IN ARRAY '{sign_in_tries,sign_in_challenges,openid_attempts}'::text[] LOOP
        EXECUTE format('CREATE POLICY sweeping ON %I TO mediconnect_sweeper USING (true)', table_);
    END LOOP;
END $$;
-- +goose StatementEnd
GRANT SELECT (organization_id, id, version, email, email_token, role, provider_id, locale, totp_secret, totp_enrolled_at, created_at, suspended_at, last_sign_in_at),
    INSERT (organization_id, id, version, email, email_token, role, provider_id, locale, created_at),
    UPDATE (version, email, role, provider_id, totp_secret, totp_enrolled_at, totp_last_step, suspended_at) ON accounts TO mediconnect_app;
GRANT SELECT (organization_id, account_id), DELETE ON recovery_codes TO mediconnect_app;
GRANT SELECT (organization_id, id, account_id, totp_secret), UPDATE (totp_secret), DELETE ON sign_in_challenges TO mediconnect_app;
GRANT SELECT (organization_id, email_token, latest_at), DELETE ON sign_in_tries TO mediconnect_sweeper;
GRANT SELECT (organization_id, id, expires_at), DELETE ON sign_in_challenges TO mediconnect_sweeper;
GRANT SELECT (organization_id, digest, expires_at), DELETE ON openid_attempts TO mediconnect_sweeper;

-- Who signs in, or tries to, is told of in the audit trail.
CREATE POLICY signing_in ON audit_events TO mediconnect_signin USING (organization_id = (SELECT current_organization()));
GRANT INSERT ON audit_events TO mediconnect_signin;
GRANT SELECT, USAGE ON SEQUENCE log_positions TO mediconnect_signin;

-- +goose Down
REVOKE SELECT, USAGE ON SEQUENCE log_positions FROM mediconnect_signin;
REVOKE INSERT ON audit_events FROM mediconnect_signin;
DROP POLICY signing_in ON audit_events;
DROP TABLE openid_attempts, openid_links, sign_in_challenges, sign_in_tries, recovery_codes, accounts;
