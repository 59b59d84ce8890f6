-- +goose Up

-- What is long over goes when the next link is made, whosever it was.
CREATE INDEX links_expires ON links (expires_at);

-- A link to verify an address is void as soon as somebody else signs up with it (SU-5).
UPDATE links l SET password_changed_at = u.password_changed_at FROM users u WHERE u.id = l.user_id AND l.purpose = 'verify';

-- When everything that a person's credentials had opened was last ended; null = never. A link to choose a password that
-- was asked for before is not mailed any more.
ALTER TABLE users ADD COLUMN sessions_ended_at timestamptz;

-- An invitation that was used or taken back is removed: nothing keeps the address of somebody who is deleted.
DELETE FROM invitations WHERE used_at IS NOT NULL OR revoked_at IS NOT NULL;
DROP INDEX invitations_pending;
ALTER TABLE invitations
    DROP COLUMN used_at,
    DROP COLUMN revoked_at,
    ADD CONSTRAINT invitations_email_unique UNIQUE (email_key);

-- +goose Down
ALTER TABLE invitations
    DROP CONSTRAINT invitations_email_unique,
    ADD COLUMN used_at timestamptz,
    ADD COLUMN revoked_at timestamptz;
CREATE UNIQUE INDEX invitations_pending ON invitations (email_key) WHERE used_at IS NULL AND revoked_at IS NULL;
ALTER TABLE users DROP COLUMN sessions_ended_at;
DROP INDEX links_expires;
