-- +goose Up

-- The person is told in time that a bank will want them again, and when their connection works again after it did.
-- consent_expires_at is when the person has to be at the bank again: the end of the permission or of their sign-in there,
-- whichever comes first, as the provider's profile says.
ALTER TABLE connections ADD COLUMN consented_at timestamptz NOT NULL DEFAULT now(); -- when the permission was given last
ALTER TABLE connections ADD COLUMN reminded interval;        -- how long before its end the last reminder went; null = none yet
ALTER TABLE connections ADD COLUMN needed_since timestamptz; -- since when it does not work without its owner; null = it works
UPDATE connections SET consented_at = created_at, needed_since = CASE WHEN status = 'needs_you' THEN status_since END;

-- +goose Down
ALTER TABLE connections DROP COLUMN consented_at, DROP COLUMN reminded, DROP COLUMN needed_since;
