package pages

import (
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"dashtam/services/ledger"
	"dashtam/services/money"
	"dashtam/views/components"
)

// Overview is a person's money on one page.
type Overview struct {
	ledger.Overview
	Range ledger.Range
	Now   time.Time // in the person's zone
}

// needsYou are the banks that only the person can let us into again, each once.
func (v Overview) needsYou() []ledger.Bank {
	return v.banks(func(b ledger.Bank) bool { return b.Status == "needs_you" })
}

// ending are the banks whose permission ends within a week, each once.
func (v Overview) ending() []ledger.Bank {
	return v.banks(func(b ledger.Bank) bool {
		return b.Status == "renew" && b.ConsentEnds != nil && b.ConsentEnds.Before(v.Now.AddDate(0, 0, 7))
	})
}

// asking are the banks with accounts that count nowhere before the person says which of theirs they are, each once.
func (v Overview) asking() []ledger.Bank {
	return v.banks(func(b ledger.Bank) bool { return b.Questions > 0 && b.Status != "needs_you" })
}

func (v Overview) banks(are func(ledger.Bank) bool) (banks []ledger.Bank) {
	for _, a := range v.Accounts {
		known := func(b ledger.Bank) bool { return b.ConnectionID == a.Bank.ConnectionID }
		if are(a.Bank) && !slices.ContainsFunc(banks, known) {
			banks = append(banks, a.Bank)
		}
	}
	return banks
}

// syncing is the bank that is asked right now, empty when none is.
func (v Overview) syncing() string {
	for _, a := range v.Accounts {
		if a.Bank.Status == "syncing" {
			return a.Bank.Name
		}
	}
	return ""
}

func needsYouText(b ledger.Bank, now time.Time) string {
	return "It has not let us in since " + components.LongDate(b.StatusSince.In(now.Location()), now) + ", so what it holds is shown as it was then."
}

// rangeWords are the ranges in a sentence, rangeLabels on their links.
var (
	rangeWords  = map[ledger.Range]string{ledger.Month: "one month", ledger.ThreeMonths: "three months", ledger.SixMonths: "six months", ledger.Year: "one year", ledger.All: "all that is known"}
	rangeLabels = map[ledger.Range]string{ledger.Month: "1M", ledger.ThreeMonths: "3M", ledger.SixMonths: "6M", ledger.Year: "1Y", ledger.All: "All"}
)

func rangePlaces(current ledger.Range) []components.Place {
	var places []components.Place
	for _, r := range ledger.Ranges {
		places = append(places, components.Place{Label: rangeLabels[r], Href: "?range=" + string(r), Here: r == current})
	}
	return places
}

// changeLine says what the range brought: the figure, and in words how much that is.
func changeLine(s ledger.Sheet, now time.Time) (gain money.Amount, words string, ok bool) {
	gain, ok = s.Change()
	if !ok {
		return gain, "", false
	}
	since := components.LongDate(s.Points[0].Day, now)
	first := s.Points[0].Minor
	switch {
	case gain.Minor == 0:
		return gain, "as on " + since, true
	case first <= 0: // a share of nothing, or of a debt, says nothing
		return gain, "since " + since, true
	}
	share := float64(gain.Minor) / float64(first)
	if gain.Minor > 0 {
		return gain, components.Percent(share) + " more than on " + since, true
	}
	return gain, components.Percent(-share) + " less than on " + since, true
}

func sheetChart(s ledger.Sheet, r ledger.Range, now time.Time, height int) components.ChartProps {
	p := components.ChartProps{Currency: s.Net.Currency, Now: now, StaleSince: s.StaleSince, Height: height}
	for _, point := range s.Points {
		p.Points = append(p.Points, components.ChartPoint(point))
	}
	p.Label = components.ChartSentence("Net worth", rangeWords[r], p.Points, p.Currency, now)
	if len(s.Stale) > 0 {
		p.Label += ". Dashed since " + components.LongDate(s.StaleSince, now)
	}
	return p
}

// chartNote explains what about the line is not certain; empty when all of it is.
func chartNote(s ledger.Sheet, now time.Time) string {
	var notes []string
	if len(s.Stale) > 0 {
		var names []string
		for _, a := range s.Stale {
			names = append(names, a.Name)
		}
		verb := " is"
		if len(names) > 1 {
			verb = " are"
		}
		notes = append(notes, "Dashed: "+components.List(names)+verb+" still counted with the balance of "+components.LongDate(s.StaleSince, now)+".")
	}
	if s.Estimated {
		notes = append(notes, "Days before the first sync are worked back from transactions.")
	}
	return strings.Join(notes, " ")
}

// monthTitle is "November so far", with its currency where there are several.
func monthTitle(f ledger.Flow, now time.Time, several bool) string {
	s := now.Format("January") + " so far"
	if several {
		s += ", in " + currencyName(f.In.Currency)
	}
	return s
}

// groupNames are the headings of a balance sheet.
var groupNames = map[ledger.Group]string{ledger.Cash: "Cash", ledger.Investments: "Investments", ledger.Cards: "Cards", ledger.Loans: "Loans"}

// Assets are shown with the larger group first, so that the darkest tint is the largest share.
var sheetOrder = [...]ledger.Group{ledger.Investments, ledger.Cash, ledger.Loans, ledger.Cards}

var shareClasses = map[ledger.Group]string{ledger.Investments: "c-t1", ledger.Cash: "c-t2", ledger.Loans: "c-debt", ledger.Cards: "c-debt"}

var keyClasses = map[ledger.Group]string{ledger.Investments: "key-1", ledger.Cash: "key-2", ledger.Loans: "key-4", ledger.Cards: "key-4"}

// partsOf lists the groups of a sheet that are debts, or those that are not.
func partsOf(s ledger.Sheet, debts bool) []ledger.Group {
	var list []ledger.Group
	for _, g := range sheetOrder {
		if _, ok := s.Groups[g]; ok && g.Debt() == debts {
			list = append(list, g)
		}
	}
	return list
}

func shares(s ledger.Sheet) []components.Share {
	var list []components.Share
	for _, g := range sheetOrder {
		if total, ok := s.Groups[g]; ok {
			list = append(list, components.Share{Label: groupNames[g], Class: shareClasses[g], Minor: total.Minor})
		}
	}
	return list
}

// Names of the currencies people write out; any other is its code.
var currencyNames = map[string]string{"USD": "US dollars", "EUR": "euros", "GBP": "pounds", "JPY": "yen", "CHF": "Swiss francs", "CAD": "Canadian dollars", "AUD": "Australian dollars", "SEK": "Swedish kronor", "NOK": "Norwegian kroner", "DKK": "Danish kroner", "PLN": "złoty", "INR": "rupees"}

func currencyName(code string) string {
	if name, ok := currencyNames[code]; ok {
		return name
	}
	return code
}

// accountGroup is a heading of the list of accounts with its sums, one for each currency.
type accountGroup struct {
	Name     string
	Accounts []ledger.Standing
	Sums     []money.Amount
}

func grouped(accounts []ledger.Standing) []accountGroup {
	var groups []accountGroup
	for _, g := range ledger.Groups {
		group := accountGroup{Name: groupNames[g]}
		for _, a := range accounts {
			if a.Kind.Group() == g {
				group.Accounts = append(group.Accounts, a)
				group.Sums = addTo(group.Sums, a.Balance)
			}
		}
		if len(group.Accounts) > 0 {
			groups = append(groups, group)
		}
	}
	return groups
}

// netOf is all of the accounts together, one sum for each currency.
func netOf(accounts []ledger.Standing) []money.Amount {
	var sums []money.Amount
	for _, a := range accounts {
		sums = addTo(sums, a.Balance)
	}
	return sums
}

// addTo adds an amount to the sum of its currency.
func addTo(sums []money.Amount, a money.Amount) []money.Amount {
	for i := range sums {
		if sums[i].Currency == a.Currency {
			sums[i].Minor += a.Minor
			return sums
		}
	}
	return append(sums, a)
}

func sparkLabel(a ledger.Standing) string {
	if len(a.Spark) == 0 {
		return a.Name
	}
	from := money.Amount{Minor: a.Spark[0], Currency: a.Balance.Currency}
	return a.Name + ", last 90 days: from " + components.Whole(from) + " to " + components.Whole(a.Balance)
}

// noteworthy reports whether a row shows its connection's status: healthy is silence.
func noteworthy(status string) bool { return status != "healthy" && status != "syncing" }

// old reports whether a balance is of another day than the person expects, and is said to be.
func old(a ledger.Account, now time.Time) bool { return now.Sub(a.AsOf) > 48*time.Hour }

func accountPath(id uuid.UUID) string { return "/accounts/" + id.String() }

// lower is a category as it stands inside a line.
func lower(s string) string { return strings.ToLower(s) }

// look is how a transaction's amount is to be read.
func look(t ledger.Transaction) components.Look {
	switch {
	case t.Own, t.Kind == ledger.Buy, t.Kind == ledger.Sell, t.Kind == ledger.Reinvest:
		return components.Uncounted
	case t.Status == ledger.Pending:
		return components.Waiting
	default:
		return components.Movement
	}
}

// title is what a transaction is called: its payee, else the bank's own line.
func title(t ledger.Transaction) string {
	switch {
	case t.Payee != "":
		return t.Payee
	case t.Description != "":
		return t.Description
	case t.Symbol != "":
		return t.Symbol
	default:
		return "Without a name"
	}
}

// kindOf is a transaction's category, or what kind of movement it is where there is none.
func kindOf(t ledger.Transaction) string {
	switch {
	case t.Own:
		return "Transfer"
	case t.Category != "":
		return components.Sentence(t.Category)
	case t.Kind != "":
		return components.Sentence(t.Kind)
	default:
		return "Other"
	}
}
