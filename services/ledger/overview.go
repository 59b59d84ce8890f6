package ledger

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/money"
)

// Overview is a person's money on one page.
type Overview struct {
	Sheets   []Sheet // one per currency, the one with most accounts first; they are never added up
	Accounts []Standing
	Recent   []Transaction
	Month    []Flow // so far, in the order of Sheets
}

// Sheet is the balance sheet of one currency.
type Sheet struct {
	Assets, Debts, Net money.Amount
	Groups             map[Group]money.Amount // those that have accounts
	Points             []Point                // net worth over the range, oldest first, the last one today's
	Stale              []Account              // accounts that still count with an old balance
	StaleSince         time.Time              // the day of the oldest of those; zero when there is none
	Estimated          bool                   // some points are worked back rather than said by the banks
}

// Point is a net worth at the end of a day.
type Point struct {
	Day   time.Time
	Minor int64
}

// Change is what the net worth gained over the points; false when there is nothing to compare with.
func (s Sheet) Change() (money.Amount, bool) {
	if len(s.Points) < 2 {
		return money.Amount{}, false
	}
	return money.Amount{Minor: s.Net.Minor - s.Points[0].Minor, Currency: s.Net.Currency}, true
}

// recentLength is how many transactions an Overview shows.
const recentLength = 9

// Overview reads who's overview for the range that ends today.
func (s *Service) Overview(ctx context.Context, who actor.Actor, r Range, today time.Time) (Overview, error) {
	today = date(today)
	var b pgx.Batch
	var accounts []standingRow
	var recent []transactionRow
	var month []flowRow
	first := r.first(today)
	askStandings(&b, &accounts, who.UserID, earlier(first, today.AddDate(0, 0, -sparkDays)), today)
	askTransactions(&b, &recent, who.UserID, Query{Limit: recentLength})
	askFlows(&b, &month, who.UserID, Query{From: monthStart(today), To: today})
	if err := s.read(ctx, "the overview", &b); err != nil {
		return Overview{}, err
	}
	all := make([]accountRow, len(accounts)) // recent transactions may be those of one that has ended
	for i, a := range accounts {
		all[i] = a.accountRow
	}
	accounts = slices.DeleteFunc(accounts, standingRow.ended)
	o := Overview{Sheets: sheets(accounts, first, today), Accounts: standings(accounts, today)}
	o.Recent, _ = pageOf(recent, all, recentLength)
	flows := flowsOf(month)
	for _, sheet := range o.Sheets {
		i := slices.IndexFunc(flows, func(f Flow) bool { return f.In.Currency == sheet.Net.Currency })
		if i >= 0 {
			o.Month = append(o.Month, flows[i])
		}
	}
	return o, nil
}

// sheets draws up one balance sheet per currency.
func sheets(accounts []standingRow, first, today time.Time) []Sheet {
	count := map[string]int{}
	for _, a := range accounts {
		count[a.Currency]++
	}
	var list []Sheet
	for currency := range count {
		var mine []standingRow
		for _, a := range accounts {
			if a.Currency == currency {
				mine = append(mine, a)
			}
		}
		list = append(list, sheet(currency, mine, first, today))
	}
	slices.SortFunc(list, func(x, y Sheet) int {
		return cmp.Or(cmp.Compare(count[y.Net.Currency], count[x.Net.Currency]), cmp.Compare(x.Net.Currency, y.Net.Currency))
	})
	return list
}

func sheet(currency string, accounts []standingRow, first, today time.Time) Sheet {
	zero := money.Amount{Currency: currency}
	s := Sheet{Assets: zero, Debts: zero, Net: zero, Groups: map[Group]money.Amount{}}
	for _, a := range accounts {
		group := a.Kind.Group()
		total := s.Groups[group]
		s.Groups[group] = money.Amount{Minor: total.Minor + a.BalanceMinor, Currency: currency}
		if group.Debt() {
			s.Debts.Minor += a.BalanceMinor
		} else {
			s.Assets.Minor += a.BalanceMinor
		}
		if a.stale(today) {
			s.Stale = append(s.Stale, a.account())
			s.StaleSince = earlier(s.StaleSince, date(a.BalanceAsOf.UTC()))
		}
		s.Estimated = s.Estimated || (a.Estimated != nil && *a.Estimated)
	}
	s.Net.Minor = s.Assets.Minor + s.Debts.Minor
	s.Points = points(accounts, first, today)
	return s
}

// freshFor is how many days old a balance may be before the page says that it is old. Banks are asked every day; one
// missed day is no news.
const freshFor = 2

// ended reports whether the person has disconnected the bank of this account, or the bank does not show it any more. What
// was kept is there to look things up and does not count any more: nobody knows what became of it.
func (r standingRow) ended() bool { return r.Gone || r.Status == "disconnected" }

func (r standingRow) stale(today time.Time) bool {
	return !r.Closed && date(r.BalanceAsOf.UTC()).AddDate(0, 0, freshFor).Before(today)
}

// mostPoints is how many points a line has at most, today's aside; more would not be seen.
const mostPoints = 200

// points is the sum of the accounts at the end of each day from first to today, thinned; empty when nothing is known of
// any day before today. An account whose days begin later than the line counts with its first known balance before
// that, and one whose days are over with its present one: so the line has no steps that nobody paid for.
func points(accounts []standingRow, first, today time.Time) []Point {
	var oldest time.Time
	for _, a := range accounts {
		if a.Since != nil {
			oldest = earlier(oldest, *a.Since)
		}
	}
	if oldest.IsZero() {
		return nil
	}
	if oldest.Before(first) {
		oldest = first
	}
	n := daysBetween(oldest, today)
	step := 1 + n/mostPoints
	var list []Point
	for ago := n / step * step; ago >= 0; ago -= step {
		p := Point{Day: today.AddDate(0, 0, -ago)}
		for _, a := range accounts {
			p.Minor += a.on(p.Day)
		}
		list = append(list, p)
	}
	return list
}

// earlier is the earlier of two times, of which the first may be zero: not known yet.
func earlier(x, y time.Time) time.Time {
	if x.IsZero() || y.Before(x) {
		return y
	}
	return x
}
