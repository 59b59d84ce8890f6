package ledger_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/ledger"
	"dashtam/services/postgres"
	"dashtam/services/postgres/pgtest"
)

// BenchmarkFirstSync is the first sync of 100,000 transactions of one account, from decoded rows to committed: staged page
// by page and merged, beside a bare COPY of the same rows into the same table with its indexes and foreign keys, each in a
// database of its own. of-COPY is the COPY's time divided by ours; re-sync is the same window once more, with the rows
// written as PostgreSQL counts them.
func BenchmarkFirstSync(b *testing.B) {
	const all, page = 100_000, 500
	for b.Loop() {
		bare := newYard(b)
		begin := time.Now()
		bare.copy(all)
		raw := time.Since(begin)

		yard := newYard(b)
		begin = time.Now()
		yard.sync(all, page)
		took := time.Since(begin)
		yard.same(all)

		yard.do(`SELECT pg_stat_force_next_flush()`)
		before := yard.written()
		begin = time.Now()
		if r := yard.sync(all, page); r.Written != 0 {
			b.Fatalf("syncing the same again: %+v", r)
		}
		again := time.Since(begin)
		yard.do(`SELECT pg_stat_force_next_flush()`)
		b.ReportMetric(raw.Seconds(), "s-COPY")
		b.ReportMetric(took.Seconds(), "s-sync")
		b.ReportMetric(raw.Seconds()/took.Seconds(), "of-COPY")
		b.ReportMetric(again.Seconds(), "s-re-sync")
		b.ReportMetric(float64(yard.written()-before), "rows-re-sync")
		b.ReportMetric(peak(b), "MB-peak")
	}
}

// peak is the most memory this process ever had, in MB.
func peak(b *testing.B) float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Fatal(err)
	}
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	var kb float64
	if _, err := fmt.Sscan(after, &kb); err != nil {
		b.Fatal(err)
	}
	return kb / 1024
}

// yard is a database with one person, one connection and one account.
type yard struct {
	*testing.B
	pool                *postgres.Pool
	who                 actor.Actor
	connection, account uuid.UUID
}

func newYard(b *testing.B) *yard {
	pool, err := postgres.Open(b.Context(), pgtest.URL(b)+"&pool_max_conns=1") // whose counters can be flushed
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(pool.Close)
	y := &yard{B: b, pool: pool, who: actor.Actor{UserID: uuid.New()}, connection: uuid.New()}
	for _, sql := range []string{
		`INSERT INTO users (id, email, email_key, name, password_hash) VALUES (@user, 'a@example.com', 'a@example.com', 'Test', 'none')`,
		`INSERT INTO connections (user_id, id, provider, name, status) VALUES (@user, @connection, 'alder', 'Alder', 'healthy')`,
	} {
		if _, err := y.pool.Exec(b.Context(), sql, pgx.NamedArgs{"user": y.who.UserID, "connection": y.connection}); err != nil {
			b.Fatal(err)
		}
	}
	acc := account("chk", ledger.Checking, 100)
	acc.From, acc.To = time.Time{}, time.Time{}
	if _, err := ledger.Apply(b.Context(), y.pool, y.who, ledger.Batch{ConnectionID: y.connection, Accounts: []ledger.BankAccount{acc}}); err != nil {
		b.Fatal(err)
	}
	if err := y.pool.QueryRow(b.Context(), `SELECT id FROM accounts`).Scan(&y.account); err != nil {
		b.Fatal(err)
	}
	return y
}

func (y *yard) do(sql string) {
	if _, err := y.pool.Exec(y.Context(), sql); err != nil {
		y.Fatal(err)
	}
}

// row is the nth of many transactions of three years, newest first, as banks tell them.
func row(n int) ledger.BankTransaction {
	at := now.Add(-time.Duration(n) * 15 * time.Minute)
	t := ledger.BankTransaction{
		ExternalID: fmt.Sprintf("2026-txn-%08d", n), Status: ledger.Posted, BookedOn: at, HappenedAt: at, Amount: usd(-int64(n%9000) - 100),
		Payee: fmt.Sprintf("Payee %d", n%400), Description: fmt.Sprintf("POS PURCHASE %d CITY %d", n%400, n%37), Category: "Groceries",
	}
	if n%50 == 0 {
		t.Payee, t.Category = "Transfer to savings", "Transfers"
	}
	return t
}

// copy is a bare COPY of n rows.
func (y *yard) copy(n int) {
	err := pgx.BeginFunc(y.Context(), y.pool, func(tx pgx.Tx) error {
		_, err := tx.CopyFrom(y.Context(), pgx.Identifier{"transactions"}, []string{
			"user_id", "id", "account_id", "external_id", "status", "booked_on", "happened_at", "amount_minor", "currency", "payee", "description", "category",
		}, pgx.CopyFromSlice(n, func(i int) ([]any, error) {
			t := row(i)
			return []any{
				y.who.UserID, uuid.Must(uuid.NewV7()), y.account, t.ExternalID, string(t.Status), t.BookedOn, t.HappenedAt, t.Amount.Minor, t.Amount.Currency,
				t.Payee, t.Description, t.Category,
			}, nil
		}))
		return err
	})
	if err != nil {
		y.Fatal(err)
	}
}

// sync stages n rows page by page, each in a transaction of its own, and merges them.
func (y *yard) sync(n, page int) (r ledger.Result) {
	in := func(do func(ctx context.Context, tx pgx.Tx) error) {
		if err := pgx.BeginFunc(y.Context(), y.pool, func(tx pgx.Tx) error { return do(y.Context(), tx) }); err != nil {
			y.Fatal(err)
		}
	}
	for at := 0; at < n; at += page {
		in(func(ctx context.Context, tx pgx.Tx) error {
			rows := make([]ledger.BankTransaction, page)
			for i := range rows {
				rows[i] = row(at + i)
			}
			return ledger.Stage(ctx, tx, y.who, y.connection, at, rows)
		})
	}
	in(func(ctx context.Context, tx pgx.Tx) (err error) {
		r, err = ledger.Merge(ctx, tx, y.who, ledger.Window{
			ConnectionID: y.connection, Account: "chk", From: now.AddDate(-4, 0, 0), To: now.AddDate(0, 0, 1), Staged: n,
		})
		return err
	})
	return r
}

func (y *yard) same(n int) {
	var got int
	if err := y.pool.QueryRow(y.Context(), `SELECT count(*) FROM transactions`).Scan(&got); err != nil || got != n {
		y.Fatalf("%d transactions, %v", got, err)
	}
}

// written is how many rows of the ledger were ever written.
func (y *yard) written() (n int) {
	if err := y.pool.QueryRow(y.Context(), `
		SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_user_tables
		WHERE relname IN ('accounts', 'transactions', 'balance_days', 'holdings')`).Scan(&n); err != nil {
		y.Fatal(err)
	}
	return n
}
