package ledger

import (
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"dashtam/services/money"
)

// Batch is what a bank said about some or all accounts of one connection, in one go.
type Batch struct {
	ConnectionID uuid.UUID
	Accounts     []BankAccount
	// Whole says that these are all the accounts the bank shows: one that is missing may have come back under another id.
	Whole bool
}

// BankAccount is one account as the bank describes it. Accounts of the connection that are not in the batch are left as
// they are, unless it is Whole.
type BankAccount struct {
	ExternalID  string
	Kind        Kind // an unknown one becomes Other
	Name        string
	Mask        string
	Balance     money.Amount // its currency is the account's
	Available   *money.Amount
	Limit       *money.Amount
	BalanceAsOf time.Time
	Closed      bool
	NumberHash  []byte // keyed hash of the whole account number; nil where the bank does not give it

	// Holdings replaces what is held. Nil leaves it alone: the bank was not asked. Empty means nothing is held any more.
	Holdings []BankHolding

	// Transactions are those of the window From..To (dates, both included), all pages of it. A zero From means that
	// transactions were not asked for. What the bank no longer reports of the window is removed, within reason: see missing.
	From, To     time.Time
	Transactions []BankTransaction
}

// BankTransaction is one movement as the bank describes it.
type BankTransaction struct {
	ExternalID  string
	ReferenceID string // FDX referenceTransactionId: the pending one this posted one follows; may be empty
	Status      Status
	BookedOn    time.Time // the date counts; for pending ones the day it happened
	HappenedAt  time.Time
	Amount      money.Amount // signed from the person's side
	Payee       string
	Description string
	Category    string
	Kind        string // investments: buy, sell, reinvest, dividend, interest, fee, deposit, withdrawal, ...
	Symbol      string
	Units       *decimal.Decimal
	UnitPrice   *decimal.Decimal
}

// BankHolding is one position as the bank describes it.
type BankHolding struct {
	ExternalID string
	Symbol     string
	Name       string
	Quantity   decimal.Decimal
	Price      *decimal.Decimal
	Value      money.Amount
	CostBasis  *money.Amount
	AsOf       time.Time
}

// Result counts what was changed. Added, Changed, Merged and Removed count transactions, as the connection's page shows
// them.
type Result struct {
	Added, Changed, Removed int
	Recognised              int      // accounts that came back under another id
	Merged                  int      // pending ones that were posted
	Kept                    int      // posted ones that the bank left out, too many to be believed
	Written                 int      // rows of any table; 0 means the bank said nothing new
	Changes                 []Change // some of them, at most 200 a window
}
