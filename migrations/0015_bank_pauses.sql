-- +goose Up

-- A bank that refuses everybody at once is most likely out of order itself, and one that refuses Dashtam concerns nobody
-- but the administrator: it is left alone as a whole, and one connection tries whether it is over. Owner: services/connections.
CREATE TABLE provider_pauses (
    provider text PRIMARY KEY,                   -- the provider's slug
    cause    text NOT NULL,                      -- bank_incident: it refuses everybody; provider_config: it refuses Dashtam
    since    timestamptz NOT NULL DEFAULT now(),
    next_try timestamptz NOT NULL,
    tries    integer NOT NULL DEFAULT 0,
    CONSTRAINT provider_pauses_cause_known CHECK (cause IN ('bank_incident', 'provider_config'))
);
ALTER TABLE connections ADD COLUMN refused_at timestamptz; -- when the bank refused its permission last; null = it worked since
CREATE INDEX connections_refused ON connections (provider, refused_at) WHERE refused_at IS NOT NULL;

-- The owner of a connection sees each request that carried their token: which call, and how much came back.
ALTER TABLE access_ledger ADD COLUMN call text NOT NULL DEFAULT '', ADD COLUMN bytes bigint NOT NULL DEFAULT 0,
    ADD COLUMN ended_at timestamptz;             -- of act use; null = on its way, or its process died
CREATE INDEX access_ledger_newest ON access_ledger (user_id, id DESC);
-- With a line for each request it grows; what every use asks of it stays one step.
CREATE INDEX access_ledger_generations ON access_ledger (user_id, connection_id, generation) WHERE act IN ('store', 'destroy');
CREATE INDEX access_ledger_lost ON access_ledger (user_id, connection_id, generation) WHERE act = 'refresh' AND result = 'failed';

-- +goose Down
DROP INDEX access_ledger_newest, access_ledger_generations, access_ledger_lost;
ALTER TABLE access_ledger DROP COLUMN call, DROP COLUMN bytes, DROP COLUMN ended_at;
DROP INDEX connections_refused;
ALTER TABLE connections DROP COLUMN refused_at;
DROP TABLE provider_pauses;
