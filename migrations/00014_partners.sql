-- +goose Up
-- rollback: safe
-- The systems of partners: clients of OAuth 2.0 and API keys. What a client's id or a key's text says of its organisation is where its
-- row is looked for, so that no role needs to see them across tenants. Of secrets there are digests only.
CREATE TABLE api_clients (
    organization_id uuid NOT NULL REFERENCES organizations,
    id              uuid NOT NULL,
    version         integer NOT NULL,
    name            text NOT NULL,
    method          text NOT NULL CHECK (method IN ('SECRET', 'PRIVATE_KEY')),
    secrets         jsonb NOT NULL, -- [{id, digest (SHA-256), createdAt, endsAt?}], at most two
    keys            jsonb NOT NULL, -- public keys, as a JSON Web Key Set
    scopes          text[] NOT NULL CHECK (cardinality(scopes) > 0),
    per_minute      integer CHECK (per_minute > 0), -- requests, by contract; null: as everybody
    created_at      timestamptz NOT NULL,
    created_by      uuid NOT NULL,
    last_used_at    timestamptz,
    last_used_with  uuid, -- the secret or key
    revoked_at      timestamptz,
    PRIMARY KEY (organization_id, id),
    CHECK (jsonb_array_length(secrets) <= 2)
);
CREATE INDEX api_clients_by_time ON api_clients (organization_id, created_at, id);

CREATE TABLE api_keys (
    organization_id uuid NOT NULL REFERENCES organizations,
    id              uuid NOT NULL,
    version         integer NOT NULL,
    name            text NOT NULL,
    prefix          text NOT NULL, -- what a key begins with, and is shown of it
    digest          bytea NOT NULL CHECK (octet_length(digest) = 32), -- SHA-256
    scopes          text[] NOT NULL CHECK (cardinality(scopes) > 0),
    per_minute      integer CHECK (per_minute > 0),
    created_at      timestamptz NOT NULL,
    created_by      uuid NOT NULL,
    expires_at      timestamptz NOT NULL,
    last_used_at    timestamptz,
    revoked_at      timestamptz,
    PRIMARY KEY (organization_id, id),
    CHECK (expires_at > created_at)
);
CREATE INDEX api_keys_by_time ON api_keys (organization_id, created_at, id);

-- What a client has proved with that it may not prove with again (RFC 7523, jti), until the assertion ends.
CREATE TABLE client_assertions (
    organization_id uuid NOT NULL,
    client_id       uuid NOT NULL,
    digest          bytea NOT NULL CHECK (octet_length(digest) = 32), -- SHA-256 of the jti
    expires_at      timestamptz NOT NULL,
    PRIMARY KEY (organization_id, client_id, digest),
    FOREIGN KEY (organization_id, client_id) REFERENCES api_clients
);
CREATE INDEX client_assertions_by_age ON client_assertions (organization_id, client_id, expires_at);

-- How often somebody at an address has failed to prove to be a client, since when.
CREATE TABLE client_tries (
    organization_id uuid NOT NULL,
    client_id       uuid NOT NULL,
    source          bytea NOT NULL CHECK (octet_length(source) = 32), -- digest of client and network
    since           timestamptz NOT NULL,
    tries           integer NOT NULL,
    PRIMARY KEY (organization_id, client_id, source),
    FOREIGN KEY (organization_id, client_id) REFERENCES api_clients
);

-- +goose StatementBegin
DO $$
DECLARE
    table_ text;
BEGIN
    FOREACH table_ IN ARRAY '{api_clients,api_keys,client_assertions,client_tries}'::text[] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', table_);
        EXECUTE format('CREATE POLICY tenant ON %I TO mediconnect_app USING (organization_id = (SELECT current_organization()))', table_);
    END LOOP;
END $$;
-- +goose StatementEnd
GRANT SELECT, INSERT, UPDATE ON api_clients, api_keys TO mediconnect_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON client_assertions, client_tries TO mediconnect_app;

-- +goose Down
DROP TABLE client_tries;
DROP TABLE client_assertions;
DROP TABLE api_keys;
DROP TABLE api_clients;
