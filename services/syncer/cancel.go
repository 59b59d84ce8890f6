package syncer

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/audit"
	"dashtam/services/connections"
	"dashtam/services/ledger"
)

// Cancel ends the run that is on, at the person's wish. What has come stays, and the next sync goes on from there. A worker
// that reads from the bank just now notices within seconds, and writes nothing more. ErrNotOn when no run is on.
func (s *Service) Cancel(ctx context.Context, who actor.Actor, id uuid.UUID) error {
	err := pgx.BeginFunc(ctx, s.c.DB, func(tx pgx.Tx) error {
		if _, err := s.c.Connections.Lock(ctx, tx, who, id); err != nil {
			return err
		}
		var run uuid.UUID
		err := tx.QueryRow(ctx, `
			UPDATE sync_runs SET state = 'cancelled', failure = '', finished_at = now(), lease_until = NULL
			WHERE user_id = @user AND connection_id = @connection AND state IN ('queued', 'running') RETURNING id`,
			pgx.NamedArgs{"user": who.UserID, "connection": id}).Scan(&run)
		if errors.Is(err, pgx.ErrNoRows) {
			return ErrNotOn
		}
		if err != nil {
			return err
		}
		if err := ledger.Unstage(ctx, tx, who, id); err != nil {
			return err
		}
		if err := s.c.Connections.Report(ctx, tx, who, id, connections.Outcome{
			Status: connections.Healthy, Next: around(everyDay, jitter),
		}); err != nil {
			return err
		}
		return audit.Record(ctx, tx, who, audit.Event{Act: "connection.sync_cancelled", Target: id.String(), Detail: map[string]string{"run": run.String()}})
	})
	if err != nil {
		return fmt.Errorf("syncer: cancelling: %w", err)
	}
	return nil
}
