package ledger_test

import (
	"slices"
	"testing"
	"time"

	"dashtam/services/ledger"
	"dashtam/services/sandbox/books"
)

var bookKinds = map[string]ledger.Kind{
	"CHECKING": ledger.Checking, "SAVINGS": ledger.Savings, "CD": ledger.CD, "CREDITCARD": ledger.Card,
	"MORTGAGE": ledger.Mortgage, "AUTOLOAN": ledger.Loan, "BROKERAGEPRODUCT": ledger.Brokerage, "IRA": ledger.Retirement,
}

// fromBooks is what the Sandbox Bank says about a customer at an instant, with the transactions since from.
func fromBooks(b *books.Books, at, from time.Time) []ledger.BankAccount {
	var accounts []ledger.BankAccount
	for _, a := range b.Accounts(at) {
		said := ledger.BankAccount{
			ExternalID: a.ID, Kind: bookKinds[a.Type], Name: "Everyday " + a.Nickname, Balance: a.Balance, BalanceAsOf: at,
			From: from, To: at,
		}
		if a.Category == books.Investment {
			said.Balance, said.Holdings = a.Value, []ledger.BankHolding{}
			for _, h := range a.Holdings {
				said.Holdings = append(said.Holdings, ledger.BankHolding{ExternalID: h.ID, Symbol: h.Symbol, Name: h.Name, Quantity: h.Units, Price: &h.Price, Value: h.Value, CostBasis: &h.Cost, AsOf: at})
			}
		}
		list, _ := b.Transactions(a.ID, at)
		for _, t := range list {
			if t.When().Before(from) {
				break
			}
			said.Transactions = append(said.Transactions, fromBook(t))
		}
		accounts = append(accounts, said)
	}
	return accounts
}

func fromBook(t books.Transaction) ledger.BankTransaction {
	said := ledger.BankTransaction{
		ExternalID: t.ID, Status: ledger.Posted, BookedOn: t.When(), HappenedAt: t.At, Amount: t.Amount,
		Payee: t.Payee, Description: t.Description, Category: t.Category,
	}
	if t.Pending {
		said.Status = ledger.Pending
	}
	if t.Type == "PURCHASED" {
		said.Kind, said.Symbol, said.Units, said.UnitPrice = ledger.Buy, t.Symbol, &t.Units, &t.UnitPrice
	}
	return said
}

// A household's three years, fetched at once and then day by day as a schedule does: nothing is lost, nothing is there
// twice, pending ones become posted, and what is in the ledger at the end is what the bank's own books say (OA-22).
//
// Break OA-22: services/ledger/merge.go: in write, do not update
func TestApply_OA22_AHouseholdDayByDay(t *testing.T) {
	b := newBundle(t)
	end := now.Add(12 * time.Hour)
	bank := books.New("nora", end)
	start := end.AddDate(0, 0, -12)
	b.apply(fromBooks(bank, start, time.Date(2023, 9, 1, 0, 0, 0, 0, time.UTC))...)
	for at := start.AddDate(0, 0, 1); !at.After(end); at = at.AddDate(0, 0, 1) {
		b.apply(fromBooks(bank, at, at.AddDate(0, 0, -10).Truncate(24*time.Hour))...)
	}

	for _, a := range bank.Accounts(end) {
		id := b.standing(a.Nickname).ID
		var got, want []string
		if err := b.service.Export(t.Context(), b.who, ledger.Query{Account: id}, func(tx ledger.Transaction) error {
			got = append(got, line(string(tx.Status), tx.BookedOn, tx.Payee, tx.Amount.Minor))
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		list, _ := bank.Transactions(a.ID, end)
		for _, tx := range list {
			said := fromBook(tx)
			want = append(want, line(string(said.Status), said.BookedOn, said.Payee, said.Amount.Minor))
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: %d transactions, the bank has %d", a.Nickname, len(got), len(want))
		}
	}
	b.balancesAgree(bank, end)
	o, err := b.service.Overview(t.Context(), b.who, ledger.All, end)
	if err != nil {
		t.Fatal(err)
	}
	var net int64
	for _, a := range bank.Accounts(end) {
		if a.Currency == "USD" && a.Category != books.Investment {
			net += a.Balance.Minor
		} else if a.Currency == "USD" {
			net += a.Value.Minor
		}
	}
	if o.Sheets[0].Net != usd(net) {
		t.Errorf("net worth %v, the bank's accounts add up to %d", o.Sheets[0].Net, net)
	}
	if own := b.count(`SELECT count(*) FROM transactions WHERE user_id = @user AND other_half IS NOT NULL`); own < 50 || own%2 != 0 {
		t.Errorf("%d halves of own transfers in three years", own)
	}
}

func line(status string, day time.Time, payee string, minor int64) string {
	return day.Format(time.DateOnly) + " " + status + " " + payee + " " + usd(minor).String()
}

// balancesAgree compares what was worked back for cash and cards with what the bank's books say of those days.
func (b *bundle) balancesAgree(bank *books.Books, end time.Time) {
	b.Helper()
	midnight := end.Truncate(24 * time.Hour)
	for _, ago := range []int{1, 2, 5, 30, 200, 364} {
		at := midnight.AddDate(0, 0, 1-ago).Add(-time.Second)
		for _, a := range bank.Accounts(at) {
			if kind := bookKinds[a.Type].Group(); kind != ledger.Cash && kind != ledger.Cards {
				continue
			}
			days := balances(b.statement(a.Nickname))
			if got := days[at.Truncate(24*time.Hour)]; got.Balance != a.Balance {
				b.Errorf("%s on %s: worked back %v, the bank had %v", a.Nickname, at.Format(time.DateOnly), got.Balance, a.Balance)
			}
		}
	}
}

// The hostile customer's texts go in, come out and can be searched (XS-1).
// Break XS-1: services/ledger/check.go: html.EscapeString around what is kept
func TestApply_XS1_TheNaughtyCustomer(t *testing.T) {
	b := newBundle(t)
	bank := books.New(books.Naughty, now)
	said := fromBooks(bank, now, day(9, 1))
	first := b.apply(said...)
	if again := b.apply(said...); again.Written != 0 {
		t.Errorf("the same again: %+v", again)
	}
	n := 0
	for _, flow := range b.page(ledger.Terms{From: "2023-01-01"}).Totals {
		n += flow.Count
	}
	if n != first.Added {
		t.Errorf("%d added, %d listed", first.Added, n)
	}
	if hits := b.list(ledger.Terms{Text: `<script>alert("payee")</script>`}); len(hits) == 0 {
		t.Error("a hostile payee is not found by its own text")
	}
}
