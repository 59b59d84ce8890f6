package postgres

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// acquireWait is how long a statement waits for a free connection before its caller is told to come back (RL-7).
	acquireWait = 2 * time.Second
	// maxConns suits one node beside a database of 100 connections. pool_max_conns in the URL overrides it.
	maxConns = 20
	// connectTimeout bounds one try to connect; the waiter itself gives up after acquireWait.
	connectTimeout = 5 * time.Second
)

// Pool is a bounded set of connections. Its methods are those of pgxpool.Pool with the promises of this package.
type Pool struct{ *pgxpool.Pool }

// Open makes a Pool over the database at url. It connects when it is first used, so an error means a bad url.
func Open(ctx context.Context, url string, options ...func(*pgxpool.Config)) (*Pool, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("postgres: the database URL is not valid: %w", hideURL(err))
	}
	if !strings.Contains(url, "pool_max_conns") {
		config.MaxConns = maxConns
	}
	if !strings.Contains(url, "default_query_exec_mode") {
		// Named prepared statements do not survive a pgbouncer in transaction mode; cached descriptions do.
		config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	}
	if !strings.Contains(url, "connect_timeout") {
		config.ConnConfig.ConnectTimeout = connectTimeout
	}
	config.MaxConnLifetime = time.Hour
	config.MaxConnIdleTime = 5 * time.Minute
	for _, option := range options {
		option(config)
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("postgres: %w", err)
	}
	return &Pool{pool}, nil
}

// acquire takes a connection within acquireWait. Deadlines and cancellations of the caller's own keep their meaning.
func (p *Pool) acquire(ctx context.Context) (*pgxpool.Conn, error) {
	wait, cancel := context.WithTimeout(ctx, acquireWait)
	defer cancel()
	conn, err := p.Pool.Acquire(wait)
	if err != nil {
		if ctx.Err() != nil {
			return nil, mapped(ctx.Err())
		}
		return nil, errAway.Because(err)
	}
	return conn, nil
}

// Begin starts a transaction.
func (p *Pool) Begin(ctx context.Context) (pgx.Tx, error) { return p.BeginTx(ctx, pgx.TxOptions{}) }

// BeginTx starts a transaction with options.
func (p *Pool) BeginTx(ctx context.Context, options pgx.TxOptions) (pgx.Tx, error) {
	conn, err := p.acquire(ctx)
	if err != nil {
		return nil, err
	}
	t, err := conn.BeginTx(ctx, options)
	if err != nil {
		conn.Release()
		return nil, mapped(err)
	}
	return &tx{Tx: t, release: conn.Release}, nil
}

// Exec runs one statement that gives no rows.
func (p *Pool) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	conn, err := p.acquire(ctx)
	if err != nil {
		return pgconn.CommandTag{}, err
	}
	defer conn.Release()
	tag, err := conn.Exec(ctx, sql, args...)
	return tag, mapped(err)
}

// Query runs one query. Its connection is busy until the rows are closed or read to their end.
func (p *Pool) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	conn, err := p.acquire(ctx)
	if err != nil {
		return failed{err}, err
	}
	r, err := conn.Query(ctx, sql, args...)
	if err != nil {
		conn.Release()
		return failed{mapped(err)}, mapped(err)
	}
	return &rows{Rows: r, release: conn.Release}, nil
}

// QueryRow runs one query for its first row. Its connection is busy until Scan.
func (p *Pool) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	conn, err := p.acquire(ctx)
	if err != nil {
		return failed{err}
	}
	return &row{Row: conn.QueryRow(ctx, sql, args...), release: conn.Release}
}

// SendBatch runs several statements in one round trip, as one transaction. Its connection is busy until Close.
func (p *Pool) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	conn, err := p.acquire(ctx)
	if err != nil {
		return pgx.FailedBatchResults(b, err)
	}
	results := conn.SendBatch(ctx, b)
	if t := results.Tx(); t != nil { // a batch that began a transaction: the connection is the transaction's
		return &batch{BatchResults: results, tx: &tx{Tx: t, release: conn.Release}}
	}
	return &batch{BatchResults: results, release: conn.Release}
}

// CopyFrom writes many rows with COPY.
func (p *Pool) CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, from pgx.CopyFromSource) (int64, error) {
	conn, err := p.acquire(ctx)
	if err != nil {
		return 0, err
	}
	defer conn.Release()
	n, err := conn.CopyFrom(ctx, table, columns, from)
	return n, mapped(err)
}

// Ping answers whether the database does, for /readyz.
func (p *Pool) Ping(ctx context.Context) error {
	_, err := p.Exec(ctx, "SELECT 1")
	return err
}
