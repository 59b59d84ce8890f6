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
	testing.TB
	db          *postgres.Pool
	keys        *encryption.Keyring
	key         encryption.Secret // the line of keys
	bank        *banktest.Bank
	other       *banktest.Bank           // another one, "other"; may be nil
	profile     func(*providers.Profile) // changes what is declared about it; may be nil
	connections *connections.Service
	service     *syncer.Service
	config      syncer.Config
	who         actor.Actor
	id          uuid.UUID
}

func newBundle(t testing.TB) *bundle { return openFor(t, nil) }

// openFor is a bundle whose bank is declared otherwise.
func openFor(t testing.TB, profile func(*providers.Profile)) *bundle {
	t.Helper()
	b := &bundle{TB: t, db: pgtest.New(t), bank: banktest.New(t), profile: profile}
	b.start()
	return b
}

// start makes the keys, the services, and a person with a fresh connection.
func (b *bundle) start() {
	b.Helper()
	key, err := encryption.GenerateKey("k1")
	if err != nil {
		b.Fatal(err)
	}
	b.key = key.Line()
	if b.keys, err = encryption.ParseKeyring(b.key.Reveal()); err != nil {
		b.Fatal(err)
	}
	b.open()
}

// next is the same installation with another bank and another person, for a sub-test.
func (b *bundle) next(t testing.TB) *bundle {
	t.Helper()
	n := &bundle{TB: t, db: b.db, keys: b.keys, bank: banktest.New(t)}
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
	provider := b.bank.Provider()
	if b.profile != nil {
		b.profile(&provider.Profile)
	}
	list := []providers.Provider{provider}
	if b.other != nil {
		other := b.other.Provider()
		other.Profile.Slug = "other"
		list = append(list, other)
	}
	registry, limiter := providers.NewRegistry(list...), limits.New(b.db, time.Now)
	b.connections = connections.New(connections.Config{
		DB: b.db, Tokens: vault, Providers: registry, Limits: limiter, Jobs: queue, Key: b.keys.Derive("connect"), Enqueue: syncer.Enqueue(queue),
	})
	b.config = syncer.Config{
		DB: b.db, Connections: b.connections, Tokens: vault, Providers: registry, Queue: queue, Limits: limiter,
		Now: func() time.Time { return today.Add(9 * time.Hour) }, CoolDown: time.Nanosecond,
	}
	b.service = syncer.New(b.config)
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
func (b *bundle) connect(who actor.Actor) uuid.UUID { return b.connectTo(who, slug, b.bank) }

func (b *bundle) connectTo(who actor.Actor, slug string, bank *banktest.Bank) uuid.UUID {
	b.Helper()
	if err := b.connections.Start(b.Context(), who, slug, uuid.Nil); err != nil {
		b.Fatal(err)
	}
	address, err := b.connections.Continue(b.Context(), who, slug)
	if err != nil {
		b.Fatal(err)
	}
	q := bank.Consent(b.TB, address)
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

// step is one try of the newest job; it must not ask for another.
func (b *bundle) step() {
	b.Helper()
	if err := b.service.Work(b.Context(), b.job(), 1); err != nil {
		b.Fatal(err)
	}
}

// work works the newest run to its end.
func (b *bundle) work() {
	b.Helper()
	for range 100 {
		b.step()
		if n := b.count(`SELECT count(*) FROM sync_runs WHERE connection_id = $1 AND state IN ('queued', 'running')`, b.id); n == 0 {
			return
		}
	}
	b.Fatal("the run does not end")
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
	r, _, err := b.service.Progress(b.Context(), b.who, b.id)
	if err != nil {
		b.Fatal(err)
	}
	return r
}

func (b *bundle) view() syncer.View {
	b.Helper()
	v, err := b.service.View(b.Context(), b.who, b.id)
	if err != nil {
		b.Fatal(err)
	}
	return v
}

// await waits for what another goroutine brings about.
func (b *bundle) await(is func() bool) {
	b.Helper()
	for deadline := time.Now().Add(30 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			b.Fatal("it never came about")
		}
	}
}

func (b *bundle) get() connections.Detail {
	b.Helper()
	d, err := b.connections.Get(b.Context(), b.who, b.id)
	if err != nil {
		b.Fatal(err)
	}
	return d
}
