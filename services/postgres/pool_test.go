package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"dashtam/services/errs"
	"dashtam/services/postgres"
	"dashtam/services/postgres/pgtest"
)

func unavailable(err error) bool {
	return errs.KindOf(err) == errs.Unavailable && errs.RetryAfter(err) > 0
}

// uses are all the ways to use a pool.
var uses = map[string]func(ctx context.Context, p *postgres.Pool) error{
	"Exec":     func(ctx context.Context, p *postgres.Pool) error { _, err := p.Exec(ctx, "SELECT 1"); return err },
	"QueryRow": func(ctx context.Context, p *postgres.Pool) error { return p.QueryRow(ctx, "SELECT 1").Scan(new(int)) },
	"Query": func(ctx context.Context, p *postgres.Pool) error {
		rows, err := p.Query(ctx, "SELECT 1")
		if err != nil {
			return err
		}
		_, err = pgx.CollectRows(rows, pgx.RowTo[int])
		return err
	},
	"SendBatch": func(ctx context.Context, p *postgres.Pool) error {
		b := &pgx.Batch{}
		b.Queue("SELECT 1").QueryRow(func(row pgx.Row) error { return row.Scan(new(int)) })
		return p.SendBatch(ctx, b).Close()
	},
	"Begin": func(ctx context.Context, p *postgres.Pool) error {
		return pgx.BeginFunc(ctx, p, func(tx pgx.Tx) error { _, err := tx.Exec(ctx, "SELECT 1"); return err })
	},
	"CopyFrom": func(ctx context.Context, p *postgres.Pool) error {
		_, err := p.CopyFrom(ctx, pgx.Identifier{"key_checks"}, []string{"key_id", "check_value"}, pgx.CopyFromRows(nil))
		return err
	},
}

func TestPool_GivesEveryConnectionBack(t *testing.T) {
	pool, err := postgres.Open(t.Context(), pgtest.URL(t)+"&pool_max_conns=1")
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	for range 2 { // a connection that is not given back stops the next use
		for name, use := range uses {
			if err := use(t.Context(), pool); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if n := pool.Stat().AcquiredConns(); n != 0 {
		t.Errorf("%d connections are still out", n)
	}
}

// Break RL-7: services/postgres/pool.go: acquireWait = 2 * time.Minute
func TestPool_RL7_ExhaustedPoolIsUnavailableWithinTwoSeconds(t *testing.T) {
	pool, err := postgres.Open(t.Context(), pgtest.URL(t)+"&pool_max_conns=1")
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	held, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var all sync.WaitGroup
	for name, use := range uses {
		all.Go(func() {
			if err := use(ctx, pool); !unavailable(err) {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	all.Wait()
	if ctx.Err() != nil {
		t.Error("it waited for the caller's own deadline")
	}
	if err := held.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := pool.Ping(t.Context()); err != nil {
		t.Errorf("no recovery: %v", err)
	}
}

func TestPool_LostConnectionsAreUnavailableAndHeal(t *testing.T) {
	pool := pgtest.New(t)
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var pid int
	if err := tx.QueryRow(t.Context(), "SELECT pg_backend_pid()").Scan(&pid); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(t.Context(), "SELECT pg_terminate_backend($1, 5000)", pid); err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "SELECT 1"); !unavailable(err) {
		t.Errorf("the lost one: %v", err)
	}
	_ = tx.Rollback(t.Context())
	if err := pool.Ping(t.Context()); err != nil {
		t.Errorf("no recovery: %v", err)
	}
}

func TestPool_BrokenIsUnavailable(t *testing.T) {
	for name, use := range uses {
		if err := use(t.Context(), pgtest.Broken(t)); !unavailable(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPool_CallersOwnCancellationStaysOne(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := pgtest.New(t).Exec(ctx, "SELECT 1"); !errors.Is(err, context.Canceled) || unavailable(err) {
		t.Errorf("%v", err)
	}
}

// Two that wait for each other: the one that PostgreSQL sends away is told to come back, as it is no fault of its own.
func TestPool_ADeadlockIsUnavailable(t *testing.T) {
	db := pgtest.New(t)
	const lock = `SELECT pg_advisory_xact_lock($1)`
	holds := make(chan struct{}, 2)
	ends := make(chan error, 2)
	for i := range 2 {
		go func() {
			ends <- pgx.BeginFunc(t.Context(), db, func(tx pgx.Tx) error {
				_, err := tx.Exec(t.Context(), lock, i)
				holds <- struct{}{}
				for err == nil && len(holds) < 2 { // until the other holds its own
					_, err = tx.Exec(t.Context(), `SELECT`)
				}
				if err == nil {
					_, err = tx.Exec(t.Context(), lock, 1-i)
				}
				return err
			})
		}()
	}
	one, other := <-ends, <-ends
	if one == nil {
		one, other = other, one
	}
	if !unavailable(one) || other != nil {
		t.Errorf("%v; %v", one, other)
	}
}

func TestConstraint(t *testing.T) {
	tx := pgtest.Tx(t)
	_, err := tx.Exec(t.Context(), "INSERT INTO links (token_hash, purpose, expires_at) VALUES ('', 'theft', now())")
	if got := postgres.Constraint(fmt.Errorf("auth: %w", err)); got != "links_purpose_known" {
		t.Errorf("%q of %v", got, err)
	}
	if got := postgres.Constraint(errors.New("other")); got != "" {
		t.Errorf("%q", got)
	}
}

func TestOpen_DoesNotTellThePassword(t *testing.T) {
	_, err := postgres.Open(t.Context(), "postgres://u:hunter2@host:port/db")
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%v", err)
	}
}

func TestMigrate_TwoNodesStartTogether(t *testing.T) {
	pool := pgtest.New(t)
	var name string
	if err := pool.QueryRow(t.Context(), "SELECT current_database() || '_empty'").Scan(&name); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = pool.Exec(context.Background(), "DROP DATABASE "+name) })
	url := strings.Replace(pool.Config().ConnString(), strings.TrimSuffix(name, "_empty"), name, 1)
	var nodes sync.WaitGroup
	for range 2 {
		nodes.Go(func() {
			if err := postgres.Migrate(t.Context(), url, slog.New(slog.DiscardHandler)); err != nil {
				t.Error(err)
			}
		})
	}
	nodes.Wait()
}

func TestTimed_TellsOfStatementsAndBatches(t *testing.T) {
	var took []time.Duration
	pool, err := postgres.Open(t.Context(), pgtest.URL(t)+"&pool_max_conns=1", postgres.Timed(func(d time.Duration) { took = append(took, d) }))
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if _, err := pool.Exec(t.Context(), "SELECT pg_sleep(0.02)"); err != nil {
		t.Fatal(err)
	}
	if len(took) != 1 || took[0] < 20*time.Millisecond {
		t.Errorf("one statement: %v", took)
	}
	b := &pgx.Batch{}
	b.Queue("SELECT pg_sleep(0.02)")
	b.Queue("SELECT 1")
	if err := pool.SendBatch(t.Context(), b).Close(); err != nil {
		t.Fatal(err)
	}
	if len(took) != 2 || took[1] < 20*time.Millisecond {
		t.Errorf("one batch: %v", took)
	}
}
