package auth

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/audit"
)

// Logout ends the browser session who acts through, on the server (SE-3); a copy of its cookie opens nothing any more.
func (s *Service) Logout(ctx context.Context, who actor.Actor) error {
	err := pgx.BeginFunc(ctx, s.DB, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `UPDATE sessions SET revoked_at = now() WHERE id = @id AND user_id = @user AND revoked_at IS NULL`,
			pgx.NamedArgs{"id": who.SessionID, "user": who.UserID}); err != nil {
			return err
		}
		return audit.Record(ctx, tx, who, audit.Event{Act: "logout", Target: who.SessionID.String()})
	})
	if err != nil {
		return fmt.Errorf("auth: signing out: %w", err)
	}
	return nil
}
