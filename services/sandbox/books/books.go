package books

import (
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"dashtam/services/money"
)

// Usernames with a meaning of their own.
const (
	Naughty = "naughty" // hostile texts wherever a bank may send free text
	Empty   = "empty"   // a customer without accounts
)

// Books are one customer's accounts and everything that happened in them up to the end of a day.
type Books struct {
	Customer Customer

	seed    seed
	market  market
	ledgers []*ledger
	naughty bool
}

// New draws up the books of the customer who signs in as username, up to the end of the day (UTC) of until. They answer
// for any instant from the epoch to that midnight.
func New(username string, until time.Time) *Books {
	s := newSeed(username)
	b := &Books{seed: s, naughty: Normal(username) == Naughty}
	h := &household{seed: s, plan: newPlan(s)}
	b.Customer = h.plan.customer
	if b.naughty {
		b.Customer.First, b.Customer.Last = hostile(0), hostile(1)
	}
	if Normal(username) == Empty {
		return b
	}
	h.market = newMarket(dayNumber(until) + 1)
	b.market = h.market
	h.setUp()
	h.play(until.UTC())
	b.ledgers = h.products()
	return b
}

// CustomerOf is who the bank believes signs in as username, without drawing up their books.
func CustomerOf(username string) Customer { return New(username, epoch.Add(-day)).Customer }

// Accounts are the customer's accounts as they stand at an instant, in the bank's own order.
func (b *Books) Accounts(at time.Time) []Account {
	accounts := make([]Account, len(b.ledgers))
	for i, l := range b.ledgers {
		accounts[i] = b.account(l, i, at)
	}
	return accounts
}

// Account is one account as it stands at an instant; false when this customer has none of that id.
func (b *Books) Account(id string, at time.Time) (Account, bool) {
	for i, l := range b.ledgers {
		if l.about.ID == id {
			return b.account(l, i, at), true
		}
	}
	return Account{}, false
}

// Transactions are what happened in an account up to an instant, newest first; false when there is no such account.
func (b *Books) Transactions(id string, at time.Time) ([]Transaction, bool) {
	for _, l := range b.ledgers {
		if l.about.ID != id {
			continue
		}
		var list []Transaction
		for i, e := range l.entries {
			if e.at <= at.Unix() {
				list = append(list, b.transaction(l, i, at))
			}
		}
		slices.SortFunc(list, newestFirst)
		return list, true
	}
	return nil, false
}

func newestFirst(x, y Transaction) int {
	if c := y.When().Compare(x.When()); c != 0 {
		return c
	}
	return strings.Compare(x.ID, y.ID)
}

// When is the time that orders a transaction: when it was posted, or while pending when it was made.
func (t Transaction) When() time.Time {
	if t.Pending {
		return t.At
	}
	return t.PostedAt
}

func (b *Books) account(l *ledger, nth int, at time.Time) Account {
	a := l.about
	a.Balance = money.Amount{Currency: a.Currency}
	a.Pending = a.Balance
	for _, e := range l.entries {
		switch {
		case e.posts <= at.Unix():
			a.Balance.Minor += e.minor
		case e.at <= at.Unix():
			a.Pending.Minor += e.minor
		}
	}
	if a.Type == "CD" {
		a.Matures = certificateMatures(at)
	}
	if a.Category == Investment {
		b.value(l, &a, at)
	}
	if b.naughty {
		a.Nickname = hostile(nth + 2)
	}
	return a
}

// value fills in an investment account's holdings and worth at the close of the day before, as banks show it.
func (b *Books) value(l *ledger, a *Account, at time.Time) {
	units, cost := make([]int64, len(securities)), make([]int64, len(securities))
	for _, e := range l.entries {
		if e.units != 0 && e.posts <= at.Unix() {
			units[e.sec] += e.units
			cost[e.sec] -= e.minor
		}
	}
	a.Value = a.Balance
	for sec, s := range securities {
		if units[sec] == 0 {
			continue
		}
		price := b.price(sec, at)
		h := Holding{
			ID: b.seed.id("hld-", l.key, s.symbol), Symbol: s.symbol, Name: s.name, Type: s.kind,
			Units: decimal.New(units[sec], -4), Price: decimal.New(price, -2),
			Cost:  money.Amount{Minor: cost[sec], Currency: a.Currency},
			Value: money.Amount{Minor: worth(units[sec], price), Currency: a.Currency},
		}
		if b.naughty {
			h.Name = hostile(sec + 20)
		}
		a.Value.Minor += h.Value.Minor
		a.Holdings = append(a.Holdings, h)
	}
}

func (b *Books) price(sec int, at time.Time) int64 {
	path := b.market[sec]
	return path[min(max(dayNumber(at)-1, 0), len(path)-1)]
}

func (b *Books) transaction(l *ledger, nth int, at time.Time) Transaction {
	e := l.entries[nth]
	t := Transaction{
		Pending: e.posts > at.Unix(), At: time.Unix(e.at, 0).UTC(), Payee: e.payee, Description: e.memo, Category: e.category,
		Amount: money.Amount{Minor: e.minor, Currency: l.about.Currency}, Type: e.kind,
	}
	t.ID = l.entryID(b.seed, e, t.Pending)
	if !t.Pending {
		t.PostedAt = time.Unix(e.posts, 0).UTC()
	}
	if e.kind == "PURCHASED" || e.kind == "DIVIDEND" {
		t.Symbol = securities[e.sec].symbol
		t.Units, t.UnitPrice = decimal.New(e.units, -4), decimal.New(e.price, -2)
	}
	if b.naughty {
		t.Payee, t.Description = hostile(e.day+e.nth), hostile(e.day+e.nth+7)
	}
	return t
}
