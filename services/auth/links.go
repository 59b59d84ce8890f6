package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/audit"
	"dashtam/services/email"
	"dashtam/services/limits"
)

// linkLasts is how long a link works.
const linkLasts = 24 * time.Hour

// secretBytes is how much chance a link or refresh token holds (RS-2).
const secretBytes = 32

// newSecret makes a secret in the form in which it travels, and the hash that is stored of it.
func newSecret() (secret string, hash []byte) {
	raw := make([]byte, secretBytes)
	_, _ = rand.Read(raw) // never fails; the program dies first
	secret = base64.RawURLEncoding.EncodeToString(raw)
	return secret, hashSecret(secret)
}

func hashSecret(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// shaped reports whether secret has the form newSecret gives; anything else needs no look at the database.
func shaped(secret string) bool {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(secret)
	return err == nil && len(raw) == secretBytes
}

// mintLink replaces a person's unused links of a purpose by a new one, good for a day. user is uuid.Nil for set-up.
func mintLink(ctx context.Context, tx pgx.Tx, purpose string, user uuid.UUID) (string, error) {
	secret, hash := newSecret()
	args := pgx.NamedArgs{"hash": hash, "purpose": purpose, "user": orNull(user), "lasts": linkLasts.Seconds()}
	if _, err := tx.Exec(ctx, `
		DELETE FROM links WHERE purpose = @purpose AND user_id IS NOT DISTINCT FROM @user AND used_at IS NULL`, args); err != nil {
		return "", err
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO links (token_hash, user_id, purpose, email_key, expires_at)
		VALUES (@hash, @user, @purpose, coalesce((SELECT email_key FROM users WHERE id = @user), ''), now() + make_interval(secs => @lasts))`, args)
	return secret, err
}

// Verify consumes a mailed link: the address is its owner's, and they may sign in. The same link works once, within a
// day, and only while the account has the address it was mailed to (EV-1); else the error is ErrLink.
func (s *Service) Verify(ctx context.Context, who actor.Actor, token string) error {
	if !shaped(token) {
		return ErrLink
	}
	var key string
	err := pgx.BeginFunc(ctx, s.DB, func(tx pgx.Tx) error {
		var user uuid.UUID
		err := tx.QueryRow(ctx, `
			WITH link AS (
				UPDATE links SET used_at = now()
				WHERE token_hash = @hash AND purpose = 'verify' AND used_at IS NULL AND expires_at > now()
				RETURNING user_id, email_key)
			UPDATE users u SET verified_at = coalesce(u.verified_at, now())
			FROM link WHERE u.id = link.user_id AND u.email_key = link.email_key AND u.disabled_at IS NULL
			RETURNING u.id, u.email_key`, pgx.NamedArgs{"hash": hashSecret(token)}).Scan(&user, &key)
		if errors.Is(err, pgx.ErrNoRows) {
			return ErrLink
		}
		if err != nil {
			return err
		}
		return audit.Record(ctx, tx, who, audit.Event{Act: "verify", UserID: user})
	})
	if err != nil {
		return fmt.Errorf("auth: verifying: %w", err)
	}
	// Whoever opened the mail is the owner, so what strangers tried before does not lock them out (RL-2).
	if err := s.Limits.Reset(ctx, limits.LoginFailures, "account:"+key); err != nil {
		s.Log.WarnContext(ctx, "a login limit could not be reset", "error", err)
	}
	return nil
}

// ResendVerification has a new link mailed to an address that waits for one, at most once a minute. It answers the same
// and does the same work for every address: where there is nothing to send, the worker finds that out (LG-1, RS-1).
func (s *Service) ResendVerification(ctx context.Context, who actor.Actor, address string) error {
	if err := s.Limits.Allow(ctx, resendPerAddress, limits.AddressSubject(who.IP)); err != nil {
		return err
	}
	key := EmailKey(address)
	due, err := s.mailDue(ctx, limits.VerifyMail, key)
	if err != nil {
		return err
	}
	a, err := findAccount(ctx, s.DB, key)
	if err != nil {
		return err
	}
	event, to := audit.Event{Act: "verify.resend"}, uuid.New() // a mail to nobody
	if a != nil {
		event.UserID = a.ID
		if due && a.VerifiedAt == nil {
			to = a.ID
		}
	}
	return s.resend(ctx, who, event, to)
}

// resend has a verification link mailed, together with its audit row.
func (s *Service) resend(ctx context.Context, who actor.Actor, event audit.Event, to uuid.UUID) error {
	err := pgx.BeginFunc(ctx, s.DB, func(tx pgx.Tx) error {
		if err := s.mail(ctx, tx, who, email.Verify, to); err != nil {
			return err
		}
		return audit.Record(ctx, tx, who, event)
	})
	if err != nil {
		return fmt.Errorf("auth: sending another link: %w", err)
	}
	return nil
}

func orNull(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}
