package auth

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/audit"
	"dashtam/services/postgres"
)

// EndSessions ends what a person's credentials have opened: every browser session but keep (uuid.Nil = none is kept),
// every family of API tokens, every link to choose a new password that was not used yet or still waits to be mailed, and a
// change of address that was not confirmed (SE-6). It belongs into the transaction of the act that makes it necessary,
// whose audit row tells of it, and takes hold of the person first: whoever signs in or refreshes at the same moment is
// either written by then, or waits and finds what has changed.
func (s *Service) EndSessions(ctx context.Context, tx postgres.DB, _ actor.Actor, user, keep uuid.UUID) error {
	args := pgx.NamedArgs{"user": user, "keep": keep}
	if _, err := tx.Exec(ctx, `UPDATE users SET sessions_ended_at = now() WHERE id = @user`, args); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `
		WITH families AS (UPDATE refresh_tokens SET revoked_at = now() WHERE user_id = @user AND revoked_at IS NULL),
			mailed AS (DELETE FROM links WHERE user_id = @user AND purpose IN ('reset', 'email') AND used_at IS NULL),
			asked AS (DELETE FROM address_changes WHERE user_id = @user AND confirmed_at IS NULL)
		UPDATE sessions SET revoked_at = now() WHERE user_id = @user AND id <> @keep AND revoked_at IS NULL`, args)
	return err
}

// EndSession ends one browser session of who's own. One that is over already, was never there or is somebody else's is
// ErrNoSession.
func (s *Service) EndSession(ctx context.Context, who actor.Actor, id uuid.UUID) error {
	err := pgx.BeginFunc(ctx, s.DB, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE sessions SET revoked_at = now() WHERE id = @id AND user_id = @user AND revoked_at IS NULL`,
			pgx.NamedArgs{"id": id, "user": who.UserID})
		switch {
		case err != nil:
			return err
		case tag.RowsAffected() == 0:
			return ErrNoSession
		}
		return audit.Record(ctx, tx, who, audit.Event{Act: "session.end", Target: id.String()})
	})
	if err != nil {
		return fmt.Errorf("auth: ending a session: %w", err)
	}
	return nil
}

// EndOtherSessions ends everything who's credentials have opened but the session they act through: other browsers, API
// tokens, links to choose a new password, a change of address that waits.
func (s *Service) EndOtherSessions(ctx context.Context, who actor.Actor) error {
	err := pgx.BeginFunc(ctx, s.DB, func(tx pgx.Tx) error {
		if err := s.EndSessions(ctx, tx, who, who.UserID, who.SessionID); err != nil {
			return err
		}
		return audit.Record(ctx, tx, who, audit.Event{Act: "session.end_others"})
	})
	if err != nil {
		return fmt.Errorf("auth: ending other sessions: %w", err)
	}
	return nil
}
