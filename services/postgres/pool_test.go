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

// empty is the address of a database in which nothing was ever made.
func empty(t *testing.T) string {
	t.Helper()
	pool := pgtest.New(t)
	var name string
	if err := pool.QueryRow(t.Context(), "SELECT current_database() || '_empty'").Scan(&name); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = pool.Exec(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)") })
	return strings.Replace(pool.Config().ConnString(), strings.TrimSuffix(name, "_empty"), name, 1)
}

func migrate(t *testing.T, url string) error {
	t.Helper()
	return postgres.Migrate(t.Context(), url, slog.New(slog.DiscardHandler))
}

func TestMigrate_TwoNodesStartTogether(t *testing.T) {
	url := empty(t)
	var nodes sync.WaitGroup
	for range 2 {
		nodes.Go(func() {
			if err := migrate(t, url); err != nil {
				t.Error(err)
			}
		})
	}
	nodes.Wait()
}

// Behind a pooler in transaction mode nothing is begun, and the operator reads what to do; where nothing is missing there
// is nothing to refuse. A pooler that gives each of us a process for as long as we stay is none of our business.
func TestMigrate_BehindAPooler(t *testing.T) {
	direct := empty(t)
	const transaction, session = "pool_mode = transaction", "pool_mode = session"
	for _, settings := range [][]string{{transaction}, {transaction, "server_round_robin = 1"}} {
		pooled := pgtest.Behind(t, direct, settings...)
		if err := migrate(t, pooled); err == nil || !strings.Contains(err.Error(), "run dashtam migrate once with a DASHTAM_DATABASE_URL that leads around the pooler") {
			t.Errorf("%v: %v", settings, err)
		}
	}
	conn, err := pgx.Connect(t.Context(), direct)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	var tables, locks int
	if err := conn.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM pg_tables WHERE schemaname = 'public'),
		(SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))`).Scan(&tables, &locks); err != nil {
		t.Fatal(err)
	}
	if tables+locks > 0 {
		t.Errorf("%d tables were made, and %d locks left", tables, locks)
	}
	if err := migrate(t, pgtest.Behind(t, direct, session)); err != nil {
		t.Errorf("in session mode: %v", err)
	}
	if err := migrate(t, pgtest.Behind(t, direct, transaction, "server_round_robin = 1")); err != nil {
		t.Errorf("where nothing is missing: %v", err)
	}
}

// Whichever process the pooler takes next, and whatever others ask it meanwhile, it is recognised; a session's is not.
func TestPooled(t *testing.T) {
	direct := pgtest.URL(t)
	for url, want := range map[string]bool{
		direct: false,
		pgtest.Behind(t, direct, "pool_mode = session"):                               false,
		pgtest.Behind(t, direct, "pool_mode = transaction"):                           true,
		pgtest.Behind(t, direct, "pool_mode = transaction", "server_round_robin = 1"): true,
	} {
		pool, err := postgres.Open(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		defer pool.Close()
		ctx, cancel := context.WithCancel(t.Context())
		var others sync.WaitGroup
		for range 3 {
			others.Go(func() {
				for ctx.Err() == nil {
					_, _ = pool.Exec(ctx, `SELECT 1`)
				}
			})
		}
		for range 10 {
			if is, err := postgres.Pooled(t.Context(), pool); is != want || err != nil {
				t.Errorf("%s: %t, %v", url, is, err)
			}
		}
		cancel()
		others.Wait()
	}
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
