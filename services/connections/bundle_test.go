package connections_test

import (
	"log/slog"
	"net/url"
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

// bundle is a database of its own, a bank, and a person with a browser session.
type bundle struct {
	*testing.T
	db      *postgres.Pool
	bank    *banktest.Bank
	vault   *tokens.Service
	service *connections.Service
	who     actor.Actor
}

func newBundle(t *testing.T) *bundle {
	t.Helper()
	return over(t, pgtest.New(t))
}

// over is a bundle on a database of the test's choice.
func over(t *testing.T, db *postgres.Pool) *bundle {
	t.Helper()
	b := &bundle{T: t, db: db, bank: banktest.New(t)}
	key, err := encryption.GenerateKey("k1")
	if err != nil {
		t.Fatal(err)
	}
	keys, err := encryption.ParseKeyring(key.Line().Reveal())
	if err != nil {
		t.Fatal(err)
	}
	queue, err := jobs.NewQueue(b.db.Pool, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	b.vault = tokens.New(tokens.Config{DB: b.db, Keys: keys})
	other := b.bank.Provider()
	other.Profile.Slug, other.Profile.SignInDays = "otherbank", 7
	b.service = connections.New(connections.Config{
		DB: b.db, Tokens: b.vault, Providers: providers.NewRegistry(b.bank.Provider(), other), Limits: limits.New(b.db, time.Now), Jobs: queue,
		Key: keys.Derive("connect"), Enqueue: syncer.Enqueue(queue),
	})
	b.who = b.person()
	return b
}

// next is the same installation and bank with another person, for a sub-test.
func (b *bundle) next(t *testing.T) *bundle {
	t.Helper()
	n := *b
	n.T = t
	n.bank.Do(func(bank *banktest.Bank) { bank.Token = nil })
	n.who = n.person()
	return &n
}

// person makes a person with a browser session.
func (b *bundle) person() actor.Actor {
	b.Helper()
	who := actor.Actor{Kind: actor.User, UserID: uuid.New(), SessionID: uuid.New(), RequestID: "test"}
	b.exec(`INSERT INTO users (id, email, email_key, name, password_hash) VALUES (@id, @email, @email, 'Test', 'none')`,
		pgx.NamedArgs{"id": who.UserID, "email": who.UserID.String() + "@example.com"})
	return who
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

// ask starts an attempt and gives the bank's answer to it, the person having said yes.
func (b *bundle) ask(who actor.Actor, reconnect uuid.UUID) url.Values {
	b.Helper()
	if err := b.service.Start(b.Context(), who, slug, reconnect); err != nil {
		b.Fatal(err)
	}
	address, err := b.service.Continue(b.Context(), who, slug)
	if err != nil {
		b.Fatal(err)
	}
	return b.bank.Consent(b.T, address)
}

func answer(q url.Values) connections.Answer {
	return connections.Answer{State: q.Get("state"), Code: q.Get("code"), Error: q.Get("error"), Issuer: q.Get("iss")}
}

// connect makes a connection.
func (b *bundle) connect(who actor.Actor) uuid.UUID {
	b.Helper()
	id, err := b.service.Callback(b.Context(), who, slug, answer(b.ask(who, uuid.Nil)))
	if err != nil {
		b.Fatal(err)
	}
	return id
}

func (b *bundle) get(who actor.Actor, id uuid.UUID) connections.Detail {
	b.Helper()
	d, err := b.service.Get(b.Context(), who, id)
	if err != nil {
		b.Fatal(err)
	}
	return d
}
