package sandbox

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/shopspring/decimal"

	"dashtam/services/money"
	"dashtam/services/sandbox/books"
)

type fdxName struct {
	First string `json:"first"`
	Last  string `json:"last"`
}

type fdxRelation struct {
	AccountID    string `json:"accountId"`
	Relationship string `json:"relationship"`
}

type fdxCustomer struct {
	CustomerID string        `json:"customerId"`
	Name       fdxName       `json:"name"`
	Email      []string      `json:"email"`
	Accounts   []fdxRelation `json:"accounts"`
}

type fdxCurrency struct {
	Code string `json:"currencyCode"`
}

// fdxAccount is FDX v6's account, flat: the fields of its four categories that this bank fills. Amounts are JSON numbers
// written from whole minor units. A debt is a positive balance of a LIABILITY.
type fdxAccount struct {
	Category    string      `json:"accountCategory"`
	ID          string      `json:"accountId"`
	Type        string      `json:"accountType"`
	Number      string      `json:"accountNumberDisplay"`
	Product     string      `json:"productName"`
	Nickname    string      `json:"nickname"`
	Status      string      `json:"status"`
	BalanceType string      `json:"balanceType"` // ASSET or LIABILITY
	Currency    fdxCurrency `json:"currency"`
	Opened      string      `json:"accountOpenDate"`

	BalanceAsOf string      `json:"balanceAsOf,omitempty"`
	Current     json.Number `json:"currentBalance,omitempty"`
	Available   json.Number `json:"availableBalance,omitempty"`
	Credit      json.Number `json:"availableCredit,omitempty"`
	CreditLine  json.Number `json:"creditLine,omitempty"`
	Principal   json.Number `json:"principalBalance,omitempty"`
	Original    json.Number `json:"originalPrincipal,omitempty"`
	Rate        json.Number `json:"interestRate,omitempty"`
	Matures     string      `json:"maturityDate,omitempty"`

	Value    json.Number  `json:"currentValue,omitempty"`
	Cash     json.Number  `json:"availableCashBalance,omitempty"`
	Holdings []fdxHolding `json:"holdings,omitempty"`
}

type fdxHolding struct {
	ID        string      `json:"holdingId"`
	Name      string      `json:"holdingName"`
	Type      string      `json:"holdingType"`
	Symbol    string      `json:"symbol"`
	Units     json.Number `json:"units"`
	Price     json.Number `json:"currentUnitPrice"`
	PriceDate string      `json:"currentUnitPriceDate"`
	Cost      json.Number `json:"costBasis"` // of all units
	Value     json.Number `json:"marketValue"`
}

type fdxTransaction struct {
	Category    string      `json:"accountCategory"`
	ID          string      `json:"transactionId"`
	Posted      string      `json:"postedTimestamp,omitempty"`
	Happened    string      `json:"transactionTimestamp"`
	Description string      `json:"description"`
	Memo        string      `json:"debitCreditMemo"` // DEBIT or CREDIT: the sign of the amount
	Amount      json.Number `json:"amount"`
	Status      string      `json:"status"`
	Payee       string      `json:"payee"`
	About       string      `json:"category,omitempty"`

	Type      string      `json:"transactionType,omitempty"`
	Symbol    string      `json:"symbol,omitempty"`
	Units     json.Number `json:"units,omitempty"`
	UnitPrice json.Number `json:"unitPrice,omitempty"`
}

func fdxAccountOf(a books.Account, at time.Time, balances, holdings bool) fdxAccount {
	out := fdxAccount{
		Category: a.Category, ID: a.ID, Type: a.Type, Number: a.Number, Product: a.Product, Nickname: a.Nickname, Status: "OPEN",
		BalanceType: "ASSET", Currency: fdxCurrency{a.Currency}, Opened: a.Opened.Format(time.DateOnly),
	}
	if a.Category == books.Credit || a.Category == books.Loan {
		out.BalanceType = "LIABILITY"
	}
	if !balances {
		return out
	}
	out.BalanceAsOf = at.Format(time.RFC3339)
	if !a.Rate.IsZero() {
		out.Rate = number(a.Rate)
	}
	if !a.Matures.IsZero() {
		out.Matures = a.Matures.Format(time.DateOnly)
	}
	soon := sum(a.Balance, a.Pending)
	switch a.Category {
	case books.Deposit:
		out.Current, out.Available = amount(a.Balance), amount(soon)
	case books.Credit:
		out.Current, out.CreditLine, out.Credit = amount(a.Balance.Neg()), amount(a.CreditLine), amount(sum(a.CreditLine, soon))
	case books.Loan:
		out.Current, out.Principal, out.Original = amount(a.Balance.Neg()), amount(a.Balance.Neg()), amount(a.Original)
	case books.Investment:
		out.Value, out.Cash = amount(a.Value), amount(a.Balance)
		if holdings {
			out.Holdings = fdxHoldingsOf(a, at)
		}
	}
	return out
}

func fdxHoldingsOf(a books.Account, at time.Time) []fdxHolding {
	list := make([]fdxHolding, len(a.Holdings))
	for i, h := range a.Holdings {
		list[i] = fdxHolding{
			ID: h.ID, Name: h.Name, Type: h.Type, Symbol: h.Symbol, Units: number(h.Units), Price: number(h.Price),
			PriceDate: at.AddDate(0, 0, -1).Format(time.DateOnly), Cost: amount(h.Cost), Value: amount(h.Value),
		}
	}
	return list
}

func fdxTransactionOf(a books.Account, t books.Transaction) fdxTransaction {
	out := fdxTransaction{
		Category: a.Category, ID: t.ID, Happened: t.At.Format(time.RFC3339), Description: t.Description, Memo: "CREDIT",
		Amount: amount(t.Amount), Status: "POSTED", Payee: t.Payee, About: t.Category, Type: t.Type, Symbol: t.Symbol,
	}
	if t.Amount.Minor < 0 {
		out.Memo, out.Amount = "DEBIT", amount(t.Amount.Neg())
	}
	if t.Pending {
		out.Status = "PENDING"
	} else {
		out.Posted = t.PostedAt.Format(time.RFC3339)
	}
	if t.Symbol != "" {
		out.Units, out.UnitPrice = number(t.Units), number(t.UnitPrice)
	}
	return out
}

func amount(a money.Amount) json.Number { return json.Number(a.String()) }

func number(d decimal.Decimal) json.Number { return json.Number(d.String()) }

// sum adds amounts of one account, which are small and of one currency.
func sum(a, b money.Amount) money.Amount {
	return money.Amount{Minor: a.Minor + b.Minor, Currency: a.Currency}
}

// writeJSON sends v. Everything sent this way is built from values that can be encoded.
func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the reader went away: nobody is left to tell
}
