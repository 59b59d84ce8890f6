package ledger

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// pair finds, for the transactions this batch wrote, the other half of moves between the person's own accounts: the
// opposite amount in another account, at most three days away, where both banks speak of a transfer or a payment. The
// nearest day wins.
func (a *applying) pair(ctx context.Context, tx pgx.Tx) error {
	if len(a.fresh) == 0 {
		return nil
	}
	if err := a.unpair(ctx, tx); err != nil {
		return err
	}
	rows, err := tx.Query(ctx, `
		SELECT x.id AS one, y.id AS other
		FROM transactions x
		JOIN transactions y ON y.user_id = x.user_id AND y.account_id <> x.account_id AND y.currency = x.currency
			AND y.amount_minor = -x.amount_minor AND y.booked_on BETWEEN x.booked_on - 3 AND x.booked_on + 3
		WHERE x.user_id = @user AND x.id = ANY (@fresh::uuid[]) AND x.amount_minor <> 0
			AND x.status = 'posted' AND y.status = 'posted' AND x.other_half IS NULL AND y.other_half IS NULL
			AND concat_ws(' ', x.category, x.payee, x.description) ~* '(transfer|payment|autopay)'
			AND concat_ws(' ', y.category, y.payee, y.description) ~* '(transfer|payment|autopay)'
		ORDER BY abs(x.booked_on - y.booked_on), x.id, y.id`,
		pgx.NamedArgs{"user": a.user, "fresh": a.fresh})
	if err != nil {
		return err
	}
	candidates, err := pgx.CollectRows(rows, pgx.RowToStructByPos[struct{ One, Other uuid.UUID }])
	if err != nil {
		return err
	}
	var ids, halves []uuid.UUID
	taken := map[uuid.UUID]bool{}
	for _, c := range candidates {
		if taken[c.One] || taken[c.Other] {
			continue
		}
		taken[c.One], taken[c.Other] = true, true
		ids, halves = append(ids, c.One, c.Other), append(halves, c.Other, c.One)
	}
	tag, err := tx.Exec(ctx, `
		UPDATE transactions t SET other_half = p.other
		FROM unnest(@ids::uuid[], @halves::uuid[]) AS p (id, other)
		WHERE t.user_id = @user AND t.id = p.id`,
		pgx.NamedArgs{"user": a.user, "ids": ids, "halves": halves})
	a.result.Written += int(tag.RowsAffected())
	return err
}

// unpair frees the halves whose other half has let go because its amount changed.
func (a *applying) unpair(ctx context.Context, tx pgx.Tx) error {
	tag, err := tx.Exec(ctx, `
		UPDATE transactions t SET other_half = NULL
		FROM transactions o
		WHERE t.user_id = @user AND t.other_half = ANY (@fresh::uuid[])
			AND o.user_id = t.user_id AND o.id = t.other_half AND o.other_half IS DISTINCT FROM t.id`,
		pgx.NamedArgs{"user": a.user, "fresh": a.fresh})
	a.result.Written += int(tag.RowsAffected())
	return err
}
