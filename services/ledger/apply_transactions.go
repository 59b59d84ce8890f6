package ledger

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/shopspring/decimal"
)

// forget removes pending transactions of the windows that the bank no longer reports: they were given up, or came back
// posted in a form that succeed could not recognise.
func (a *applying) forget(ctx context.Context, tx pgx.Tx) error {
	var asked, accounts []uuid.UUID
	var from, to []time.Time
	var reported []string
	for i, acc := range a.batch.Accounts {
		if acc.From.IsZero() {
			continue
		}
		asked, from, to = append(asked, a.ids[i]), append(from, acc.From), append(to, acc.To)
		for _, t := range acc.Transactions {
			accounts, reported = append(accounts, a.ids[i]), append(reported, t.ExternalID)
		}
	}
	tag, err := tx.Exec(ctx, `
		DELETE FROM transactions t
		USING unnest(@asked::uuid[], @from::date[], @to::date[]) AS w (account_id, first, last)
		WHERE t.user_id = @user AND t.account_id = w.account_id AND t.status = 'pending'
			AND t.booked_on BETWEEN w.first AND w.last
			AND (t.account_id, t.external_id) NOT IN (SELECT * FROM unnest(@accounts::uuid[], @reported::text[]))`,
		pgx.NamedArgs{"user": a.user, "asked": asked, "from": from, "to": to, "accounts": accounts, "reported": reported})
	a.result.Removed += int(tag.RowsAffected())
	a.result.Written += int(tag.RowsAffected())
	return err
}

// transactions upserts what the bank reported, all accounts in one statement. It never touches a note.
func (a *applying) transactions(ctx context.Context, tx pgx.Tx) error {
	rows, err := tx.Query(ctx, `
		INSERT INTO transactions AS t (user_id, id, account_id, external_id, status, booked_on, happened_at, amount_minor,
			currency, payee, description, category, kind, symbol, units, unit_price)
		SELECT @user, b.*
		FROM unnest(@ids::uuid[], @accounts::uuid[], @external::text[], @statuses::text[], @booked::date[],
			@happened::timestamptz[], @amounts::bigint[], @currencies::text[], @payees::text[], @descriptions::text[],
			@categories::text[], @kinds::text[], @symbols::text[], @units::text[]::numeric[], @prices::text[]::numeric[]) AS b
		ON CONFLICT ON CONSTRAINT transactions_external_unique DO UPDATE SET
			status = excluded.status, booked_on = excluded.booked_on, happened_at = excluded.happened_at,
			amount_minor = excluded.amount_minor, currency = excluded.currency, payee = excluded.payee,
			description = excluded.description, category = excluded.category, kind = excluded.kind,
			symbol = excluded.symbol, units = excluded.units, unit_price = excluded.unit_price,
			other_half = CASE WHEN (t.status, t.amount_minor, t.currency) = (excluded.status, excluded.amount_minor, excluded.currency)
				THEN t.other_half END
		WHERE (t.status, t.booked_on, t.happened_at, t.amount_minor, t.currency, t.payee, t.description, t.category, t.kind,
				t.symbol, t.units, t.unit_price)
			IS DISTINCT FROM (excluded.status, excluded.booked_on, excluded.happened_at, excluded.amount_minor,
				excluded.currency, excluded.payee, excluded.description, excluded.category, excluded.kind,
				excluded.symbol, excluded.units, excluded.unit_price)
		RETURNING t.id, t.xmax = 0`, a.transactionColumns())
	if err != nil {
		return err
	}
	var id uuid.UUID
	var added bool
	_, err = pgx.ForEachRow(rows, []any{&id, &added}, func() error {
		a.fresh = append(a.fresh, id)
		if added {
			a.result.Added++
		} else {
			a.result.Changed++
		}
		return nil
	})
	a.result.Written += len(a.fresh)
	return err
}

// reported is a transaction of the batch beside the account it belongs to.
type reported struct {
	account uuid.UUID
	BankTransaction
}

// reported lists the batch's transactions, oldest first.
func (a *applying) reported() []reported {
	var all []reported
	for i, acc := range a.batch.Accounts {
		for _, t := range acc.Transactions {
			all = append(all, reported{a.ids[i], t})
		}
	}
	slices.SortStableFunc(all, func(x, y reported) int {
		return cmp.Or(x.HappenedAt.Compare(y.HappenedAt), cmp.Compare(x.ExternalID, y.ExternalID))
	})
	return all
}

// transactionColumns turns the batch's transactions into one array per column.
func (a *applying) transactionColumns() pgx.NamedArgs {
	all := a.reported()
	n := len(all)
	ids, accounts, external, statuses := make([]uuid.UUID, n), make([]uuid.UUID, n), make([]string, n), make([]string, n)
	booked, happened := make([]time.Time, n), make([]time.Time, n)
	amounts, currencies := make([]int64, n), make([]string, n)
	payees, descriptions, categories := make([]string, n), make([]string, n), make([]string, n)
	kinds, symbols, units, prices := make([]string, n), make([]string, n), make([]*string, n), make([]*string, n)
	for i, t := range all {
		ids[i], accounts[i], external[i], statuses[i] = newID(), t.account, t.ExternalID, string(t.Status)
		booked[i], happened[i] = t.BookedOn, t.HappenedAt
		amounts[i], currencies[i] = t.Amount.Minor, t.Amount.Currency
		payees[i], descriptions[i], categories[i] = t.Payee, t.Description, t.Category
		kinds[i], symbols[i], units[i], prices[i] = t.Kind, t.Symbol, textOf(t.Units), textOf(t.UnitPrice)
	}
	return pgx.NamedArgs{
		"user": a.user, "ids": ids, "accounts": accounts, "external": external, "statuses": statuses, "booked": booked,
		"happened": happened, "amounts": amounts, "currencies": currencies, "payees": payees, "descriptions": descriptions,
		"categories": categories, "kinds": kinds, "symbols": symbols, "units": units, "prices": prices,
	}
}

// newID is a version 7 id: ids grow in the order they are made. So accounts stand in the order their bank named them,
// a day's transactions in the order they happened, and rows of one fetch lie together in the index.
func newID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

func textOf(d *decimal.Decimal) *string {
	if d == nil {
		return nil
	}
	s := d.String()
	return &s
}
