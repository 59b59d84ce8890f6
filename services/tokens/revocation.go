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
	"dashtam/services/postgres"
)

// Revocation is tokens that nobody keeps any more, for telling the bank so.
type Revocation struct {
	Tokens
	ConnectionID uuid.UUID
	Provider     string
}

func (o owner) revocationAAD(column, provider string) encryption.AAD {
	return encryption.AAD{Purpose: "revocation", Table: "revocations", Column: column, Row: o.connection.String(), User: o.user.String(), Provider: provider}
}

// keepForRevocation seals what was destroyed under a key of its own.
func (s *Service) keepForRevocation(ctx context.Context, tx pgx.Tx, was owner, open opened) (uuid.UUID, error) {
	o := owner{was.user, uuid.Must(uuid.NewV7())}
	key, wrapped, keyID, err := s.newDataKey(ctx, tx, o.keyAAD())
	if err != nil {
		return uuid.Nil, err
	}
	box := map[string][]byte{}
	for column, token := range map[string]encryption.Secret{"access_token": open.Access, "refresh_token": open.Refresh} {
		if token == "" && column == "refresh_token" {
			continue
		}
		if box[column], err = s.aesSeal(key, []byte(token.Reveal()), o.revocationAAD(column, open.provider)); err != nil {
			return uuid.Nil, fmt.Errorf("tokens: %w", err)
		}
	}
	if _, err := tx.Exec(ctx, `
		INSERT INTO revocations (user_id, id, connection_id, provider, wrapped, key_id, access_token, refresh_token)
		VALUES (@user, @connection, @was, @provider, @wrapped, @key, @access, @refresh)`,
		o.args(pgx.NamedArgs{
			"was": was.connection, "provider": open.provider, "wrapped": wrapped, "key": keyID,
			"access": box["access_token"], "refresh": box["refresh_token"],
		})); err != nil {
		return uuid.Nil, fmt.Errorf("tokens: keeping a revocation: %w", err)
	}
	return o.connection, nil
}

type revocationRow struct {
	ConnectionID uuid.UUID
	Provider     string
	AccessToken  []byte
	RefreshToken []byte
	Wrapped      []byte
	KeyID        string
}

// Revocation opens what a bank has to be told to revoke, and writes that into the connection's access ledger while there is
// one. ErrNone when it is over, ErrTampered when it does not open.
func (s *Service) Revocation(ctx context.Context, who actor.Actor, id uuid.UUID) (Revocation, error) {
	o := owner{who.UserID, id}
	rows, err := s.db.Query(ctx, `
		SELECT connection_id, provider, access_token, refresh_token, wrapped, key_id FROM revocations WHERE user_id = @user AND id = @connection`, o.args(nil))
	if err != nil {
		return Revocation{}, fmt.Errorf("tokens: %w", err)
	}
	r, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[revocationRow])
	if errors.Is(err, pgx.ErrNoRows) {
		return Revocation{}, ErrNone
	}
	if err != nil {
		return Revocation{}, fmt.Errorf("tokens: %w", err)
	}
	found := Revocation{ConnectionID: r.ConnectionID, Provider: r.Provider}
	if found.Tokens, err = s.openRevocation(o, r); err != nil {
		return found, s.tampered(ctx, who, owner{o.user, r.ConnectionID}, err)
	}
	_, err = owner{o.user, r.ConnectionID}.note(ctx, s.db, who, line{act: "use", reason: "revoke", call: "revoke", result: audit.Done})
	if postgres.Constraint(err) == "access_ledger_connection" { // deleted with its data
		err = nil
	}
	return found, err
}

func (s *Service) openRevocation(o owner, r revocationRow) (t Tokens, err error) {
	key, err := s.unwrap(o.keyAAD(), r.Wrapped, r.KeyID)
	if err != nil {
		return t, err
	}
	access, err := s.aesOpen(key, r.AccessToken, o.revocationAAD("access_token", r.Provider))
	if err != nil {
		return t, err
	}
	t.Access = encryption.Secret(access)
	if r.RefreshToken == nil {
		return t, nil
	}
	refresh, err := s.aesOpen(key, r.RefreshToken, o.revocationAAD("refresh_token", r.Provider))
	t.Refresh = encryption.Secret(refresh)
	return t, err
}

// EndRevocation destroys what was kept for telling a bank, with its key, in the caller's transaction.
func (s *Service) EndRevocation(ctx context.Context, tx pgx.Tx, who actor.Actor, id uuid.UUID) error {
	if _, err := tx.Exec(ctx, `DELETE FROM revocations WHERE user_id = @user AND id = @connection`, owner{who.UserID, id}.args(nil)); err != nil {
		return fmt.Errorf("tokens: ending a revocation: %w", err)
	}
	return nil
}

// rewrapRevocations wraps the keys of revocations under current. They are few and live for a day. What does not open, for
// want of its key too, keeps nobody from starting or from destroying a key: it ends with its next try.
func (s *Service) rewrapRevocations(ctx context.Context, current encryption.Key) error {
	return pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT user_id, id AS connection_id, wrapped, key_id FROM revocations WHERE key_id <> @current FOR UPDATE`,
			pgx.NamedArgs{"current": current.ID()})
		if err != nil {
			return err
		}
		list, err := pgx.CollectRows(rows, pgx.RowToStructByName[wrappedKey])
		if err != nil {
			return err
		}
		batch := new(pgx.Batch)
		for _, k := range list {
			o := owner{k.UserID, k.ConnectionID}
			if wrapped, err := s.wrapAnew(o.keyAAD(), k.Wrapped, k.KeyID, current); err == nil {
				batch.Queue(`UPDATE revocations SET wrapped = @wrapped, key_id = @key WHERE user_id = @user AND id = @connection`,
					o.args(pgx.NamedArgs{"wrapped": wrapped, "key": current.ID()}))
			}
		}
		return tx.SendBatch(ctx, batch).Close()
	})
}

// Lapsed is a revocation that ended without its job: whoever worked its last try died at it.
type Lapsed struct {
	UserID       uuid.UUID
	ConnectionID uuid.UUID
	Provider     string
}

// EndLapsed destroys what is kept longer than any job tries, in the caller's transaction.
func (s *Service) EndLapsed(ctx context.Context, tx pgx.Tx) ([]Lapsed, error) {
	rows, err := tx.Query(ctx, `DELETE FROM revocations WHERE created_at < now() - interval '3 days' RETURNING user_id, connection_id, provider`)
	if err != nil {
		return nil, fmt.Errorf("tokens: ending revocations: %w", err)
	}
	lapsed, err := pgx.CollectRows(rows, pgx.RowToStructByName[Lapsed])
	if err != nil {
		return nil, fmt.Errorf("tokens: ending revocations: %w", err)
	}
	return lapsed, nil
}
