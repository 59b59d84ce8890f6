package ledger

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// days recomputes the balance at the end of each day of the batch's accounts, from the day before the first transaction
// (at most ten years back) to the day of the bank's balance, which stands as the bank said it.
//
// Earlier days are worked back: a day's balance is the next known one less everything posted in between. For cash and
// cards the next known one is today's, since transactions explain all of it. Investments and loans also change by prices
// and interest that no transaction shows, so there every day the bank once told us a balance for is kept and worked back
// from. Buying and selling inside an account does not change what it is worth.
func (a *applying) days(ctx context.Context, tx pgx.Tx) error {
	tag, err := tx.Exec(ctx, `
		WITH acc AS (
			SELECT id, currency, balance_minor, (balance_as_of AT TIME ZONE 'UTC')::date AS today,
				kind IN ('brokerage', 'retirement', 'mortgage', 'loan', 'other') AS drifts
			FROM accounts WHERE user_id = @user AND id = ANY (@accounts::uuid[])
		), moves AS (
			SELECT t.account_id, t.booked_on AS day, sum(t.amount_minor) AS minor
			FROM transactions t JOIN acc ON acc.id = t.account_id AND acc.currency = t.currency AND t.booked_on <= acc.today
			WHERE t.user_id = @user AND t.status = 'posted' AND t.kind NOT IN ('buy', 'sell', 'reinvest')
			GROUP BY t.account_id, t.booked_on
		), old AS (
			SELECT d.account_id, d.day, d.balance_minor, d.estimated
			FROM balance_days d WHERE d.user_id = @user AND d.account_id = ANY (@accounts::uuid[])
		), days AS (
			SELECT acc.id, g.day::date AS day, coalesce(moves.minor, 0) AS minor,
				CASE WHEN g.day = acc.today THEN acc.balance_minor
					WHEN acc.drifts AND NOT old.estimated THEN old.balance_minor END AS said
			FROM acc
			CROSS JOIN LATERAL generate_series(greatest(acc.today - 3653, least(acc.today,
				(SELECT min(m.day) - 1 FROM moves m WHERE m.account_id = acc.id),
				(SELECT min(o.day) FROM old o WHERE o.account_id = acc.id))), acc.today, interval '1 day') AS g (day)
			LEFT JOIN moves ON moves.account_id = acc.id AND moves.day = g.day::date
			LEFT JOIN old ON old.account_id = acc.id AND old.day = g.day::date
		), summed AS (
			SELECT id, day, said, sum(minor) OVER (PARTITION BY id ORDER BY day) AS upto,
				count(said) OVER (PARTITION BY id ORDER BY day DESC) AS known
			FROM days
		), worked AS (
			SELECT id, day, said IS NULL AS estimated,
				(first_value(said) OVER next - (first_value(upto) OVER next - upto))::bigint AS minor
			FROM summed WINDOW next AS (PARTITION BY id, known ORDER BY day DESC)
		)
		INSERT INTO balance_days (user_id, account_id, day, balance_minor, estimated)
		SELECT @user, w.id, w.day, w.minor, w.estimated
		FROM worked w LEFT JOIN old ON old.account_id = w.id AND old.day = w.day
		WHERE (old.balance_minor, old.estimated) IS DISTINCT FROM (w.minor, w.estimated)
		ON CONFLICT (user_id, account_id, day) DO UPDATE SET balance_minor = excluded.balance_minor, estimated = excluded.estimated`,
		pgx.NamedArgs{"user": a.user, "accounts": a.ids})
	a.result.Written += int(tag.RowsAffected())
	return err
}
