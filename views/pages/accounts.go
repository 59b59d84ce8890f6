package pages

import (
	"time"

	"github.com/google/uuid"

	"dashtam/services/ledger"
	"dashtam/services/money"
	"dashtam/views/components"
)

// Accounts is the list of a person's accounts.
type Accounts struct {
	Accounts []ledger.Standing
	Now      time.Time
}

// answer is "Nine accounts at five banks."
func (v Accounts) answer() string {
	banks := map[uuid.UUID]bool{}
	for _, a := range v.Accounts {
		banks[a.Bank.ConnectionID] = true
	}
	counted := func(n int, noun string) string {
		if n != 1 {
			noun += "s"
		}
		return components.Words(n) + " " + noun
	}
	return components.Sentence(counted(len(v.Accounts), "account")) + " at " + counted(len(banks), "bank") + "."
}

// accountTabs are the two sides of what a person owns.
func accountTabs(here string) []components.Place {
	return []components.Place{
		{Label: "Accounts", Href: "/accounts", Here: here == "accounts"},
		{Label: "Holdings", Href: "/holdings", Here: here == "holdings"},
	}
}

// Account is one account.
type Account struct {
	ledger.Statement
	Range ledger.Range
	Now   time.Time
}

func (v Account) chart() components.ChartProps {
	p := components.ChartProps{Currency: v.Account.Balance.Currency, Now: v.Now, Height: 208}
	for _, d := range v.Days {
		p.Points = append(p.Points, components.ChartPoint{Day: d.Day, Minor: d.Balance.Minor})
	}
	if n := len(p.Points); n > 0 {
		if today := civil(v.Now); p.Points[n-1].Day.Before(today) {
			p.StaleSince = p.Points[n-1].Day
			p.Points = append(p.Points, components.ChartPoint{Day: today, Minor: v.Account.Balance.Minor})
		}
	}
	p.Points = thinned(p.Points)
	p.Label = components.ChartSentence("Balance", rangeWords[v.Range], p.Points, p.Currency, v.Now)
	return p
}

// mostPoints is how many points of a line can be told apart.
const mostPoints = 200

// thinned leaves out days of a long line, but never the last.
func thinned(points []components.ChartPoint) []components.ChartPoint {
	step := 1 + len(points)/mostPoints
	var list []components.ChartPoint
	for i := (len(points) - 1) % step; i < len(points); i += step {
		list = append(list, points[i])
	}
	return list
}

func (v Account) estimated() bool {
	for _, d := range v.Days {
		if d.Estimated {
			return true
		}
	}
	return false
}

func civil(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// kindNames are the kinds of account in words.
var kindNames = map[ledger.Kind]string{
	ledger.Checking: "Checking", ledger.Savings: "Savings", ledger.CD: "Certificate of deposit", ledger.Card: "Credit card", ledger.Mortgage: "Mortgage",
	ledger.Loan: "Loan", ledger.Brokerage: "Brokerage", ledger.Retirement: "Retirement", ledger.Other: "Other",
}

// Portfolios is what a person holds, account by account.
type Portfolios struct {
	List []ledger.Portfolio
	Now  time.Time
}

// answer is "Twelve positions in two accounts."
func (v Portfolios) answer() string {
	positions, accounts := 0, 0
	for _, p := range v.List {
		positions += len(p.Holdings)
		if len(p.Holdings) > 0 {
			accounts++
		}
	}
	if positions == 0 {
		return "Nothing held yet."
	}
	noun := func(n int, one string) string {
		if n == 1 {
			return "one " + one
		}
		return components.Words(n) + " " + one + "s"
	}
	return components.Sentence(noun(positions, "position")) + " in " + noun(accounts, "account") + "."
}

// worth is the sum of all the accounts' balances, one for each currency.
func (v Portfolios) worth() []money.Amount {
	var sums []money.Amount
	for _, p := range v.List {
		sums = addTo(sums, p.Account.Balance)
	}
	return sums
}

// gain is what a position is worth over what was paid; false when the bank did not say what that was.
func gain(h ledger.Holding) (a money.Amount, share float64, ok bool) {
	if h.CostBasis == nil || h.CostBasis.Minor == 0 {
		return a, 0, false
	}
	a = money.Amount{Minor: h.Value.Minor - h.CostBasis.Minor, Currency: h.Value.Currency}
	return a, float64(a.Minor) / float64(h.CostBasis.Minor), true
}

// unitPrice is the price of one unit, with the decimals it came with, at least two.
func unitPrice(h ledger.Holding) string {
	if h.Price == nil {
		return "not given"
	}
	return components.Price(*h.Price, h.Value.Currency)
}
