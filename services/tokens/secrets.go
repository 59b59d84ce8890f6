package tokens

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/audit"
	"dashtam/services/encryption"
)

// clientSecret is the place of a bank's client secret. It is nobody's, so there is no person in what it is bound to.
type clientSecret struct {
	id       uuid.UUID
	provider string
}

func (c clientSecret) keyAAD() encryption.AAD {
	return encryption.AAD{Purpose: "data-key", Table: "provider_secrets", Column: "wrapped", Row: c.id.String(), Provider: c.provider}
}

func (c clientSecret) aad() encryption.AAD {
	return encryption.AAD{Purpose: "client-secret", Table: "provider_secrets", Column: "secret", Row: c.id.String(), Provider: c.provider}
}

// StoreSecret keeps the secret by which a bank knows Dashtam, in the caller's transaction, and gives the id under which
// Secret opens it. Each has an id of its own, so an older one put back is not the one that is asked for.
func (s *Service) StoreSecret(ctx context.Context, tx pgx.Tx, provider string, secret encryption.Secret) (uuid.UUID, error) {
	c := clientSecret{uuid.Must(uuid.NewV7()), provider}
	key, wrapped, keyID, err := s.newDataKey(ctx, tx, c.keyAAD())
	if err != nil {
		return uuid.Nil, err
	}
	sealed, err := s.aesSeal(key, []byte(secret.Reveal()), c.aad())
	if err != nil {
		return uuid.Nil, fmt.Errorf("tokens: %w", err)
	}
	if _, err := tx.Exec(ctx, `INSERT INTO provider_secrets (id, provider, wrapped, key_id, secret) VALUES (@id, @provider, @wrapped, @key, @secret)`,
		pgx.NamedArgs{"id": c.id, "provider": provider, "wrapped": wrapped, "key": keyID, "secret": sealed}); err != nil {
		return uuid.Nil, fmt.Errorf("tokens: storing a client secret: %w", err)
	}
	return c.id, nil
}

// Secret opens a bank's client secret for one request. ErrNone when there is none of this id, ErrTampered when it does
// not open there.
func (s *Service) Secret(ctx context.Context, id uuid.UUID, provider string) (encryption.Secret, error) {
	c := clientSecret{id, provider}
	var wrapped, sealed []byte
	var keyID string
	err := s.db.QueryRow(ctx, `SELECT wrapped, key_id, secret FROM provider_secrets WHERE id = @id`, pgx.NamedArgs{"id": id}).Scan(&wrapped, &keyID, &sealed)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", ErrNone
	}
	if err != nil {
		return "", fmt.Errorf("tokens: reading a client secret: %w", err)
	}
	key, err := s.unwrap(c.keyAAD(), wrapped, keyID)
	if err != nil {
		return "", s.secretTampered(ctx, c, err)
	}
	plain, err := s.aesOpen(key, sealed, c.aad())
	if err != nil {
		return "", s.secretTampered(ctx, c, err)
	}
	return encryption.Secret(plain), nil
}

// DestroySecret erases a bank's client secret in the caller's transaction.
func (s *Service) DestroySecret(ctx context.Context, tx pgx.Tx, id uuid.UUID) error {
	if _, err := tx.Exec(ctx, `DELETE FROM provider_secrets WHERE id = @id`, pgx.NamedArgs{"id": id}); err != nil {
		return fmt.Errorf("tokens: destroying a client secret: %w", err)
	}
	return nil
}

func (s *Service) secretTampered(ctx context.Context, c clientSecret, cause error) error {
	err := audit.Record(ctx, s.db, actor.ForSystem("client-secret"), audit.Event{Act: "tokens.tampered", Target: c.provider, Result: audit.Failed})
	return ErrTampered.Because(errors.Join(cause, err))
}

// wrappedSecret is the data key of a client secret as it lies in the database.
type wrappedSecret struct {
	ID       uuid.UUID
	Provider string
	Wrapped  []byte
	KeyID    string
}

// rewrapSecrets wraps the data keys of all client secrets under current, at once: there are as many as banks. bad do
// not open.
func (s *Service) rewrapSecrets(ctx context.Context, who actor.Actor, current encryption.Key) (bad int, err error) {
	err = pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT id, provider, wrapped, key_id FROM provider_secrets WHERE key_id <> @current ORDER BY id FOR UPDATE`,
			pgx.NamedArgs{"current": current.ID()})
		if err != nil {
			return err
		}
		list, err := pgx.CollectRows(rows, pgx.RowToStructByName[wrappedSecret])
		if err != nil {
			return err
		}
		for _, w := range list {
			c := clientSecret{w.ID, w.Provider}
			wrapped, err := s.wrapAnew(c.keyAAD(), w.Wrapped, w.KeyID, current)
			if err != nil {
				bad++
				if err := audit.Record(ctx, tx, who, audit.Event{Act: "tokens.tampered", Target: w.Provider, Result: audit.Failed}); err != nil {
					return err
				}
				continue
			}
			if _, err := tx.Exec(ctx, `UPDATE provider_secrets SET wrapped = @wrapped, key_id = @key WHERE id = @id`,
				pgx.NamedArgs{"wrapped": wrapped, "key": current.ID(), "id": w.ID}); err != nil {
				return err
			}
		}
		return nil
	})
	return bad, err
}
