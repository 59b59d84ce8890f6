package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/audit"
	"dashtam/services/email"
	"dashtam/services/errs"
	"dashtam/services/limits"
	"dashtam/services/password"
)

// How long links work.
const (
	linkLasts  = 24 * time.Hour // that verify an address, confirm a new one, or set up
	resetLasts = 45 * time.Minute
	undoLasts  = 72 * time.Hour
)

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

// link is a link to be made.
type link struct {
	purpose string
	user    uuid.UUID // uuid.Nil for set-up
	key     string    // of the address it is mailed to
	since   time.Time // from when on lasts counts; zero = now
	lasts   time.Duration
	bound   bool // void as soon as the person's password changes
}

// mintLink makes l. The person's unused links of the purpose are void from then on; of those that undo a change of
// address only the ones mailed to the same address, since each old address has its own way back. It clears away a few that
// are long over, so that their number stays bounded without a job.
func mintLink(ctx context.Context, tx pgx.Tx, l link) (string, error) {
	secret, hash := newSecret()
	args := pgx.NamedArgs{
		"hash": hash, "purpose": l.purpose, "user": orNull(l.user), "key": l.key, "since": sql.NullTime{Time: l.since, Valid: !l.since.IsZero()},
		"lasts": l.lasts.Seconds(), "bound": l.bound,
	}
	if _, err := tx.Exec(ctx, `
		DELETE FROM links WHERE purpose = @purpose AND user_id IS NOT DISTINCT FROM @user AND used_at IS NULL
			AND (@purpose <> 'undo' OR email_key = @key)`, args); err != nil {
		return "", err
	}
	_, err := tx.Exec(ctx, `
		WITH gone AS (DELETE FROM links WHERE token_hash IN (
			SELECT token_hash FROM links WHERE expires_at < now() - interval '1 day' LIMIT 4 FOR UPDATE SKIP LOCKED))
		INSERT INTO links (token_hash, user_id, purpose, email_key, expires_at, password_changed_at)
		VALUES (@hash, @user, @purpose, @key, coalesce(@since::timestamptz, now()) + make_interval(secs => @lasts),
			(SELECT password_changed_at FROM users WHERE id = @user AND @bound))`, args)
	return secret, err
}

// liveLink is what makes a link l of the person u good. It is bound to its purpose, to its person, to the password they
// had when it was made (RS-2), and, where it was mailed to the account's own address, to that address (EV-1).
const liveLink = `l.token_hash = @hash AND l.purpose = @purpose AND l.expires_at > now()
	AND l.used_at IS NULL
	AND u.id = l.user_id AND u.disabled_at IS NULL
	AND (l.password_changed_at IS NULL OR l.password_changed_at = u.password_changed_at)
	AND (l.email_key = u.email_key OR l.purpose IN ('email', 'undo'))`

// spend uses a mailed link up, so that of any number of parallel tries one succeeds (RS-7), and gives its person, locked,
// and the address it went to. The person comes first, as wherever both are written: what makes the link good is asked once
// nobody can change it any more, and no two acts wait for each other. Every link that does not work is ErrLink.
func spend(ctx context.Context, tx pgx.Tx, purpose, token string) (a *account, key string, err error) {
	if !shaped(token) {
		return nil, "", ErrLink
	}
	args := pgx.NamedArgs{"hash": hashSecret(token), "purpose": purpose}
	a, err = oneAccount(ctx, tx, `WHERE u.id = (SELECT user_id FROM links WHERE token_hash = @hash) FOR UPDATE`, args)
	switch {
	case err != nil:
		return nil, "", err
	case a == nil:
		return nil, "", ErrLink
	}
	err = tx.QueryRow(ctx, `UPDATE links l SET used_at = now() FROM users u WHERE `+liveLink+` RETURNING l.email_key`, args).Scan(&key)
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrLink
	}
	return a, key, err
}

// ResendVerification has a new link mailed to an address that waits for one, at most once a minute and five times an hour.
// It answers the same and does the same work for every address: where there is nothing to send, the worker finds that out
// (LG-1, RS-1). What cannot be an address is Invalid for the field "email".
func (s *Service) ResendVerification(ctx context.Context, who actor.Actor, address string) error {
	if sentence := checkEmail(strings.TrimSpace(address)); sentence != "" {
		return errs.Field("email", sentence)
	}
	if err := s.Limits.Allow(ctx, resendPerAddress, limits.AddressSubject(who.IP)); err != nil {
		return err
	}
	key := EmailKey(address)
	due, err := s.linkDue(ctx, limits.VerifyMail, key)
	if err != nil {
		return err
	}
	a, err := findAccount(ctx, s.DB, key)
	if err != nil {
		return err
	}
	event, purpose, to := audit.Event{Act: "verify.resend"}, email.Verify, uuid.New() // a mail to nobody
	if a != nil {
		event.UserID = a.ID
		if due && a.VerifiedAt == nil {
			to = a.ID
		}
		if password.IsNone(a.PasswordHash) {
			purpose = email.Claim
		}
	}
	return s.ask(ctx, who, purpose, event, to)
}

// ask has a mail sent that somebody asked for, together with the audit row that says so.
func (s *Service) ask(ctx context.Context, who actor.Actor, purpose string, event audit.Event, to uuid.UUID) error {
	err := pgx.BeginFunc(ctx, s.DB, func(tx pgx.Tx) error {
		if err := s.mail(ctx, tx, who, purpose, to); err != nil {
			return err
		}
		return audit.Record(ctx, tx, who, event)
	})
	if err != nil {
		return fmt.Errorf("auth: asking for a mail: %w", err)
	}
	return nil
}

func orNull(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}
