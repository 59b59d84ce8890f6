package cache_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"dashtam/services/actor"
	"dashtam/services/admin"
	"dashtam/services/auth"
	"dashtam/services/cache"
	"dashtam/services/ledger"
	"dashtam/services/postgres"
	"dashtam/services/postgres/pgtest"
	"dashtam/services/providers"
	"dashtam/services/providers/banktest"
	"dashtam/services/providers/fdx"
	"dashtam/services/redis/redistest"
)

// BenchmarkCandidates measures what might be cached: having it from its source, and having it from each store.
func BenchmarkCandidates(b *testing.B) {
	pool := pgtest.New(b)
	person := fill(b, pool)
	stores := map[string]*cache.Cache{
		"memory": cache.New(cache.NewMemory(16, time.Now), nil),
		"redis":  cache.New(cache.NewRedis(redistest.New(b).Client(), key(b), time.Now), nil),
	}

	sessions := auth.NewSessions(pool, auth.SessionConfig{})
	candidate(b, "session", stores, func(ctx context.Context) (auth.User, error) {
		visitor := &auth.Visitor{}
		_, _, err := sessions.FindCtx(auth.WithVisitor(ctx, visitor), "hash")
		return *visitor.User, err
	})
	book, who := ledger.New(pool), actor.Actor{Kind: actor.User, UserID: person}
	candidate(b, "overview", stores, func(ctx context.Context) (ledger.Overview, error) {
		return book.Overview(ctx, who, ledger.SixMonths, time.Now())
	})
	office := admin.New(pool, sessions)
	candidate(b, "admin_counts", stores, func(ctx context.Context) (admin.Counts, error) {
		return office.Counts(ctx, actor.ForSystem("bench"))
	})

	bank := banktest.New(b)
	config := fdx.Config{Profile: bank.Provider().Profile, RedirectURI: banktest.Redirect, Client: providers.NewClient(true), Private: true}
	ask := func(ctx context.Context) (string, error) { // an adapter that knows nothing yet
		return fdx.New(config).Access.AuthorizeURL(ctx, providers.Attempt{State: "s", Verifier: "v"})
	}
	b.Run("bank_metadata/source", func(b *testing.B) { repeat(b, ask) })
	for name, c := range stores {
		config.Cache = c
		b.Run("bank_metadata/"+name, func(b *testing.B) { repeat(b, ask) })
	}
}

func candidate[T any](b *testing.B, name string, stores map[string]*cache.Cache, source func(context.Context) (T, error)) {
	b.Run(name+"/source", func(b *testing.B) { repeat(b, source) })
	for store, c := range stores {
		b.Run(name+"/"+store, func(b *testing.B) {
			repeat(b, func(ctx context.Context) (T, error) {
				return cache.Load(ctx, c, cache.Kind{Name: name, Fresh: time.Hour}, "k", source)
			})
		})
	}
}

func repeat[T any](b *testing.B, get func(context.Context) (T, error)) {
	for b.Loop() {
		if _, err := get(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// fill makes an installation of a thousand people with two connections each, one of whom is signed in and has nine
// accounts with three years of balances and transactions.
func fill(b *testing.B, pool *postgres.Pool) (person uuid.UUID) {
	for _, sql := range []string{
		`INSERT INTO users (id, email, email_key, name, password_hash, verified_at, last_login_at)
			SELECT gen_random_uuid(), n || '@example.com', n || '@example.com', 'Name', 'none', now(), now() - n * interval '1 hour' FROM generate_series(1, 1000) n`,
		`INSERT INTO connections (user_id, id, provider, name, status)
			SELECT u.id, gen_random_uuid(), 'alder', 'Alder Street Bank', 'healthy' FROM users u, generate_series(1, 2)`,
		`INSERT INTO sync_runs (user_id, connection_id, id, cause, state, finished_at)
			SELECT user_id, id, gen_random_uuid(), 'schedule', 'done', now() - n * interval '1 day' FROM connections, generate_series(0, 9) n`,
		`INSERT INTO accounts (user_id, id, connection_id, external_id, kind, bank_name, currency, balance_minor, balance_as_of)
			SELECT c.user_id, gen_random_uuid(), c.id, 'a' || n, 'checking', 'Everyday', 'USD', 100000, now()
			FROM (SELECT * FROM connections WHERE user_id = (SELECT id FROM users WHERE email = '1@example.com') LIMIT 1) c, generate_series(1, 9) n`,
		`INSERT INTO balance_days (user_id, account_id, day, balance_minor, estimated)
			SELECT user_id, id, current_date - d, 100000 + d, false FROM accounts, generate_series(0, 1095) d`,
		`INSERT INTO transactions (user_id, id, account_id, external_id, status, booked_on, happened_at, amount_minor, currency, payee)
			SELECT user_id, gen_random_uuid(), id, 't' || d, 'posted', current_date - d, now() - d * interval '1 day', -1234, 'USD', 'Corner Shop'
			FROM accounts, generate_series(0, 1095) d`,
		`INSERT INTO sessions (token_hash, id, user_id, data, expires_at)
			SELECT 'hash', gen_random_uuid(), id, '', now() + interval '1 day' FROM users WHERE email = '1@example.com'`,
		`ANALYZE`,
	} {
		if _, err := pool.Exec(b.Context(), sql); err != nil {
			b.Fatal(err)
		}
	}
	if err := pool.QueryRow(b.Context(), `SELECT id FROM users WHERE email = '1@example.com'`).Scan(&person); err != nil {
		b.Fatal(err)
	}
	return person
}
