-- +goose Up

-- The Sandbox Bank's own state: another house that happens to share the database, so it has a schema of its own and
-- nothing of Dashtam's refers to it. Secrets stand here as SHA-256 only; what accounts hold is invented anew each time
-- (services/sandbox/books) and stands nowhere. Owner of all tables: services/sandbox.
CREATE SCHEMA sandbox;

CREATE TABLE sandbox.clients (
    id            text PRIMARY KEY,
    name          text NOT NULL,
    auth_method   text NOT NULL,
    secret_hash   bytea,                          -- null for public clients
    redirect_uris text[] NOT NULL,
    any_loopback  boolean NOT NULL DEFAULT false, -- also any loopback address, port and path (RFC 8252 section 7.3)
    created_at    timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT clients_auth_method_known CHECK (auth_method IN ('none', 'client_secret_basic', 'client_secret_post')),
    CONSTRAINT clients_secret_where_needed CHECK ((auth_method = 'none') = (secret_hash IS NULL))
);
INSERT INTO sandbox.clients (id, name, auth_method, redirect_uris, any_loopback) VALUES ('dashtam', 'Dashtam', 'none', '{}', true);

-- An authorization request on its way through sign-in and consent, and the code it ended in. The row outlives the code,
-- so that a code shown a second time is recognised.
CREATE TABLE sandbox.requests (
    id            uuid PRIMARY KEY,
    client_id     text NOT NULL REFERENCES sandbox.clients (id) ON DELETE CASCADE,
    redirect_uri  text NOT NULL,
    state         text NOT NULL,
    nonce         text NOT NULL,
    response_mode text NOT NULL,
    challenge     text NOT NULL,                  -- PKCE, S256
    scopes        text[] NOT NULL,
    session_hash  bytea,                          -- of the browser that signed in
    username      text NOT NULL DEFAULT '',
    signed_in_at  timestamptz,
    decision      text NOT NULL DEFAULT '',
    code_hash     bytea UNIQUE,
    grant_id      uuid,                           -- set when the code is exchanged: once
    created_at    timestamptz NOT NULL DEFAULT now(),
    expires_at    timestamptz NOT NULL,           -- of the visit; from then on of the code
    CONSTRAINT requests_decision_known CHECK (decision IN ('', 'allow', 'deny'))
);
CREATE INDEX requests_expiry ON sandbox.requests (expires_at);

-- What a customer allowed a client: one family of refresh tokens.
CREATE TABLE sandbox.grants (
    id           uuid PRIMARY KEY,
    client_id    text NOT NULL REFERENCES sandbox.clients (id) ON DELETE CASCADE,
    username     text NOT NULL,
    scopes       text[] NOT NULL,
    signed_in_at timestamptz NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz NOT NULL,
    ended_at     timestamptz                      -- revoked, or ended because a code or token was used twice
);
CREATE INDEX grants_live ON sandbox.grants (created_at) WHERE ended_at IS NULL;

CREATE TABLE sandbox.refresh_tokens (
    token_hash bytea PRIMARY KEY,
    grant_id   uuid NOT NULL REFERENCES sandbox.grants (id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    used_at    timestamptz
);
CREATE INDEX refresh_tokens_grant ON sandbox.refresh_tokens (grant_id);

CREATE TABLE sandbox.access_tokens (
    token_hash bytea PRIMARY KEY,
    grant_id   uuid NOT NULL REFERENCES sandbox.grants (id) ON DELETE CASCADE,
    scopes     text[] NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX access_tokens_grant ON sandbox.access_tokens (grant_id);
CREATE INDEX access_tokens_expiry ON sandbox.access_tokens (expires_at);

-- Keys that sign ID tokens; the oldest signs, all are published.
CREATE TABLE sandbox.signing_keys (
    id          text PRIMARY KEY,
    private_key bytea NOT NULL,                   -- PKCS #8
    created_at  timestamptz NOT NULL DEFAULT now()
);

-- Misbehaviour that was asked for.
CREATE TABLE sandbox.faults (
    name      text NOT NULL,
    username  text NOT NULL DEFAULT '',           -- empty: everybody
    value     integer NOT NULL,
    remaining integer,                            -- null: until cleared
    set_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (name, username),
    CONSTRAINT faults_name_known CHECK (name IN ('status', 'latency_ms'))
);

CREATE TABLE sandbox.counters (
    name text PRIMARY KEY,
    n    bigint NOT NULL
);

-- +goose Down
DROP SCHEMA sandbox CASCADE;
