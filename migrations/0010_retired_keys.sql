-- +goose Up

-- The operator rotates the key-encryption keys while nodes run: nothing new is wrapped under a retired one (F22).
ALTER TABLE key_checks ADD COLUMN retired_at timestamptz;

-- +goose Down
ALTER TABLE key_checks DROP COLUMN retired_at;
