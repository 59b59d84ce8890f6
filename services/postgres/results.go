package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// The types below give the connection back when their work is over and map errors on the way out. release may be nil
// inside a transaction, whose connection lives on.

type tx struct {
	pgx.Tx
	release func()
}

func (t *tx) end() {
	if t.release != nil {
		t.release()
		t.release = nil
	}
}

func (t *tx) Begin(ctx context.Context) (pgx.Tx, error) {
	inner, err := t.Tx.Begin(ctx)
	if err != nil {
		return nil, mapped(err)
	}
	return &tx{Tx: inner}, nil
}

func (t *tx) Commit(ctx context.Context) error {
	defer t.end()
	unsent := ctx.Err() != nil || t.Tx.Conn().IsClosed()
	err := t.Tx.Commit(ctx)
	if unsent {
		return mapped(err)
	}
	return committed(err)
}

func (t *tx) Rollback(ctx context.Context) error {
	defer t.end()
	return mapped(t.Tx.Rollback(ctx))
}

func (t *tx) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	tag, err := t.Tx.Exec(ctx, sql, args...)
	return tag, mapped(err)
}

func (t *tx) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	r, err := t.Tx.Query(ctx, sql, args...)
	if err != nil {
		return failed{mapped(err)}, mapped(err)
	}
	return &rows{Rows: r}, nil
}

func (t *tx) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	return &row{Row: t.Tx.QueryRow(ctx, sql, args...)}
}

func (t *tx) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	return &batch{BatchResults: t.Tx.SendBatch(ctx, b)}
}

func (t *tx) CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, from pgx.CopyFromSource) (int64, error) {
	n, err := t.Tx.CopyFrom(ctx, table, columns, from)
	return n, mapped(err)
}

type rows struct {
	pgx.Rows
	release func()
}

func (r *rows) Close() {
	r.Rows.Close()
	if r.release != nil {
		r.release()
		r.release = nil
	}
}

func (r *rows) Next() bool {
	if r.Rows.Next() {
		return true
	}
	r.Close()
	return false
}

func (r *rows) Scan(dest ...any) error {
	err := r.Rows.Scan(dest...)
	if err != nil {
		r.Close()
	}
	return mapped(err)
}

func (r *rows) Err() error { return mapped(r.Rows.Err()) }

type row struct {
	pgx.Row
	release func()
}

func (r *row) Scan(dest ...any) error {
	if r.release != nil {
		defer r.release()
	}
	return mapped(r.Row.Scan(dest...))
}

type batch struct {
	pgx.BatchResults
	release func()
	tx      *tx // owns the connection when the batch began a transaction
}

func (b *batch) Tx() pgx.Tx {
	if b.tx == nil {
		return nil
	}
	return b.tx
}

func (b *batch) Exec() (pgconn.CommandTag, error) {
	tag, err := b.BatchResults.Exec()
	return tag, mapped(err)
}

func (b *batch) Query() (pgx.Rows, error) {
	r, err := b.BatchResults.Query()
	if err != nil {
		return failed{mapped(err)}, mapped(err)
	}
	return &rows{Rows: r}, nil
}

func (b *batch) QueryRow() pgx.Row { return &row{Row: b.BatchResults.QueryRow()} }

func (b *batch) Close() error {
	err := b.BatchResults.Close()
	if b.release != nil {
		b.release()
		b.release = nil
	}
	return mapped(err)
}

// failed is the pgx.Rows and pgx.Row of a query that never ran.
type failed struct{ err error }

func (failed) Close()                                       {}
func (f failed) Err() error                                 { return f.err }
func (failed) CommandTag() pgconn.CommandTag                { return pgconn.CommandTag{} }
func (failed) FieldDescriptions() []pgconn.FieldDescription { return nil }
func (failed) Next() bool                                   { return false }
func (f failed) Scan(...any) error                          { return f.err }
func (f failed) Values() ([]any, error)                     { return nil, f.err }
func (failed) RawValues() [][]byte                          { return nil }
func (failed) Conn() *pgx.Conn                              { return nil }
func (failed) TypeMap() *pgtype.Map                         { return nil }
