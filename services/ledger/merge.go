package ledger

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/errs"
)

// Window is what a bank was asked about one account: the days From..To (dates, both included), all pages of which are staged.
type Window struct {
	ConnectionID uuid.UUID
	Account      string // the bank's id of it
	From, To     time.Time
	Staged       int // how many transactions came
}

// ErrStagedLost says that what was staged is not there any more: the database crashed meanwhile. The window begins again.
var ErrStagedLost = errs.New(errs.Conflict, "What the bank sent was lost before it was whole.")

// Merge writes a whole window into who's ledger and empties the stage, in the caller's transaction. What the bank reports
// is kept, in the rows that stand for it already where there are any; what it no longer reports is removed (see missing).
// Merging the same window again writes nothing.
func Merge(ctx context.Context, tx pgx.Tx, who actor.Actor, w Window) (Result, error) {
	a := applying{who: who, user: who.UserID, connection: w.ConnectionID}
	err := func() error {
		if err := a.lock(ctx, tx); err != nil {
			return err
		}
		if err := a.recall(ctx, tx, w); err != nil {
			return err
		}
		if err := a.merge(ctx, tx, 0, w.Staged); err != nil {
			return err
		}
		return a.days(ctx, tx)
	}()
	if err != nil {
		return Result{}, fmt.Errorf("ledger: merging a window: %w", err)
	}
	return a.result, nil
}

// recall makes the window's account the batch, as it is stored.
func (a *applying) recall(ctx context.Context, tx pgx.Tx, w Window) error {
	acc := BankAccount{ExternalID: w.Account, From: date(w.From), To: date(w.To)}
	var id uuid.UUID
	err := tx.QueryRow(ctx, `
		SELECT id, kind, balance_minor, currency, balance_as_of FROM accounts
		WHERE user_id = @user AND connection_id = @connection AND external_id = @account`,
		pgx.NamedArgs{"user": a.user, "connection": a.connection, "account": w.Account}).
		Scan(&id, &acc.Kind, &acc.Balance.Minor, &acc.Balance.Currency, &acc.BalanceAsOf)
	if errors.Is(err, pgx.ErrNoRows) {
		return ErrNotFound
	}
	a.batch, a.ids = Batch{ConnectionID: a.connection, Accounts: []BankAccount{acc}}, []uuid.UUID{id}
	return err
}

// described are the columns in which the bank describes a transaction.
var described = []string{
	"status", "booked_on", "happened_at", "amount_minor", "currency", "payee", "description", "category", "kind", "symbol", "units", "unit_price",
}

// of lists the described columns of a table's alias.
func of(alias string) string { return alias + "." + strings.Join(described, ", "+alias+".") }

// merge brings what is staged into the transactions of the batch's i-th account, whose window it is. It works on sets, in
// two temporary tables that end with it: arrived is what the bank reported, gone what it does not report any more. Ids and
// indexes are chosen so that no plan is bad on tables the planner knows nothing about yet.
func (a *applying) merge(ctx context.Context, tx pgx.Tx, i, staged int) error {
	acc := a.batch.Accounts[i]
	args := pgx.NamedArgs{
		"user": a.user, "connection": a.connection, "account": a.ids[i], "from": acc.From, "to": acc.To, "posts_within": postsWithin,
		"changes": mostChanges,
	}
	known, err := a.arrive(ctx, tx, args, staged)
	if err != nil {
		return err
	}
	steps := []func(context.Context, pgx.Tx, pgx.NamedArgs) error{a.note, a.insert, a.pair}
	if known {
		steps = []func(context.Context, pgx.Tx, pgx.NamedArgs) error{a.succeed, a.share, a.missing, a.compare, a.note, a.remove, a.update, a.insert, a.pair}
	}
	for _, step := range steps {
		if err := step(ctx, tx, args); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(ctx, `DROP TABLE arrived, gone`); err != nil {
		return err
	}
	return Unstage(ctx, tx, a.who, a.connection)
}

// arrive fills arrived: each transaction once, the last word on it, its id in the order in which they happened, and beside
// it the stored one of that name. A pending one whose posted self came along is not there any more. known is false when the account
// has no transactions yet.
func (a *applying) arrive(ctx context.Context, tx pgx.Tx, args pgx.NamedArgs, staged int) (known bool, err error) {
	for _, sql := range []string{
		`CREATE TEMPORARY TABLE arrived (LIKE staged_transactions, stored uuid, fate text, PRIMARY KEY (nth)) ON COMMIT DROP`,
		`CREATE TEMPORARY TABLE gone (id uuid PRIMARY KEY, external_id text, status text, booked_on date, happened_at timestamptz,
			amount_minor bigint, currency text, payee text) ON COMMIT DROP`,
	} {
		if _, err := tx.Exec(ctx, sql); err != nil {
			return false, err
		}
	}
	if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM transactions WHERE user_id = @user AND account_id = @account)`, args).Scan(&known); err != nil {
		return false, err
	}
	args["known"] = known
	tag, err := tx.Exec(ctx, `
		INSERT INTO arrived (user_id, connection_id, nth, id, external_id, reference_id, `+strings.Join(described, ", ")+`, stored)
		SELECT s.user_id, s.connection_id, s.nth, i.id, s.external_id, s.reference_id, `+of("s")+`,
			CASE WHEN @known::boolean THEN (SELECT t.id FROM transactions t
				WHERE t.user_id = @user AND t.account_id = @account AND t.external_id = s.external_id) END
		FROM (SELECT *, row_number() OVER (ORDER BY happened_at, external_id COLLATE "C") AS place FROM staged_transactions
				WHERE user_id = @user AND connection_id = @connection) s
			JOIN (SELECT id, row_number() OVER (ORDER BY nth) AS place FROM staged_transactions
				WHERE user_id = @user AND connection_id = @connection) i USING (place)`, args)
	if err != nil {
		return false, err
	}
	if int(tag.RowsAffected()) != staged {
		return false, ErrStagedLost
	}
	for _, sql := range []string{
		`DELETE FROM arrived a USING (SELECT external_id, max(nth) AS last FROM arrived GROUP BY external_id HAVING count(*) > 1) d
			WHERE a.external_id = d.external_id AND a.nth < d.last`,
		`DELETE FROM arrived p USING arrived q
			WHERE p.status = 'pending' AND q.status = 'posted' AND q.reference_id <> '' AND p.external_id = q.reference_id`,
		`CREATE INDEX ON arrived (stored)`,
	} {
		if _, err := tx.Exec(ctx, sql); err != nil {
			return false, err
		}
	}
	return known, nil
}

// compare finds out which of the stored ones the bank now describes otherwise.
func (a *applying) compare(ctx context.Context, tx pgx.Tx, args pgx.NamedArgs) error {
	_, err := tx.Exec(ctx, `
		UPDATE arrived a SET fate = CASE WHEN t.status = 'pending' AND a.status = 'posted' THEN 'merged' ELSE 'changed' END
		FROM transactions t
		WHERE t.user_id = @user AND t.id = a.stored AND (`+of("t")+`) IS DISTINCT FROM (`+of("a")+`)`, args)
	if err != nil {
		return err
	}
	return tx.QueryRow(ctx, `SELECT count(*) FILTER (WHERE fate = 'changed') + @changed::int, count(*) FILTER (WHERE fate = 'merged') + @merged::int FROM arrived`,
		pgx.NamedArgs{"changed": a.result.Changed, "merged": a.result.Merged}).Scan(&a.result.Changed, &a.result.Merged)
}

// update writes what changed. It never touches a note.
func (a *applying) update(ctx context.Context, tx pgx.Tx, args pgx.NamedArgs) error {
	tag, err := tx.Exec(ctx, `
		UPDATE transactions t SET (`+strings.Join(described, ", ")+`) = (`+of("a")+`),
			other_half = CASE WHEN (t.status, t.amount_minor, t.currency) = (a.status, a.amount_minor, a.currency) THEN t.other_half END
		FROM arrived a
		WHERE t.user_id = @user AND t.id = a.stored AND a.fate IN ('changed', 'merged')`, args)
	a.result.Written += int(tag.RowsAffected())
	return err
}

// insert writes what is new.
func (a *applying) insert(ctx context.Context, tx pgx.Tx, args pgx.NamedArgs) error {
	tag, err := tx.Exec(ctx, `
		INSERT INTO transactions (user_id, id, account_id, external_id, `+strings.Join(described, ", ")+`)
		SELECT @user, a.id, @account, a.external_id, `+of("a")+` FROM arrived a WHERE a.stored IS NULL ORDER BY a.id`, args)
	a.result.Added += int(tag.RowsAffected())
	a.result.Written += int(tag.RowsAffected())
	return err
}
