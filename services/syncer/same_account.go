package syncer

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/connections"
	"dashtam/services/ledger"
)

// Decide takes the person's answer to which account one of the bank's is, uuid.Nil for none of those they had, and fetches
// its whole history. Errors are those of ledger.Decide, and connections.ErrNotFound.
func (s *Service) Decide(ctx context.Context, who actor.Actor, connection, question, account uuid.UUID) error {
	return s.afresh(ctx, who, connection, func(tx pgx.Tx) error { return ledger.Decide(ctx, tx, who, connection, question, account) })
}

// Split undoes that an account was taken for one the person had, and fetches the whole history of what is new then. Errors
// are those of ledger.Split, and connections.ErrNotFound.
func (s *Service) Split(ctx context.Context, who actor.Actor, connection, merge uuid.UUID) error {
	return s.afresh(ctx, who, connection, func(tx pgx.Tx) error { return ledger.Split(ctx, tx, who, connection, merge) })
}

// afresh makes a change to a connection's accounts and, where the bank lets us in, queues a run for the whole history, also
// beside one that is on: that one may be past what has changed.
func (s *Service) afresh(ctx context.Context, who actor.Actor, connection uuid.UUID, change func(pgx.Tx) error) error {
	err := pgx.BeginFunc(ctx, s.c.DB, func(tx pgx.Tx) error {
		state, err := s.c.Connections.Lock(ctx, tx, who, connection)
		if err != nil && !errors.Is(err, connections.ErrGone) {
			return err
		}
		if err := change(tx); err != nil {
			return err
		}
		if state.Status == connections.Disconnected || state.Status == connections.NeedsYou {
			return nil
		}
		if err := enqueue(ctx, tx, s.c.Queue, who, connection, First); err != nil {
			return err
		}
		return s.c.Connections.Report(ctx, tx, who, connection, connections.Outcome{Status: connections.Syncing})
	})
	if err != nil {
		return fmt.Errorf("syncer: %w", err)
	}
	return nil
}
