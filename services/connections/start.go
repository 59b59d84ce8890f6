package connections

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/audit"
	"dashtam/services/providers"
)

// Start begins to ask a bank for permission: a new connection, or a renewed one when reconnect names it. The attempt
// belongs to who's browser session and ends after ten minutes.
func (s *Service) Start(ctx context.Context, who actor.Actor, provider string, reconnect uuid.UUID) error {
	p, err := s.c.Providers.Get(provider)
	if err != nil {
		return err
	}
	if p.Profile.Off {
		return providers.ErrSwitchedOff
	}
	if !who.SignedIn() || who.SessionID == uuid.Nil {
		return ErrNoAttempt
	}
	if err := s.c.Limits.Allow(ctx, startRule, who.UserID.String()); err != nil {
		return err
	}
	id := uuid.New()
	err = pgx.BeginFunc(ctx, s.c.DB, func(tx pgx.Tx) error {
		args := pgx.NamedArgs{
			"user": who.UserID, "id": id, "state": stateHash(s.secrets(id).State), "session": who.SessionID, "provider": provider,
			"connection": orNull(reconnect), "life": attemptLife.Seconds(),
		}
		if _, err := tx.Exec(ctx, `DELETE FROM connect_attempts WHERE user_id = @user AND expires_at < now() - interval '1 day'`, args); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `
			INSERT INTO connect_attempts (user_id, id, state_hash, session_id, provider, connection_id, expires_at)
			SELECT @user, @id, @state, @session, @provider, @connection::uuid, now() + @life::float8 * interval '1 second'
			WHERE @connection::uuid IS NULL
				OR EXISTS (SELECT FROM connections WHERE user_id = @user AND id = @connection::uuid AND provider = @provider)`, args)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return ErrNotFound
		}
		return audit.Record(ctx, tx, who, audit.Event{
			Act: "connection.start", Target: targetOf(reconnect), Detail: map[string]string{"provider": provider},
		})
	})
	if err != nil {
		return fmt.Errorf("connections: starting: %w", err)
	}
	return nil
}

// Continue gives the bank's address for the session's newest attempt. It changes nothing, so a page may be loaded twice.
// ErrNoAttempt when there is none.
func (s *Service) Continue(ctx context.Context, who actor.Actor, provider string) (authorizeURL string, err error) {
	p, err := s.c.Providers.Get(provider)
	if err != nil {
		return "", err
	}
	var id uuid.UUID
	err = s.c.DB.QueryRow(ctx, `
		SELECT id FROM connect_attempts
		WHERE user_id = @user AND session_id = @session AND provider = @provider AND consumed_at IS NULL AND expires_at > now()
		ORDER BY created_at DESC, id LIMIT 1`,
		pgx.NamedArgs{"user": who.UserID, "session": who.SessionID, "provider": provider}).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", ErrNoAttempt
	}
	if err != nil {
		return "", fmt.Errorf("connections: continuing: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, s.c.Ask)
	defer cancel()
	authorizeURL, err = p.Access.AuthorizeURL(ctx, s.secrets(id))
	if err != nil {
		return "", inWords(err)
	}
	return authorizeURL, nil
}

// secrets derives an attempt's state, PKCE verifier and nonce: 256 bits each, 43 characters (RFC 7636 4.1).
func (s *Service) secrets(attempt uuid.UUID) providers.Attempt {
	derive := func(label string) string {
		mac := hmac.New(sha256.New, s.c.Key)
		mac.Write([]byte(label))
		mac.Write(attempt[:])
		return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
	}
	return providers.Attempt{State: derive("state/"), Verifier: derive("verifier/"), Nonce: derive("nonce/")}
}

func stateHash(state string) []byte {
	sum := sha256.Sum256([]byte(state))
	return sum[:]
}

func orNull(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}

func targetOf(id uuid.UUID) string {
	if id == uuid.Nil {
		return ""
	}
	return id.String()
}
