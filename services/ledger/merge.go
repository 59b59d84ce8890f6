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
// two temporary tables that end with it: arrived is what the bank reported, gone what it does not report any more. Nested
// loops are off meanwhile: on tables a first sync has just filled the planner believes that one row of each is there, and
// would compare each with all.
func (a *applying) merge(ctx context.Context, tx pgx.Tx, i, staged int) error {
	acc := a.batch.Accounts[i]
	args := pgx.NamedArgs{
		"user": a.user, "connection": a.connection, "account": a.ids[i], "from": acc.From, "to": acc.To, "posts_within": postsWithin,
		"changes": mostChanges,
	}
	for _, sql := range []string{
		`SET LOCAL enable_nestloop = off`, `SET LOCAL work_mem = '64MB'`,
		`CREATE TEMPORARY TABLE arrived (LIKE staged_transactions, stored uuid, fate text) ON COMMIT DROP`,
		`CREATE TEMPORARY TABLE gone (id uuid, external_id text, status text, booked_on date, happened_at timestamptz,
			amount_minor bigint, currency text, payee text) ON COMMIT DROP`,
	} {
		if _, err := tx.Exec(ctx, sql); err != nil {
			return err
		}
	}
	if err := a.arrive(ctx, tx, args, staged); err != nil {
		return err
	}
	steps := []func(context.Context, pgx.Tx, pgx.NamedArgs) error{a.succeed, a.share, a.missing, a.write}
	for _, step := range steps {
		if err := step(ctx, tx, args); err != nil {
			return err
		}
	}
	for _, sql := range []string{`DROP TABLE arrived, gone`, `SET LOCAL enable_nestloop = on`, `SET LOCAL work_mem TO DEFAULT`} {
		if _, err := tx.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return Unstage(ctx, tx, a.who, a.connection)
}

// fateOf is what becomes of the stored transaction of an alias when a describes it: nothing where it is the same.
func fateOf(alias string) string {
	return `CASE WHEN (` + of(alias) + `) IS DISTINCT FROM (` + of("a") + `) THEN
		CASE WHEN ` + alias + `.status = 'pending' AND a.status = 'posted' THEN 'merged' ELSE 'changed' END END`
}

// arrive fills arrived: each transaction once, the last word on it, its id in the order in which they happened, and beside
// it the stored one of that name and what becomes of that. A pending one whose posted self came along is not there any
// more.
func (a *applying) arrive(ctx context.Context, tx pgx.Tx, args pgx.NamedArgs, staged int) error {
	tag, err := tx.Exec(ctx, `
		WITH held AS MATERIALIZED (
			SELECT id, external_id, `+strings.Join(described, ", ")+` FROM transactions WHERE user_id = @user AND account_id = @account)
		INSERT INTO arrived (user_id, connection_id, nth, id, external_id, reference_id, `+strings.Join(described, ", ")+`, stored, fate)
		SELECT a.user_id, a.connection_id, a.nth,
			(ARRAY(SELECT id FROM staged_transactions WHERE user_id = @user AND connection_id = @connection ORDER BY nth))[a.place],
			a.external_id, a.reference_id, `+of("a")+`, h.id, CASE WHEN h.id IS NOT NULL THEN `+fateOf("h")+` END
		FROM (SELECT *, row_number() OVER (ORDER BY happened_at, external_id COLLATE "C") AS place FROM staged_transactions
				WHERE user_id = @user AND connection_id = @connection) a
			LEFT JOIN held h ON h.external_id = a.external_id`, args)
	if err != nil {
		return err
	}
	if int(tag.RowsAffected()) != staged {
		return ErrStagedLost
	}
	for _, sql := range []string{
		`DELETE FROM arrived a USING (SELECT external_id, max(nth) AS last FROM arrived GROUP BY external_id HAVING count(*) > 1) d
			WHERE a.external_id = d.external_id AND a.nth < d.last`,
		`DELETE FROM arrived p USING arrived q
			WHERE p.status = 'pending' AND q.status = 'posted' AND q.reference_id <> '' AND p.external_id = q.reference_id`,
	} {
		if _, err := tx.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

// write carries out what was found, and skips what there is nothing of.
func (a *applying) write(ctx context.Context, tx pgx.Tx, args pgx.NamedArgs) error {
	var added, changed, merged, removed int
	if err := tx.QueryRow(ctx, `
		SELECT count(*) FILTER (WHERE stored IS NULL), count(*) FILTER (WHERE fate = 'changed'), count(*) FILTER (WHERE fate = 'merged'),
			(SELECT count(*) FROM gone) FROM arrived`).Scan(&added, &changed, &merged, &removed); err != nil {
		return err
	}
	a.result.Changed += changed
	a.result.Merged += merged
	for _, step := range []struct {
		needed bool
		do     func(context.Context, pgx.Tx, pgx.NamedArgs) error
	}{
		{added+changed+merged+removed > 0, a.note}, {removed > 0, a.remove}, {changed+merged > 0, a.update}, {added > 0, a.insert},
		{added+changed+merged > 0, a.pair},
	} {
		if !step.needed {
			continue
		}
		if err := step.do(ctx, tx, args); err != nil {
			return err
		}
	}
	return nil
}

// update writes what changed. It never touches a note.
func (a *applying) update(ctx context.Context, tx pgx.Tx, args pgx.NamedArgs) error {
	tag, err := tx.Exec(ctx, `
		UPDATE transactions t SET (`+strings.Join(described, ", ")+`) = (`+of("a")+`),
			other_half = CASE WHEN (t.status, t.amount_minor, t.currency) = (a.status, a.amount_minor, a.currency) THEN t.other_half END
		FROM arrived a
		WHERE t.user_id = @user AND t.account_id = @account AND t.id = a.stored AND a.fate IN ('changed', 'merged')`, args)
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
