package pgtest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"dashtam/services/postgres"
	"dashtam/services/postgres/embedded"
)

// Tx begins a transaction in this process's own migrated database; it is rolled back when the test ends.
func Tx(t testing.TB) pgx.Tx {
	t.Helper()
	url, err := shared()
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) }) // ends the transaction, too
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	return tx
}

// New opens a pool on a fresh migrated database, which is dropped when the test ends.
func New(t testing.TB) *postgres.Pool {
	t.Helper()
	pool, err := postgres.Open(t.Context(), URL(t))
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// URL makes a fresh migrated database, which is dropped when the test ends.
func URL(t testing.TB) string {
	t.Helper()
	c, err := current()
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	name := "t_" + hex.EncodeToString(random())
	if err := c.clone(t.Context(), name); err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := c.drop(ctx, name); err != nil {
			t.Errorf("pgtest: %v", err)
		}
	})
	return embedded.URL(c.sockets, name)
}

// Broken opens a pool whose every use fails as on a database that is away.
func Broken(t testing.TB) *postgres.Pool {
	t.Helper()
	pool, err := postgres.Open(t.Context(), embedded.URL("/nonexistent", "away"))
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(pool.Close)
	return pool
}

func random() []byte {
	b := make([]byte, 8)
	_, _ = rand.Read(b) // never fails
	return b
}
