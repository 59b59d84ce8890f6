-- +goose Up

-- Somebody who asks for a new password, or for another address, gets a link that works once. A link that was asked for
-- under one password is void under the next (RS-2).
ALTER TABLE links
    ADD COLUMN password_changed_at timestamptz,   -- the account's when the link was made; null = any password will do
    DROP CONSTRAINT links_purpose_known,
    ADD CONSTRAINT links_purpose_known CHECK (purpose IN ('verify', 'setup', 'reset', 'email', 'undo'));

-- Changes of a person's address: asked for under /settings/email, confirmed at the new address, and for three days undone
-- from the old one (RS-6, EV-2). What is neither waiting nor can be undone any more is removed. Owner: services/auth.
CREATE TABLE address_changes (
    user_id      uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    id           uuid NOT NULL,
    old_email    text NOT NULL,
    old_key      text NOT NULL,
    new_email    text NOT NULL,
    new_key      text NOT NULL,
    asked_at     timestamptz NOT NULL DEFAULT now(),
    confirmed_at timestamptz,                     -- from then on new_email is what the person signs in with
    PRIMARY KEY (user_id, id)
);

-- +goose Down
DROP TABLE address_changes;
DELETE FROM links WHERE purpose IN ('email', 'undo');
ALTER TABLE links
    DROP COLUMN password_changed_at,
    DROP CONSTRAINT links_purpose_known,
    ADD CONSTRAINT links_purpose_known CHECK (purpose IN ('verify', 'setup', 'reset'));
