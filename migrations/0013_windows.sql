-- +goose Up

-- A run is worked in steps: first its accounts, then one account and one span of days at a time. Whoever works a step holds
-- the run until lease_until, in database time, and writes only while fence is still theirs. Owner: services/syncer.
ALTER TABLE sync_runs
    ADD COLUMN merged         integer NOT NULL DEFAULT 0,       -- pending transactions that were posted
    ADD COLUMN kept           integer NOT NULL DEFAULT 0,       -- posted ones the bank left out, and we kept
    ADD COLUMN accounts_failed integer NOT NULL DEFAULT 0,
    ADD COLUMN planned        boolean NOT NULL DEFAULT false,   -- the accounts came, and what to ask for is in sync_windows
    ADD COLUMN fence          bigint NOT NULL DEFAULT 0,
    ADD COLUMN lease_until    timestamptz,                      -- null: nobody works it just now
    ADD COLUMN moved_at       timestamptz NOT NULL DEFAULT now(), -- when a step last began or ended
    ADD COLUMN takeovers      integer NOT NULL DEFAULT 0,       -- how often a worker died over it
    DROP CONSTRAINT sync_runs_state_known,
    ADD CONSTRAINT sync_runs_state_known CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled'));
CREATE INDEX sync_runs_open ON sync_runs (moved_at) WHERE state IN ('queued', 'running');

-- What a run asks for, in the order of nth. The cursor is the bank's and opaque.
CREATE TABLE sync_windows (
    user_id       uuid NOT NULL,
    connection_id uuid NOT NULL,
    run_id        uuid NOT NULL,
    nth           integer NOT NULL,
    account       text NOT NULL,                  -- the bank's id of it
    first_day     date NOT NULL,
    last_day      date NOT NULL,
    history       boolean NOT NULL,               -- older than what the first sight of an account brings
    state         text NOT NULL DEFAULT 'waiting',
    cursor        text NOT NULL DEFAULT '',       -- the page that comes next; empty = the first
    pages         integer NOT NULL DEFAULT 0,
    staged        integer NOT NULL DEFAULT 0,     -- transactions that came so far
    failure       text NOT NULL DEFAULT '',       -- a known code, put into words by the views
    PRIMARY KEY (user_id, connection_id, run_id, nth),
    CONSTRAINT sync_windows_run FOREIGN KEY (user_id, connection_id, run_id) REFERENCES sync_runs (user_id, connection_id, id) ON DELETE CASCADE,
    CONSTRAINT sync_windows_state_known CHECK (state IN ('waiting', 'done', 'failed', 'left')),
    CONSTRAINT sync_windows_cursor_length CHECK (octet_length(cursor) <= 4096)
);

-- How far each account is, as its bank calls it.
CREATE TABLE sync_accounts (
    user_id       uuid NOT NULL,
    connection_id uuid NOT NULL,
    account       text NOT NULL,
    reached       date,                           -- everything since then was fetched
    fetched_at    timestamptz,                    -- up to then; null = never
    failure       text NOT NULL DEFAULT '',       -- why the last try did not work
    failed_at     timestamptz,
    kept          integer NOT NULL DEFAULT 0,     -- posted transactions the bank left out of its last answer, and we kept
    PRIMARY KEY (user_id, connection_id, account),
    CONSTRAINT sync_accounts_connection FOREIGN KEY (user_id, connection_id) REFERENCES connections (user_id, id) ON DELETE CASCADE
);

-- What a run changed, for its owner to read: a bounded number a run, for 30 days.
CREATE TABLE sync_changes (
    user_id          uuid NOT NULL,
    connection_id    uuid NOT NULL,
    run_id           uuid NOT NULL,
    nth              integer NOT NULL,
    account_id       uuid NOT NULL,
    transaction_id   uuid NOT NULL,               -- no foreign key: a removed one is gone
    what             text NOT NULL,
    status           text NOT NULL,
    booked_on        date NOT NULL,
    amount_minor     bigint NOT NULL,
    currency         text NOT NULL,
    payee            text NOT NULL,
    was_status       text,                        -- before; null for what is new or gone
    was_booked_on    date,
    was_amount_minor bigint,
    was_payee        text,
    PRIMARY KEY (user_id, connection_id, run_id, nth),
    CONSTRAINT sync_changes_run FOREIGN KEY (user_id, connection_id, run_id) REFERENCES sync_runs (user_id, connection_id, id) ON DELETE CASCADE,
    CONSTRAINT sync_changes_what_known CHECK (what IN ('new', 'changed', 'merged', 'removed'))
);

-- Requests made of a bank for one connection, where the bank allows only so many. Owner: services/syncer.
CREATE TABLE sync_budgets (
    user_id       uuid NOT NULL,
    connection_id uuid NOT NULL,
    began_at      timestamptz NOT NULL DEFAULT now(),
    used          integer NOT NULL,
    PRIMARY KEY (user_id, connection_id),
    CONSTRAINT sync_budgets_connection FOREIGN KEY (user_id, connection_id) REFERENCES connections (user_id, id) ON DELETE CASCADE
);

-- Pages of a window that is not whole yet. Unlogged: after a crash of the database the window begins again. No foreign
-- key, which would look up the connection for every row; services/connections has it emptied. Owner: services/ledger.
CREATE UNLOGGED TABLE staged_transactions (
    user_id       uuid NOT NULL,
    connection_id uuid NOT NULL,
    nth           bigint NOT NULL,
    id            uuid NOT NULL,
    external_id   text NOT NULL,
    reference_id  text NOT NULL,
    status        text NOT NULL,
    booked_on     date NOT NULL,
    happened_at   timestamptz NOT NULL,
    amount_minor  bigint NOT NULL,
    currency      text NOT NULL,
    payee         text NOT NULL,
    description   text NOT NULL,
    category      text NOT NULL,
    kind          text NOT NULL,
    symbol        text NOT NULL,
    units         numeric,
    unit_price    numeric,
    PRIMARY KEY (user_id, connection_id, nth)
);

-- +goose Down
DROP TABLE staged_transactions, sync_budgets, sync_changes, sync_accounts, sync_windows;
DROP INDEX sync_runs_open;
DELETE FROM sync_runs WHERE state = 'cancelled';
ALTER TABLE sync_runs
    DROP COLUMN merged, DROP COLUMN kept, DROP COLUMN accounts_failed, DROP COLUMN planned, DROP COLUMN fence,
    DROP COLUMN lease_until, DROP COLUMN moved_at, DROP COLUMN takeovers,
    DROP CONSTRAINT sync_runs_state_known,
    ADD CONSTRAINT sync_runs_state_known CHECK (state IN ('queued', 'running', 'done', 'failed'));
