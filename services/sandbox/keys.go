package sandbox

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Key signs ID tokens, with RS256: the one algorithm every OpenID Connect client has to know.
type Key struct {
	ID      string
	Private *rsa.PrivateKey
}

// Keys are the bank's signing keys. The first signs; all are good for checking. The first call ever makes one.
func (s *Service) Keys(ctx context.Context) ([]Key, error) {
	keys, err := s.keys(ctx)
	if err != nil || len(keys) > 0 {
		return keys, err
	}
	if err := s.makeKey(ctx); err != nil {
		return nil, err
	}
	return s.keys(ctx) // somebody else may have made one at the same time: then the older one signs
}

func (s *Service) keys(ctx context.Context) ([]Key, error) {
	rows, err := s.db.Query(ctx, `SELECT id, private_key FROM sandbox.signing_keys ORDER BY created_at, id`)
	if err != nil {
		return nil, fmt.Errorf("sandbox: reading keys: %w", err)
	}
	keys, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (k Key, err error) {
		var der []byte
		if err := row.Scan(&k.ID, &der); err != nil {
			return Key{}, err
		}
		private, err := x509.ParsePKCS8PrivateKey(der)
		if err != nil {
			return Key{}, err
		}
		k.Private, _ = private.(*rsa.PrivateKey)
		return k, nil
	})
	if err != nil {
		return nil, fmt.Errorf("sandbox: reading keys: %w", err)
	}
	return keys, nil
}

func (s *Service) makeKey(ctx context.Context) error {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return fmt.Errorf("sandbox: making a key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return fmt.Errorf("sandbox: making a key: %w", err)
	}
	_, err = s.db.Exec(ctx, `INSERT INTO sandbox.signing_keys (id, private_key) VALUES (@id, @key)`,
		pgx.NamedArgs{"id": uuid.NewString(), "key": der})
	if err != nil {
		return fmt.Errorf("sandbox: keeping a key: %w", err)
	}
	return nil
}
