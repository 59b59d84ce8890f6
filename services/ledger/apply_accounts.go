package ledger

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/money"
)

// accounts upserts the batch's accounts and learns their ids.
func (a *applying) accounts(ctx context.Context, tx pgx.Tx) error {
	tag, err := tx.Exec(ctx, `
		INSERT INTO accounts AS a (user_id, id, connection_id, external_id, kind, bank_name, mask, currency,
			balance_minor, available_minor, limit_minor, balance_as_of, closed_at, number_hash)
		SELECT @user, b.id, @connection, b.external_id, b.kind, b.name, b.mask, b.currency,
			b.balance, b.available, b.credit, b.as_of, CASE WHEN b.closed THEN now() END, b.number
		FROM unnest(@ids::uuid[], @external::text[], @kinds::text[], @names::text[], @masks::text[], @currencies::text[],
			@balances::bigint[], @available::bigint[], @limits::bigint[], @as_of::timestamptz[], @closed::boolean[], @numbers::bytea[])
			AS b (id, external_id, kind, name, mask, currency, balance, available, credit, as_of, closed, number)
		ON CONFLICT ON CONSTRAINT accounts_external_unique DO UPDATE SET
			kind = excluded.kind, bank_name = excluded.bank_name, mask = excluded.mask, currency = excluded.currency,
			balance_minor = excluded.balance_minor, available_minor = excluded.available_minor,
			limit_minor = excluded.limit_minor, balance_as_of = excluded.balance_as_of,
			closed_at = CASE WHEN excluded.closed_at IS NOT NULL THEN coalesce(a.closed_at, excluded.closed_at) END,
			number_hash = excluded.number_hash, gone_at = NULL, updated_at = now()
		WHERE (a.kind, a.bank_name, a.mask, a.currency, a.balance_minor, a.available_minor, a.limit_minor, a.balance_as_of,
				a.closed_at IS NULL, a.number_hash, a.gone_at IS NULL)
			IS DISTINCT FROM (excluded.kind, excluded.bank_name, excluded.mask, excluded.currency, excluded.balance_minor,
				excluded.available_minor, excluded.limit_minor, excluded.balance_as_of, excluded.closed_at IS NULL,
				excluded.number_hash, true)`,
		a.accountColumns())
	if err != nil {
		return err
	}
	a.result.Written += int(tag.RowsAffected())
	return a.learnIDs(ctx, tx)
}

// accountColumns turns the batch's accounts into one array per column.
func (a *applying) accountColumns() pgx.NamedArgs {
	n := len(a.batch.Accounts)
	ids, external, kinds := make([]uuid.UUID, n), make([]string, n), make([]string, n)
	names, masks, currencies := make([]string, n), make([]string, n), make([]string, n)
	balances, available, limits := make([]int64, n), make([]*int64, n), make([]*int64, n)
	asOf, closed, numbers := make([]time.Time, n), make([]bool, n), make([][]byte, n)
	for i, acc := range a.batch.Accounts {
		ids[i], external[i], kinds[i] = newID(), acc.ExternalID, string(acc.Kind)
		names[i], masks[i], currencies[i] = acc.Name, acc.Mask, acc.Balance.Currency
		balances[i], available[i], limits[i] = acc.Balance.Minor, minorOf(acc.Available), minorOf(acc.Limit)
		asOf[i], closed[i], numbers[i] = acc.BalanceAsOf, acc.Closed, acc.NumberHash
	}
	return pgx.NamedArgs{
		"user": a.user, "connection": a.connection, "ids": ids, "external": external, "kinds": kinds, "names": names,
		"masks": masks, "currencies": currencies, "balances": balances, "available": available, "limits": limits,
		"as_of": asOf, "closed": closed, "numbers": numbers,
	}
}

func (a *applying) learnIDs(ctx context.Context, tx pgx.Tx) error {
	rows, err := tx.Query(ctx, `SELECT external_id, id FROM accounts WHERE user_id = @user AND connection_id = @connection`,
		pgx.NamedArgs{"user": a.user, "connection": a.connection})
	if err != nil {
		return err
	}
	byExternal := map[string]uuid.UUID{}
	var external string
	var id uuid.UUID
	if _, err := pgx.ForEachRow(rows, []any{&external, &id}, func() error {
		byExternal[external] = id
		return nil
	}); err != nil {
		return err
	}
	a.ids = make([]uuid.UUID, len(a.batch.Accounts))
	for i, acc := range a.batch.Accounts {
		a.ids[i] = byExternal[acc.ExternalID]
	}
	return nil
}

// holdings replaces what is held in the accounts whose bank was asked for holdings.
func (a *applying) holdings(ctx context.Context, tx pgx.Tx) error {
	args, asked := a.holdingColumns()
	if !asked {
		return nil
	}
	gone, err := tx.Exec(ctx, `
		DELETE FROM holdings h
		WHERE h.user_id = @user AND h.account_id = ANY (@asked::uuid[])
			AND (h.account_id, h.external_id) NOT IN (SELECT * FROM unnest(@accounts::uuid[], @external::text[]))`, args)
	if err != nil {
		return err
	}
	written, err := tx.Exec(ctx, `
		INSERT INTO holdings AS h (user_id, account_id, external_id, symbol, name, quantity, price, value_minor,
			cost_basis_minor, currency, as_of)
		SELECT @user, b.*
		FROM unnest(@accounts::uuid[], @external::text[], @symbols::text[], @names::text[], @quantities::text[]::numeric[],
			@prices::text[]::numeric[], @values::bigint[], @costs::bigint[], @currencies::text[], @as_of::timestamptz[]) AS b
		ON CONFLICT (user_id, account_id, external_id) DO UPDATE SET
			symbol = excluded.symbol, name = excluded.name, quantity = excluded.quantity, price = excluded.price,
			value_minor = excluded.value_minor, cost_basis_minor = excluded.cost_basis_minor, currency = excluded.currency,
			as_of = excluded.as_of
		WHERE (h.symbol, h.name, h.quantity, h.price, h.value_minor, h.cost_basis_minor, h.currency, h.as_of)
			IS DISTINCT FROM (excluded.symbol, excluded.name, excluded.quantity, excluded.price, excluded.value_minor,
				excluded.cost_basis_minor, excluded.currency, excluded.as_of)`, args)
	a.result.Written += int(gone.RowsAffected() + written.RowsAffected())
	return err
}

// holdingColumns turns the batch's holdings into one array per column; asked is false when no account has any say.
func (a *applying) holdingColumns() (args pgx.NamedArgs, asked bool) {
	var about, accounts []uuid.UUID
	var external, symbols, names, quantities, currencies []string
	var prices []*string
	var values []int64
	var costs []*int64
	var asOf []time.Time
	for i, acc := range a.batch.Accounts {
		if acc.Holdings == nil {
			continue
		}
		about = append(about, a.ids[i])
		for _, h := range acc.Holdings {
			accounts, external = append(accounts, a.ids[i]), append(external, h.ExternalID)
			symbols, names = append(symbols, h.Symbol), append(names, h.Name)
			quantities, prices = append(quantities, h.Quantity.String()), append(prices, textOf(h.Price))
			values, costs = append(values, h.Value.Minor), append(costs, minorOf(h.CostBasis))
			currencies, asOf = append(currencies, h.Value.Currency), append(asOf, h.AsOf)
		}
	}
	return pgx.NamedArgs{
		"user": a.user, "asked": about, "accounts": accounts, "external": external, "symbols": symbols, "names": names,
		"quantities": quantities, "prices": prices, "values": values, "costs": costs, "currencies": currencies, "as_of": asOf,
	}, len(about) > 0
}

func minorOf(a *money.Amount) *int64 {
	if a == nil {
		return nil
	}
	return &a.Minor
}
