package ledger

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/money"
)

// Page is one page of the list of transactions, and what stands around it.
type Page struct {
	Transactions []Transaction
	Next         Cursor    // where the next page begins; zero = there is none
	Days         []DaySum  // of the days on this page, whole days, as far as the query reaches
	Totals       []Flow    // over the whole query; of the month of today when the query leaves nothing out
	Accounts     []Account // all of the person's, to filter by
}

// DaySum is what was booked on a day in one currency, moves inside what the person owns left out.
type DaySum struct {
	Day   time.Time
	Total money.Amount
}

// Flow is what came in and went out in one currency, moves inside what the person owns left out. Out is negative or zero.
type Flow struct {
	In, Out money.Amount
	Count   int // of transactions that match, counted or not
}

// Kept is what is left: In and Out together.
func (f Flow) Kept() money.Amount {
	return money.Amount{Minor: f.In.Minor + f.Out.Minor, Currency: f.In.Currency}
}

// Transactions reads one page of who's transactions, newest first. today decides which month the totals are of. An
// account to filter by that is not who's is ErrNotFound.
func (s *Service) Transactions(ctx context.Context, who actor.Actor, q Query, today time.Time) (Page, error) {
	var b pgx.Batch
	var rows []transactionRow
	var days []daySumRow
	var accounts []accountRow
	var flows []flowRow
	askTransactions(&b, &rows, who.UserID, q)
	askDaySums(&b, &days, who.UserID, q)
	ask(&b, &accounts, accountSelect+` ORDER BY a.id`, pgx.NamedArgs{"user": who.UserID})
	totals := q
	if !q.Filtered() {
		totals = Query{From: monthStart(today), To: date(today)}
	}
	askFlows(&b, &flows, who.UserID, totals)
	if err := s.read(ctx, "transactions", &b); err != nil {
		return Page{}, err
	}
	if q.Account != uuid.Nil && !slices.ContainsFunc(accounts, func(a accountRow) bool { return a.ID == q.Account }) {
		return Page{}, ErrNotFound
	}
	p := Page{Totals: flowsOf(flows)}
	p.Transactions, p.Next = pageOf(rows, q.limit())
	for _, d := range days {
		p.Days = append(p.Days, DaySum{Day: d.BookedOn, Total: money.Amount{Minor: d.Minor, Currency: d.Currency}})
	}
	for _, a := range accounts {
		p.Accounts = append(p.Accounts, a.account())
	}
	return p, nil
}

// askTransactions asks for a page and one row more, which tells whether there is another page.
func askTransactions(b *pgx.Batch, into *[]transactionRow, user uuid.UUID, q Query) {
	where, args := q.where(user)
	where += q.after(args)
	args["limit"] = q.limit() + 1
	ask(b, into, transactionSelect+where+newestFirst+` LIMIT @limit`, args)
}

const newestFirst = ` ORDER BY t.booked_on DESC, t.id DESC`

func (q Query) after(args pgx.NamedArgs) string {
	if q.After.IsZero() {
		return ""
	}
	args["after_day"], args["after_id"] = q.After.Day, q.After.ID
	return ` AND (t.booked_on, t.id) < (@after_day, @after_id)`
}

// pageOf cuts the row too many off again.
func pageOf(rows []transactionRow, limit int) ([]Transaction, Cursor) {
	var next Cursor
	if len(rows) > limit {
		rows = rows[:limit]
		last := rows[limit-1]
		next = Cursor{Day: last.BookedOn, ID: last.ID}
	}
	list := make([]Transaction, len(rows))
	for i, r := range rows {
		list[i] = r.transaction()
	}
	return list, next
}

type daySumRow struct {
	BookedOn time.Time
	Currency string
	Minor    int64
}

// askDaySums asks for the sums of the days that a page shows. A day that two pages share is summed whole on both.
func askDaySums(b *pgx.Batch, into *[]daySumRow, user uuid.UUID, q Query) {
	where, args := q.where(user)
	after := q.after(args)
	args["limit"] = q.limit()
	ask(b, into, `
		WITH page AS (
			SELECT t.booked_on FROM transactions t WHERE t.user_id = @user`+where+after+newestFirst+` LIMIT @limit
		)
		SELECT t.booked_on, t.currency, sum(t.amount_minor)::bigint AS minor
		FROM transactions t
		WHERE t.user_id = @user`+where+` AND `+counted+`
			AND t.booked_on BETWEEN (SELECT min(booked_on) FROM page) AND (SELECT max(booked_on) FROM page)
		GROUP BY t.booked_on, t.currency ORDER BY t.booked_on DESC, t.currency`, args)
}

type flowRow struct {
	Currency     string
	MinorIn      int64
	MinorOut     int64
	Transactions int
}

// askFlows asks what came in and went out over a whole query, its page aside.
func askFlows(b *pgx.Batch, into *[]flowRow, user uuid.UUID, q Query) {
	where, args := q.where(user)
	ask(b, into, `
		SELECT t.currency,
			coalesce(sum(t.amount_minor) FILTER (WHERE t.amount_minor > 0 AND `+counted+`), 0)::bigint AS minor_in,
			coalesce(sum(t.amount_minor) FILTER (WHERE t.amount_minor < 0 AND `+counted+`), 0)::bigint AS minor_out,
			count(*) AS transactions
		FROM transactions t WHERE t.user_id = @user`+where+`
		GROUP BY t.currency ORDER BY count(*) DESC, t.currency`, args)
}

func flowsOf(rows []flowRow) []Flow {
	var flows []Flow
	for _, r := range rows {
		flows = append(flows, Flow{
			In:  money.Amount{Minor: r.MinorIn, Currency: r.Currency},
			Out: money.Amount{Minor: r.MinorOut, Currency: r.Currency}, Count: r.Transactions,
		})
	}
	return flows
}

func monthStart(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
}

// Transaction reads one of who's transactions; ErrNotFound when there is none of that id.
func (s *Service) Transaction(ctx context.Context, who actor.Actor, id uuid.UUID) (Transaction, error) {
	var b pgx.Batch
	var rows []transactionRow
	ask(&b, &rows, transactionSelect+` AND t.id = @id`, pgx.NamedArgs{"user": who.UserID, "id": id})
	if err := s.read(ctx, "a transaction", &b); err != nil {
		return Transaction{}, err
	}
	if len(rows) == 0 {
		return Transaction{}, ErrNotFound
	}
	return rows[0].transaction(), nil
}
