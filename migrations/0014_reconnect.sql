-- +goose Up

-- A bank may give the accounts of a new permission other ids than before. What came back keeps its row, its notes and its
-- history; where that is not certain the person is asked. Owner: services/ledger.
ALTER TABLE accounts ADD COLUMN gone_at timestamptz;  -- since when the bank does not show it any more; null = it does
ALTER TABLE accounts ADD COLUMN number_hash bytea;    -- keyed hash of the whole number, where the bank gives one

-- An account at the bank that may be one the person had; it is not in accounts, and counts nowhere, before the answer.
CREATE TABLE account_questions (
    user_id       uuid NOT NULL,
    id            uuid NOT NULL,
    connection_id uuid NOT NULL,
    external_id   text NOT NULL,
    said          jsonb NOT NULL,                 -- the account as the bank described it
    candidates    uuid[] NOT NULL,                -- the accounts it may be
    asked_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, id),
    CONSTRAINT account_questions_external_unique UNIQUE (user_id, connection_id, external_id),
    CONSTRAINT account_questions_connection FOREIGN KEY (user_id, connection_id) REFERENCES connections (user_id, id) ON DELETE CASCADE
);

-- An account that came back under another id, for as long as that can be undone.
CREATE TABLE account_merges (
    user_id     uuid NOT NULL,
    id          uuid NOT NULL,
    account_id  uuid NOT NULL,
    external_id text NOT NULL,                    -- the account's id at the bank since then
    was         jsonb NOT NULL,                   -- its row before
    answered    boolean NOT NULL,                 -- the person said so
    merged_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, id),
    CONSTRAINT account_merges_account FOREIGN KEY (user_id, account_id) REFERENCES accounts (user_id, id) ON DELETE CASCADE
);
CREATE INDEX account_merges_account ON account_merges (user_id, account_id);

-- The transactions an account had before it came back, with their ids of then.
CREATE TABLE merged_transactions (
    user_id        uuid NOT NULL,
    merge_id       uuid NOT NULL,
    transaction_id uuid NOT NULL,
    external_id    text NOT NULL,
    shared         boolean NOT NULL DEFAULT false, -- the bank reported it again since
    PRIMARY KEY (user_id, merge_id, transaction_id),
    CONSTRAINT merged_transactions_merge FOREIGN KEY (user_id, merge_id) REFERENCES account_merges (user_id, id) ON DELETE CASCADE,
    CONSTRAINT merged_transactions_transaction FOREIGN KEY (user_id, transaction_id) REFERENCES transactions (user_id, id) ON DELETE CASCADE
);
CREATE INDEX merged_transactions_transaction ON merged_transactions (user_id, transaction_id);

ALTER TABLE sync_runs ADD COLUMN recognised integer NOT NULL DEFAULT 0; -- accounts that came back under another id

-- What a bank still has to be told to revoke. The tokens are sealed under a key that is kept for nothing else, and destroyed
-- with it when the bank was told or no try is left. No foreign keys: the connection, and the person, may be gone by then.
-- Owner: services/tokens.
CREATE TABLE revocations (
    user_id       uuid NOT NULL,
    id            uuid NOT NULL,
    connection_id uuid NOT NULL,
    provider      text NOT NULL,
    wrapped       bytea NOT NULL,                 -- the key, sealed under a key-encryption key
    key_id        text NOT NULL,                  -- which key-encryption key
    access_token  bytea NOT NULL,                 -- sealed
    refresh_token bytea,                          -- sealed; null when the bank gave none
    created_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, id)
);
-- Whether the bank knows that the connection has ended: empty where there was nothing to tell.
ALTER TABLE connections ADD COLUMN bank_told text NOT NULL DEFAULT '',
    ADD CONSTRAINT connections_bank_told_known CHECK (bank_told IN ('', 'waiting', 'told', 'failed'));

-- +goose Down
ALTER TABLE connections DROP COLUMN bank_told;
DROP TABLE revocations;
DROP TABLE merged_transactions, account_merges, account_questions;
ALTER TABLE accounts DROP COLUMN gone_at, DROP COLUMN number_hash;
ALTER TABLE sync_runs DROP COLUMN recognised;
