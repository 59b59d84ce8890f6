package tokens_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/encryption"
	"dashtam/services/postgres"
	"dashtam/services/postgres/pgtest"
	"dashtam/services/tokens"
)

// bundle is a database of its own, a keyring and a vault with short times.
type bundle struct {
	*testing.T
	db    *switchable
	keys  *encryption.Keyring
	vault *tokens.Service
}

// switchable is a real pool whose database can be taken away.
type switchable struct {
	*postgres.Pool
	away atomic.Bool
	read func() // called after each query
}

func (s *switchable) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	rows, err := s.Pool.Query(ctx, sql, args...)
	if s.read != nil {
		s.read()
	}
	return rows, err
}

func (s *switchable) Begin(ctx context.Context) (pgx.Tx, error) {
	if s.away.Load() {
		return nil, errors.New("the database is away")
	}
	return s.Pool.Begin(ctx)
}

func newBundle(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{T: t, db: &switchable{Pool: pgtest.New(t)}, keys: keyring(t, "k1")}
	b.vault = b.with(b.keys)
	if err := b.vault.CheckKeys(t.Context()); err != nil {
		t.Fatal(err)
	}
	return b
}

// with is a second vault over the same database, like another node or a later start.
func (b *bundle) with(keys *encryption.Keyring) *tokens.Service { return b.over(b.db, keys) }

func (b *bundle) over(db *switchable, keys *encryption.Keyring) *tokens.Service {
	return tokens.New(tokens.Config{DB: db, Keys: keys, Lease: time.Minute, Post: 5 * time.Second, Keep: 20 * time.Second, Wait: 10 * time.Millisecond})
}

func keyring(t *testing.T, ids ...string) *encryption.Keyring {
	t.Helper()
	var text string
	for _, id := range ids {
		k, err := encryption.GenerateKey(id)
		if err != nil {
			t.Fatal(err)
		}
		text += k.Line().Reveal() + "\n"
	}
	keys, err := encryption.ParseKeyring(text)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// connection makes a person with one connection.
func (b *bundle) connection() (actor.Actor, uuid.UUID) {
	b.Helper()
	who := actor.Actor{Kind: actor.User, UserID: uuid.New(), RequestID: "test"}
	b.exec(`INSERT INTO users (id, email, email_key, name, password_hash) VALUES (@id, @email, @email, 'Test', 'none')`,
		pgx.NamedArgs{"id": who.UserID, "email": who.UserID.String() + "@example.com"})
	id := uuid.New()
	b.exec(`INSERT INTO connections (user_id, id, provider, name, status) VALUES (@user, @id, 'alder', 'Alder', 'healthy')`,
		pgx.NamedArgs{"user": who.UserID, "id": id})
	return who, id
}

// stored makes a connection whose tokens are access and refresh, the first for life.
func (b *bundle) stored(access, refresh string, life time.Duration) (actor.Actor, uuid.UUID) {
	b.Helper()
	who, id := b.connection()
	b.store(who, id, tokens.Tokens{Access: encryption.Secret(access), Refresh: encryption.Secret(refresh), ExpiresIn: life})
	return who, id
}

func (b *bundle) store(who actor.Actor, id uuid.UUID, t tokens.Tokens) {
	b.Helper()
	if err := pgx.BeginFunc(b.Context(), b.db, func(tx pgx.Tx) error {
		_, err := b.vault.StoreTokens(b.Context(), tx, who, id, "alder", t)
		return err
	}); err != nil {
		b.Fatal(err)
	}
}

func (b *bundle) exec(sql string, args pgx.NamedArgs) int64 {
	b.Helper()
	tag, err := b.db.Exec(b.Context(), sql, args)
	if err != nil {
		b.Fatal(err)
	}
	return tag.RowsAffected()
}

func (b *bundle) count(sql string, args pgx.NamedArgs) (n int) {
	b.Helper()
	if err := b.db.QueryRow(b.Context(), sql, args).Scan(&n); err != nil {
		b.Fatal(err)
	}
	return n
}

// access is the access token vault opens, the renewed one where it renews.
func access(ctx context.Context, vault *tokens.Service, who actor.Actor, id uuid.UUID, exchange tokens.Exchange) (a tokens.Access, err error) {
	a.Generation, err = vault.Use(ctx, who, id, "test", exchange, func(_ context.Context, token encryption.Secret) (int64, error) {
		a.Token = token
		return int64(len(token)), nil
	})
	return a, err
}

// opens asserts that the connection's access token is want.
func (b *bundle) opens(who actor.Actor, id uuid.UUID, want string) {
	b.Helper()
	a, err := access(b.Context(), b.vault, who, id, never)
	if err != nil || a.Token.Reveal() != want {
		b.Fatalf("AccessToken = %q, %v; want %q", a.Token.Reveal(), err, want)
	}
}

func never(context.Context, encryption.Secret) (tokens.Tokens, error) {
	return tokens.Tokens{}, errors.New("the bank must not be asked")
}
