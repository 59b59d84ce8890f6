package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/audit"
	"dashtam/services/errs"
	"dashtam/services/money"
)

// undoFor is how long an account that was taken for one the person had can be told apart from it again.
const undoFor = "30 days"

// What can go wrong when the person says which account is which.
var (
	ErrNoQuestion = errs.New(errs.NotFound, "This question was answered already, or the bank does not show the account any more.")
	ErrNoMerge    = errs.New(errs.NotFound, "This cannot be undone any more.")
)

// Decide takes the person's answer to a question of one of their connections, in the caller's transaction: the account is
// theirs of that id, or with uuid.Nil another one. What the bank knows of it has to be fetched afterwards. An account that
// was not offered is an Invalid error on the field "account"; a question that is not who's is ErrNoQuestion.
func Decide(ctx context.Context, tx pgx.Tx, who actor.Actor, connection, question, account uuid.UUID) error {
	a := applying{who: who, user: who.UserID, connection: connection}
	if err := a.lock(ctx, tx); err != nil {
		return fmt.Errorf("ledger: deciding: %w", err)
	}
	var said []byte
	var candidates []uuid.UUID
	err := tx.QueryRow(ctx, `
		DELETE FROM account_questions WHERE user_id = @user AND connection_id = @connection AND id = @question RETURNING said, candidates`,
		a.args(pgx.NamedArgs{"question": question})).Scan(&said, &candidates)
	var acc BankAccount
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return ErrNoQuestion
	case err == nil:
		err = json.Unmarshal(said, &acc)
	}
	if err != nil {
		return fmt.Errorf("ledger: deciding: %w", err)
	}
	a.batch.Accounts = []BankAccount{acc}
	switch {
	case account == uuid.Nil:
		err = a.another(ctx, tx, candidates)
	case !slices.Contains(candidates, account):
		return errs.Field("account", "Choose one of these accounts, or that it is another one.")
	default:
		err = a.theSame(ctx, tx, account)
	}
	if err != nil {
		return fmt.Errorf("ledger: deciding: %w", err)
	}
	return nil
}

// another makes the account a new one. What it may have been is gone, unless it may still be yet another.
func (a *applying) another(ctx context.Context, tx pgx.Tx, candidates []uuid.UUID) error {
	if err := a.accounts(ctx, tx); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `
		UPDATE accounts a SET gone_at = now()
		WHERE user_id = @user AND id = ANY (@candidates::uuid[]) AND gone_at IS NULL
			AND NOT EXISTS (SELECT FROM account_questions q WHERE q.user_id = @user AND a.id = ANY (q.candidates))`,
		a.args(pgx.NamedArgs{"candidates": candidates})); err != nil {
		return err
	}
	return audit.Record(ctx, tx, a.who, audit.Event{Act: "account.another", Target: a.ids[0].String()})
}

// theSame gives the account back its row. Nothing else can be that account any more; a question without a choice is none,
// and what it was about comes as new with the bank's next list.
func (a *applying) theSame(ctx context.Context, tx pgx.Tx, account uuid.UUID) error {
	if err := rejoin(ctx, tx, a.who, account, a.batch.Accounts[0].ExternalID, true); err != nil {
		return err
	}
	args := a.args(pgx.NamedArgs{"account": account})
	if _, err := tx.Exec(ctx, `
		UPDATE account_questions SET candidates = array_remove(candidates, @account::uuid)
		WHERE user_id = @user AND connection_id = @connection AND @account::uuid = ANY (candidates)`, args); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `DELETE FROM account_questions WHERE user_id = @user AND connection_id = @connection AND candidates = '{}'`, args)
	return err
}

// accountColumns are the columns of accounts that a merge changes and Split gives back.
const bankColumns = `external_id, kind, bank_name, mask, currency, balance_minor, available_minor, limit_minor, balance_as_of, closed_at, number_hash`

// Split undoes a merge of one of who's accounts in the caller's transaction: the account is again what it was, with the
// transactions it had and its notes, and gone from the bank; what the bank reports now is an account of its own, with
// what was reported since. ErrNoMerge when it is not who's or too late, or the account came back once more since.
func Split(ctx context.Context, tx pgx.Tx, who actor.Actor, connection, id uuid.UUID) error {
	a := applying{who: who, user: who.UserID, connection: connection}
	if err := a.lock(ctx, tx); err != nil {
		return fmt.Errorf("ledger: splitting: %w", err)
	}
	var old uuid.UUID
	args := a.args(pgx.NamedArgs{"merge": id, "undo": undoFor, "fresh": newID()})
	err := tx.QueryRow(ctx, `SELECT m.account_id `+undoable+` AND m.id = @merge FOR UPDATE OF m, a`, args).Scan(&old)
	if errors.Is(err, pgx.ErrNoRows) {
		return ErrNoMerge
	}
	if err != nil {
		return fmt.Errorf("ledger: splitting: %w", err)
	}
	args["old"] = old
	if err := a.separate(ctx, tx, args); err != nil {
		return fmt.Errorf("ledger: splitting: %w", err)
	}
	return nil
}

// undoable are the merges m of accounts a of a connection that can be undone.
const undoable = `
	FROM account_merges m JOIN accounts a ON a.user_id = m.user_id AND a.id = m.account_id
	WHERE m.user_id = @user AND a.connection_id = @connection AND m.merged_at > now() - @undo::interval AND a.external_id = m.external_id
		AND NOT EXISTS (SELECT FROM accounts o
			WHERE o.user_id = m.user_id AND o.connection_id = a.connection_id AND o.external_id = m.was ->> 'external_id')`

// separate gives old back what was its own, and fresh the rest.
func (a *applying) separate(ctx context.Context, tx pgx.Tx, args pgx.NamedArgs) error {
	rows, err := tx.Query(ctx, `
		SELECT t.id FROM merged_transactions r JOIN transactions t ON t.user_id = r.user_id AND t.id = r.transaction_id
		WHERE r.user_id = @user AND r.merge_id = @merge AND r.shared ORDER BY t.happened_at, t.external_id`, args)
	if err != nil {
		return err
	}
	shared, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return err
	}
	copies := make([]uuid.UUID, len(shared))
	for i := range shared {
		copies[i] = newID()
	}
	args["shared"], args["copies"] = shared, copies
	for _, sql := range separations {
		if _, err := tx.Exec(ctx, sql, args); err != nil {
			return err
		}
	}
	if err := a.recount(ctx, tx, args); err != nil {
		return err
	}
	old, _ := args["old"].(uuid.UUID)
	return audit.Record(ctx, tx, a.who, audit.Event{Act: "account.split", Target: old.String()})
}

// separations split an account in two: what came since moves, what both have is copied, and the old one is as it was.
var separations = []string{
	`INSERT INTO accounts (user_id, id, connection_id, ` + bankColumns + `)
		SELECT user_id, @fresh, connection_id, external_id || ' ' || @merge::text, kind, bank_name, mask, currency, balance_minor,
			available_minor, limit_minor, balance_as_of, closed_at, number_hash
		FROM accounts WHERE user_id = @user AND id = @old`,
	`UPDATE accounts a SET (` + bankColumns + `, gone_at) = (SELECT ` + bankColumns + `, now() FROM jsonb_populate_record(NULL::accounts, m.was))
		FROM account_merges m WHERE m.user_id = @user AND m.id = @merge AND a.user_id = @user AND a.id = @old`,
	`UPDATE accounts a SET external_id = m.external_id
		FROM account_merges m WHERE m.user_id = @user AND m.id = @merge AND a.user_id = @user AND a.id = @fresh`,
	`UPDATE transactions t SET account_id = @fresh
		WHERE user_id = @user AND account_id = @old
			AND NOT EXISTS (SELECT FROM merged_transactions r WHERE r.user_id = @user AND r.merge_id = @merge AND r.transaction_id = t.id)`,
	`INSERT INTO transactions (user_id, id, account_id, external_id, status, booked_on, happened_at, amount_minor, currency, payee,
			description, category, kind, symbol, units, unit_price)
		SELECT user_id, c.copy, @fresh, external_id, status, booked_on, happened_at, amount_minor, currency, payee, description,
			category, kind, symbol, units, unit_price
		FROM unnest(@shared::uuid[], @copies::uuid[]) AS c (id, copy) JOIN transactions t ON t.user_id = @user AND t.id = c.id`,
	`UPDATE transactions t SET external_id = r.external_id FROM merged_transactions r
		WHERE r.user_id = @user AND r.merge_id = @merge AND t.user_id = @user AND t.id = r.transaction_id AND t.external_id <> r.external_id`,
	`UPDATE holdings SET account_id = @fresh WHERE user_id = @user AND account_id = @old`,
	`UPDATE balance_days d SET account_id = @fresh FROM account_merges m
		WHERE m.user_id = @user AND m.id = @merge AND d.user_id = @user AND d.account_id = @old AND d.day > date_trunc('day', (m.was ->> 'balance_as_of')::timestamptz, 'UTC')::date`,
	`DELETE FROM account_merges WHERE user_id = @user AND id = @merge`,
}

// recount works both accounts' days out anew, and finds the other halves of what was copied.
func (a *applying) recount(ctx context.Context, tx pgx.Tx, args pgx.NamedArgs) error {
	rows, err := tx.Query(ctx, `
		SELECT id, kind, balance_minor, currency, balance_as_of FROM accounts WHERE user_id = @user AND id IN (@old, @fresh)`, args)
	if err != nil {
		return err
	}
	var id uuid.UUID
	var acc BankAccount
	var balance money.Amount
	if _, err := pgx.ForEachRow(rows, []any{&id, &acc.Kind, &balance.Minor, &balance.Currency, &acc.BalanceAsOf}, func() error {
		acc.Balance = balance
		a.ids, a.batch.Accounts = append(a.ids, id), append(a.batch.Accounts, acc)
		return nil
	}); err != nil {
		return err
	}
	if err := a.match(ctx, tx, args, `SELECT t.id, t.booked_on FROM transactions t WHERE t.user_id = @user AND t.id = ANY (@copies::uuid[]) AND `+mayBeHalf("t")); err != nil {
		return err
	}
	return a.days(ctx, tx)
}
