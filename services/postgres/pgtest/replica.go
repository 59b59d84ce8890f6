package pgtest

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"dashtam/services/postgres"
)

// Replica is what an asynchronous replica of a database holds: whatever was committed when it last caught up, and nothing
// since. Both are databases of the shared cluster, and the replica is a copy of the files.
type Replica struct {
	t      testing.TB
	c      *cluster
	pool   *postgres.Pool
	source string
	copy   string
	leads  atomic.Bool
}

// Replicated opens a pool on a fresh migrated database with a replica, which has caught up.
func Replicated(t testing.TB) (*postgres.Pool, *Replica) {
	t.Helper()
	url := URL(t)
	config, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	c, err := current()
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	r := &Replica{t: t, c: c, source: config.Database, copy: config.Database + "_replica"}
	t.Cleanup(func() {
		if err := c.drop(context.Background(), r.copy); err != nil {
			t.Errorf("pgtest: %v", err)
		}
	})
	r.pool, err = postgres.Open(t.Context(), url, func(p *pgxpool.Config) {
		p.BeforeConnect = func(_ context.Context, conn *pgx.ConnConfig) error {
			if r.leads.Load() {
				conn.Database = r.copy
			}
			return nil
		}
	})
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(r.pool.Close)
	r.CatchUp()
	return r.pool, r
}

// CatchUp brings the replica up to what is committed now. Whoever is connected is cut off for a moment.
func (r *Replica) CatchUp() {
	r.t.Helper()
	ctx := context.WithoutCancel(r.t.Context())
	if err := r.c.drop(ctx, r.copy); err != nil {
		r.t.Fatalf("pgtest: %v", err)
	}
	r.cutOff(ctx)
	if _, err := r.c.admin.Exec(ctx, fmt.Sprintf("CREATE DATABASE %s TEMPLATE %s STRATEGY FILE_COPY", r.copy, r.source)); err != nil {
		r.t.Fatalf("pgtest: %v", err)
	}
	if _, err := r.c.admin.Exec(ctx, "ALTER DATABASE "+r.source+" ALLOW_CONNECTIONS true"); err != nil {
		r.t.Fatalf("pgtest: %v", err)
	}
	r.pool.Reset()
}

// FailOver has the replica take the database's place, which is gone for good.
func (r *Replica) FailOver() {
	r.t.Helper()
	r.leads.Store(true)
	r.cutOff(context.WithoutCancel(r.t.Context()))
	r.pool.Reset()
}

// cutOff lets nobody connect to the database any more, and ends who is.
func (r *Replica) cutOff(ctx context.Context) {
	r.t.Helper()
	_, err := r.c.admin.Exec(ctx, "ALTER DATABASE "+r.source+" ALLOW_CONNECTIONS false")
	if err == nil {
		_, err = r.c.admin.Exec(ctx, "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1", r.source)
	}
	if err != nil {
		r.t.Fatalf("pgtest: %v", err)
	}
}
