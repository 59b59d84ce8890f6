-- +goose Up

-- Proof that the rows of audit_events are as they were written (AU-2): a running number without holes, and an HMAC under
-- a key that is not in the database. For `dashtam audit verify`. Owner: services/audit.
CREATE TABLE audit_seals (
    number    bigint PRIMARY KEY,
    event_id  bigint NOT NULL,                    -- no foreign key: the seal of a row that was removed must stay to tell
    key_id    text NOT NULL,                      -- which key-encryption key the sealing key is derived from
    mac       bytea NOT NULL,
    sealed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT audit_seals_event_unique UNIQUE (event_id)
);

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION audit_events_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
-- +goose StatementEnd
CREATE TRIGGER audit_seals_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_seals
    FOR EACH STATEMENT EXECUTE FUNCTION audit_events_append_only();
-- Also for whoever calls their session a replica, which skips ordinary triggers.
ALTER TABLE audit_seals ENABLE ALWAYS TRIGGER audit_seals_append_only;
ALTER TABLE audit_events ENABLE ALWAYS TRIGGER audit_events_append_only;

-- What one person did, for /admin/audit; what was done to their data has an index already.
CREATE INDEX audit_events_actor ON audit_events (actor_id, id DESC);

-- An administrator's invitation of an address: /admin/settings makes it, /invite/{token} uses it. Owner: services/auth.
CREATE TABLE invitations (
    id         uuid PRIMARY KEY,
    email      text NOT NULL,
    email_key  text NOT NULL,
    token_hash bytea,                             -- null until the mail's worker made the link; only the hash is kept
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    used_at    timestamptz,
    revoked_at timestamptz,
    CONSTRAINT invitations_token_unique UNIQUE (token_hash),
    CONSTRAINT invitations_email_length CHECK (char_length(email) BETWEEN 3 AND 254)
);
CREATE UNIQUE INDEX invitations_pending ON invitations (email_key) WHERE used_at IS NULL AND revoked_at IS NULL;

-- +goose Down
DROP TABLE invitations, audit_seals;
DROP INDEX audit_events_actor;
ALTER TABLE audit_events ENABLE TRIGGER audit_events_append_only;
