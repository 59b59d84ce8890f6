package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"dashtam/services/errs"
	"dashtam/services/postgres"
)

// ErrNotFound is what reads answer for an account or transaction that does not exist or belongs to somebody else.
var ErrNotFound = errs.New(errs.NotFound, "There is no such account or transaction.")

// DB is a database that answers several questions in one round trip. A pool and a transaction both satisfy it.
type DB interface {
	postgres.DB
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// Service reads a person's ledger and keeps their notes.
type Service struct {
	db DB
}

// New makes a Service over db.
func New(db DB) *Service { return &Service{db: db} }

// read sends the questions of one page together. Their answers are gathered by the functions ask queued with them.
func (s *Service) read(ctx context.Context, what string, b *pgx.Batch) error {
	if err := s.db.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("ledger: reading %s: %w", what, err)
	}
	return nil
}

// ask queues a question whose rows are added to into, one struct a row.
func ask[T any](b *pgx.Batch, into *[]T, sql string, args pgx.NamedArgs) {
	askWith(b, into, pgx.RowToStructByName[T], sql, args)
}

// askWith is ask with a function that reads a row.
func askWith[T any](b *pgx.Batch, into *[]T, scan pgx.RowToFunc[T], sql string, args pgx.NamedArgs) {
	b.Queue(sql, args).Query(func(rows pgx.Rows) (err error) {
		*into, err = pgx.AppendRows(*into, rows, scan)
		return err
	})
}

// date is the civil date of t in its own location, at midnight UTC: the form in which this package keeps dates.
func date(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}
