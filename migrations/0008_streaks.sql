-- +goose Up

-- Wrong passwords in a row for an address, real or not, since somebody last came in with the right one: every sign-in
-- asks it (RL-2). Logged, because a crash must not give a guesser another hundred. Owner: services/limits.
CREATE TABLE limit_streaks (
    key     bytea PRIMARY KEY,                    -- hash of rule and subject, as in limit_counters (RL-4)
    count   integer NOT NULL,
    last_at timestamptz NOT NULL                  -- of the last one; the wait for the next begins with it
);

-- For /admin/audit by act, by what was refused or failed, and by day: each has few rows among many, and old ones.
CREATE INDEX audit_events_act ON audit_events (act, id DESC);
CREATE INDEX audit_events_not_done ON audit_events (id DESC) WHERE result <> 'done';
CREATE INDEX audit_events_at ON audit_events (at, id);

-- +goose Down
DROP INDEX audit_events_at, audit_events_not_done, audit_events_act;
DROP TABLE limit_streaks;
