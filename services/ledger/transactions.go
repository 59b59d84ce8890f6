package ledger

import (
	"context"
	"slices"
	"strings"
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
	rows := make([]transactionRow, 0, q.limit()+1)
	var shared []daySumRow
	var accounts []accountRow
	var flows []flowRow
	askTransactions(&b, &rows, who.UserID, q)
	askSharedDays(&b, &shared, who.UserID, q)
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
	p.Transactions, p.Next = pageOf(rows, accounts, q.limit())
	p.Days = daysOf(p.Transactions, shared)
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
	askWith(b, into, scanTransaction, transactionSelect+where+newestFirst+` LIMIT @limit`, args)
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
func pageOf(rows []transactionRow, accounts []accountRow, limit int) ([]Transaction, Cursor) {
	var next Cursor
	if len(rows) > limit {
		rows = rows[:limit]
		last := rows[limit-1]
		next = Cursor{Day: last.BookedOn, ID: last.ID}
	}
	list := make([]Transaction, len(rows))
	for i, r := range rows {
		list[i] = r.transaction(accounts)
	}
	return list, next
}

type daySumRow struct {
	BookedOn time.Time
	Currency string
	Minor    int64
}

// askSharedDays asks for the sums of the days that a page may share with the page before it and the one after it.
func askSharedDays(b *pgx.Batch, into *[]daySumRow, user uuid.UUID, q Query) {
	where, args := q.where(user)
	after := q.after(args)
	args["last"] = q.limit() - 1
	days := `(SELECT t.booked_on FROM transactions t WHERE t.user_id = @user` + where + after + newestFirst + ` OFFSET @last LIMIT 1)`
	if !q.After.IsZero() {
		days += `, @after_day`
	}
	ask(b, into, `
		SELECT t.booked_on, t.currency, sum(t.amount_minor)::bigint AS minor
		FROM transactions t
		WHERE t.user_id = @user`+where+` AND `+counted+` AND t.booked_on IN (`+days+`)
		GROUP BY t.booked_on, t.currency ORDER BY t.booked_on DESC, t.currency`, args)
}

// daysOf sums up the days of a page's list, newest first. Days it may share with other pages have their sums in shared.
func daysOf(list []Transaction, shared []daySumRow) []DaySum {
	days := make([]DaySum, 0, len(list))
	for len(list) > 0 {
		n := 1
		for n < len(list) && list[n].BookedOn.Equal(list[0].BookedOn) {
			n++
		}
		days = append(days, sumsOf(list[:n], shared)...)
		list = list[n:]
	}
	return days
}

// sumsOf sums up the transactions of one day, a sum for each currency, in the order of their codes.
func sumsOf(list []Transaction, shared []daySumRow) (sums []DaySum) {
	day := list[0].BookedOn
	for _, d := range shared {
		if d.BookedOn.Equal(day) {
			sums = append(sums, DaySum{Day: day, Total: money.Amount{Minor: d.Minor, Currency: d.Currency}})
		}
	}
	if sums != nil {
		return sums
	}
	for _, t := range list {
		if !t.Counted() {
			continue
		}
		i, found := slices.BinarySearchFunc(sums, t.Amount.Currency, func(s DaySum, code string) int { return strings.Compare(s.Total.Currency, code) })
		if !found {
			sums = slices.Insert(sums, i, DaySum{Day: day, Total: money.Amount{Currency: t.Amount.Currency}})
		}
		sums[i].Total.Minor += t.Amount.Minor
	}
	return sums
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
	var accounts []accountRow
	askWith(&b, &rows, scanTransaction, transactionSelect+` AND t.id = @id`, pgx.NamedArgs{"user": who.UserID, "id": id})
	ask(&b, &accounts, accountSelect, pgx.NamedArgs{"user": who.UserID})
	if err := s.read(ctx, "a transaction", &b); err != nil {
		return Transaction{}, err
	}
	if len(rows) == 0 {
		return Transaction{}, ErrNotFound
	}
	return rows[0].transaction(accounts), nil
}
