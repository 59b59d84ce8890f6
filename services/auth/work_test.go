package auth_test

import (
	"context"
	"strings"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"dashtam/services/auth"
	"dashtam/services/limits"
	"dashtam/services/postgres"
)

// load is what an act cost: what an observer with a clock could tell apart.
type load struct{ hashes, statements, jobs int }

// work runs f and counts.
func (b *bench) work(f func()) load {
	b.t.Helper()
	jobs := func() int { return b.count(`SELECT count(*) FROM river_job`) } // mails, and mails to nobody
	before := load{b.hashes(), int(b.statements.Load()), jobs()}
	f()
	return load{b.hashes() - before.hashes, int(b.statements.Load()) - before.statements, jobs() - before.jobs}
}

func (b *bench) hashes() int { return int(b.pool.Stats().Done) }

// counting is a database that counts statements; transactions count, too.
type counting struct {
	postgres.DB
	n *atomic.Int64
	b *bench
}

func (c counting) Begin(ctx context.Context) (pgx.Tx, error) {
	c.n.Add(1)
	tx, err := c.DB.Begin(ctx)
	return countingTx{tx, c.n}, err
}

func (c counting) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	c.n.Add(1)
	return c.DB.Exec(ctx, sql, args...)
}

func (c counting) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	c.n.Add(1)
	if f := c.b.inFind; f != nil && strings.Contains(sql, "WHERE u.email_key") {
		c.b.inFind = nil
		f()
	}
	return c.DB.Query(ctx, sql, args...)
}

func (c counting) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	c.n.Add(1)
	return c.DB.QueryRow(ctx, sql, args...)
}

// countingTx counts inside a transaction. River's client takes it, too.
type countingTx struct {
	pgx.Tx
	n *atomic.Int64
}

func (c countingTx) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	if !strings.Contains(sql, "pg_notify") { // River wakes its workers at most so often, whatever the job
		c.n.Add(1)
	}
	return c.Tx.Exec(ctx, sql, args...)
}

func (c countingTx) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	c.n.Add(1)
	return c.Tx.Query(ctx, sql, args...)
}

func (c countingTx) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	c.n.Add(1)
	return c.Tx.QueryRow(ctx, sql, args...)
}

// counted makes a service's database count.
func (b *bench) counted(c *auth.Config) {
	db := counting{b.db, &b.statements, b}
	c.DB, c.Limits = db, limits.New(db, c.Now)
}
