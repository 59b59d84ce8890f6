package ledger

import (
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// sumRow is the sum of the balances that are known for one day in one currency.
type sumRow struct {
	Currency  string
	Day       time.Time
	Minor     int64
	Estimated bool
}

// askSums asks for the sums of all accounts over a range, today left out.
func askSums(b *pgx.Batch, into *[]sumRow, user uuid.UUID, r Range, today time.Time) {
	first, step := r.from(today)
	ask(b, into, `
		SELECT a.currency, d.day, sum(d.balance_minor)::bigint AS minor, bool_or(d.estimated) AS estimated
		FROM accounts a JOIN balance_days d ON d.user_id = a.user_id AND d.account_id = a.id
		WHERE a.user_id = @user AND d.user_id = @user AND d.day >= @first::date AND d.day < @today::date
			AND (@today::date - d.day) % `+stepOr(`(SELECT greatest(1, (@today::date - min(day)) / 200) FROM balance_days WHERE user_id = @user)`)+` = 0
		GROUP BY a.currency, d.day ORDER BY a.currency, d.day`,
		pgx.NamedArgs{"user": user, "first": first, "today": today, "step": step})
}

// stepOr is the SQL for @step, or for what otherwise says when @step is 0.
func stepOr(otherwise string) string {
	return `CASE WHEN @step::integer > 0 THEN @step::integer ELSE ` + otherwise + ` END`
}

type dayRow struct {
	Day       time.Time
	Minor     int64
	Estimated bool
}

// askDays asks for one account's balances over a range, its newest known day included.
func askDays(b *pgx.Batch, into *[]dayRow, user, account uuid.UUID, r Range, today time.Time) {
	first, step := r.from(date(today))
	ask(b, into, `
		SELECT d.day, d.balance_minor AS minor, d.estimated
		FROM balance_days d,
			LATERAL (SELECT min(day) AS oldest, max(day) AS newest FROM balance_days WHERE user_id = @user AND account_id = @account) e
		WHERE d.user_id = @user AND d.account_id = @account AND d.day >= @first::date
			AND (e.newest - d.day) % `+stepOr(`greatest(1, (e.newest - e.oldest) / 200)`)+` = 0
		ORDER BY d.day`,
		pgx.NamedArgs{"user": user, "account": account, "first": first, "step": step})
}

// points turns the known sums of one currency into net worth per day. An account whose known days begin later than the
// line counts with its first known balance before that, and one whose last known day is over with its present one: so
// the line has no steps that nobody paid for.
func points(currency string, accounts []standingRow, sums []sumRow) (list []Point, estimated bool) {
	for _, sum := range sums {
		if sum.Currency != currency {
			continue
		}
		p := Point{Day: sum.Day, Minor: sum.Minor}
		for _, a := range accounts {
			switch {
			case a.FirstDay == nil:
				p.Minor += a.BalanceMinor
			case sum.Day.Before(*a.FirstDay):
				p.Minor += *a.FirstMinor
			case sum.Day.After(*a.LastDay):
				p.Minor += a.BalanceMinor
			}
		}
		list = append(list, p)
		estimated = estimated || sum.Estimated
	}
	return list, estimated
}
