package auth

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/audit"
	"dashtam/services/email"
	"dashtam/services/errs"
	"dashtam/services/hashpool"
	"dashtam/services/limits"
)

// RequestReset has a link mailed with which the owner of an address chooses a new password, at most once a minute and five
// times an hour. It answers the same and does the same work for every address: where there is nobody, the mail is to nobody (RS-1).
func (s *Service) RequestReset(ctx context.Context, who actor.Actor, address string) error {
	if sentence := checkEmail(strings.TrimSpace(address)); sentence != "" {
		return errs.Field("email", sentence)
	}
	if err := s.Limits.Allow(ctx, resetPerAddress, limits.AddressSubject(who.IP)); err != nil {
		return err
	}
	key := EmailKey(address)
	due, err := s.linkDue(ctx, resetMail, key)
	if err != nil {
		return err
	}
	a, err := findAccount(ctx, s.DB, key)
	if err != nil {
		return err
	}
	event, to := audit.Event{Act: "password.forgot"}, uuid.New() // a mail to nobody
	if a != nil {
		event.UserID = a.ID
		if due {
			to = a.ID
		}
	}
	return s.ask(ctx, who, email.Reset, event, to)
}

// ResetPassword consumes a mailed link and makes password the account's. Every session, API token and other link of the
// person ends, and a mail tells them (RS-6, SE-6). Nobody is signed in by it (RS-5). An account that was never verified
// is verified by this, and clean (SU-5). A link that does not work is ErrLink and costs no hash; a password that cannot
// be used is Invalid and spends nothing.
func (s *Service) ResetPassword(ctx context.Context, who actor.Actor, token, password string) error {
	u, err := s.resets(ctx, token)
	if err != nil {
		return err
	}
	if ok, reason := s.Passwords.ValidatePasswordStrength(password, u.Name, u.Email); !ok {
		return errs.Field("password", reason)
	}
	hash, err := s.Hashes.Hash(ctx, hashpool.Stranger, password)
	if err != nil {
		return err
	}
	var key string
	err = pgx.BeginFunc(ctx, s.DB, func(tx pgx.Tx) error {
		a, mailed, err := spend(ctx, tx, "reset", token)
		if err != nil {
			return err
		}
		key = mailed
		if a.VerifiedAt == nil {
			return s.settle(ctx, tx, who, a, hash, "password.reset")
		}
		if _, err := tx.Exec(ctx, `UPDATE users SET password_hash = @hash, password_changed_at = now() WHERE id = @id`,
			pgx.NamedArgs{"id": a.ID, "hash": hash}); err != nil {
			return err
		}
		if err := s.EndSessions(ctx, tx, who, a.ID, uuid.Nil); err != nil {
			return err
		}
		if err := s.mail(ctx, tx, who, email.PasswordChanged, a.ID); err != nil {
			return err
		}
		return audit.Record(ctx, tx, who, audit.Event{Act: "password.reset", UserID: a.ID})
	})
	if err != nil {
		return fmt.Errorf("auth: resetting a password: %w", err)
	}
	s.unlock(ctx, key)
	return nil
}

// resets is whose password token would change now. It changes nothing.
func (s *Service) resets(ctx context.Context, token string) (User, error) {
	if !shaped(token) {
		return User{}, ErrLink
	}
	rows, err := s.DB.Query(ctx, `SELECT `+userColumns+` FROM links l, users u WHERE `+liveLink,
		pgx.NamedArgs{"hash": hashSecret(token), "purpose": "reset"})
	if err != nil {
		return User{}, fmt.Errorf("auth: looking at a link: %w", err)
	}
	u, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[User])
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return User{}, ErrLink
	case err != nil:
		return User{}, fmt.Errorf("auth: looking at a link: %w", err)
	}
	return u, nil
}
