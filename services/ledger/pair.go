package ledger

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// pairsWithin is how many days the two halves of a move between two accounts may lie apart.
const pairsWithin = 3

// half is a transaction that may be one half of a move between two of a person's accounts.
type half struct {
	ID          uuid.UUID
	AccountID   uuid.UUID
	Currency    string
	AmountMinor int64
	BookedOn    time.Time
	Fresh       bool // written by this batch
}

// pair finds, for the transactions this batch wrote, the other half of moves between the person's own accounts: the
// opposite amount in another account, few days away, where both banks speak of a transfer or a payment.
func (a *applying) pair(ctx context.Context, tx pgx.Tx) error {
	if len(a.fresh) == 0 {
		return nil
	}
	if err := a.unpair(ctx, tx); err != nil {
		return err
	}
	args := pgx.NamedArgs{"user": a.user, "fresh": a.fresh, "within": pairsWithin}
	rows, err := tx.Query(ctx, `
		SELECT id, account_id, currency, amount_minor, booked_on, id = ANY (@fresh::uuid[]) AS fresh
		FROM transactions
		WHERE user_id = @user AND status = 'posted' AND other_half IS NULL AND amount_minor <> 0
			AND booked_on >= (SELECT min(booked_on) FROM transactions WHERE user_id = @user AND id = ANY (@fresh::uuid[])) - @within::integer
			AND concat_ws(' ', category, payee, description) ~* '(transfer|payment|autopay)'
		ORDER BY booked_on, id`, args)
	if err != nil {
		return err
	}
	halves, err := pgx.CollectRows(rows, pgx.RowToStructByName[half])
	if err != nil {
		return err
	}
	args["ids"], args["halves"] = pairs(halves)
	tag, err := tx.Exec(ctx, `
		UPDATE transactions t SET other_half = p.other
		FROM unnest(@ids::uuid[], @halves::uuid[]) AS p (id, other)
		WHERE t.user_id = @user AND t.id = p.id`, args)
	a.result.Written += int(tag.RowsAffected())
	return err
}

// pairs matches halves, the nearest days first, nobody twice; at least one of a pair is fresh. The answer holds every
// pair in both directions.
func pairs(halves []half) (ids, others []uuid.UUID) {
	type key struct {
		currency string
		minor    int64
	}
	byAmount := map[key][]half{}
	for _, h := range halves {
		byAmount[key{h.Currency, h.AmountMinor}] = append(byAmount[key{h.Currency, h.AmountMinor}], h)
	}
	type match struct {
		out, in half
		apart   time.Duration
	}
	var matches []match
	for _, out := range halves {
		if out.AmountMinor > 0 {
			continue
		}
		for _, in := range byAmount[key{out.Currency, -out.AmountMinor}] {
			apart := in.BookedOn.Sub(out.BookedOn).Abs()
			if in.AccountID != out.AccountID && apart <= pairsWithin*24*time.Hour && (in.Fresh || out.Fresh) {
				matches = append(matches, match{out, in, apart})
			}
		}
	}
	slices.SortStableFunc(matches, func(x, y match) int { return cmp.Compare(x.apart, y.apart) })
	taken := map[uuid.UUID]bool{}
	for _, m := range matches {
		if taken[m.out.ID] || taken[m.in.ID] {
			continue
		}
		taken[m.out.ID], taken[m.in.ID] = true, true
		ids, others = append(ids, m.out.ID, m.in.ID), append(others, m.in.ID, m.out.ID)
	}
	return ids, others
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
