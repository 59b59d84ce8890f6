-- +goose Up

-- When the person last proved in this session who they are: sensitive acts ask again after 15 minutes. And what was
-- unusual about its sign-in, for the list of sessions; empty = nothing (LG-9).
ALTER TABLE sessions
    ADD COLUMN proved_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN unusual   text NOT NULL DEFAULT '',
    ADD CONSTRAINT sessions_unusual_known CHECK (unusual IN ('', 'device', 'failures', 'away'));
UPDATE sessions SET proved_at = created_at;

-- Where a program that uses the API signed in from, for the mail that tells its person of it; empty on the tokens that
-- followed (LG-9).
ALTER TABLE refresh_tokens
    ADD COLUMN ip         inet,
    ADD COLUMN user_agent text NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE refresh_tokens DROP COLUMN ip, DROP COLUMN user_agent;
ALTER TABLE sessions DROP COLUMN proved_at, DROP COLUMN unusual;
