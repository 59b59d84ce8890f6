package auth

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/audit"
	"dashtam/services/errs"
	"dashtam/services/hashpool"
	"dashtam/services/postgres"
)

func hasAdmin(ctx context.Context, db postgres.DB) (has bool, err error) {
	if err = db.QueryRow(ctx, `SELECT EXISTS (SELECT FROM users WHERE role = 'admin')`).Scan(&has); err != nil {
		return false, fmt.Errorf("auth: looking for an administrator: %w", err)
	}
	return has, nil
}

// SetupLink makes the token with which the host's operator becomes the first administrator: once, within a day, and
// only the newest (SU-4). With an administrator there is nothing to set up, and the error is ErrHasAdmin.
func (s *Service) SetupLink(ctx context.Context) (token string, err error) {
	err = pgx.BeginFunc(ctx, s.DB, func(tx pgx.Tx) error {
		if has, err := hasAdmin(ctx, tx); err != nil || has {
			return errors.Join(err, ErrHasAdmin)
		}
		if token, err = mintLink(ctx, tx, link{purpose: "setup", lasts: linkLasts}); err != nil {
			return err
		}
		return audit.Record(ctx, tx, actor.ForSystem("setup-link"), audit.Event{Act: "setup.link"})
	})
	if err != nil {
		return "", fmt.Errorf("auth: making a set-up link: %w", err)
	}
	return token, nil
}

// liveSetup is what makes a set-up token good.
const liveSetup = `token_hash = @hash AND purpose = 'setup' AND used_at IS NULL AND expires_at > now()
	AND NOT EXISTS (SELECT FROM users WHERE role = 'admin')`

// CheckSetup is ErrLink unless token could set up the first administrator now. It changes nothing.
func (s *Service) CheckSetup(ctx context.Context, token string) error {
	if !shaped(token) {
		return ErrLink
	}
	var live bool
	err := s.DB.QueryRow(ctx, `SELECT EXISTS (SELECT FROM links WHERE `+liveSetup+`)`, pgx.NamedArgs{"hash": hashSecret(token)}).Scan(&live)
	switch {
	case err != nil:
		return fmt.Errorf("auth: looking at a set-up link: %w", err)
	case !live:
		return ErrLink
	}
	return nil
}

// SetUp makes the first administrator, verified, and spends the token. A token that is not good is ErrLink and costs no
// hash; bad input is Invalid per field and spends nothing.
func (s *Service) SetUp(ctx context.Context, who actor.Actor, token string, r Registration) (User, error) {
	if err := s.CheckSetup(ctx, token); err != nil {
		return User{}, err
	}
	r, err := s.checked(r)
	if err != nil {
		return User{}, err
	}
	hash, err := s.Hashes.Hash(ctx, hashpool.Stranger, r.Password)
	if err != nil {
		return User{}, err
	}
	var user User
	err = pgx.BeginFunc(ctx, s.DB, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE links SET used_at = now() WHERE `+liveSetup, pgx.NamedArgs{"hash": hashSecret(token)})
		switch {
		case err != nil:
			return err
		case tag.RowsAffected() == 0: // somebody was faster
			return ErrLink
		}
		var taken bool
		if user, taken, err = s.insertUser(ctx, tx, r, hash, RoleAdmin); err != nil {
			return err
		}
		if taken {
			return errs.Field("email", "There is an account with this address. Use another, or: dashtam admin grant.")
		}
		who.Kind, who.UserID = actor.Admin, user.ID
		return audit.Record(ctx, tx, who, audit.Event{Act: "setup"})
	})
	if err != nil {
		return User{}, fmt.Errorf("auth: setting up: %w", err)
	}
	return user, nil
}
