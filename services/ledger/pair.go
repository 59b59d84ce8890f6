package ledger

import (
	"cmp"
	"context"
	"slices"
	"strings"
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
	Fresh       bool // written by this merge
}

// pair finds, for the transactions this merge wrote, the other half of moves between the person's own accounts: the
// opposite amount in another account, few days away, where both banks speak of a transfer or a payment.
func (a *applying) pair(ctx context.Context, tx pgx.Tx, args pgx.NamedArgs) error {
	if err := a.unpair(ctx, tx, args); err != nil {
		return err
	}
	return a.match(ctx, tx, args, `SELECT coalesce(stored, id) AS id, booked_on FROM arrived a
		WHERE (stored IS NULL OR fate IN ('changed', 'merged')) AND `+mayBeHalf("a"))
}

// match is pair for the transactions that the query fresh gives, id and booked_on; all of @account, where that is given.
func (a *applying) match(ctx context.Context, tx pgx.Tx, args pgx.NamedArgs, fresh string) error {
	args["within"] = pairsWithin
	rows, err := tx.Query(ctx, `
		WITH fresh AS MATERIALIZED (`+fresh+`)
		SELECT t.id, t.account_id, t.currency, t.amount_minor, t.booked_on, t.id IN (SELECT id FROM fresh) AS fresh
		FROM transactions t
		WHERE t.user_id = @user AND t.other_half IS NULL
			AND CASE WHEN t.id IN (SELECT id FROM fresh) THEN true ELSE t.account_id IS DISTINCT FROM @account AND `+mayBeHalf("t")+` END
			AND t.booked_on BETWEEN (SELECT min(booked_on) FROM fresh) - @within::integer AND (SELECT max(booked_on) FROM fresh) + @within::integer
		ORDER BY t.booked_on, t.id`, args)
	if err != nil {
		return err
	}
	halves, err := pgx.CollectRows(rows, pgx.RowToStructByName[half])
	if err != nil {
		return err
	}
	ids, others := pairs(halves)
	if len(ids) == 0 {
		return nil
	}
	tag, err := tx.Exec(ctx, `
		UPDATE transactions t SET other_half = p.other
		FROM unnest(@ids::uuid[], @halves::uuid[]) AS p (id, other)
		WHERE t.user_id = @user AND t.id = p.id`, pgx.NamedArgs{"user": a.user, "ids": ids, "halves": others})
	a.result.Written += int(tag.RowsAffected())
	return err
}

// mayBeHalf is what half a move looks like to its bank, of a table's alias.
func mayBeHalf(alias string) string {
	return strings.ReplaceAll(`t.status = 'posted' AND t.amount_minor <> 0
		AND concat_ws(' ', t.category, t.payee, t.description) ~* '(transfer|payment|autopay)'`, "t.", alias+".")
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
func (a *applying) unpair(ctx context.Context, tx pgx.Tx, args pgx.NamedArgs) error {
	tag, err := tx.Exec(ctx, `
		UPDATE transactions t SET other_half = NULL
		FROM arrived a JOIN transactions o ON o.user_id = @user AND o.id = a.stored
		WHERE a.fate IN ('changed', 'merged') AND t.user_id = @user AND t.other_half = o.id AND o.other_half IS DISTINCT FROM t.id`, args)
	a.result.Written += int(tag.RowsAffected())
	return err
}
