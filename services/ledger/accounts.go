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
	Spark []int64 // balances in minor units, oldest first, the last one today's; empty when nothing is known
	Since time.Time
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

// standingRow is an account with what is known of its days.
type standingRow struct {
	accountRow
	FirstDay   *time.Time // nil when no day is known
	FirstMinor *int64
	LastDay    *time.Time
	Spark      []int64
	SparkSince *time.Time
}

func askStandings(b *pgx.Batch, into *[]standingRow, user uuid.UUID, today time.Time) {
	ask(b, into, `
		SELECT a.*, first.day AS first_day, first.balance_minor AS first_minor, last.day AS last_day, s.spark, s.spark_since
		FROM (`+accountSelect+`) a
		LEFT JOIN LATERAL (SELECT d.day, d.balance_minor FROM balance_days d
			WHERE d.user_id = @user AND d.account_id = a.id ORDER BY d.day LIMIT 1) first ON true
		LEFT JOIN LATERAL (SELECT d.day FROM balance_days d
			WHERE d.user_id = @user AND d.account_id = a.id ORDER BY d.day DESC LIMIT 1) last ON true
		LEFT JOIN LATERAL (SELECT array_agg(d.balance_minor ORDER BY d.day) AS spark, min(d.day) AS spark_since FROM balance_days d
			WHERE d.user_id = @user AND d.account_id = a.id AND d.day >= @today::date - @days::integer AND d.day < @today::date
				AND (@today::date - d.day) % @step::integer = 0) s ON true
		ORDER BY a.id`,
		pgx.NamedArgs{"user": user, "today": date(today), "days": sparkDays, "step": sparkStep})
}

func (r standingRow) standing() Standing {
	s := Standing{Account: r.account(), Spark: r.Spark}
	if len(s.Spark) > 0 {
		s.Spark, s.Since = append(s.Spark, r.BalanceMinor), *r.SparkSince
	}
	return s
}

// standings are the accounts that are shown: open ones, and closed ones that still hold something.
func standings(rows []standingRow) []Standing {
	var list []Standing
	for _, r := range rows {
		if !r.Closed || r.BalanceMinor != 0 {
			list = append(list, r.standing())
		}
	}
	return list
}

// Accounts reads who's accounts, in the order they were connected.
func (s *Service) Accounts(ctx context.Context, who actor.Actor, today time.Time) ([]Standing, error) {
	var b pgx.Batch
	var rows []standingRow
	askStandings(&b, &rows, who.UserID, today)
	if err := s.read(ctx, "accounts", &b); err != nil {
		return nil, err
	}
	return standings(rows), nil
}

// Statement is one account with its days, its newest transactions and what it holds.
type Statement struct {
	Account      Account
	Days         []BalanceDay // of the range, oldest first, thinned for a chart
	Transactions []Transaction
	Running      []money.Amount // the balance after each of Transactions; nil where transactions do not explain it
	Count        int            // of all its transactions
	First        time.Time      // day of the oldest one; zero when there is none
	Holdings     []Holding
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
	askDays(&b, &days, who.UserID, id, r, today)
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
	st.Transactions, _ = pageOf(transactions, statementLength)
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
	if g := a.Kind.Group(); (g != Cash && g != Cards) || a.Kind == Other {
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
