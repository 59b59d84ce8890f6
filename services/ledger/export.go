package ledger

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/audit"
)

// Export hands every transaction of the query to write, newest first, as the database sends them: a history of any
// length needs the memory of one row. The query's page is ignored. An account that is not who's is ErrNotFound, and
// write is not called; an error of write ends the export.
// That it was begun is written down (AU-1).
func (s *Service) Export(ctx context.Context, who actor.Actor, q Query, write func(Transaction) error) error {
	if err := s.owns(ctx, who, q.Account); err != nil {
		return err
	}
	if err := audit.Record(ctx, s.db, who, audit.Event{Act: "transactions.exported"}); err != nil {
		return fmt.Errorf("ledger: exporting: %w", err)
	}
	var b pgx.Batch
	var accounts []accountRow
	ask(&b, &accounts, accountSelect, pgx.NamedArgs{"user": who.UserID})
	if err := s.read(ctx, "accounts", &b); err != nil {
		return err
	}
	where, args := q.where(who.UserID)
	rows, err := s.db.Query(ctx, transactionSelect+where+newestFirst, args)
	if err != nil {
		return fmt.Errorf("ledger: exporting: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		row, err := scanTransaction(rows)
		if err == nil {
			err = write(row.transaction(accounts))
		}
		if err != nil {
			return fmt.Errorf("ledger: exporting: %w", err)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("ledger: exporting: %w", err)
	}
	return nil
}

// owns is ErrNotFound when account is not one of who's. uuid.Nil, which means all accounts, is fine.
func (s *Service) owns(ctx context.Context, who actor.Actor, account uuid.UUID) error {
	if account == uuid.Nil {
		return nil
	}
	var owns bool
	err := s.db.QueryRow(ctx, `SELECT EXISTS (SELECT FROM accounts WHERE user_id = @user AND id = @id)`,
		pgx.NamedArgs{"user": who.UserID, "id": account}).Scan(&owns)
	switch {
	case err != nil:
		return fmt.Errorf("ledger: looking for an account: %w", err)
	case !owns:
		return ErrNotFound
	}
	return nil
}
