package ledger

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/postgres"
)

// Apply writes what a bank said into who's ledger, through db: alone, or inside the caller's transaction. It is all or
// nothing, and two batches of one person wait for each other. A batch that cannot be true (amounts beyond reason, no
// currency, no id) is an Invalid error and writes nothing; text is cleaned instead of refused.
//
// Applying the same batch again writes nothing. The audit row belongs to the caller, who knows why the bank was asked.
func Apply(ctx context.Context, db postgres.DB, who actor.Actor, b Batch) (Result, error) {
	if err := b.check(); err != nil {
		return Result{}, err
	}
	b = b.clean()
	a := applying{who: who, user: who.UserID, connection: b.ConnectionID, batch: b}
	err := pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		for _, step := range []func(context.Context, pgx.Tx) error{
			a.lock, a.recognise, a.accounts, a.holdings, a.windows, a.days,
		} {
			if err := step(ctx, tx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return Result{}, fmt.Errorf("ledger: applying a batch: %w", err)
	}
	return a.result, nil
}

// applying is one Apply on its way.
type applying struct {
	who              actor.Actor
	user, connection uuid.UUID
	batch            Batch
	ids              []uuid.UUID // of the batch's accounts, in its order
	result           Result
}

// windows merges the transactions of those accounts that were asked for them.
func (a *applying) windows(ctx context.Context, tx pgx.Tx) error {
	for i, acc := range a.batch.Accounts {
		if acc.From.IsZero() {
			continue
		}
		if err := Stage(ctx, tx, a.who, a.connection, 0, acc.Transactions); err != nil {
			return err
		}
		if err := a.merge(ctx, tx, i, len(acc.Transactions)); err != nil {
			return err
		}
	}
	return nil
}

// lock makes batches of one person wait for each other until the transaction ends, so that "read, then write" holds in
// the steps below, across banks where the two halves of a transfer meet.
func (a *applying) lock(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('ledger ' || @user::text, 0))`, pgx.NamedArgs{"user": a.user})
	return err
}
