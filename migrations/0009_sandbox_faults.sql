-- +goose Up

-- Whoever tries Dashtam, or another program, against the Sandbox Bank has it lose answers, change its account ids and so
-- on: a fault's value may be a word, and which faults there are is the program's business.
ALTER TABLE sandbox.faults DROP CONSTRAINT faults_name_known, ALTER COLUMN value TYPE text USING value::text;
-- Set where the bank was told to give the accounts of a new permission other ids than before.
ALTER TABLE sandbox.grants ADD COLUMN account_salt text NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE sandbox.grants DROP COLUMN account_salt;
DELETE FROM sandbox.faults WHERE name NOT IN ('status', 'latency_ms');
ALTER TABLE sandbox.faults ALTER COLUMN value TYPE integer USING value::integer,
    ADD CONSTRAINT faults_name_known CHECK (name IN ('status', 'latency_ms'));
