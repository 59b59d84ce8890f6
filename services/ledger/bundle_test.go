package ledger_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/shopspring/decimal"

	"dashtam/services/actor"
	"dashtam/services/ledger"
	"dashtam/services/money"
	"dashtam/services/postgres/pgtest"
)

// now is when the banks of these tests speak.
var now = time.Date(2026, 11, 24, 9, 12, 0, 0, time.UTC)

func day(month time.Month, d int) time.Time { return time.Date(2026, month, d, 0, 0, 0, 0, time.UTC) }

func usd(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: "USD"} }

// bundle is a person with one connection, in a transaction that is rolled back.
type bundle struct {
	*testing.T
	tx         pgx.Tx
	who        actor.Actor
	connection uuid.UUID
	service    *ledger.Service
}

func newBundle(t *testing.T) *bundle {
	t.Helper()
	tx := pgtest.Tx(t)
	b := &bundle{T: t, tx: tx, service: ledger.New(tx)}
	b.who, b.connection = b.person()
	return b
}

// person makes a person with one connection.
func (b *bundle) person() (actor.Actor, uuid.UUID) {
	b.Helper()
	who := actor.Actor{Kind: actor.User, UserID: uuid.New(), RequestID: "test"}
	b.exec(`INSERT INTO users (id, email, email_key, name, password_hash) VALUES (@id, @email, @email, 'Test', 'none')`,
		pgx.NamedArgs{"id": who.UserID, "email": who.UserID.String() + "@example.com"})
	return who, b.connect(who, "Alder Street Bank")
}

func (b *bundle) connect(who actor.Actor, name string) uuid.UUID {
	b.Helper()
	id := uuid.New()
	b.exec(`INSERT INTO connections (user_id, id, provider, name, status) VALUES (@user, @id, 'alder', @name, 'healthy')`,
		pgx.NamedArgs{"user": who.UserID, "id": id, "name": name})
	return id
}

func (b *bundle) exec(sql string, args pgx.NamedArgs) {
	b.Helper()
	if _, err := b.tx.Exec(b.Context(), sql, args); err != nil {
		b.Fatal(err)
	}
}

// apply writes the accounts as an answer of the bundle's bank.
func (b *bundle) apply(accounts ...ledger.BankAccount) ledger.Result {
	b.Helper()
	return b.applyTo(b.connection, accounts...)
}

func (b *bundle) applyTo(connection uuid.UUID, accounts ...ledger.BankAccount) ledger.Result {
	b.Helper()
	r, err := ledger.Apply(b.Context(), b.tx, b.who, ledger.Batch{ConnectionID: connection, Accounts: accounts})
	if err != nil {
		b.Fatalf("Apply: %v", err)
	}
	return r
}

// checking is a checking account whose bank was asked for the transactions of November.
func checking(minor int64, transactions ...ledger.BankTransaction) ledger.BankAccount {
	return account("chk", ledger.Checking, minor, transactions...)
}

func account(id string, kind ledger.Kind, minor int64, transactions ...ledger.BankTransaction) ledger.BankAccount {
	return ledger.BankAccount{
		ExternalID: id, Kind: kind, Name: "Everyday " + id, Mask: "4417", Balance: usd(minor), BalanceAsOf: now,
		From: day(11, 1), To: day(11, 30), Transactions: transactions,
	}
}

// posted and pending are transactions of November whose id is their payee.
func posted(payee string, d int, minor int64) ledger.BankTransaction {
	return ledger.BankTransaction{
		ExternalID: payee, Status: ledger.Posted, BookedOn: day(11, d), HappenedAt: day(11, d).Add(12 * time.Hour),
		Amount: usd(minor), Payee: payee,
	}
}

func pending(payee string, d int, minor int64) ledger.BankTransaction {
	t := posted(payee, d, minor)
	t.Status = ledger.Pending
	return t
}

// as changes a transaction's id.
func as(id string, t ledger.BankTransaction) ledger.BankTransaction {
	t.ExternalID = id
	return t
}

// list reads the transactions that match, newest first.
func (b *bundle) list(terms ledger.Terms) []ledger.Transaction {
	b.Helper()
	return b.page(terms).Transactions
}

func (b *bundle) page(terms ledger.Terms) ledger.Page {
	b.Helper()
	q, err := terms.Query()
	if err != nil {
		b.Fatalf("Query: %v", err)
	}
	p, err := b.service.Transactions(b.Context(), b.who, q, now)
	if err != nil {
		b.Fatalf("Transactions: %v", err)
	}
	return p
}

// standing finds one of the person's accounts by the end of its name.
func (b *bundle) standing(id string) ledger.Standing {
	b.Helper()
	accounts, err := b.service.Accounts(b.Context(), b.who, now)
	if err != nil {
		b.Fatal(err)
	}
	for _, a := range accounts {
		if a.Name == "Everyday "+id {
			return a
		}
	}
	b.Fatalf("no account %s", id)
	return ledger.Standing{}
}

func (b *bundle) statement(id string) ledger.Statement {
	b.Helper()
	s, err := b.service.Account(b.Context(), b.who, b.standing(id).ID, ledger.Year, now)
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// payees lists transactions as "payee minor", with a star for pending ones.
func payees(list []ledger.Transaction) []string {
	names := make([]string, len(list))
	for i, t := range list {
		names[i] = fmt.Sprintf("%s %d", t.Payee, t.Amount.Minor)
		if t.Status == ledger.Pending {
			names[i] += "*"
		}
	}
	return names
}

// count asks the database what no read of the package shows.
func (b *bundle) count(sql string) (n int) {
	b.Helper()
	if err := b.tx.QueryRow(context.Background(), sql, pgx.NamedArgs{"user": b.who.UserID}).Scan(&n); err != nil {
		b.Fatal(err)
	}
	return n
}

func dec(s string) decimal.Decimal { return decimal.RequireFromString(s) }
