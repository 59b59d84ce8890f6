-- +goose Up

-- The client secrets of banks, each sealed under a data key of its own. A new secret is a new row, and whoever uses it
-- keeps its id: an old one put back is nobody's. Owner: services/tokens.
CREATE TABLE provider_secrets (
    id         uuid PRIMARY KEY,
    provider   text NOT NULL,                    -- the bank's slug
    wrapped    bytea NOT NULL,                   -- the data key, sealed under a key-encryption key
    key_id     text NOT NULL,                    -- which key-encryption key
    secret     bytea NOT NULL,                   -- sealed
    created_at timestamptz NOT NULL DEFAULT now()
);

-- The banks an administrator added to those that are built in. Owner: services/providers.
CREATE TABLE providers (
    slug         text PRIMARY KEY,
    name         text NOT NULL,
    kind         text NOT NULL,                  -- which adapter
    issuer       text NOT NULL,
    api          text NOT NULL,                  -- base URL of the data
    client_id    text NOT NULL,
    secret_id    uuid REFERENCES provider_secrets (id), -- null: a public client
    scopes       text NOT NULL,                  -- space separated
    history_days integer NOT NULL,
    consent_days integer NOT NULL,               -- 0: until it is withdrawn
    created_at   timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT providers_slug_shape CHECK (slug ~ '^[a-z][a-z0-9-]{1,30}$')
);

-- The banks, built in or added, that are not asked anything until an administrator says so. Owner: services/providers.
CREATE TABLE providers_off (
    slug  text PRIMARY KEY,
    since timestamptz NOT NULL DEFAULT now()
);

-- How the banks do is counted over the syncs of the last days.
CREATE INDEX sync_runs_finished ON sync_runs (finished_at);

-- +goose Down
DROP INDEX sync_runs_finished;
DROP TABLE providers_off, providers, provider_secrets;
