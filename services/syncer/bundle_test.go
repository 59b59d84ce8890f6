package syncer_test

import (
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/connections"
	"dashtam/services/encryption"
	"dashtam/services/jobs"
	"dashtam/services/limits"
	"dashtam/services/postgres"
	"dashtam/services/postgres/pgtest"
	"dashtam/services/providers"
	"dashtam/services/providers/banktest"
	"dashtam/services/syncer"
	"dashtam/services/tokens"
)

const slug = "testbank"

// today is the day on which these tests sync.
var today = time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)

// bundle is a database of its own, a bank, and a person with a fresh connection whose first sync is queued.
type bundle struct {
	*testing.T
	db          *postgres.Pool
	keys        *encryption.Keyring
	bank        *banktest.Bank
	connections *connections.Service
	service     *syncer.Service
	who         actor.Actor
	id          uuid.UUID
}

func newBundle(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{T: t, db: pgtest.New(t), bank: banktest.New(t)}
	key, err := encryption.GenerateKey("k1")
	if err != nil {
		t.Fatal(err)
	}
	if b.keys, err = encryption.ParseKeyring(key.Line().Reveal()); err != nil {
		t.Fatal(err)
	}
	b.open()
	return b
}

// next is the same installation with another bank and another person, for a sub-test.
func (b *bundle) next(t *testing.T) *bundle {
	t.Helper()
	n := &bundle{T: t, db: b.db, keys: b.keys, bank: banktest.New(t)}
	n.open()
	return n
}

// open makes the services, and a person with a fresh connection.
func (b *bundle) open() {
	b.Helper()
	queue, err := jobs.NewQueue(b.db.Pool, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	vault := tokens.New(tokens.Config{DB: b.db, Keys: b.keys, Wait: 2 * time.Millisecond})
	registry, limiter := providers.NewRegistry(b.bank.Provider()), limits.New(b.db, time.Now)
	b.connections = connections.New(connections.Config{
		DB: b.db, Tokens: vault, Providers: registry, Limits: limiter, Jobs: queue, Key: b.keys.Derive("connect"), Enqueue: syncer.Enqueue(queue),
	})
	b.service = syncer.New(syncer.Config{
		DB: b.db, Connections: b.connections, Tokens: vault, Providers: registry, Queue: queue, Limits: limiter,
		Now: func() time.Time { return today.Add(9 * time.Hour) },
	})
	b.who = b.person()
	b.id = b.connect(b.who)
}

func (b *bundle) person() actor.Actor {
	b.Helper()
	who := actor.Actor{Kind: actor.User, UserID: uuid.New(), SessionID: uuid.New(), RequestID: "test"}
	b.exec(`INSERT INTO users (id, email, email_key, name, password_hash) VALUES (@id, @email, @email, 'Test', 'none')`,
		pgx.NamedArgs{"id": who.UserID, "email": who.UserID.String() + "@example.com"})
	return who
}

// connect goes through the authorization.
func (b *bundle) connect(who actor.Actor) uuid.UUID {
	b.Helper()
	if err := b.connections.Start(b.Context(), who, slug, uuid.Nil); err != nil {
		b.Fatal(err)
	}
	address, err := b.connections.Continue(b.Context(), who, slug)
	if err != nil {
		b.Fatal(err)
	}
	q := b.bank.Consent(b.T, address)
	id, err := b.connections.Callback(b.Context(), who, slug, connections.Answer{State: q.Get("state"), Code: q.Get("code"), Issuer: q.Get("iss")})
	if err != nil {
		b.Fatal(err)
	}
	return id
}

// job is the newest sync job of the connection.
func (b *bundle) job() (args jobs.Sync) {
	b.Helper()
	var raw []byte
	if err := b.db.QueryRow(b.Context(), `SELECT args FROM river_job WHERE kind = 'sync' AND args->>'connection_id' = @id ORDER BY id DESC LIMIT 1`,
		pgx.NamedArgs{"id": b.id.String()}).Scan(&raw); err != nil {
		b.Fatal(err)
	}
	if err := json.Unmarshal(raw, &args); err != nil {
		b.Fatal(err)
	}
	return args
}

// work is one try of the newest job; it must not ask for another.
func (b *bundle) work() {
	b.Helper()
	if err := b.service.Work(b.Context(), b.job(), 1); err != nil {
		b.Fatal(err)
	}
}

// again queues another run and works it.
func (b *bundle) again() {
	b.Helper()
	if err := b.service.SyncNow(b.Context(), b.who, b.id); err != nil {
		b.Fatal(err)
	}
	b.work()
}

func (b *bundle) exec(sql string, args pgx.NamedArgs) {
	b.Helper()
	if _, err := b.db.Exec(b.Context(), sql, args); err != nil {
		b.Fatal(err)
	}
}

func (b *bundle) count(sql string, args ...any) (n int) {
	b.Helper()
	if err := b.db.QueryRow(b.Context(), sql, args...).Scan(&n); err != nil {
		b.Fatal(err)
	}
	return n
}

func (b *bundle) progress() syncer.Run {
	b.Helper()
	r, err := b.service.Progress(b.Context(), b.who, b.id)
	if err != nil {
		b.Fatal(err)
	}
	return r
}

func (b *bundle) get() connections.Detail {
	b.Helper()
	d, err := b.connections.Get(b.Context(), b.who, b.id)
	if err != nil {
		b.Fatal(err)
	}
	return d
}
