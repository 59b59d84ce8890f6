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
	Stale              []Standing             // accounts that still count with an old balance
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
	var sums []sumRow
	var recent []transactionRow
	var month []flowRow
	askStandings(&b, &accounts, who.UserID, today)
	askSums(&b, &sums, who.UserID, r, today)
	askTransactions(&b, &recent, who.UserID, Query{Limit: recentLength})
	askFlows(&b, &month, who.UserID, Query{From: monthStart(today), To: today})
	if err := s.read(ctx, "the overview", &b); err != nil {
		return Overview{}, err
	}
	o := Overview{Sheets: sheets(accounts, sums, today), Accounts: standings(accounts)}
	o.Recent, _ = pageOf(recent, recentLength)
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
func sheets(accounts []standingRow, sums []sumRow, today time.Time) []Sheet {
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
		list = append(list, sheet(currency, mine, sums, today))
	}
	slices.SortFunc(list, func(x, y Sheet) int {
		return cmp.Or(cmp.Compare(count[y.Net.Currency], count[x.Net.Currency]), cmp.Compare(x.Net.Currency, y.Net.Currency))
	})
	return list
}

func sheet(currency string, accounts []standingRow, sums []sumRow, today time.Time) Sheet {
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
			s.Stale = append(s.Stale, a.standing())
			if s.StaleSince.IsZero() || a.LastDay.Before(s.StaleSince) {
				s.StaleSince = *a.LastDay
			}
		}
	}
	s.Net.Minor = s.Assets.Minor + s.Debts.Minor
	s.Points, s.Estimated = points(currency, accounts, sums)
	if len(s.Points) > 0 {
		s.Points = append(s.Points, Point{Day: today, Minor: s.Net.Minor})
	}
	return s
}

// freshFor is how many days old a balance may be before the page says that it is old. Banks are asked every day; one
// missed day is no news.
const freshFor = 2

func (r standingRow) stale(today time.Time) bool {
	return !r.Closed && r.LastDay != nil && r.LastDay.AddDate(0, 0, freshFor).Before(today)
}
