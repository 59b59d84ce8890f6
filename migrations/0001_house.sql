-- +goose Up

-- People and how they come in. Owner: services/auth.
CREATE TABLE users (
    id                  uuid PRIMARY KEY,
    email               text NOT NULL,            -- as typed, for display and mail
    email_key           text NOT NULL,            -- normalised: what makes an address the same address (SU-3)
    name                text NOT NULL,
    password_hash       text NOT NULL,
    role                text NOT NULL DEFAULT 'user',
    theme               text NOT NULL DEFAULT 'system',
    timezone            text NOT NULL DEFAULT 'UTC',
    shortcuts           boolean NOT NULL DEFAULT true,
    created_at          timestamptz NOT NULL DEFAULT now(),
    verified_at         timestamptz,
    disabled_at         timestamptz,
    last_login_at       timestamptz,
    password_changed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT users_email_key_unique UNIQUE (email_key),
    CONSTRAINT users_role_known CHECK (role IN ('user', 'admin')),
    CONSTRAINT users_theme_known CHECK (theme IN ('system', 'light', 'dark')),
    CONSTRAINT users_name_length CHECK (char_length(name) BETWEEN 1 AND 100),
    CONSTRAINT users_email_length CHECK (char_length(email) BETWEEN 3 AND 254)
);

-- Browser sessions, by the hash of their cookie (SE-2). id stays when the token rotates (OA-1); created_at is the first
-- sign-in and bounds the lifetime (SE-4). user_id is null until somebody signs in. Owner: services/auth.
CREATE TABLE sessions (
    token_hash   text PRIMARY KEY,
    id           uuid NOT NULL,
    user_id      uuid REFERENCES users (id) ON DELETE CASCADE,
    data         bytea NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    last_seen_at timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz NOT NULL,
    revoked_at   timestamptz,
    ip           inet,
    user_agent   text NOT NULL DEFAULT ''
);
CREATE INDEX sessions_user ON sessions (user_id, last_seen_at DESC) WHERE user_id IS NOT NULL;
CREATE INDEX sessions_id ON sessions (id);
CREATE INDEX sessions_expiry ON sessions (expires_at);

-- Links that work once: verification, set-up (user_id null). Only the hash is kept (RS-2). Owner: services/auth.
CREATE TABLE links (
    token_hash bytea PRIMARY KEY,
    user_id    uuid REFERENCES users (id) ON DELETE CASCADE,
    purpose    text NOT NULL,
    email_key  text NOT NULL DEFAULT '',          -- the address the link was mailed to; another address voids it (EV-1)
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    used_at    timestamptz,
    CONSTRAINT links_purpose_known CHECK (purpose IN ('verify', 'setup', 'reset'))
);
CREATE INDEX links_user ON links (user_id, purpose, created_at DESC);

-- Refresh tokens of the JSON API: a family per login, each token usable once; reuse ends the family. Owner: services/auth.
CREATE TABLE refresh_tokens (
    token_hash bytea PRIMARY KEY,
    user_id    uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    family_id  uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    used_at    timestamptz,
    revoked_at timestamptz
);
CREATE INDEX refresh_tokens_family ON refresh_tokens (user_id, family_id);

-- What each person did and what was done for them. Append-only for every role (AU-2). Owner: services/audit.
CREATE TABLE audit_events (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         timestamptz NOT NULL DEFAULT now(),
    actor_kind text NOT NULL,
    actor_id   uuid,                              -- who acted; no foreign key: the row outlives the person
    user_id    uuid,                              -- whose data it touched
    act        text NOT NULL,                     -- login.ok, connection.created, ...
    target     text NOT NULL DEFAULT '',          -- id of the thing, never a name from outside
    result     text NOT NULL DEFAULT 'done',
    ip         inet,
    user_agent text NOT NULL DEFAULT '',
    request_id text NOT NULL DEFAULT '',
    detail     jsonb NOT NULL DEFAULT '{}',
    CONSTRAINT audit_events_result_known CHECK (result IN ('done', 'refused', 'failed'))
);
CREATE INDEX audit_events_user ON audit_events (user_id, id DESC);
-- +goose StatementBegin
CREATE FUNCTION audit_events_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit_events is append-only' USING ERRCODE = 'insufficient_privilege';
END $$;
-- +goose StatementEnd
CREATE TRIGGER audit_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_events
    FOR EACH STATEMENT EXECUTE FUNCTION audit_events_append_only();

-- Counters of the rate limits. Unlogged: a crash forgets at most one window. Owner: services/limits.
CREATE UNLOGGED TABLE limit_counters (
    key        bytea PRIMARY KEY,                 -- hash of rule and subject, so unknown addresses take bounded space (RL-4)
    count      integer NOT NULL,
    expires_at timestamptz NOT NULL               -- the window's end; it began with the first act
);
CREATE INDEX limit_counters_expiry ON limit_counters (expires_at);

-- One row per key-encryption key ever used: a value only that key opens, so a wrong key is noticed before anything else
-- is touched (VT-5). Owner: services/tokens.
CREATE TABLE key_checks (
    key_id      text PRIMARY KEY,
    check_value bytea NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now()
);

-- A person's access to one bank. Owner: services/connections.
CREATE TABLE connections (
    user_id            uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    id                 uuid NOT NULL,
    provider           text NOT NULL,             -- the provider's slug
    name               text NOT NULL,
    status             text NOT NULL,
    cause              text NOT NULL DEFAULT '',  -- a known code, put into words by the views
    status_since       timestamptz NOT NULL DEFAULT now(),
    subject            text NOT NULL DEFAULT '',  -- the bank login's stable id (OIDC sub), so a second login is noticed (OA-7)
    scopes             text NOT NULL DEFAULT '',  -- as granted, space separated (OA-18)
    created_at         timestamptz NOT NULL DEFAULT now(),
    consent_expires_at timestamptz,
    last_sync_at       timestamptz,               -- last try
    last_success_at    timestamptz,
    next_sync_at       timestamptz,
    disconnected_at    timestamptz,
    PRIMARY KEY (user_id, id),
    CONSTRAINT connections_status_known CHECK (status IN ('healthy', 'syncing', 'renew', 'needs_you', 'paused', 'disconnected')),
    CONSTRAINT connections_name_length CHECK (char_length(name) BETWEEN 1 AND 100)
);
CREATE INDEX connections_due ON connections (next_sync_at) WHERE disconnected_at IS NULL;

-- An authorization that was started and has not come back: its state, used once (OA-1). The PKCE verifier is derived
-- from the state and a key outside the database, so neither stands here. Owner: services/connections.
CREATE TABLE connect_attempts (
    user_id       uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    id            uuid NOT NULL,
    state_hash    bytea NOT NULL,
    session_id    uuid NOT NULL,
    provider      text NOT NULL,
    connection_id uuid,                           -- the connection to reconnect; null for a new one
    created_at    timestamptz NOT NULL DEFAULT now(),
    expires_at    timestamptz NOT NULL,
    consumed_at   timestamptz,
    PRIMARY KEY (user_id, id),
    CONSTRAINT connect_attempts_state_unique UNIQUE (user_id, state_hash),
    CONSTRAINT connect_attempts_connection FOREIGN KEY (user_id, connection_id) REFERENCES connections (user_id, id) ON DELETE CASCADE
);

-- The vault: one wrapped data key per connection, and its tokens sealed under it (VT-1, VT-3). Owner: services/tokens.
CREATE TABLE data_keys (
    user_id       uuid NOT NULL,
    connection_id uuid NOT NULL,
    wrapped       bytea NOT NULL,                 -- the data key, sealed under a key-encryption key
    key_id        text NOT NULL,                  -- which key-encryption key
    created_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, connection_id),
    CONSTRAINT data_keys_connection FOREIGN KEY (user_id, connection_id) REFERENCES connections (user_id, id) ON DELETE CASCADE
);
CREATE TABLE connection_tokens (
    user_id       uuid NOT NULL,
    connection_id uuid NOT NULL,
    provider      text NOT NULL,
    generation    bigint NOT NULL,                -- counts every stored answer; also in access_ledger, so an old row put back is noticed
    access_token  bytea NOT NULL,                 -- sealed
    refresh_token bytea,                          -- sealed; null when the bank gave none
    expires_at    timestamptz,                    -- of the access token; null when the bank did not say
    stored_at     timestamptz NOT NULL DEFAULT now(),
    lease_until   timestamptz,                    -- one refresher at a time, in database time (OA-12)
    fence         bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (user_id, connection_id),
    CONSTRAINT connection_tokens_connection FOREIGN KEY (user_id, connection_id) REFERENCES connections (user_id, id) ON DELETE CASCADE
);

-- Each time a token is stored, used or destroyed: who, why, how it ended. Owner: services/tokens.
CREATE TABLE access_ledger (
    user_id       uuid NOT NULL,
    connection_id uuid NOT NULL,
    id            bigint GENERATED ALWAYS AS IDENTITY,
    at            timestamptz NOT NULL DEFAULT now(),
    actor_kind    text NOT NULL,
    act           text NOT NULL,
    reason        text NOT NULL,
    generation    bigint NOT NULL,
    result        text NOT NULL DEFAULT 'done',
    request_id    text NOT NULL DEFAULT '',
    PRIMARY KEY (user_id, connection_id, id),
    CONSTRAINT access_ledger_connection FOREIGN KEY (user_id, connection_id) REFERENCES connections (user_id, id) ON DELETE CASCADE,
    CONSTRAINT access_ledger_act_known CHECK (act IN ('store', 'use', 'refresh', 'destroy')),
    CONSTRAINT access_ledger_result_known CHECK (result IN ('done', 'refused', 'failed'))
);

-- What the banks said. Amounts are signed from the person's side: a debt's balance and a spending are negative.
-- Owner: services/ledger.
CREATE TABLE accounts (
    user_id         uuid NOT NULL,
    id              uuid NOT NULL,
    connection_id   uuid NOT NULL,
    external_id     text NOT NULL,
    kind            text NOT NULL,
    bank_name       text NOT NULL,                -- as the bank calls it
    name            text NOT NULL DEFAULT '',     -- as the person calls it; empty = the bank's name
    mask            text NOT NULL DEFAULT '',     -- last digits, as the bank shows them
    currency        text NOT NULL,
    balance_minor   bigint NOT NULL,
    available_minor bigint,
    limit_minor     bigint,                       -- credit line
    balance_as_of   timestamptz NOT NULL,
    closed_at       timestamptz,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, id),
    CONSTRAINT accounts_external_unique UNIQUE (user_id, connection_id, external_id),
    CONSTRAINT accounts_connection FOREIGN KEY (user_id, connection_id) REFERENCES connections (user_id, id) ON DELETE CASCADE,
    CONSTRAINT accounts_currency_shape CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT accounts_kind_known CHECK (kind IN ('checking', 'savings', 'cd', 'card', 'mortgage', 'loan', 'brokerage', 'retirement', 'other'))
);

CREATE TABLE transactions (
    user_id      uuid NOT NULL,
    id           uuid NOT NULL,
    account_id   uuid NOT NULL,
    external_id  text NOT NULL,
    status       text NOT NULL,
    booked_on    date NOT NULL,                   -- posted date; for pending ones the day it happened
    happened_at  timestamptz NOT NULL,
    amount_minor bigint NOT NULL,
    currency     text NOT NULL,
    payee        text NOT NULL,                   -- what a person recognises
    description  text NOT NULL DEFAULT '',        -- the bank's own line
    category     text NOT NULL DEFAULT '',
    kind         text NOT NULL DEFAULT '',        -- investments: buy, sell, dividend, ...
    symbol       text NOT NULL DEFAULT '',
    units        numeric,
    unit_price   numeric,
    note         text NOT NULL DEFAULT '',        -- the person's own; a sync never touches it
    other_half   uuid,                            -- the same money arriving in (or leaving) another of the person's accounts
    first_seen   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, id),
    CONSTRAINT transactions_external_unique UNIQUE (user_id, account_id, external_id),
    CONSTRAINT transactions_account FOREIGN KEY (user_id, account_id) REFERENCES accounts (user_id, id) ON DELETE CASCADE,
    CONSTRAINT transactions_other_half FOREIGN KEY (user_id, other_half) REFERENCES transactions (user_id, id) ON DELETE SET NULL (other_half),
    CONSTRAINT transactions_status_known CHECK (status IN ('pending', 'posted')),
    CONSTRAINT transactions_note_length CHECK (char_length(note) <= 500)
);
CREATE INDEX transactions_newest ON transactions (user_id, booked_on DESC, id DESC);
CREATE INDEX transactions_other_half ON transactions (user_id, other_half) WHERE other_half IS NOT NULL;
CREATE INDEX transactions_account_newest ON transactions (user_id, account_id, booked_on DESC, id DESC);

CREATE TABLE holdings (
    user_id          uuid NOT NULL,
    account_id       uuid NOT NULL,
    external_id      text NOT NULL,
    symbol           text NOT NULL DEFAULT '',
    name             text NOT NULL,
    quantity         numeric NOT NULL,
    price            numeric,
    value_minor      bigint NOT NULL,
    cost_basis_minor bigint,
    currency         text NOT NULL,
    as_of            timestamptz NOT NULL,
    PRIMARY KEY (user_id, account_id, external_id),
    CONSTRAINT holdings_account FOREIGN KEY (user_id, account_id) REFERENCES accounts (user_id, id) ON DELETE CASCADE
);

-- An account's balance at the end of each day: what the bank said, or worked back from its transactions (estimated).
CREATE TABLE balance_days (
    user_id       uuid NOT NULL,
    account_id    uuid NOT NULL,
    day           date NOT NULL,
    balance_minor bigint NOT NULL,
    estimated     boolean NOT NULL,
    PRIMARY KEY (user_id, account_id, day),
    CONSTRAINT balance_days_account FOREIGN KEY (user_id, account_id) REFERENCES accounts (user_id, id) ON DELETE CASCADE
);

-- One row per try to fetch a connection's data; a running one is what the page shows as progress. Owner: services/syncer.
CREATE TABLE sync_runs (
    user_id        uuid NOT NULL,
    connection_id  uuid NOT NULL,
    id             uuid NOT NULL,
    cause          text NOT NULL,                 -- first, manual, schedule
    state          text NOT NULL,
    queued_at      timestamptz NOT NULL DEFAULT now(),
    started_at     timestamptz,
    finished_at    timestamptz,
    accounts_total integer NOT NULL DEFAULT 0,
    accounts_done  integer NOT NULL DEFAULT 0,
    added          integer NOT NULL DEFAULT 0,    -- transactions
    changed        integer NOT NULL DEFAULT 0,
    removed        integer NOT NULL DEFAULT 0,
    failure        text NOT NULL DEFAULT '',      -- a known code, put into words by the views
    PRIMARY KEY (user_id, connection_id, id),
    CONSTRAINT sync_runs_connection FOREIGN KEY (user_id, connection_id) REFERENCES connections (user_id, id) ON DELETE CASCADE,
    CONSTRAINT sync_runs_cause_known CHECK (cause IN ('first', 'manual', 'schedule')),
    CONSTRAINT sync_runs_state_known CHECK (state IN ('queued', 'running', 'done', 'failed'))
);
CREATE INDEX sync_runs_newest ON sync_runs (user_id, connection_id, queued_at DESC);

-- +goose Down
DROP TABLE sync_runs, balance_days, holdings, transactions, accounts, access_ledger, connection_tokens, data_keys,
    connect_attempts, connections, key_checks, limit_counters, audit_events, refresh_tokens, links, sessions, users;
DROP FUNCTION audit_events_append_only;
