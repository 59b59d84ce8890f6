package ledger

import (
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"dashtam/services/money"
)

// Kind is what sort of account it is. The values are those of the column accounts.kind.
type Kind string

// The kinds of account. What a bank calls anything else is Other, which counts as cash.
const (
	Checking   Kind = "checking"
	Savings    Kind = "savings"
	CD         Kind = "cd" // certificate of deposit
	Card       Kind = "card"
	Mortgage   Kind = "mortgage"
	Loan       Kind = "loan"
	Brokerage  Kind = "brokerage"
	Retirement Kind = "retirement"
	Other      Kind = "other"
)

// Group is a heading that accounts stand under, in the order of a balance sheet.
type Group string

// The groups. The first two are assets, the last two debts, whatever the sign of a single balance.
const (
	Cash        Group = "cash"
	Investments Group = "investments"
	Cards       Group = "cards"
	Loans       Group = "loans"
)

// Groups lists the groups in the order they are shown.
var Groups = [...]Group{Cash, Investments, Cards, Loans}

// Group is the heading a kind stands under.
func (k Kind) Group() Group {
	switch k {
	case Brokerage, Retirement:
		return Investments
	case Card:
		return Cards
	case Mortgage, Loan:
		return Loans
	default:
		return Cash
	}
}

// Debt reports whether the group is what a person owes.
func (g Group) Debt() bool { return g == Cards || g == Loans }

// Status is whether the bank has booked a transaction.
type Status string

// The states of a transaction. Pending ones may still change, vanish, or come back posted under another id.
const (
	Pending Status = "pending"
	Posted  Status = "posted"
)

// The kinds of transaction that move money inside one investment account: neither income nor spending, and no change
// of what the account is worth. Any other kind is for display only.
const (
	Buy      = "buy"
	Sell     = "sell"
	Reinvest = "reinvest"
)

// Bank is the connection an account came through, as far as a page about money needs it. Status and Cause are
// services/connections' codes.
type Bank struct {
	ConnectionID  uuid.UUID
	Provider      string
	Name          string
	Status        string
	Cause         string
	StatusSince   time.Time
	LastSuccessAt *time.Time
	ConsentEnds   *time.Time
	Questions     int // about accounts that do not count before the person has answered
}

// Account is one account as its bank last described it.
type Account struct {
	ID        uuid.UUID
	Kind      Kind
	Name      string // the person's own, else the bank's
	Mask      string // last digits, as the bank shows them; may be empty
	Balance   money.Amount
	Available *money.Amount // nil when the bank did not say
	Limit     *money.Amount // credit line; nil when there is none
	AsOf      time.Time     // when the balance was true
	Closed    bool
	Gone      bool // closed because the bank does not show it any more: it does not count
	Bank      Bank
}

// Transaction is one movement on an account.
type Transaction struct {
	ID          uuid.UUID
	AccountID   uuid.UUID
	AccountName string
	AccountMask string
	Status      Status
	BookedOn    time.Time // a date, at midnight UTC
	HappenedAt  time.Time
	Amount      money.Amount
	Payee       string
	Description string // the bank's own line
	Category    string
	Kind        string // investments: buy, sell, dividend, ...; otherwise empty
	Symbol      string
	Units       *decimal.Decimal
	UnitPrice   *decimal.Decimal
	Note        string
	Own         bool // half of a move between the person's own accounts: shown, not counted
}

// Counted reports whether it is income or spending: booked, and not a move inside what the person owns.
func (t Transaction) Counted() bool {
	return t.Status == Posted && !t.Own && t.Kind != Buy && t.Kind != Sell && t.Kind != Reinvest
}

// Holding is a position in an investment account.
type Holding struct {
	AccountID   uuid.UUID
	AccountName string
	Symbol      string
	Name        string
	Quantity    decimal.Decimal
	Price       *decimal.Decimal // of one unit; nil when the bank did not say
	Value       money.Amount
	CostBasis   *money.Amount // what was paid in all; nil when the bank did not say
	AsOf        time.Time
}

// BalanceDay is a balance at the end of a day, a date at midnight UTC.
type BalanceDay struct {
	Day       time.Time
	Balance   money.Amount
	Estimated bool // worked back from a later balance rather than said by the bank
}
