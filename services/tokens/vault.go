package tokens

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/audit"
	"dashtam/services/encryption"
)

// StoreTokens keeps what a bank handed out when the person gave permission, under a new data key, in the caller's
// transaction. What the connection had before is gone with its data key. It returns the new generation.
func (s *Service) StoreTokens(ctx context.Context, tx pgx.Tx, who actor.Actor, connection uuid.UUID, provider string, t Tokens) (int64, error) {
	o := owner{who.UserID, connection}
	newest, err := o.newest(ctx, tx)
	if err != nil {
		return 0, err
	}
	key, wrapped, keyID, err := s.newDataKey(ctx, tx, o.keyAAD())
	if err != nil {
		return 0, err
	}
	generation := newest + 1
	box, err := s.seal(key, o, provider, generation, t)
	if err != nil {
		return 0, err
	}
	if _, err := tx.Exec(ctx, `
		INSERT INTO data_keys (user_id, connection_id, wrapped, key_id) VALUES (@user, @connection, @wrapped, @key)
		ON CONFLICT (user_id, connection_id) DO UPDATE SET wrapped = excluded.wrapped, key_id = excluded.key_id, created_at = now()`,
		o.args(pgx.NamedArgs{"wrapped": wrapped, "key": keyID})); err != nil {
		return 0, fmt.Errorf("tokens: storing a data key: %w", err)
	}
	if _, err := tx.Exec(ctx, `
		INSERT INTO connection_tokens AS t (user_id, connection_id, provider, generation, access_token, refresh_token, expires_at, stored_at)
		VALUES (@user, @connection, @provider, @generation, @access, @refresh,
			clock_timestamp() + @expires::float8 * interval '1 second', clock_timestamp())
		ON CONFLICT (user_id, connection_id) DO UPDATE SET provider = excluded.provider, generation = excluded.generation,
			access_token = excluded.access_token, refresh_token = excluded.refresh_token, expires_at = excluded.expires_at,
			stored_at = excluded.stored_at, lease_until = NULL, fence = t.fence + 1`,
		o.args(pgx.NamedArgs{
			"provider": provider, "generation": generation, "access": box.access, "refresh": box.refresh, "expires": seconds(t.ExpiresIn),
		})); err != nil {
		return 0, fmt.Errorf("tokens: storing tokens: %w", err)
	}
	if _, err := o.note(ctx, tx, who, line{act: "store", reason: "permission", generation: generation, result: audit.Done}); err != nil {
		return 0, err
	}
	return generation, nil
}

// Carry is one request that carries an access token: it returns how many bytes came back, and why it failed.
type Carry func(ctx context.Context, token encryption.Secret) (bytes int64, err error)

// Use opens the access token for one request, carry, after the access ledger has who asked and which call it is, a known
// code; the ledger's line is completed when carry returns. A token that ends soon is renewed first, by exchange. It returns
// the generation that was carried, and carry's error as it is. This is the only way to an access token.
func (s *Service) Use(ctx context.Context, who actor.Actor, connection uuid.UUID, call string, exchange Exchange, carry Carry) (int64, error) {
	o := owner{who.UserID, connection}
	r, err := o.read(ctx, s.db, false)
	if err != nil {
		return 0, err
	}
	var a Access
	if r.Early && r.RefreshToken != nil {
		a, err = s.RefreshToken(ctx, who, connection, r.Generation, exchange)
	} else {
		a, err = s.reveal(ctx, who, o, r)
	}
	if err != nil {
		return 0, err
	}
	use, err := o.note(ctx, s.db, who, line{act: "use", reason: "sync", call: call, generation: a.Generation, result: audit.Failed})
	if err != nil {
		return 0, err
	}
	bytes, err := carry(ctx, a.Token)
	return a.Generation, errors.Join(err, s.used(ctx, o, use, bytes, err))
}

// used completes the line of a use, also when the one who asked has gone.
func (s *Service) used(ctx context.Context, o owner, use, bytes int64, failed error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	result := audit.Done
	if failed != nil {
		result = audit.Failed
	}
	_, err := s.db.Exec(ctx, `
		UPDATE access_ledger SET result = @result, bytes = @bytes, ended_at = now() WHERE user_id = @user AND connection_id = @connection AND id = @id`,
		o.args(pgx.NamedArgs{"result": string(result), "bytes": bytes, "id": use}))
	if err != nil {
		return fmt.Errorf("tokens: access ledger: %w", err)
	}
	return nil
}

// reveal opens the access token of r.
func (s *Service) reveal(ctx context.Context, who actor.Actor, o owner, r row) (Access, error) {
	open, err := s.open(o, r)
	if err != nil {
		return Access{}, s.tampered(ctx, who, o, err)
	}
	return Access{open.Access, open.generation}, nil
}

// Destroy erases a connection's tokens in the caller's transaction: with the data key gone, no copy of them opens again.
// For telling the bank they are sealed once more, as a Revocation of the id that is returned; uuid.Nil when there was
// nothing, or it did not open.
func (s *Service) Destroy(ctx context.Context, tx pgx.Tx, who actor.Actor, connection uuid.UUID) (revocation uuid.UUID, err error) {
	o := owner{who.UserID, connection}
	r, err := o.read(ctx, tx, true)
	if errors.Is(err, ErrNone) {
		return uuid.Nil, nil
	}
	if err != nil {
		return uuid.Nil, err
	}
	open, failed := s.open(o, r) // destroyed all the same
	newest, err := o.newest(ctx, tx)
	if err != nil {
		return uuid.Nil, err
	}
	for _, sql := range []string{
		`DELETE FROM data_keys WHERE user_id = @user AND connection_id = @connection`,
		`DELETE FROM connection_tokens WHERE user_id = @user AND connection_id = @connection`,
	} {
		if _, err := tx.Exec(ctx, sql, o.args(nil)); err != nil {
			return uuid.Nil, fmt.Errorf("tokens: destroying: %w", err)
		}
	}
	if _, err := o.note(ctx, tx, who, line{act: "destroy", reason: "disconnect", generation: newest + 1, result: audit.Done}); err != nil || failed != nil {
		return uuid.Nil, err
	}
	return s.keepForRevocation(ctx, tx, o, open)
}
