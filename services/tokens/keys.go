package tokens

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/audit"
	"dashtam/services/encryption"
	"dashtam/services/postgres"
)

// Why a start is refused (VT-5). Nothing has been written when one of these comes back.
var (
	ErrWrongKey   = errors.New("a key-encryption key is not the one this database was written with")
	ErrMissingKey = errors.New("this database was written with a key-encryption key that is not there")
)

const checkText = "dashtam key check"

func checkAAD(keyID string) encryption.AAD {
	return encryption.AAD{Purpose: "key-check", Table: "key_checks", Column: "check_value", Row: keyID}
}

type keyCheck struct {
	KeyID      string
	CheckValue []byte
	Wraps      bool // data keys are wrapped under it
}

// CheckKeys proves that the keys at hand are the ones the database was written with, and notes new ones. A key that is
// wrong, or that data keys need and nobody gave, is an error that names the key's id; then nothing is written.
func (s *Service) CheckKeys(ctx context.Context) error {
	return pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		checks, err := s.tryKeys(ctx, tx)
		if err != nil {
			return err
		}
		return s.noteKeys(ctx, tx, checks)
	})
}

// TryKeys is CheckKeys without the noting: it writes nothing.
func (s *Service) TryKeys(ctx context.Context) error {
	_, err := s.tryKeys(ctx, s.db)
	return err
}

func (s *Service) tryKeys(ctx context.Context, db postgres.DB) ([]keyCheck, error) {
	var migrated bool // the keys are tried before the migrations run, too
	if err := db.QueryRow(ctx, `SELECT to_regclass('provider_secrets') IS NOT NULL`).Scan(&migrated); err != nil {
		return nil, fmt.Errorf("tokens: checking keys: %w", err)
	}
	wraps := `SELECT key_id FROM data_keys`
	if migrated {
		wraps += ` UNION SELECT key_id FROM provider_secrets`
	}
	rows, err := db.Query(ctx, `
		SELECT key_id, c.check_value, k.key_id IS NOT NULL AS wraps
		FROM key_checks c FULL JOIN (SELECT DISTINCT key_id FROM (`+wraps+`) w) k USING (key_id)`)
	if err != nil {
		return nil, fmt.Errorf("tokens: checking keys: %w", err)
	}
	checks, err := pgx.CollectRows(rows, pgx.RowToStructByName[keyCheck])
	if err != nil {
		return nil, fmt.Errorf("tokens: checking keys: %w", err)
	}
	return checks, s.judge(checks)
}

// judge compares the keys with what the database says about them.
func (s *Service) judge(checks []keyCheck) error {
	known := false
	for _, c := range checks {
		key, ok := s.key(c.KeyID)
		switch {
		case !ok && c.Wraps:
			return fmt.Errorf("tokens: key %q: %w", c.KeyID, ErrMissingKey)
		case !ok:
			continue
		}
		known = true
		text, err := encryption.Open(key, c.CheckValue, checkAAD(c.KeyID))
		if err != nil || string(text) != checkText {
			return fmt.Errorf("tokens: key %q: %w", c.KeyID, ErrWrongKey)
		}
	}
	if len(checks) > 0 && !known {
		return fmt.Errorf("tokens: %w", ErrMissingKey)
	}
	return nil
}

// noteKeys writes a check value for each key that has none yet.
func (s *Service) noteKeys(ctx context.Context, tx pgx.Tx, checks []keyCheck) error {
	for _, id := range s.keys.IDs() {
		if slices.ContainsFunc(checks, func(c keyCheck) bool { return c.KeyID == id && c.CheckValue != nil }) {
			continue
		}
		key, _ := s.keys.Key(id)
		value, err := encryption.Seal(key, []byte(checkText), checkAAD(id))
		if err != nil {
			return fmt.Errorf("tokens: %w", err)
		}
		tag, err := tx.Exec(ctx, `INSERT INTO key_checks (key_id, check_value) VALUES (@key, @value) ON CONFLICT DO NOTHING`,
			pgx.NamedArgs{"key": id, "value": value})
		if err == nil && tag.RowsAffected() > 0 {
			err = audit.Record(ctx, tx, actor.ForSystem("keys"), audit.Event{Act: "keys.added", Target: id})
		}
		if err != nil {
			return fmt.Errorf("tokens: noting a key: %w", err)
		}
	}
	return nil
}

// KeyUse says what one key-encryption key is needed for.
type KeyUse struct {
	ID       string
	DataKeys int  // connections whose tokens it opens
	Secrets  int  // banks whose client secrets it opens
	Retired  bool // nothing new is wrapped under it
}

// Needed reports whether anything is wrapped under the key.
func (u KeyUse) Needed() bool { return u.DataKeys+u.Secrets > 0 }

// Opens says what the key opens, in words.
func (u KeyUse) Opens() string {
	s := fmt.Sprintf("the tokens of %d connections", u.DataKeys)
	if u.Secrets > 0 {
		s += fmt.Sprintf(" and the client secrets of %d banks", u.Secrets)
	}
	return s
}

// KeyUses lists the keys the database was written with, by id.
func (s *Service) KeyUses(ctx context.Context) ([]KeyUse, error) {
	rows, err := s.db.Query(ctx, `
		SELECT c.key_id AS id, (SELECT count(*) FROM data_keys k WHERE k.key_id = c.key_id) AS data_keys,
			(SELECT count(*) FROM provider_secrets p WHERE p.key_id = c.key_id) AS secrets, c.retired_at IS NOT NULL AS retired
		FROM key_checks c ORDER BY c.key_id`)
	if err != nil {
		return nil, fmt.Errorf("tokens: listing keys: %w", err)
	}
	uses, err := pgx.CollectRows(rows, pgx.RowToStructByName[KeyUse])
	if err != nil {
		return nil, fmt.Errorf("tokens: listing keys: %w", err)
	}
	return uses, nil
}
