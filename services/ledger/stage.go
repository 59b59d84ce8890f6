package ledger

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/shopspring/decimal"

	"dashtam/services/actor"
)

// stagedColumns are the columns of staged_transactions.
var stagedColumns = []string{
	"user_id", "connection_id", "nth", "id", "external_id", "reference_id", "status", "booked_on", "happened_at", "amount_minor",
	"currency", "payee", "description", "category", "kind", "symbol", "units", "unit_price",
}

// Stage keeps one page of what a bank reported about an account until Merge, in the caller's transaction: behind the staged
// ones that are there already, none for the first page of a window. A connection has one window on its way at a time. A
// page that cannot be true is an Invalid error; text is cleaned instead of refused.
func Stage(ctx context.Context, tx pgx.Tx, who actor.Actor, connection uuid.UUID, staged int, page []BankTransaction) error {
	for _, t := range page {
		if err := t.check(); err != nil {
			return err
		}
	}
	if staged == 0 {
		if err := Unstage(ctx, tx, who, connection); err != nil {
			return err
		}
	}
	_, err := tx.CopyFrom(ctx, pgx.Identifier{"staged_transactions"}, stagedColumns, pgx.CopyFromSlice(len(page), func(i int) ([]any, error) {
		t := page[i].clean()
		return []any{
			who.UserID, connection, staged + i, newID(), t.ExternalID, t.ReferenceID, string(t.Status), date(t.BookedOn), t.HappenedAt, t.Amount.Minor,
			t.Amount.Currency, t.Payee, t.Description, t.Category, t.Kind, t.Symbol, numeric(t.Units), numeric(t.UnitPrice),
		}, nil
	}))
	if err != nil {
		return fmt.Errorf("ledger: staging a page: %w", err)
	}
	return nil
}

// Unstage throws away what is staged for a connection.
func Unstage(ctx context.Context, tx pgx.Tx, who actor.Actor, connection uuid.UUID) error {
	_, err := tx.Exec(ctx, `DELETE FROM staged_transactions WHERE user_id = @user AND connection_id = @connection`,
		pgx.NamedArgs{"user": who.UserID, "connection": connection})
	if err != nil {
		return fmt.Errorf("ledger: unstaging: %w", err)
	}
	return nil
}

// newID is a version 7 id: ids grow in the order they are made. So accounts stand in the order their bank named them,
// a day's transactions in the order they happened, and rows of one fetch lie together in the index.
func newID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

// numeric is a decimal as COPY takes it.
func numeric(d *decimal.Decimal) any {
	if d == nil {
		return nil
	}
	return d.String()
}

func textOf(d *decimal.Decimal) *string {
	if d == nil {
		return nil
	}
	s := d.String()
	return &s
}
