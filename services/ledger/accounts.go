package ledger

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/money"
)

// Standing is an account beside its last 90 days.
type Standing struct {
	Account
	Spark []int64   // balances in minor units, oldest first, the last one today's; empty when nothing is known
	Since time.Time // the day of the first of them
}

// Change is what the balance gained over the Spark; false when there is nothing to compare with.
func (s Standing) Change() (money.Amount, bool) {
	if len(s.Spark) < 2 {
		return money.Amount{}, false
	}
	return money.Amount{Minor: s.Balance.Minor - s.Spark[0], Currency: s.Balance.Currency}, true
}

// sparkDays is how far back a Spark reaches, sparkStep how many days lie between two of its points.
const sparkDays, sparkStep = 90, 2

// standingRow is an account with its days before today, as far back as was asked. Days follow each other without a gap,
// so an array and its first day say it all.
type standingRow struct {
	accountRow
	Days      []int64
	Since     *time.Time // nil when there are no days
	Estimated *bool
}

func askStandings(b *pgx.Batch, into *[]standingRow, user uuid.UUID, first, today time.Time) {
	ask(b, into, `
		SELECT a.*, d.days, d.since, d.estimated
		FROM (`+accountSelect+`) a
		CROSS JOIN LATERAL (
			SELECT array_agg(balance_minor) AS days, min(day) AS since, bool_or(estimated) AS estimated
			FROM (SELECT day, balance_minor, estimated FROM balance_days
				WHERE user_id = @user AND account_id = a.id AND day >= @first AND day < @today ORDER BY day) days
		) d
		ORDER BY a.id`,
		pgx.NamedArgs{"user": user, "first": first, "today": today})
}

// on is the balance at the end of a day: the first known one before the days begin, today's after they end.
func (r standingRow) on(day time.Time) int64 {
	if len(r.Days) == 0 {
		return r.BalanceMinor
	}
	switch n := daysBetween(*r.Since, day); {
	case n < 0:
		return r.Days[0]
	case n < len(r.Days):
		return r.Days[n]
	default:
		return r.BalanceMinor
	}
}

func (r standingRow) standing(today time.Time) Standing {
	s := Standing{Account: r.account()}
	if len(r.Days) == 0 {
		return s
	}
	s.Since = today.AddDate(0, 0, -sparkDays)
	for s.Since.Before(*r.Since) {
		s.Since = s.Since.AddDate(0, 0, sparkStep)
	}
	for day := s.Since; !day.After(today); day = day.AddDate(0, 0, sparkStep) {
		s.Spark = append(s.Spark, r.on(day))
	}
	return s
}

func daysBetween(from, to time.Time) int { return int(to.Sub(from) / (24 * time.Hour)) }

// standings are the accounts that are shown: open ones, and closed ones that still hold something. What the bank does not
// show any more stands on its connection's page.
func standings(rows []standingRow, today time.Time) []Standing {
	var list []Standing
	for _, r := range rows {
		if !r.Closed || !r.Gone && r.BalanceMinor != 0 {
			list = append(list, r.standing(today))
		}
	}
	return list
}

// Accounts reads who's accounts, in the order they were connected.
func (s *Service) Accounts(ctx context.Context, who actor.Actor, today time.Time) ([]Standing, error) {
	today = date(today)
	var b pgx.Batch
	var rows []standingRow
	askStandings(&b, &rows, who.UserID, today.AddDate(0, 0, -sparkDays), today)
	if err := s.read(ctx, "accounts", &b); err != nil {
		return nil, err
	}
	return standings(rows, today), nil
}

// Statement is one account with its days, its newest transactions and what it holds.
type Statement struct {
	Account      Account
	Days         []BalanceDay // of the range, oldest first
	Transactions []Transaction
	Running      []money.Amount // the balance after each of Transactions; nil where transactions do not explain it
	Count        int            // of all its transactions
	First        time.Time      // day of the oldest one; zero when there is none
	Holdings     []Holding
}

type dayRow struct {
	Day       time.Time
	Minor     int64
	Estimated bool
}

// statementLength is how many transactions a Statement shows.
const statementLength = 25

// Account reads the statement of one of who's accounts; ErrNotFound when there is none of that id.
func (s *Service) Account(ctx context.Context, who actor.Actor, id uuid.UUID, r Range, today time.Time) (Statement, error) {
	var b pgx.Batch
	var accounts []accountRow
	var days []dayRow
	var transactions []transactionRow
	var counts []struct {
		Transactions int
		First        *time.Time
	}
	var holdings []holdingRow
	args := pgx.NamedArgs{"user": who.UserID, "account": id}
	ask(&b, &accounts, accountSelect+` AND a.id = @account`, args)
	ask(&b, &days, `SELECT day, balance_minor AS minor, estimated FROM balance_days
		WHERE user_id = @user AND account_id = @account AND day >= @first ORDER BY day`,
		pgx.NamedArgs{"user": who.UserID, "account": id, "first": r.first(date(today))})
	askTransactions(&b, &transactions, who.UserID, Query{Account: id, Limit: statementLength})
	ask(&b, &counts, `SELECT count(*) AS transactions, min(booked_on) AS first FROM transactions
		WHERE user_id = @user AND account_id = @account`, args)
	ask(&b, &holdings, holdingSelect+` AND h.account_id = @account`+largestFirst, args)
	if err := s.read(ctx, "an account", &b); err != nil {
		return Statement{}, err
	}
	if len(accounts) == 0 {
		return Statement{}, ErrNotFound
	}
	st := Statement{Account: accounts[0].account(), Count: counts[0].Transactions, Holdings: holdingsOf(holdings)}
	st.Transactions, _ = pageOf(transactions, accounts, statementLength)
	st.Running = running(st.Account, st.Transactions)
	if first := counts[0].First; first != nil {
		st.First = *first
	}
	for _, d := range days {
		st.Days = append(st.Days, BalanceDay{Day: d.Day, Balance: money.Amount{Minor: d.Minor, Currency: st.Account.Balance.Currency}, Estimated: d.Estimated})
	}
	return st, nil
}

// running is the balance after each transaction, worked back from the account's; pending ones do not move it. Only for
// accounts whose balance their transactions explain.
func running(a Account, transactions []Transaction) []money.Amount {
	if !a.Kind.explained() {
		return nil
	}
	list := make([]money.Amount, len(transactions))
	left := a.Balance
	for i, t := range transactions {
		list[i] = left
		if t.Status == Posted && t.Amount.Currency == left.Currency {
			left.Minor -= t.Amount.Minor
		}
	}
	return list
}
