package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/pressly/goose/v3"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"dashtam/migrations"
)

// Oldest is the major version of PostgreSQL that is needed at least.
const Oldest = 15

// Condition is what a database is like.
type Condition struct {
	Version int  // major
	Missing int  // migrations of this binary that were not carried out
	Unknown int  // migrations that this binary does not know
	Pooled  bool // connections of ours share one of the server's, as behind pgbouncer in transaction mode
}

// Look sees what the database behind p is like, and writes nothing.
func Look(ctx context.Context, p *Pool) (c Condition, err error) {
	if err := p.QueryRow(ctx, `SELECT current_setting('server_version_num')::int / 10000`).Scan(&c.Version); err != nil {
		return c, fmt.Errorf("postgres: asking for the version: %w", err)
	}
	if c.Missing, c.Unknown, err = compare(ctx, p); err != nil {
		return c, err
	}
	c.Pooled, err = Pooled(ctx, p)
	return c, err
}

// compare counts the differences between what was carried out and what this binary holds. River's are one.
func compare(ctx context.Context, p *Pool) (missing, unknown int, err error) {
	rows, err := p.Query(ctx, `SELECT version_id FROM goose_db_version WHERE is_applied AND version_id > 0`)
	var done []int64
	if err == nil {
		done, err = pgx.CollectRows(rows, pgx.RowTo[int64])
	}
	if refused, ok := errors.AsType[*pgconn.PgError](err); err != nil && (!ok || refused.Code != "42P01") { // no such table: none was
		return 0, 0, fmt.Errorf("postgres: reading what was migrated: %w", err)
	}
	files, err := fs.Glob(migrations.FS, "*.sql")
	if err != nil {
		return 0, 0, fmt.Errorf("postgres: reading the migrations: %w", err)
	}
	var ours []int64
	for _, f := range files {
		number, err := goose.NumericComponent(f)
		if err != nil {
			return 0, 0, fmt.Errorf("postgres: reading the migrations: %w", err)
		}
		ours = append(ours, number)
		if !slices.Contains(done, number) {
			missing++
		}
	}
	for _, number := range done {
		if !slices.Contains(ours, number) {
			unknown++
		}
	}
	river, err := rivermigrate.New(riverpgxv5.New(p.Pool), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return 0, 0, fmt.Errorf("postgres: %w", err)
	}
	is, err := river.Validate(ctx, nil)
	if err != nil {
		return 0, 0, fmt.Errorf("postgres: reading what was migrated of the job queue: %w", mapped(err))
	}
	if !is.OK {
		missing++
	}
	return missing, unknown, nil
}

// rounds is how often Pooled asks: with statements of others in between, a pooler may look like none by chance.
const rounds = 5

// Pooled reports whether p leads through a pooler in transaction mode: connections of ours are not each answered by one
// process of the server. There LISTEN reaches nobody, and what a session is told holds for whoever gets its process next.
// A pooler takes the process that was free last, so two that ask in turn mostly get the same; where it takes them in turn,
// one gets several.
func Pooled(ctx context.Context, p *Pool) (bool, error) {
	if p.Config().MaxConns < 2 {
		return false, nil // it was asked for
	}
	var conns [2]*pgxpool.Conn
	for i := range conns {
		conn, err := p.acquire(ctx)
		if err != nil {
			return false, err
		}
		defer conn.Release()
		conns[i] = conn
	}
	var first [2]uint32
	for range rounds {
		for i, conn := range conns {
			var process uint32
			if err := conn.QueryRow(ctx, `SELECT pg_backend_pid()`).Scan(&process); err != nil {
				return false, mapped(err)
			}
			if first[i] == 0 {
				first[i] = process
			}
			if process != first[i] || process == first[1-i] {
				return true, nil
			}
		}
		if first[0] == conns[0].Conn().PgConn().PID() && first[1] == conns[1].Conn().PgConn().PID() {
			return false, nil // whom we greeted is who answers: nobody stands between
		}
	}
	return false, nil
}
