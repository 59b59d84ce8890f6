package auth

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/audit"
	"dashtam/services/errs"
	"dashtam/services/hashpool"
	"dashtam/services/limits"
)

// proofLasts is for how long nothing asks again after somebody proved who they are.
const proofLasts = 15 * time.Minute

// Reauthenticate has a person who is signed in prove with their password that they still sit there. start renews their
// session with the ctx it is given, which makes it a fresh one. A wrong password is ErrPassword; tries are limited as at
// the sign-in, and one too many is RateLimited.
func (s *Service) Reauthenticate(ctx context.Context, who actor.Actor, password string, start func(ctx context.Context, u User) error) error {
	a, err := s.prove(ctx, who, password)
	if err != nil {
		return err
	}
	err = pgx.BeginFunc(ctx, s.DB, func(tx pgx.Tx) error {
		if err := start(within(ctx, tx), a.User); err != nil {
			return err
		}
		return audit.Record(ctx, tx, who, audit.Event{Act: "reauth"})
	})
	if err != nil {
		VisitorFrom(ctx).fail()
		return fmt.Errorf("auth: proving again: %w", err)
	}
	return nil
}

// errManyProofs answers wrong passwords in a row that no waiting ends.
var errManyProofs = errs.Retry(errs.RateLimited, "Too many wrong passwords came in a row. Sign in anew, or choose a new password by mail.", limits.LoginFailures.Window)

// prove checks the password of who acts and gives their account. What fails is counted by session, and with what fails on
// known devices: with a stolen session nobody guesses faster, or longer, than at the sign-in, and nobody outside can use
// up the owner's tries (RL-2). A try that the machine had no time for is none.
func (s *Service) prove(ctx context.Context, who actor.Actor, password string) (*account, error) {
	if err := s.Limits.Allow(ctx, limits.Login, limits.AddressSubject(who.IP)); err != nil {
		return nil, err
	}
	a, err := oneAccount(ctx, s.DB, `WHERE u.id = @id`, pgx.NamedArgs{"id": who.UserID})
	if err != nil {
		return nil, err
	}
	if a == nil {
		return nil, ErrNotFound
	}
	subject, key := "session:"+who.SessionID.String(), EmailKey(a.Email)
	if err := s.mayProve(ctx, subject, key); err != nil {
		return nil, err
	}
	right, err := s.Hashes.Verify(ctx, hashpool.Known, password, a.PasswordHash)
	if err != nil {
		return nil, err
	}
	if !right {
		if err := s.failed(ctx, subject, limits.KnownFailures, key); err != nil {
			return nil, err
		}
		if err := audit.Record(ctx, s.DB, who, audit.Event{Act: "reauth", Result: audit.Refused}); err != nil {
			return nil, fmt.Errorf("auth: refusing a password: %w", err)
		}
		return nil, ErrPassword
	}
	// Those who guessed at the same time have been counted by now, as at the sign-in.
	if err := s.mayProve(ctx, subject, key); err != nil {
		return nil, err
	}
	s.forgive(ctx, subject, key)
	return a, nil
}

// mayProve is RateLimited after too many wrong passwords of a session, or of the account's known devices in a row.
func (s *Service) mayProve(ctx context.Context, subject, key string) error {
	if err := s.Limits.Peek(ctx, limits.LoginFailures, subject); err != nil {
		return err
	}
	shut, err := s.Limits.Shut(ctx, limits.KnownFailures, key)
	if shut {
		return errManyProofs
	}
	return err
}
