package books

import (
	"time"

	"github.com/shopspring/decimal"

	"dashtam/services/money"
)

// Customer is who the bank believes its customer is.
type Customer struct {
	ID          string // the OIDC subject; holds no colon
	First, Last string
	Email       string
}

// Account is one account as it stood at an instant. Category and Type are FDX v6's words.
type Account struct {
	ID, Category, Type string
	Product, Nickname  string
	Number             string // masked, as banks print it
	Currency           string
	Opened             time.Time

	Balance money.Amount // the sum of its posted transactions: negative is a debt; for investments, the cash part
	Pending money.Amount // the sum of its pending transactions

	CreditLine money.Amount    // credit cards
	Rate       decimal.Decimal // percent a year: savings, certificates, loans
	Original   money.Amount    // loans: what was borrowed
	Matures    time.Time       // certificates and loans
	Holdings   []Holding       // investments
	Value      money.Amount    // investments: cash and holdings at the day's prices
}

// Holding is a position in one security.
type Holding struct {
	ID, Symbol, Name, Type string // Type is FDX's: MUTUALFUND, STOCK, BOND
	Units, Price           decimal.Decimal
	Cost, Value            money.Amount // what was paid for it in all, and what it is worth
}

// Transaction is one movement. While pending it has no PostedAt and an id that its posted self does not share.
type Transaction struct {
	ID          string
	Pending     bool
	At          time.Time
	PostedAt    time.Time
	Amount      money.Amount // signed: positive came into the account
	Payee       string
	Description string
	Category    string

	Type             string // investments: FDX's transactionType, such as PURCHASED or DIVIDEND
	Symbol           string
	Units, UnitPrice decimal.Decimal
}
