package auth

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/audit"
	"dashtam/services/email"
)

// Verify consumes a mailed link: the address is its owner's, and they may sign in with the password of the one sign-up
// there was. The same link works once, within a day, only while the account has the address it was mailed to (EV-1), and
// only until somebody signs up with that address again (SU-5); else the error is ErrLink.
func (s *Service) Verify(ctx context.Context, who actor.Actor, token string) error {
	var key string
	err := pgx.BeginFunc(ctx, s.DB, func(tx pgx.Tx) error {
		var a *account
		var err error
		if a, key, err = spend(ctx, tx, "verify", token); err != nil {
			return err
		}
		if a.VerifiedAt != nil {
			return ErrLink // verified in another way since
		}
		return s.settle(ctx, tx, who, a, a.PasswordHash, "verify")
	})
	if err != nil {
		return fmt.Errorf("auth: verifying: %w", err)
	}
	s.unlock(ctx, key)
	return nil
}

// settle makes an account that was never verified its owner's, who has just opened a mail at its address. Whoever signed
// up may have been somebody else, who prepared it (SU-5). So the account begins anew under an id of its own, with the
// password of hash, and what hung on the old id is gone with that, whichever table it lies in: sessions, tokens, links,
// changes of address, connections. A mail that still waits for the old id finds nobody. act names it in the audit log.
func (s *Service) settle(ctx context.Context, tx pgx.Tx, who actor.Actor, a *account, hash, act string) error {
	id := uuid.Must(uuid.NewV7())
	if _, err := tx.Exec(ctx, `DELETE FROM users WHERE id = @old`, pgx.NamedArgs{"old": a.ID}); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `
		INSERT INTO users (id, email, email_key, name, password_hash, password_changed_at, created_at, verified_at)
		VALUES (@id, @email, @key, @name, @hash, CASE WHEN @hash = @old THEN @changed ELSE now() END, @created, now())`,
		pgx.NamedArgs{
			"id": id, "email": a.Email, "key": EmailKey(a.Email), "name": a.Name, "hash": hash, "old": a.PasswordHash,
			"changed": a.PasswordChangedAt, "created": a.CreatedAt,
		}); err != nil {
		return err
	}
	if err := s.mail(ctx, tx, who, email.Welcome, id); err != nil {
		return err
	}
	return audit.Record(ctx, tx, who, audit.Event{Act: act, UserID: id, Target: a.ID.String()})
}

// unlock lets the owner of an address in who has just come by its mail, or chosen a password: what strangers tried before
// does not lock them out, and what they try next does not either, because the browser they came with is a known device from
// now on (RL-2).
func (s *Service) unlock(ctx context.Context, key string) {
	s.forgive(ctx, "account:"+key, key)
	a, err := findAccount(ctx, s.DB, key)
	if err != nil || a == nil {
		s.Log.WarnContext(ctx, "a device was not made known", "error", err)
		return
	}
	VisitorFrom(ctx).Device = s.NewDevice(a.User)
}
