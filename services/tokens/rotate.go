package tokens

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/audit"
	"dashtam/services/encryption"
)

// rewrapBatch is how many data keys one transaction of a rotation wraps anew: a tenth of a second's work, so that nobody
// who stores tokens meanwhile waits longer.
const rewrapBatch = 200

// key finds a key-encryption key, among those that were added since this program started too.
func (s *Service) key(id string) (encryption.Key, bool) {
	k, ok := s.keys.Key(id)
	if !ok && s.c.Reload != nil && s.c.Reload() == nil {
		k, ok = s.keys.Key(id)
	}
	return k, ok
}

// writable is the key that new data keys are wrapped under: the first of the ring that is not retired. It stays that
// until tx ends, because whoever retires it waits.
func (s *Service) writable(ctx context.Context, tx pgx.Tx) (encryption.Key, error) {
	rows, err := tx.Query(ctx, `SELECT key_id FROM key_checks WHERE retired_at IS NULL FOR SHARE`)
	if err != nil {
		return encryption.Key{}, fmt.Errorf("tokens: finding the current key: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return encryption.Key{}, fmt.Errorf("tokens: finding the current key: %w", err)
	}
	for _, id := range s.keys.IDs() {
		if len(ids) == 0 || slices.Contains(ids, id) { // before CheckKeys none is known
			k, _ := s.keys.Key(id)
			return k, nil
		}
	}
	for _, id := range ids {
		if k, ok := s.key(id); ok {
			return k, nil
		}
	}
	return encryption.Key{}, fmt.Errorf("tokens: %w", ErrMissingKey)
}

// ErrUnopened says that some data keys do not open, so the key they are wrapped under has to stay.
var ErrUnopened = errors.New("tokens: some data keys do not open")

// Rotate retires every key but the ring's first and wraps all data keys under that one, a batch at a time, while everybody
// else works on (VT-4). It may be stopped at any moment and called again; progress is told of each batch. Data keys that
// do not open are audited and left, and the error is ErrUnopened then.
func (s *Service) Rotate(ctx context.Context, who actor.Actor, progress func(done, left int)) error {
	if err := s.CheckKeys(ctx); err != nil {
		return err
	}
	current := s.keys.Current()
	if _, err := s.db.Exec(ctx, `
		UPDATE key_checks SET retired_at = CASE WHEN key_id <> @current THEN now() END
		WHERE (key_id = @current) = (retired_at IS NOT NULL)`, pgx.NamedArgs{"current": current.ID()}); err != nil {
		return fmt.Errorf("tokens: retiring keys: %w", err)
	}
	if err := s.rewrapRevocations(ctx, current); err != nil {
		return fmt.Errorf("tokens: wrapping the keys of revocations anew: %w", err)
	}
	unopened, err := s.rewrapSecrets(ctx, who, current)
	if err != nil {
		return fmt.Errorf("tokens: wrapping the data keys of client secrets anew: %w", err)
	}
	var done int
	var after owner
	for {
		n, bad, last, err := s.rewrap(ctx, who, current, after)
		if err != nil {
			return fmt.Errorf("tokens: wrapping data keys anew: %w", err)
		}
		if n == 0 {
			break
		}
		after, done, unopened = last, done+n-bad, unopened+bad
		var left int
		if err := s.db.QueryRow(ctx, `SELECT count(*) FROM data_keys WHERE key_id <> @current`, pgx.NamedArgs{"current": current.ID()}).Scan(&left); err != nil {
			return fmt.Errorf("tokens: counting data keys: %w", err)
		}
		progress(done, left)
	}
	if unopened > 0 {
		return fmt.Errorf("%w: %d of them", ErrUnopened, unopened)
	}
	if err := audit.Record(ctx, s.db, who, audit.Event{Act: "keys.rotated", Target: current.ID()}); err != nil {
		return fmt.Errorf("tokens: %w", err)
	}
	return nil
}

// wrappedKey is a data key as it lies in the database.
type wrappedKey struct {
	UserID, ConnectionID uuid.UUID
	Wrapped              []byte
	KeyID                string
}

// rewrap wraps the next data keys behind after under current: n were looked at, bad of them do not open.
func (s *Service) rewrap(ctx context.Context, who actor.Actor, current encryption.Key, after owner) (n, bad int, last owner, err error) {
	var broken []owner
	err = pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `
			SELECT user_id, connection_id, wrapped, key_id FROM data_keys
			WHERE key_id <> @current AND (user_id, connection_id) > (@user, @connection)
			ORDER BY user_id, connection_id LIMIT @batch FOR UPDATE`,
			after.args(pgx.NamedArgs{"current": current.ID(), "batch": rewrapBatch}))
		if err != nil {
			return err
		}
		list, err := pgx.CollectRows(rows, pgx.RowToStructByName[wrappedKey])
		if err != nil {
			return err
		}
		batch := new(pgx.Batch)
		for _, k := range list {
			last = owner{k.UserID, k.ConnectionID}
			wrapped, err := s.wrapAnew(last.keyAAD(), k.Wrapped, k.KeyID, current)
			if err != nil {
				broken = append(broken, last)
				continue
			}
			batch.Queue(`UPDATE data_keys SET wrapped = @wrapped, key_id = @key WHERE user_id = @user AND connection_id = @connection`,
				last.args(pgx.NamedArgs{"wrapped": wrapped, "key": current.ID()}))
		}
		n = len(list)
		return tx.SendBatch(ctx, batch).Close()
	})
	for _, o := range broken {
		if err == nil {
			err = audit.Record(ctx, s.db, who, audit.Event{Act: "tokens.tampered", UserID: o.user, Target: o.connection.String(), Result: audit.Failed})
		}
	}
	return n, len(broken), last, err
}

func (s *Service) wrapAnew(about encryption.AAD, wrapped []byte, keyID string, current encryption.Key) ([]byte, error) {
	key, err := s.unwrap(about, wrapped, keyID)
	if err != nil {
		return nil, err
	}
	return s.aesSeal(current, key.Reveal(), about)
}
