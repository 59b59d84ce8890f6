package ledger

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// history is what one account's days are worked back from.
type history struct {
	moves map[time.Time]int64     // what was posted on a day, buying and selling inside the account left out
	known map[time.Time]storedDay // the days as they are stored
	first time.Time               // the oldest day of either; zero when there is none
}

type storedDay struct {
	minor     int64
	estimated bool
}

func (h *history) reach(day time.Time) {
	if h.first.IsZero() || day.Before(h.first) {
		h.first = day
	}
}

// days recomputes the balance at the end of each day of the batch's accounts, and writes those that came out otherwise
// than they stand. It works in Go and not in one statement, because a planner without statistics (a first sync) is a
// hundred times slower at it.
func (a *applying) days(ctx context.Context, tx pgx.Tx) error {
	histories, err := a.histories(ctx, tx)
	if err != nil {
		return err
	}
	var accounts []uuid.UUID
	var days []time.Time
	var minors []int64
	var estimated []bool
	for i, acc := range a.batch.Accounts {
		h := histories[a.ids[i]]
		acc.workBack(h, func(day time.Time, d storedDay) {
			if old, ok := h.known[day]; ok && old == d {
				return
			}
			accounts, days = append(accounts, a.ids[i]), append(days, day)
			minors, estimated = append(minors, d.minor), append(estimated, d.estimated)
		})
	}
	if len(days) == 0 {
		return nil
	}
	tag, err := tx.Exec(ctx, `
		INSERT INTO balance_days (user_id, account_id, day, balance_minor, estimated)
		SELECT @user, b.* FROM unnest(@accounts::uuid[], @days::date[], @minors::bigint[], @estimated::boolean[]) AS b
		ON CONFLICT (user_id, account_id, day) DO UPDATE SET balance_minor = excluded.balance_minor, estimated = excluded.estimated`,
		pgx.NamedArgs{"user": a.user, "accounts": accounts, "days": days, "minors": minors, "estimated": estimated})
	a.result.Written += int(tag.RowsAffected())
	return err
}

// workBack yields the balance at the end of each day, newest first: from the day of the bank's balance, which stands as
// the bank said it, to the day before the first transaction, at most ten years back.
//
// A day's balance is the next known one less everything posted in between. For cash and cards the next known one is
// today's, since transactions explain all of it. Investments and loans also change by prices and interest that no
// transaction shows, so there every day the bank once told us a balance for is kept, and worked back from.
func (acc BankAccount) workBack(h *history, yield func(time.Time, storedDay)) {
	today := date(acc.BalanceAsOf.UTC())
	first := today
	if !h.first.IsZero() && h.first.Before(today) {
		first = h.first
	}
	if bound := today.AddDate(-farthest, 0, 0); first.Before(bound) {
		first = bound
	}
	balance := acc.Balance.Minor
	for day := today; !day.Before(first); day = day.AddDate(0, 0, -1) {
		said := day.Equal(today)
		if old, ok := h.known[day]; ok && !said && !old.estimated && !acc.Kind.explained() {
			balance, said = old.minor, true
		}
		yield(day, storedDay{balance, !said})
		balance -= h.moves[day]
	}
}

// explained reports whether transactions explain a balance of this kind to the cent.
func (k Kind) explained() bool {
	switch k {
	case Checking, Savings, CD, Card:
		return true
	default:
		return false
	}
}

// histories reads what the days of the batch's accounts are worked back from.
func (a *applying) histories(ctx context.Context, tx pgx.Tx) (map[uuid.UUID]*history, error) {
	histories := map[uuid.UUID]*history{}
	for _, id := range a.ids {
		histories[id] = &history{moves: map[time.Time]int64{}, known: map[time.Time]storedDay{}}
	}
	args := pgx.NamedArgs{"user": a.user, "accounts": a.ids}
	var account uuid.UUID
	var day time.Time
	var d storedDay
	rows, err := tx.Query(ctx, `
		SELECT t.account_id, t.booked_on, sum(t.amount_minor)::bigint
		FROM transactions t JOIN accounts a ON a.user_id = t.user_id AND a.id = t.account_id AND a.currency = t.currency
		WHERE t.user_id = @user AND t.account_id = ANY (@accounts::uuid[]) AND t.status = 'posted'
			AND t.kind NOT IN ('buy', 'sell', 'reinvest')
		GROUP BY t.account_id, t.booked_on`, args)
	if err != nil {
		return nil, err
	}
	if _, err := pgx.ForEachRow(rows, []any{&account, &day, &d.minor}, func() error {
		histories[account].moves[day] = d.minor
		histories[account].reach(day.AddDate(0, 0, -1))
		return nil
	}); err != nil {
		return nil, err
	}
	rows, err = tx.Query(ctx, `
		SELECT account_id, day, balance_minor, estimated FROM balance_days
		WHERE user_id = @user AND account_id = ANY (@accounts::uuid[])`, args)
	if err != nil {
		return nil, err
	}
	_, err = pgx.ForEachRow(rows, []any{&account, &day, &d.minor, &d.estimated}, func() error {
		histories[account].known[day] = d
		histories[account].reach(day)
		return nil
	})
	return histories, err
}
