package auth

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/audit"
	"dashtam/services/email"
	"dashtam/services/errs"
	"dashtam/services/hashpool"
)

// ChangePassword gives who another password, once they have proved the one they have. Everything the old one opened ends
// with it (SE-6) but the session they act through, which start renews with the ctx it is given; a mail tells of
// it. A wrong current password is ErrPassword, a new one that cannot be used is Invalid for the field "password".
func (s *Service) ChangePassword(ctx context.Context, who actor.Actor, current, password string, start func(ctx context.Context, u User) error) error {
	u, err := s.GetUser(ctx, who.UserID)
	if err != nil {
		return err
	}
	if ok, reason := s.Passwords.ValidatePasswordStrength(password, u.Name, u.Email); !ok {
		return errs.Field("password", reason)
	}
	if password == current {
		return errs.Field("password", "This is the password you have now.")
	}
	a, err := s.prove(ctx, who, current)
	if err != nil {
		return err
	}
	hash, err := s.Hashes.Hash(ctx, hashpool.Known, password)
	if err != nil {
		return err
	}
	err = pgx.BeginFunc(ctx, s.DB, func(tx pgx.Tx) error {
		if err := replacePassword(ctx, tx, a, hash); err != nil {
			return err
		}
		if err := s.EndSessions(ctx, tx, who, a.ID, who.SessionID); err != nil {
			return err
		}
		if err := start(within(ctx, tx), a.User); err != nil {
			return err
		}
		if err := s.mail(ctx, tx, who, email.PasswordChanged, a.ID); err != nil {
			return err
		}
		return audit.Record(ctx, tx, who, audit.Event{Act: "password"})
	})
	if err != nil {
		VisitorFrom(ctx).fail()
		return fmt.Errorf("auth: changing a password: %w", err)
	}
	s.unlock(ctx, EmailKey(a.Email))
	return nil
}

// replacePassword stores another hash in the place of the one a has; ErrChanged when that is another one by now.
func replacePassword(ctx context.Context, tx pgx.Tx, a *account, hash string) error {
	tag, err := tx.Exec(ctx, `
		UPDATE users SET password_hash = @new, password_changed_at = now() WHERE id = @id AND password_hash = @old`,
		pgx.NamedArgs{"id": a.ID, "new": hash, "old": a.PasswordHash})
	if err == nil && tag.RowsAffected() == 0 {
		return ErrChanged
	}
	return err
}
